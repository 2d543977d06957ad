/** How a part of the local store reads and writes: one transaction in its turn, and what SQLite refuses told as a StoreError. */
import { asStoreError } from './failures.ts';
import type { Connection } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

/** @throws {StoreError} */
export async function readFrom<T>(db: Connection, body: (db: Connection) => T): Promise<T> {
  try {
    return body(db);
  } catch (error) {
    throw asStoreError(error, db.name);
  }
}

/** Everything in `body` happens, or nothing. @throws {StoreError} */
export async function writeTo<T>(db: Connection, queue: WriteQueue, body: (db: Connection) => T): Promise<T> {
  try {
    return await queue.run(() => db.transaction(body).immediate(db));
  } catch (error) {
    throw asStoreError(error, db.name);
  }
}

/**
 * As `writeTo`, but the write lock is not held until the disk has everything: only for what may come back after a power cut.
 * The log is brought into the file by a checkpoint of its own, which no writer waits for.
 *
 * @throws {StoreError}
 */
export async function removeFrom<T>(db: Connection, queue: WriteQueue, body: (db: Connection) => T): Promise<T> {
  try {
    return await queue.run(() => {
      db.pragma('synchronous = NORMAL');
      db.pragma('wal_autocheckpoint = 0');
      try {
        return body(db);
      } finally {
        db.pragma('synchronous = FULL');
        db.pragma('wal_autocheckpoint = 1000');
      }
    });
  } catch (error) {
    throw asStoreError(error, db.name);
  }
}
