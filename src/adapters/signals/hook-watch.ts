/** Hears from the kernel that `claude-failover hook` or `statusline` wrote something, so that the daemon need not wait to see it. */
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
  const ear = listen(dirname(recordPath(stateDir, 'hooks', 'any')), '.jsonl', hear, log);
  return {
    close() {
      closed.abort();
      ear.close();
    },
  };
}

/** Calls `onFigures` with the id of each session whose status line just reported figures, changed or not. */
export function watchFigures(stateDir: string, onFigures: (sessionId: string) => void, log: Logger): { close(): void } {
  return listen(dirname(recordPath(stateDir, 'quota', 'any')), '.json', onFigures, log);
}

function listen(directory: string, ending: string, hear: (sessionId: string) => void, log: Logger): { close(): void } {
  try {
    makeOwnDirectory(directory, 'daemon.state_dir');
    const watcher = watch(directory, { persistent: false }, (_event, name) => {
      const sessionId = basename(name ?? '', ending);
      if (isSessionId(sessionId)) hear(sessionId);
    });
    watcher.on('error', (err) => {
      log.warn({ err, directory }, 'the directory of session records is not watched any more');
      watcher.close();
    });
    return watcher;
  } catch (err) {
    log.warn({ err, directory }, 'the directory of session records cannot be watched');
    return { close: () => undefined };
  }
}
