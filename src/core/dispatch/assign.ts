/** Which task goes to which session: tasks in their order, each to the first session that may take it. */
import type { Candidate } from './free-session.ts';

/** A task that may start now. */
export interface Waiting {
  readonly id: string;
  /** The session that its front matter names; null: any autonomous one. */
  readonly session: string | null;
}

export interface Assignment<T extends Waiting> {
  readonly task: T;
  readonly session: string;
}

/** At most one task for a session. @param free sessions that may be given a task now */
export function assign<T extends Waiting>(tasks: readonly T[], free: readonly Candidate[]): readonly Assignment<T>[] {
  const left = new Map(
    [...free].sort((a, b) => (a.session < b.session ? -1 : 1)).map((candidate) => [candidate.session, candidate]),
  );
  const assigned: Assignment<T>[] = [];
  for (const task of tasks) {
    if (left.size === 0) break;
    const taker = [...left.values()].find((candidate) => mayTake(candidate, task));
    if (taker === undefined) continue;
    left.delete(taker.session);
    assigned.push({ task, session: taker.session });
  }
  return assigned;
}

/** A dedicated session is somebody's: it takes what names it, and only where that was allowed. */
function mayTake(candidate: Candidate, task: Waiting): boolean {
  if (task.session !== null) return task.session === candidate.session;
  return candidate.kind === 'autonomous';
}
