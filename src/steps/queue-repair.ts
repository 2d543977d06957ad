/** After a start: files and rows that a killed daemon left apart are brought together again. */
import { CLAIMED, ENDED } from '../core/queue/task.ts';
import type { EpochMs } from '../core/time.ts';
import type { ClaimFile } from '../ports/queue.ts';
import { giveBack, settleMissing } from './queue-claims.ts';
import { settleEnd } from './queue-ends.ts';
import type { QueueState } from './queue-state.ts';

const MAX_ROWS = 100_000;

/**
 * What a claim can look like after a kill, in the order of its making: only the record (nothing was taken: it goes), the
 * file as well (taken, but for no session: back into the inbox), the row as well (nothing was typed yet: back too), the
 * row further on (whoever judges sessions goes on with it), the row ended (the file follows).
 */
export async function repairClaims(state: QueueState, now: EpochMs): Promise<void> {
  const { projects } = await state.dir.projects();
  const claims = new Map<string, ClaimFile>();
  for (const project of projects) {
    await state.within(project, async () => {
      for (const claim of await state.dir.claims(project.path)) {
        const row = await state.tasks.taskByClaim(claim.claimId);
        claims.set(claim.claimId, claim);
        if (row === null) await dropClaim(state, project.path, claim);
        else if (row.status === 'claimed' && row.delivery === null) await giveBack(state, row, NOTHING_TYPED, now);
      }
    });
  }
  await settleEnds(state);
  for (const row of await state.tasks.tasks({ statuses: CLAIMED, limit: MAX_ROWS })) {
    if (claims.get(row.claimId ?? '')?.inode != null) continue;
    // A project that cannot be looked at now is looked at by the next start.
    const project = projects.find(({ path }) => path === row.project);
    // One that is being worked on may have been moved by its agent: that is judged with all else that is seen of it.
    if (project === undefined || (row.status !== 'retry_wait' && row.status !== 'claimed')) continue;
    await state.within(project, () => settleMissing(state, row, now));
  }
}

/** Moves the files of tasks that ended while that was not possible. */
export async function settleEnds(state: QueueState): Promise<void> {
  for (const row of await state.tasks.tasks({ statuses: ENDED, hasClaim: true, limit: MAX_ROWS }))
    if ((await settleEnd(state, row)) !== null) state.forgetNews((what) => what !== `end ${row.id}`);
}

const NOTHING_TYPED = 'the daemon was restarted before anything was typed';

/** A claim of this daemon of which no row knows: it was cut short before anything else was done. */
export async function dropClaim(state: QueueState, project: string, claim: ClaimFile): Promise<void> {
  const { record, stem, claimId, inode } = claim;
  if (record?.daemonId !== state.daemonId) return;
  const files = { project, stem, taskId: record.taskId, claimId, claimedAt: record.claimedAt };
  if (inode === null) await state.dir.dropClaim(files);
  else await state.dir.release(files);
}
