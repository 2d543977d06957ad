/** Carries an adoption out or takes it back, step by step along its record; killed anywhere, the next run goes on. */
import type { AdoptionRecord, AdoptionStep } from '../core/adoption/step.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { LinkError } from '../core/errors.ts';
import { SECOND } from '../core/time.ts';
import type { AdoptionJournal, Moves, SettingsVariables } from '../ports/adoption.ts';
import type { CliLocks, Clock } from '../ports.ts';

export interface AdoptionPorts {
  readonly moves: Moves;
  readonly variables: SettingsVariables;
  readonly journal: AdoptionJournal;
  readonly locks: CliLocks;
  readonly clock: Clock;
  /** Told once, when a lock of the CLI is waited for. */
  readonly onWait: (lock: string) => void;
}

export interface AdoptionOutcome {
  readonly record: AdoptionRecord;
  /** Directories that stayed although they were to be taken back: something is in them. */
  readonly left: readonly string[];
}

/** A renewal of a login takes seconds; a lock that a killed process left is taken over after a minute. */
const LOCK_BUDGET_MS = 75 * SECOND;
const LOCK_RETRY_MS = 500;

/**
 * Goes on from where the record stands, in its direction, under the CLI's locks on the directories of the login.
 *
 * @param lockHomes the directories that hold the login now or will, those of them that are there
 * @throws {LinkError} what stands on the disk is neither before nor after the next step, or the CLI holds its locks
 */
export async function carryOut(
  ports: AdoptionPorts,
  start: AdoptionRecord,
  profile: AgentProfile,
  lockHomes: readonly string[],
): Promise<AdoptionOutcome> {
  let record = start;
  const write = async (change: Partial<AdoptionRecord>): Promise<void> => {
    record = { ...record, ...change };
    await ports.journal.write(record);
  };
  await ports.locks.releaseLeftover(record.locks);
  await write({ locks: [] });
  const held = lockHomes.length === 0 ? null : await takeLocks(ports, profile, lockHomes);
  const left: string[] = [];
  const undoTo = async (end: number): Promise<void> => {
    for (; record.done > end; await write({ done: record.done - 1 })) {
      const kept = await takeBack(ports, stepAt(record, record.done - 1));
      if (kept !== null) left.push(kept);
    }
  };
  try {
    if (held !== null) await write({ locks: leftoverNames(held.locks, record) });
    if (record.direction === 'adopt') {
      for (; record.done < record.steps.length; await write({ done: record.done + 1 }))
        await take(ports, stepAt(record, record.done));
    } else await undoTo(leadingDirectories(record.steps));
  } finally {
    await held?.release();
    // Those inside the directory have moved with it.
    await ports.locks.releaseLeftover(record.locks);
  }
  // Directories that were made before all else hold nothing but the locks by now.
  if (record.direction === 'undo') await undoTo(0);
  // What was taken back has no record to be complete: it is there only until it is removed.
  await write({ locks: [], isComplete: record.direction === 'adopt' });
  return { record, left };
}

function leadingDirectories(steps: readonly AdoptionStep[]): number {
  const other = steps.findIndex(({ kind }) => kind !== 'make_directory');
  return other === -1 ? steps.length : other;
}

function stepAt(record: AdoptionRecord, index: number): AdoptionStep {
  const step = record.steps[index];
  if (step === undefined) throw new LinkError('adoption_record', `the record of ${record.pool} has no step ${index}`);
  return step;
}

async function takeLocks(ports: AdoptionPorts, profile: AgentProfile, homes: readonly string[]) {
  const startedAt = ports.clock.monotonic();
  for (let tries = 0; ; tries++) {
    const attempt = await ports.locks.acquire(profile, homes);
    if (attempt.kind === 'held') return attempt;
    if (tries === 0) ports.onWait(attempt.path);
    if (ports.clock.monotonic() - startedAt >= LOCK_BUDGET_MS)
      throw new LinkError('cli_locked', `the CLI holds ${attempt.path}: it is renewing its login`, {
        hint: 'look which process it is (claude-failover init --dry-run names them), then run the same command again',
      });
    await ports.clock.sleep(LOCK_RETRY_MS);
  }
}

/** A lock directory inside the home moves with it: after a kill it may be found under either name. */
function leftoverNames(locks: AdoptionRecord['locks'], { link, home }: AdoptionRecord): AdoptionRecord['locks'] {
  const otherName = (path: string): string | null => {
    if (path.startsWith(`${link}/`)) return home + path.slice(link.length);
    if (path.startsWith(`${home}/`)) return link + path.slice(home.length);
    return null;
  };
  return locks.flatMap((lock) => {
    const other = otherName(lock.path);
    return other === null ? [lock] : [lock, { ...lock, path: other }];
  });
}

/** Does the step, or finds it done. */
async function take({ moves, variables }: AdoptionPorts, step: AdoptionStep): Promise<void> {
  switch (step.kind) {
    case 'make_directory': {
      const { kind } = await moves.look(step.path);
      if (kind !== 'directory') await moves.makeDirectory(step.path);
      return;
    }
    case 'move': {
      const [from, to] = [await moves.look(step.from), await moves.look(step.to)];
      if (from.kind === 'nothing' && to.kind !== 'nothing') return;
      await moves.move(step.from, step.to);
      return;
    }
    case 'link': {
      const { kind, text } = await moves.look(step.path);
      if (kind !== 'link' || text !== step.target) await moves.link(step.path, step.target);
      return;
    }
    case 'set_variable': {
      if ((await variables.read(step.file, step.name)) !== step.value)
        await variables.write(step.file, step.name, step.value);
    }
  }
}

/** Takes the step back, or finds that it was. @returns the directory that stays; null: none */
async function takeBack({ moves, variables }: AdoptionPorts, step: AdoptionStep): Promise<string | null> {
  switch (step.kind) {
    case 'make_directory': {
      if ((await moves.look(step.path)).kind !== 'directory') return null;
      return (await moves.removeDirectory(step.path)) ? null : step.path;
    }
    case 'move': {
      const [from, to] = [await moves.look(step.from), await moves.look(step.to)];
      if (to.kind === 'nothing' && from.kind !== 'nothing') return null;
      await moves.move(step.to, step.from);
      return null;
    }
    case 'link': {
      if ((await moves.look(step.path)).kind !== 'nothing') await moves.unlink(step.path, step.target);
      return null;
    }
    case 'set_variable': {
      if ((await variables.read(step.file, step.name)) === step.value)
        await variables.write(step.file, step.name, null);
      return null;
    }
  }
}
