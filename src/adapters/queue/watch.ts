/** Hears that something changed in an inbox, so that a task need not wait for the next look at all of them. */
import type { Stats } from 'node:fs';
import type { FSWatcher } from 'chokidar';
import type { QueueWatch } from '../../ports/queue.ts';
import type { Clock, Logger } from '../../ports.ts';
import { inodeAt } from '../inode.ts';
import { QUEUE_DIR } from './directories.ts';

/** A flood of files is told of so often. */
const PAUSE_MS = 200;

export interface QueueWatchParts {
  /** Called a moment after a change, never twice within that moment. */
  readonly onChange: () => void;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
}

/** Watches directories, not the files in them: a thousand tasks cost no more than one. */
export async function watchQueues({ onChange, clock, log }: QueueWatchParts): Promise<QueueWatch> {
  const { watch } = await import('chokidar');
  const closed = new AbortController();
  let isPausing = false;
  const changed = (): void => {
    if (isPausing || closed.signal.aborted) return;
    isPausing = true;
    void clock.sleep(PAUSE_MS, closed.signal).then(() => {
      isPausing = false;
      if (!closed.signal.aborted) onChange();
    });
  };

  /** Path → the directory that is followed. */
  const followed = new Map<string, string>();
  const watcher: FSWatcher = watch([], {
    depth: 0,
    ignoreInitial: true,
    followSymlinks: false,
    // Files, and directories beside those that are followed.
    ignored: (path: string, stats?: Stats) => stats !== undefined && !followed.has(path),
  });
  watcher.on('raw', changed);
  watcher.on('error', (err: unknown) => log.warn({ err }, 'an inbox is not watched any more; it is looked at in turn'));

  return {
    follow(projectsDir, projects) {
      const inboxes = projects.map(({ path }) => `${path}/${QUEUE_DIR}/inbox`);
      const wanted = new Set(projectsDir === null ? inboxes : [projectsDir, ...inboxes]);
      for (const [path, inode] of followed) {
        // One that was made anew is another directory.
        if (wanted.has(path) && inodeAt(path) === inode) continue;
        watcher.unwatch(path);
        followed.delete(path);
      }
      for (const path of wanted) {
        const inode = inodeAt(path);
        if (inode === null || followed.has(path)) continue;
        followed.set(path, inode);
        watcher.add(path);
      }
    },
    async close() {
      closed.abort();
      await watcher.close();
    },
  };
}
