/** `doctor`: looks at everything the daemon depends on and says how to mend what is wrong. Changes nothing. */
import { ConfigError, problemLine } from '../core/errors.ts';
import { askDaemon, asRecord } from './daemon-client.ts';
import type { Check } from './doctor/check.ts';
import { failed, passed, warned } from './doctor/check.ts';
import { checkMachine } from './doctor/machine.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT, wantsColour } from './io.ts';
import { locate } from './locate.ts';
import { wrap } from './text.ts';

/** @returns 0, or 1 when a check failed */
export async function doctor(options: JsonOption, io: CommandIo): Promise<number> {
  const checks = [...checkMachine(process.versions.node, io.env, io.clock), ...(await checkInstallation(options, io))];
  const failures = checks.filter(({ state }) => state === 'fail').length;
  if (options.json === true) io.out(`${JSON.stringify({ ok: failures === 0, checks })}\n`);
  else {
    for (const check of checks) io.out(render(check, io));
    const warnings = checks.filter(({ state }) => state === 'warn').length;
    io.out(`\n${checks.length} checks: ${failures} failed, ${warnings} to look at\n`);
  }
  return failures === 0 ? EXIT.ok : EXIT.error;
}

async function checkInstallation(options: JsonOption, io: CommandIo): Promise<readonly Check[]> {
  const { loadOffline } = await import('./offline.ts');
  const { socket } = await locate(options, io);
  const health = await askDaemon(socket, '/health');
  const { checkDaemon, checkPlaces } = await import('./doctor/places.ts');
  const daemon = checkDaemon(health, io.version);
  let config: ReturnType<typeof loadOffline>['config'];
  try {
    config = loadOffline(options, io).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((problem) =>
      failed(
        'configuration',
        problemLine(error.file, { ...problem, hint: null }),
        problem.hint ?? 'mend this line, then: claude-failover config check',
      ),
    );
    return [...problems, ...daemon];
  }
  const warnings = config.warnings.map((problem) =>
    warned('configuration', problemLine(config.file, { ...problem, hint: null }), problem.hint ?? 'look at this line'),
  );
  const { checkAccounts } = await import('./doctor/accounts.ts');
  const { checkAgents, checkTmux } = await import('./doctor/programs.ts');
  const { checkModes } = await import('./doctor/modes.ts');
  const { checkSessions } = await import('./doctor/sessions.ts');
  const { PROFILES: profiles } = await import('../core/agents/languages.ts');
  const ownUid = process.getuid?.() ?? 0;
  const groups = await Promise.all([
    checkTmux(config, io.env, await daemonPid(socket), io.signal),
    checkAgents(
      profiles.filter((profile) => config.pools.some((pool) => pool.agent === profile.kind)),
      io.env,
    ),
    checkAccounts(config, profiles, ownUid, io.clock),
    checkModes(config, io),
    checkSessions(config, io.env, io.signal),
  ]);
  return [
    passed('configuration', config.file),
    ...warnings,
    ...groups.flat(),
    ...checkPlaces(config, ownUid),
    ...daemon,
  ];
}

async function daemonPid(socket: string): Promise<number | null> {
  const reply = await askDaemon(socket, '/status');
  const pid = reply.kind === 'answer' ? asRecord(asRecord(reply.body).daemon).pid : null;
  return typeof pid === 'number' ? pid : null;
}

const MARKS = { ok: 'ok  ', note: 'note', warn: 'WARN', fail: 'FAIL' } as const;
const COLOURS = { ok: '32', note: '2', warn: '33', fail: '1;31' } as const;

function render({ name, state, detail, fix }: Check, io: CommandIo): string {
  const line = wrap(`${MARKS[state]}  `, `${name}: ${detail}`, io.columns, '      ');
  const shown = wantsColour(io) ? `\x1b[${COLOURS[state]}m${line.slice(0, 4)}\x1b[0m${line.slice(4)}` : line;
  // Not wrapped: a command must stay in one piece to be copied.
  return fix === null ? shown : `${shown}      fix: ${fix.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')}\n`;
}
