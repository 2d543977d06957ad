/** The files by which sessions say that their task has ended. */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SignalFile } from '../../core/completion/signal.ts';
import { errorCode } from '../../core/error-code.ts';
import type { DoneSignals } from '../../ports/dispatch.ts';
import type { Logger } from '../../ports.ts';
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
      const file = await readOwnText(path, ownUid);
      if (file.kind === 'read') return file.signal;
      if (file.kind === 'missing') told.delete(path);
      else if (!told.has(path)) {
        told.add(path);
        log.warn({ path, reason: file.reason }, 'a signal file is passed over: it is no own, small, regular file');
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

type OwnText =
  | { readonly kind: 'read'; readonly signal: SignalFile }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unfit'; readonly reason: string };

/** Never follows a link, waits for a writer or reads without a bound. */
async function readOwnText(path: string, ownUid: number): Promise<OwnText> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) return { kind: 'unfit', reason: 'not_a_file' };
    if (stats.uid !== ownUid) return { kind: 'unfit', reason: 'foreign_owner' };
    if (stats.size > MAX_BYTES) return { kind: 'unfit', reason: 'too_long' };
    return { kind: 'read', signal: { at: stats.mtimeMs, text: await file.readFile('utf8') } };
  } catch (err) {
    const { code = 'unreadable' } = err as NodeJS.ErrnoException;
    return code === 'ENOENT' ? { kind: 'missing' } : { kind: 'unfit', reason: code };
  } finally {
    await file?.close().catch(() => undefined);
  }
}
