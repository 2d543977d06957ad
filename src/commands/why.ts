/** `why`: the record of one swap or one pane, explained. */
import { askDaemon, asRecord, errorOf, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { clean } from './text.ts';

/**
 * @param subject id of a swap, `last`, or a pane: its id, label or tmux session
 * @returns 0, 1 when there is no such thing, 4 when only the daemon could tell
 */
export async function why(subject: string, options: JsonOption, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  const reply = await askDaemon(socket, `/why/${encodeURIComponent(subject)}`);
  if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  if (reply.kind === 'not_running') {
    const { readOfflineSwap } = await import('./offline-records.ts');
    const found = await readOfflineSwap(subject, options, io);
    if (found === null) {
      const which = subject === 'last' ? 'no swap' : `no swap ${clean(subject)}`;
      io.err(
        `claude-failover: ${which} is stored, and panes can only be explained by the daemon, which is not running\n`,
      );
      io.err('next: claude-failover incidents lists the swaps; claude-failover run starts the daemon\n');
      return EXIT.notRunning;
    }
    io.out(options.json === true ? `${JSON.stringify(found.json)}\n` : found.text);
    return EXIT.ok;
  }
  const error = errorOf(reply.body);
  if (error !== null) {
    if (subject === 'last' && error.code === 'not_found') {
      io.err('claude-failover: there was no swap so far\n');
      return EXIT.error;
    }
    io.err(
      `claude-failover: ${clean(error.message)}: ${clean(subject)}\nnext: claude-failover incidents lists the swaps, claude-failover status the panes\n`,
    );
    return EXIT.error;
  }
  const { text, ...json } = asRecord(reply.body);
  io.out(options.json === true ? `${JSON.stringify(json)}\n` : String(text ?? ''));
  return EXIT.ok;
}
