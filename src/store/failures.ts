/** What SQLite and the file system refuse, told as a StoreError with the next step. */
import { errorCode } from '../core/error-code.ts';
import { StoreError } from '../core/errors.ts';

/** The StoreError for anything thrown while `path` was read or written; a StoreError stays as it is. */
export function asStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  const text = error instanceof Error ? error.message : String(error);
  const known = KINDS.find(({ codes }) => codes.test(code));
  if (known === undefined) return new StoreError('store_failed', `${path}: ${text}`, { cause: error });
  return new StoreError(known.code, `${path}: ${known.says} (${code})`, { hint: known.hint, cause: error });
}

/** Whether the file itself is damaged, as opposed to busy, full or out of reach. */
export function isCorruption(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(errorCode(error));
}

const KINDS: readonly { codes: RegExp; code: string; says: string; hint: string }[] = [
  {
    codes: /^SQLITE_(BUSY|LOCKED)/,
    code: 'store_locked',
    says: 'another process holds the database',
    hint: 'see who holds it: fuser -v <state_dir>/state.db',
  },
  {
    codes: /^(SQLITE_FULL|ENOSPC|EDQUOT)/,
    code: 'store_full',
    says: 'the disk is full',
    hint: 'free some space on that file system; nothing that was written is lost',
  },
  {
    codes: /^(SQLITE_(READONLY|PERM|CANTOPEN|AUTH)|EACCES|EPERM|EROFS|EEXIST|ENOTDIR|EISDIR|ELOOP)/,
    code: 'store_not_writable',
    says: 'the file or its directory cannot be opened or written',
    hint: 'check owner, mode and mount of the state directory: it must belong to the user of the daemon',
  },
  {
    codes: /^SQLITE_(CORRUPT|NOTADB)/,
    code: 'store_corrupt',
    says: 'the database is damaged',
    hint: 'restart the daemon: it sets the file aside under quarantine/ and only observes until: claude-failover recover',
  },
  {
    codes: /^(SQLITE_IOERR|EIO)/,
    code: 'store_io',
    says: 'reading or writing failed',
    hint: 'look for disk errors: journalctl -k',
  },
];
