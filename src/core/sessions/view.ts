/** A kept session as the doors show it. */
import type { EpochMs } from '../time.ts';
import { toIso } from '../time.ts';
import type { LifecycleRow } from './lifecycle.ts';
import { recent } from './restarts.ts';

export interface KeptView {
  readonly session: string;
  readonly kind: 'dedicated' | 'autonomous';
  readonly pool: string;
  readonly state: string;
  readonly cause: string;
  readonly since: string | null;
  readonly task: string | null;
  /** A task that it lost and that nobody has taken back yet. */
  readonly lost_task: string | null;
  /** The daemon made it. */
  readonly made_here: boolean;
  /** How often it was made anew within the last hour. */
  readonly restarts: number;
  readonly held_until: string | null;
  readonly crashed_at: string | null;
}

export function keptView(row: LifecycleRow, now: EpochMs): KeptView {
  return {
    session: row.session,
    kind: row.kind,
    pool: row.pool,
    state: row.state,
    cause: row.cause,
    since: toIso(row.stateSince),
    task: row.taskId,
    lost_task: row.lost?.taskId ?? null,
    made_here: row.isOurs,
    restarts: recent(row.restarts, now).length,
    held_until: row.heldUntil !== null && row.heldUntil > now ? toIso(row.heldUntil) : null,
    crashed_at: toIso(row.crashedAt),
  };
}
