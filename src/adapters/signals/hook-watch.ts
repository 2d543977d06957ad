/** Hears from the kernel that `claude-failover hook` wrote a record, so that the daemon need not wait for its next poll. */
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, Logger } from '../../ports.ts';
import { makeOwnDirectory } from '../own-directory.ts';
import { recordPath } from './own-records.ts';
import { isSessionId } from './sessions.ts';

/** The CLI may write the row of its transcript a moment after its hook ran. */
const ECHO_MS = 500;

export interface HookWatchParts {
  readonly stateDir: string;
  /** Called at every record with the id of its session, and once more a moment later. */
  readonly onRecord: (sessionId: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Where the system does not tell, nothing is called: the poll is the net. */
export function watchHooks({ stateDir, onRecord, clock, log }: HookWatchParts): { close(): void } {
  const directory = dirname(recordPath(stateDir, 'hooks', 'any'));
  const closed = new AbortController();
  const echoes = new Set<string>();
  const hear = (sessionId: string): void => {
    onRecord(sessionId);
    if (echoes.has(sessionId)) return;
    echoes.add(sessionId);
    void clock.sleep(ECHO_MS, closed.signal).then(() => {
      echoes.delete(sessionId);
      if (!closed.signal.aborted) onRecord(sessionId);
    });
  };
  try {
    makeOwnDirectory(directory, 'daemon.state_dir');
    const watcher = watch(directory, { persistent: false }, (_event, name) => {
      const sessionId = basename(name ?? '', '.jsonl');
      if (isSessionId(sessionId)) hear(sessionId);
    });
    watcher.on('error', (err) => {
      log.warn({ err, directory }, 'the directory of hook records is not watched any more');
      watcher.close();
    });
    closed.signal.addEventListener('abort', () => watcher.close());
  } catch (err) {
    log.warn({ err, directory }, 'the directory of hook records cannot be watched');
  }
  return { close: () => closed.abort() };
}
