/** `status`: how things stand, from the daemon; without one, what the database and the links say. */
import type { StatusView } from '../core/status.ts';
import type { DaemonReply } from './daemon-client.ts';
import { askDaemon, expectAnswer, NEXT_SILENT } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT, wantsColour } from './io.ts';
import type { Places } from './locate.ts';
import { locate } from './locate.ts';
import { renderStatus } from './status-text.ts';

export interface StatusOptions extends JsonOption {
  readonly watch?: boolean;
}

const WATCH_INTERVAL_MS = 2_000;

/** @returns 0 when there was an answer, from wherever; 4 when there is neither a daemon nor a database */
export async function status(options: StatusOptions, io: CommandIo): Promise<number> {
  if (options.watch !== true) return once(options, io);
  let code: number = EXIT.ok;
  while (!io.signal.aborted) {
    if (wantsColour(io)) io.out('\x1b[H\x1b[2J');
    code = await once(options, io);
    if (options.json !== true) io.out('\n');
    await io.clock.sleep(WATCH_INTERVAL_MS, io.signal);
  }
  return code;
}

async function once(options: StatusOptions, io: CommandIo): Promise<number> {
  const places = await locate(options, io);
  const reply = await askDaemon(places.socket, '/status');
  const view =
    reply.kind === 'answer' ? expectAnswer<StatusView>(reply, KEYS) : await offline(options, places, reply, io);
  if (view === null) return EXIT.notRunning;
  if (options.json === true) io.out(`${JSON.stringify(view)}\n`);
  else
    io.out(
      renderStatus(view, {
        now: io.clock.now(),
        zone: io.clock.zone(),
        columns: io.columns,
        isTTY: io.isTTY,
        colour: wantsColour(io),
        isSilent: reply.kind === 'no_answer',
      }),
    );
  return EXIT.ok;
}

const KEYS = ['status', 'reasons', 'daemon', 'pools', 'accounts', 'sessions', 'attention'] as const;

/** Loads the schema and the database: slower, and only needed when nobody answers. */
async function offline(
  options: StatusOptions,
  places: Places,
  reply: Exclude<DaemonReply, { kind: 'answer' }>,
  io: CommandIo,
): Promise<StatusView | null> {
  const { readOfflineStatus } = await import('./offline.ts');
  const isSilent = reply.kind === 'no_answer';
  const what = isSilent ? `the daemon does not answer (${reply.reason})` : 'the daemon is not running';
  const next = isSilent ? NEXT_SILENT : 'start it: claude-failover run';
  const found = await readOfflineStatus(options, io).catch((error: unknown) => {
    // Without a configuration there is nothing to start, and what is thrown says what to do.
    io.err(`claude-failover: ${what}\n${places.file === null ? '' : `next: ${next}\n`}`);
    throw error;
  });
  if (found.kind === 'absent') {
    io.err(`claude-failover: ${what}, and there is nothing to read without it: ${found.reason}\nnext: ${next}\n`);
    return null;
  }
  io.err(`${what}; this is read from ${places.stateDir} and the links\nnext: ${next}\n`);
  return found.view;
}
