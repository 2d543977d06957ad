/** The table of single values, the schema version among them. */
import type { Connection } from './sqlite.ts';
import { select, upsert } from './sqlite.ts';

export const SCHEMA_VERSION_KEY = 'schema_version';

/** The oldest schema version whose program can go on with this database. */
export const OPENS_WITH_KEY = 'opens_with';

/** Holds the reason while the daemon must only observe until `recover`. */
export const OBSERVE_KEY = 'observe_until_recover';

/** Names this state directory in claims that several daemons may see. */
export const DAEMON_ID_KEY = 'daemon_id';

const PROBE_KEY = 'probe';

export function readMeta(db: Connection, key: string): string | null {
  return select(db, 'meta', 'where key = ?', [key])[0]?.value ?? null;
}

/** Null removes the key. */
export function writeMeta(db: Connection, key: string, value: string | null): void {
  if (value === null) db.prepare('delete from meta where key = ?').run(key);
  else upsert(db, 'meta', 'key', [{ key, value }]);
}

/** Changes one cell for certain, so that a commit has something to bring to the disk. */
export function touchProbe(db: Connection): void {
  writeMeta(db, PROBE_KEY, readMeta(db, PROBE_KEY) === '1' ? '0' : '1');
}
