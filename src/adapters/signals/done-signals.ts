/** The files by which sessions say that their task has ended. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DoneSignals } from '../../ports/dispatch.ts';
import type { Logger } from '../../ports.ts';
import { readOwnFile } from '../accounts/own-file.ts';
import { errorCode } from '../accounts/system-error.ts';
import { makeOwnDirectory } from '../own-directory.ts';

export interface DoneSignalParts {
  /** `watcher.done_signal_dir`; made when it is missing. */
  readonly directory: string;
  readonly ownUid: number;
  readonly log: Logger;
}

const MAX_BYTES = 64 * 1024;

/** @throws {FatalError} the directory cannot be made or used */
export function createDoneSignals({ directory, ownUid, log }: DoneSignalParts): DoneSignals {
  makeOwnDirectory(directory, 'watcher.done_signal_dir');
  /** Files that were passed over, so that each is told once. */
  const told = new Set<string>();
  const pathOf = (session: string): string => {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(session)) throw new Error(`not a session of ours: ${session}`);
    return join(directory, `agent-done-${session}`);
  };

  return {
    pathOf,
    async read(session) {
      const path = pathOf(session);
      const file = await readOwnFile(path, ownUid, MAX_BYTES).catch(() => null);
      if (file?.kind === 'file') return { at: file.stats.mtimeMs, text: file.text };
      if (file?.kind === 'missing') told.delete(path);
      else if (!told.has(path)) {
        told.add(path);
        log.warn(
          { path, what: file?.kind ?? 'unreadable' },
          'a signal file is passed over: it is no own, small, regular file',
        );
      }
      return null;
    },
    async consume(session) {
      try {
        await rm(pathOf(session));
        return true;
      } catch (err) {
        if (errorCode(err) !== 'ENOENT') log.warn({ session, err }, 'a signal file could not be removed');
        return false;
      }
    },
    async watch(onChange) {
      const { watch } = await import('chokidar');
      const watcher = watch(directory, { ignoreInitial: true, depth: 0, followSymlinks: false, persistent: false });
      watcher.on('all', () => onChange());
      watcher.on('error', (err) => log.warn({ err, directory }, 'the directory of signal files is not watched'));
      return watcher;
    },
  };
}
