/** `sessions`: the agents in their panes with the account each counts on, the sessions that are kept, and ending claims. */

import { counted } from '../core/counted.ts';
import type { KeptView } from '../core/sessions/view.ts';
import { keptView } from '../core/sessions/view.ts';
import type { StatusView } from '../core/status.ts';
import { formatDuration, SECOND } from '../core/time.ts';
import type { TerminateAnswer } from '../ports/daemon.ts';
import { askDaemon, errorOf, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { KEPT_HEAD, keptLine } from './kept-lines.ts';
import { locate } from './locate.ts';
import { clean, table } from './text.ts';

type SessionView = StatusView['sessions'][number];

/** @returns 0; 4 when there is neither a daemon nor a database */
export async function listSessions(options: JsonOption, io: CommandIo): Promise<number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, '/sessions');
  let sessions: readonly SessionView[];
  let kept: readonly KeptView[];
  if (reply.kind === 'answer') {
    sessions = expectAnswer<{ sessions: readonly SessionView[] }>(reply, ['sessions']).sessions;
    const answer = await askDaemon(socket, '/kept');
    if (answer.kind !== 'answer') return reportNoDaemon(answer, io);
    kept = expectAnswer<{ kept: readonly KeptView[] }>(answer, ['kept']).kept;
  } else if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  else {
    const { loadOffline, readOfflineStatus, withStore } = await import('./offline.ts');
    const offline = await readOfflineStatus(options, io);
    if (offline.kind === 'absent') return reportNoDaemon(reply, io);
    io.err(`the daemon is not running; this is read from ${stateDir}\n`);
    sessions = offline.view.sessions;
    const rows = await withStore(loadOffline(options, io), (store) => store.lifecycles());
    kept = 'kind' in rows ? [] : rows.map((row) => keptView(row, io.clock.now()));
  }
  if (options.json === true) {
    io.out(`${JSON.stringify({ sessions, kept })}\n`);
    return EXIT.ok;
  }
  if (sessions.length === 0) io.err('no pane with an agent\n');
  else io.out(table([HEAD, ...sessions.map((session) => sessionLine(session, io))], io.columns, ''));
  if (kept.length > 0) io.out(`\n${table([KEPT_HEAD, ...kept.map((row) => keptLine(row, io))], io.columns, '')}`);
  return EXIT.ok;
}

/** Ends every claim of the session on every account; its agent goes on. @returns 0 done, 1 an error, 2 no such session, 4 daemon not running */
export async function terminateSession(name: string, options: JsonOption, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  if (name.trim() === '') {
    io.err('claude-failover: the name of the session is empty\nnext: claude-failover sessions names them\n');
    return EXIT.usage;
  }
  const reply = await askDaemon(socket, `/sessions/${encodeURIComponent(name)}/terminate`, { body: {} });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) {
    io.err(`claude-failover: ${clean(error.message)}\nnext: claude-failover sessions names them\n`);
    return error.code === 'not_found' ? EXIT.usage : EXIT.error;
  }
  const answer = expectAnswer<TerminateAnswer>(reply, ['released', 'running']);
  if (options.json === true) io.out(`${JSON.stringify(answer)}\n`);
  else {
    io.err(`${counted(answer.released, 'lease')} of ${clean(name)} ended\n`);
    if (answer.running.length > 0)
      io.err(`still running: ${clean(answer.running.join(', '))}; what runs takes its lease again within moments\n`);
  }
  return EXIT.ok;
}

const HEAD = ['SESSION', 'PANE', 'POOL', 'AGENT', 'STATE', 'SINCE', 'ACCOUNT'];

function sessionLine(
  { session, pane, pool, agent, version, state, since, lease }: SessionView,
  io: CommandIo,
): string[] {
  const sinceMs = since === null ? null : io.clock.now() - Date.parse(since);
  const age = sinceMs === null ? '-' : sinceMs < SECOND ? 'now' : formatDuration(sinceMs);
  return [session, pane, pool ?? '-', version === null ? agent : `${agent} ${version}`, state, age, lease ?? '-'];
}
