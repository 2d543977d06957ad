/** One round of the janitor: the files of every queue, stale claims, and what is left over in the state directory. */
import type { Config } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { QueueError } from '../core/errors.ts';
import { isStaleClaim } from '../core/janitor/claims.ts';
import type { JanitorAction, QueueFile } from '../core/janitor/plan.ts';
import { planQueue } from '../core/janitor/plan.ts';
import type { Housekeeping, JanitorNote } from '../ports/janitor.ts';
import type { LifecycleStore } from '../ports/lifecycle.ts';
import type { QueueDir, QueueProject, TaskReads } from '../ports/queue.ts';
import type { AccountLink, Clock, LocalStore, Logger } from '../ports.ts';

export interface TidyPorts {
  readonly house: Housekeeping;
  readonly queueDir: Pick<QueueDir, 'projects' | 'claims' | 'release'>;
  readonly tasks: Pick<TaskReads, 'taskByClaim'>;
  readonly lifecycles: Pick<LifecycleStore, 'pruneCheckpoints'>;
  readonly link: Pick<AccountLink, 'sweepLeftovers'>;
  readonly local: Pick<LocalStore, 'append'>;
  readonly clock: Clock;
  readonly profiles: readonly AgentProfile[];
  /** How this daemon calls itself in its claims. */
  readonly daemonId: () => Promise<string | null>;
}

/** What one round may do; the rest waits for the next one. */
const MOST_ACTIONS = 1000;

export interface Round {
  readonly notes: readonly JanitorNote[];
  /** There is more. */
  readonly isUnfinished: boolean;
}

/** @param dryRun nothing is changed: the notes say what would be */
export async function tidyUp(
  ports: TidyPorts,
  config: Config,
  dryRun: boolean,
  signal: AbortSignal,
  log: Logger,
): Promise<Round> {
  const notes: JanitorNote[] = [];
  const now = ports.clock.now();
  const isOver = (): boolean => notes.length >= MOST_ACTIONS || signal.aborted;
  const did = async (note: JanitorNote): Promise<void> => {
    notes.push(note);
    if (dryRun) return;
    const { action, path, to, reason } = note;
    log.info({ action, path, to, reason }, 'tidied up');
    const data = { detail: `${WORDS[action]} ${path}: ${reason}`, action, path, ...(to === null ? {} : { to }) };
    await ports.local.append([{ type: 'janitor_acted', data }], ports.clock.now());
  };
  /** A queue that cannot be tidied up must not hold up the others. */
  const attempt = async (path: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (err) {
      if (!(err instanceof QueueError)) throw err;
      log.warn({ path, err }, 'it could not be tidied up');
    }
  };

  let projects: readonly QueueProject[] = [];
  await attempt('dispatcher.projects_dir', async () => {
    projects = (await ports.queueDir.projects()).projects;
  });
  const ownId = await ports.daemonId();
  for (const { path: project } of projects) {
    if (isOver()) break;
    await attempt(project, async () => {
      for (const action of planQueue(await ports.house.files(project), config.janitor, now)) {
        if (isOver()) return;
        if (dryRun || (await ports.house.carryOut(project, action)) === 'done') await did(noteOf(project, action));
      }
      for (const { stem, claimId, path, record, heartbeatAt, inode } of await ports.queueDir.claims(project)) {
        if (isOver() || ownId === null || inode === null) continue;
        const isOurs = (await ports.tasks.taskByClaim(claimId)) !== null;
        const claim = { claimId, daemonId: record?.daemonId ?? null, heartbeatAt };
        if (!isStaleClaim(claim, ownId, isOurs, config.janitor.claimedStaleAfterMs, now)) continue;
        const files = { project, stem, taskId: record?.taskId ?? stem, claimId, claimedAt: record?.claimedAt ?? null };
        const to = dryRun ? `${project}/.agent-queue/inbox/${stem}.md` : await ports.queueDir.release(files);
        // A task of this name waits there: the claim stays until that one is gone.
        if (to === null) continue;
        const reason = `daemon ${record?.daemonId ?? 'unknown'} gave no sign of life for long`;
        await did({ action: 'requeue', project, path, to, reason });
      }
    });
  }
  const { watcher, janitor, checkpoint } = config;
  const terms = { signalDir: watcher.doneSignalDir, signalTtlMs: janitor.signalTtlMs, now };
  for (const leftover of await ports.house.leftovers(terms)) {
    if (isOver()) break;
    await attempt(leftover.path, async () => {
      if (dryRun || (await ports.house.remove(leftover)) === 'done')
        await did({ action: 'delete', project: null, to: null, ...leftover });
    });
  }
  if (!dryRun && !signal.aborted) {
    const pruned = await ports.lifecycles.pruneCheckpoints(checkpoint.keep, now - janitor.failedKeepMs);
    if (pruned > 0) await did(forgotten('checkpoints', pruned));
    for (const { link } of config.pools) {
      const swept = await ports.link.sweepLeftovers(link);
      if (swept > 0) await did(forgotten(`${link}.tmp.*`, swept));
    }
  }
  return { notes, isUnfinished: notes.length >= MOST_ACTIONS };
}

const WORDS = { delete: 'deleted', archive: 'archived', requeue: 'put back', forget: 'forgot' } as const;

function forgotten(path: string, count: number): JanitorNote {
  return { action: 'forget', project: null, path, to: null, reason: `${count} left over` };
}

function noteOf(project: string, { kind, file, month, reason }: JanitorAction): JanitorNote {
  const root = `${project}/.agent-queue`;
  const to = month === null ? null : `${root}/archive/${month}/${file.name}`;
  return { action: kind, project, path: `${root}/${placeOf(file)}/${file.name}`, to, reason };
}

function placeOf({ place, month }: QueueFile): string {
  return month === null ? place : `${place}/${month}`;
}
