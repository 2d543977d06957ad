/** `recover`: asks the daemon to verify its pools and to act again where all is well. */
import type { RecoverAnswer } from '../ports/daemon.ts';
import { askDaemon, asRecord, errorOf, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { clean, wrap } from './text.ts';

export interface RecoverOptions extends JsonOption {
  readonly pool?: string;
}

/** Homes are looked at three times over a second when a file cannot be read. */
const TIMEOUT_MS = 60_000;

/** @returns 0 when every pool is in order, 1 when one is not, 2 when there is no such pool, 4 without a daemon */
export async function recover(options: RecoverOptions, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  const body = options.pool === undefined ? {} : { pool: options.pool };
  const reply = await askDaemon(socket, '/recover', { body, timeoutMs: TIMEOUT_MS });
  if (reply.kind === 'not_running') {
    io.err(
      `claude-failover: the daemon is not running (${reply.reason})\nnext: start it, it verifies links, homes and database at start: claude-failover run\n`,
    );
    return EXIT.notRunning;
  }
  if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) {
    io.err(`claude-failover: ${clean(error.message)}\nnext: claude-failover status names the pools\n`);
    return error.code === 'unknown_pool' ? EXIT.usage : EXIT.error;
  }
  const pools = asRecord(reply.body).pools;
  const answers: readonly RecoverAnswer[] = Array.isArray(pools) ? pools : [];
  if (options.json === true) io.out(`${JSON.stringify({ pools: answers })}\n`);
  else
    for (const { pool, ok, detail } of answers)
      io.out(wrap(`${ok ? 'ok  ' : 'FAIL'}  ${clean(pool)}: `, detail, io.columns, '      '));
  return answers.every(({ ok }) => ok) ? EXIT.ok : EXIT.error;
}
