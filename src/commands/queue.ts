/** `queue`: how many tasks wait, run and have ended, and which inboxes are looked at. */
import type { QueueView } from '../core/queue/view.ts';
import { countWords } from '../core/queue/view.ts';
import type { StatusView } from '../core/status.ts';
import { formatDuration } from '../core/time.ts';
import { askDaemon, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { wrap } from './text.ts';

/** @returns 0; 4 when there is neither a daemon nor a database */
export async function showQueue(options: JsonOption, io: CommandIo): Promise<number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, '/status');
  let queue: QueueView | null;
  if (reply.kind === 'answer') queue = expectAnswer<StatusView>(reply, ['queue']).queue;
  else if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  else {
    const { readOfflineQueue } = await import('./offline-tasks.ts');
    queue = await readOfflineQueue(options, io);
    if (queue === null) return reportNoDaemon(reply, io);
    io.err(`the daemon is not running; this is read from ${stateDir}\n`);
  }
  if (options.json === true) io.out(`${JSON.stringify({ queue })}\n`);
  else if (queue === null) io.err('the inboxes have not been looked at yet\n');
  else io.out(pageOf(queue, io));
  return EXIT.ok;
}

function pageOf(queue: QueueView, io: CommandIo): string {
  const width = io.isTTY ? io.columns : Number.POSITIVE_INFINITY;
  const lines = [`${countWords(queue.by_status)}\n`];
  if (!queue.enabled) lines.push('  ! dispatcher.enabled is false: nothing is given out\n');
  for (const { pool, reason } of queue.enabled ? queue.held : [])
    lines.push(wrap('  ! ', `pool ${pool} gets nothing now: ${reason}`, width, '    '));
  if (queue.oldest_s !== null)
    lines.push(`  the oldest that waits was written ${formatDuration(queue.oldest_s * 1000)} ago\n`);
  for (const { name, ignored } of queue.projects) {
    const left = ignored.length === 0 ? '' : ` (not touched: ${ignored.join(', ')})`;
    lines.push(wrap('  ', `${name}${left}`, width, '    '));
  }
  if (queue.projects.length === 0) lines.push('  no project has an .agent-queue/inbox in dispatcher.projects_dir\n');
  for (const { project, detail, refused } of queue.flaws)
    lines.push(
      wrap(
        '  ! ',
        `${project === '' ? '' : `${project}: `}${detail}${refused ? '' : ' (used all the same)'}`,
        width,
        '    ',
      ),
    );
  return lines.join('');
}
