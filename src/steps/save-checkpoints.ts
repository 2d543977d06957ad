/** Keeps what working sessions show, for whoever goes on with their tasks. */

import { keptLines } from '../core/sessions/checkpoint.ts';
import type { EpochMs } from '../core/time.ts';
import type { LifecycleStore, SessionMaker } from '../ports/lifecycle.ts';
import type { Clock, LocalStore, TickContext } from '../ports.ts';

export interface CheckpointPorts {
  readonly lifecycles: LifecycleStore;
  readonly local: Pick<LocalStore, 'append'>;
  readonly maker: Pick<SessionMaker, 'tail'>;
  readonly clock: Clock;
}

/** When each session's work was last kept, and whether that failed. */
export type CheckpointMemory = Map<string, { readonly at: EpochMs; readonly failed: boolean }>;

export async function saveCheckpoints(
  ports: CheckpointPorts,
  memory: CheckpointMemory,
  { config, signal, log }: TickContext,
): Promise<void> {
  const { enabled, intervalMs, keep, lines } = config.checkpoint;
  if (!enabled) return;
  for (const row of await ports.lifecycles.lifecycles()) {
    if (row.taskId === null || row.pane === null || !AT_WORK.has(row.state)) {
      memory.delete(row.session);
      continue;
    }
    const now = ports.clock.now();
    const last = memory.get(row.session);
    if (last !== undefined && Math.abs(now - last.at) < intervalMs) continue;
    const tail = await ports.maker.tail(row.pane, lines, signal);
    if (signal.aborted) return;
    memory.set(row.session, { at: now, failed: tail === null });
    if (tail !== null) {
      const { cwd, hash, text } = tail;
      const kept = { session: row.session, at: now, taskId: row.taskId, cwd, hash, lines: keptLines(text, lines) };
      await ports.lifecycles.saveCheckpoint(kept, keep);
    } else if (last?.failed !== true) {
      const detail = 'its screen could not be read';
      log.warn({ session: row.session, task: row.taskId, detail }, 'no checkpoint could be kept');
      const { pool, session, taskId: task } = row;
      await ports.local.append([{ type: 'checkpoint_failed', pool, session, data: { detail, task } }], now);
    }
  }
}

const AT_WORK: ReadonlySet<string> = new Set(['working', 'stalled', 'blocked']);
