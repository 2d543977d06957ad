/** The table of checkpoints: what was last seen of work under way. */
import type { Checkpoint } from '../core/sessions/checkpoint.ts';
import type { EpochMs } from '../core/time.ts';
import { wholeMs } from './instant.ts';
import type { CheckpointTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select } from './sqlite.ts';

/** Writes one, and forgets all but the newest `keep` of its session. One that shows what the last one showed only renews it. */
export function insertCheckpoint(db: Connection, checkpoint: Checkpoint, keep: number): void {
  const { session, at, taskId, cwd, lines, hash } = checkpoint;
  const last = select(db, 'checkpoints', 'where session_name = ? order by id desc limit 1', [session])[0];
  if (last !== undefined && last.hash === hash && last.task_id === taskId) {
    db.prepare('update checkpoints set at = ? where id = ?').run(wholeMs(at), last.id);
    return;
  }
  db.prepare('insert into checkpoints (session_name, at, task_id, cwd, lines, hash) values (?, ?, ?, ?, ?, ?)').run(
    session,
    wholeMs(at),
    taskId,
    cwd,
    lines,
    hash,
  );
  forgetBeyond(db, keep, session);
}

/** Newest first. */
export function readCheckpoints(
  db: Connection,
  { session, taskId, limit }: { readonly session?: string; readonly taskId?: string; readonly limit: number },
): readonly Checkpoint[] {
  const terms = [
    ...(session === undefined ? [] : [['session_name = ?', session] as const]),
    ...(taskId === undefined ? [] : [['task_id = ?', taskId] as const]),
  ];
  const where = terms.length === 0 ? '' : `where ${terms.map(([term]) => term).join(' and ')}`;
  const values = [...terms.map(([, value]) => value), limit];
  return select(db, 'checkpoints', `${where} order by at desc, id desc limit ?`, values).map(toCheckpoint);
}

/** @returns how many were removed */
export function pruneCheckpoints(db: Connection, keep: number, beforeAt: EpochMs): number {
  const sessions = db.prepare<[], string>('select distinct session_name from checkpoints').pluck().all();
  const beyond = sessions.reduce((total, session) => total + forgetBeyond(db, keep, session), 0);
  return beyond + db.prepare('delete from checkpoints where at < ?').run(wholeMs(beforeAt)).changes;
}

function forgetBeyond(db: Connection, keep: number, session: string): number {
  return db
    .prepare(
      `delete from checkpoints where session_name = ? and id not in
        (select id from checkpoints where session_name = ? order by id desc limit ?)`,
    )
    .run(session, session, keep).changes;
}

function toCheckpoint(row: CheckpointTable): Checkpoint {
  const { session_name: session, at, task_id: taskId, cwd, lines, hash } = row;
  return { session, at, taskId, cwd, lines, hash };
}
