/** `pause` and `resume`: through the daemon, and by the file in the state directory when it does not answer. */
import { mkdirSync } from 'node:fs';
import { createKillSwitch } from '../adapters/kill-switch.ts';
import { askDaemon, errorOf } from './daemon-client.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';

/** Stops every automatic action; looking and telling go on. Works without the daemon. @returns 0 */
export async function pause(reason: string | undefined, options: GlobalOptions, io: CommandIo): Promise<number> {
  const words =
    (reason ?? '')
      .replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
      .trim()
      .slice(0, 200) || 'paused by hand';
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, '/pause', { body: { reason: words } });
  if (reply.kind === 'answer' && errorOf(reply.body) === null) {
    io.err(`paused: nothing is swapped or typed until: claude-failover resume\n`);
    return EXIT.ok;
  }
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  await createKillSwitch(stateDir).pause(words);
  const state = reply.kind === 'not_running' ? 'the daemon is not running' : 'the daemon did not answer';
  io.err(`paused by the file ${stateDir}/pause (${state}); it acts again after: claude-failover resume\n`);
  return EXIT.ok;
}

/** @returns 0 */
export async function resume(options: GlobalOptions, io: CommandIo): Promise<number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, '/resume', { body: {} });
  if (reply.kind === 'answer' && errorOf(reply.body) === null) {
    io.err('resumed\n');
    return EXIT.ok;
  }
  await createKillSwitch(stateDir).resume();
  const state = reply.kind === 'not_running' ? 'the daemon is not running' : 'the daemon did not answer';
  io.err(`the file ${stateDir}/pause is gone (${state})\n`);
  return EXIT.ok;
}
