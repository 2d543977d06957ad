/** `accounts reset-quota`: forgets what is written down of an account's use. */
import { askDaemon, errorOf, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';

/** @returns 0, 1 when there is no such account, 4 without a daemon */
export async function resetQuota(account: string, options: GlobalOptions, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  const path = `/accounts/${encodeURIComponent(account)}/reset-quota`;
  const reply = await askDaemon(socket, path, { body: { by: 'command line' } });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) {
    io.err(`claude-failover: ${account}: ${error.message}\nnext: claude-failover status\n`);
    return EXIT.error;
  }
  io.err(`the use of ${account} is set back; a limit that still holds is seen again\n`);
  return EXIT.ok;
}
