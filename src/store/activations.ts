/** The table of activations: which account of a pool was the active one, from when on. */
import type { Activation } from '../core/swap/swap.ts';
import { wholeMs } from './instant.ts';
import type { Connection } from './sqlite.ts';
import { insert, select } from './sqlite.ts';

export function insertActivation(db: Connection, { pool, account, since, cause }: Activation): void {
  insert(db, 'activations', { pool, account, since: wholeMs(since), cause });
}

/** Newest first. */
export function readActivations(db: Connection, pool: string, limit: number): readonly Activation[] {
  const rows = select(db, 'activations', 'where pool = ? order by since desc, id desc limit ?', [pool, limit]);
  return rows.map(({ id: _, ...row }) => ({ ...row, cause: row.cause as Activation['cause'] }));
}
