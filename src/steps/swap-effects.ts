/** The effects of a swap, one by one: what each entry of the state machine's lists does to the world and writes down. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { LinkError } from '../core/errors.ts';
import type { NewEvent } from '../core/events.ts';
import { decisionChain } from '../core/quota/chain.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import { isEligible } from '../core/quota/eligibility.ts';
import type { Decision } from '../core/quota/policy.ts';
import { purposeOf, retryDelayMs } from '../core/quota/policy.ts';
import type { SwitchEffect } from '../core/swap/machine.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { SwapRequest } from '../core/swap/request.ts';
import type { IncidentStep, SwapRow } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import { SECOND } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { Stopping } from '../ports/stopping.ts';
import type { CliLocks, Clock, LockAttempt, SharedEntries, TickContext } from '../ports.ts';
import { swapPolicyOf } from './config-policy.ts';
import { readFlags, setFlags } from './pool-flags.ts';
import type { PoolReaders } from './read-pool.ts';
import { filesOf, placeOf, readAccount } from './read-pool.ts';
import { consume, newRecovery } from './recover-panes.ts';
import { isBackground, nameOf, usersOfLink } from './stop-first.ts';

export interface SwapPorts extends PoolReaders {
  readonly stopping: Stopping;
  readonly locks: CliLocks;
  readonly sharedEntries: SharedEntries;
  /** Homes that do not share their sessions are accepted. */
  readonly allowUnshared: boolean;
  readonly clock: Clock;
}

/** How long the CLI may keep its locks before the swap is postponed. */
const LOCK_BUDGET_MS = 12 * SECOND;
const LOCK_RETRY_MS = 250;
/** Locks older than this are not flipped under: the CLI waits for them, and a machine that slept may have lost them. */
const LOCK_TRUST_MS = 800;
/** On a slow machine the last look alone may take that long: then the locks are taken anew, and it is looked again. */
const MAX_RENEWALS = 5;

type Held = Extract<LockAttempt, { kind: 'held' }>;

/** What one run knows while it lasts. */
export interface Run {
  readonly config: PoolConfig;
  readonly profile: AgentProfile;
  readonly context: TickContext;
  readonly request: SwapRequest | null;
  readonly decision: Extract<Decision, { kind: 'swap' }> | null;
  /** Panes whose agents must end before the link moves; empty once they have. */
  readonly stops: readonly PaneFinding[];
  swap: SwapRow;
  locks: Held | null;
  /** Monotonic, from before the first lock was taken. */
  lockedAt: number | null;
  /** The mtime that the flip gave the credentials. */
  mtimeMs: number | null;
  /** When the link was moved, by its own mtime; null: just now. */
  movedAt: EpochMs | null;
  error: string | null;
  contended: boolean;
}

/** The other effects belong to transitions that happen between two runs. */
export type RunEffect = Exclude<SwitchEffect, 'write_done' | 'tell_exhausted' | 'tell_eligible' | 'clear_partial'>;

export const EFFECTS: Readonly<Record<RunEffect, (ports: SwapPorts, run: Run) => Promise<void>>> = {
  async write_plan(ports, run) {
    const { swap, request, decision } = run;
    for (const hit of request?.hits ?? []) {
      await ports.local.saveHit({ ...hit, pool: swap.pool, lastSeenAt: swap.startedAt, swapId: swap.id });
    }
    await ports.local.createSwap(
      swap,
      {
        id: swap.id,
        swapId: swap.id,
        pool: swap.pool,
        at: swap.startedAt,
        screen: request?.screen ?? null,
        evidence: request?.evidence ?? [],
        decision: {
          to: swap.to,
          why: decision?.why ?? null,
          passedOver: decision?.passedOver ?? [],
          chain: decisionChain(swap.to, decision?.passedOver ?? [], swap.startedAt),
          wish: request?.wish ?? null,
        },
        steps: [{ at: swap.startedAt, step: 'prepared', durationMs: null, detail: { from: swap.from, to: swap.to } }],
        result: null,
      },
      [
        {
          type: 'swap_prepared',
          pool: swap.pool,
          swap: swap.id,
          account: swap.to,
          data: { from: swap.from, to: swap.to, reason: swap.reason, hits: request?.hits.length ?? 0 },
        },
      ],
    );
  },

  async inspect(ports, run) {
    await assertReady(ports, run);
  },

  async write_stopping(ports, run) {
    const { swap, stops, config, profile, context } = run;
    const at = ports.clock.now();
    const recoveries = stops.map((finding) =>
      newRecovery(swap, finding, stops, config, profile, { config: context.config, now: at }),
    );
    for (const finding of stops) await consume(ports, swap, finding);
    const steps = [{ at, step: 'stopping', durationMs: null, detail: { panes: stops.length } }];
    run.swap = await ports.local.updateSwap(swap.id, { phase: 'stopping' }, { at, steps, recoveries });
  },

  async stop_background(ports, run) {
    for (const process of await usersOfLink(ports, run.config, run.profile)) {
      if (!isBackground(process, run.profile)) continue;
      const startedAt = ports.clock.monotonic();
      await ports.stopping.stopBackground(run.profile, process);
      const steps = [stepOf(ports, 'background_stopped', startedAt, { pid: process.pid })];
      run.swap = await ports.local.updateSwap(run.swap.id, {}, { at: ports.clock.now(), steps });
    }
  },

  async demand_unused(ports, run) {
    if (run.profile.stopFirst !== 'always') return;
    const [user] = await usersOfLink(ports, run.config, run.profile);
    const [held] = await ports.stopping.heldWriterLocks(run.profile, run.config.link);
    if (user === undefined && held === undefined) return;
    // It may end by itself, and a roll-back must wait for it all the same.
    run.contended = true;
    const what = user === undefined ? `${held} is locked by a process that writes` : `${nameOf(user)} uses it`;
    throw new LinkError('in_use', `${run.config.link} is not moved: ${what}; the swap is postponed`);
  },

  async ensure_shared(ports, run) {
    const { required, optional } = run.profile.sharedEntries;
    // Where only the credentials are linked, nothing has to be shared.
    if (required.length + optional.length === 0) return;
    const problems = await ports.sharedEntries.ensure(run.profile, homeOf(run, run.swap.to), run.config.sharedRoot);
    const fatal = problems.find((problem) => problem.severity === 'fatal');
    if (fatal !== undefined && !ports.allowUnshared)
      throw new LinkError('shared_entries', `${fatal.home}/${fatal.entry}: ${fatal.message}`, { hint: fatal.remedy });
  },

  async take_locks(ports, run) {
    if (run.locks !== null) return;
    const homes = [homeOf(run, run.swap.from), homeOf(run, run.swap.to)];
    const startedAt = ports.clock.monotonic();
    for (let attempt = 1; ; attempt++) {
      const attemptedAt = ports.clock.monotonic();
      const result = await ports.locks.acquire(run.profile, homes);
      if (result.kind === 'held') {
        run.locks = result;
        run.lockedAt = attemptedAt;
        run.contended = false;
        const steps = [stepOf(ports, 'locked', startedAt, { locks: result.locks.length, attempts: attempt })];
        run.swap = await ports.local.updateSwap(run.swap.id, { locks: result.locks }, { at: ports.clock.now(), steps });
        return;
      }
      const waitedMs = ports.clock.monotonic() - startedAt;
      if (waitedMs >= LOCK_BUDGET_MS || run.context.signal.aborted) {
        run.contended = true;
        const age = Math.round(result.ageMs / SECOND);
        throw new LinkError('cli_locked', `the CLI holds ${result.path} for ${age} s; the swap is postponed`);
      }
      await ports.clock.sleep(LOCK_RETRY_MS, run.context.signal);
    }
  },

  async inspect_again(ports, run) {
    for (let renewals = 0; ; renewals++) {
      await assertStillRight(ports, run);
      if (heldMs(ports, run) <= LOCK_TRUST_MS || run.locks?.compromised() !== null || renewals === MAX_RENEWALS) return;
      await EFFECTS.release_locks(ports, run);
      await EFFECTS.take_locks(ports, run);
    }
  },

  async point_link(ports, run) {
    demandTrustedLocks(ports, run);
    await ports.link.point(run.config.link, run.swap.toTarget, filesOf(run.config));
  },

  async verify_link(ports, run) {
    const state = await ports.link.read(placeOf(run.config));
    if (state.kind !== 'account' || state.account !== run.swap.to) {
      throw new LinkError('flip_unverified', `after the flip the link is ${describeLink(state)}`);
    }
    const home = await ports.homes.inspect(run.profile, homeOf(run, run.swap.to));
    if (home.credentials !== 'ok')
      throw new LinkError('flip_unverified', `the credentials behind the link are ${home.credentials}`);
  },

  async freshen(ports, run) {
    await freshen(ports, run, run.swap.to);
  },

  async write_flipped(ports, run) {
    const at = run.movedAt ?? ports.clock.now();
    const { swap } = run;
    run.swap = await ports.local.updateSwap(
      swap.id,
      { phase: 'flipped', flippedAt: at },
      {
        at,
        steps: [stepOf(ports, 'flipped', run.lockedAt, { link: run.config.link, target: swap.toTarget })],
        activation: { pool: swap.pool, account: swap.to, since: at, cause: 'swap' },
        events: [
          {
            type: 'swap_flipped',
            pool: swap.pool,
            swap: swap.id,
            account: swap.to,
            data: { from: swap.from, to: swap.to },
          },
        ],
      },
    );
  },

  async release_locks(ports, run) {
    const held = run.locks;
    if (held === null) return;
    run.locks = null;
    const compromised = held.compromised();
    try {
      await held.release();
    } catch (err) {
      // The link is consistent; a lock left behind goes stale by itself.
      run.context.log.warn({ pool: run.config.name, swap: run.swap.id, err }, 'a CLI lock could not be released');
    }
    const steps = [stepOf(ports, 'released', run.lockedAt, compromised === null ? {} : { compromised })];
    try {
      run.swap = await ports.local.updateSwap(run.swap.id, { locks: [] }, { at: ports.clock.now(), steps });
    } catch (err) {
      // They are released; a start that finds them in the journal finds nothing to remove.
      run.context.log.warn({ pool: run.config.name, swap: run.swap.id, err }, 'the release could not be written down');
    }
  },

  async mark_active(ports, run) {
    await ports.shared.markActive(run.swap.to, run.swap.from, run.swap.flippedAt ?? ports.clock.now());
    await setFlags(ports.local, run.config.name, { backoff: null, exhausted: null });
    if (run.mtimeMs !== null) await ports.local.setMeta(floorKey(run), String(run.mtimeMs));
  },

  async write_recovering(ports, run) {
    run.swap = await ports.local.updateSwap(run.swap.id, { phase: 'recovering', locks: [] }, { at: ports.clock.now() });
  },

  async write_failed(ports, run) {
    const at = ports.clock.now();
    const error = run.error ?? 'unknown';
    run.swap = await ports.local.updateSwap(
      run.swap.id,
      { phase: 'failed', finishedAt: at, error },
      {
        at,
        steps: [{ at, step: run.contended ? 'postponed' : 'failed', durationMs: null, detail: { error } }],
        result: { outcome: run.contended ? 'postponed' : 'failed', error },
        events: [
          {
            type: run.contended ? 'swap_postponed' : 'swap_failed',
            pool: run.swap.pool,
            swap: run.swap.id,
            data: { error },
          },
        ],
      },
    );
  },

  async write_rolling_back(ports, run) {
    const at = ports.clock.now();
    const steps = [{ at, step: 'rolling_back', durationMs: null, detail: { error: run.error } }];
    try {
      run.swap = await ports.local.updateSwap(run.swap.id, { phase: 'rolling_back', error: run.error }, { at, steps });
    } catch (err) {
      // The link matters more than the note: whichever end it reaches, a start can tell it from the plan.
      run.context.log.warn(
        { pool: run.config.name, swap: run.swap.id, err },
        'the roll-back could not be written down',
      );
    }
  },

  async point_back(ports, run) {
    demandTrustedLocks(ports, run);
    await ports.link.point(run.config.link, run.swap.fromTarget, filesOf(run.config));
    const state = await ports.link.read(placeOf(run.config));
    if (state.kind !== 'account' || state.account !== run.swap.from) {
      throw new LinkError('rollback_unverified', `after the roll-back the link is ${describeLink(state)}`);
    }
  },

  async freshen_back(ports, run) {
    await freshen(ports, run, run.swap.from);
    const at = ports.clock.now();
    if (run.mtimeMs !== null) await ports.local.setMeta(floorKey(run), String(run.mtimeMs));
    if (run.swap.flippedAt === null) return;
    await ports.local.recordActivation({ pool: run.swap.pool, account: run.swap.from, since: at, cause: 'rollback' });
    await ports.shared.markActive(run.swap.from, run.swap.to, at);
  },

  async write_partial(ports, run) {
    await markPartial(ports, run.config.name, run.swap, run.error ?? 'the roll-back failed');
  },

  async start_backoff(ports, run) {
    const failures = ((await readFlags(ports.local, run.config.name)).backoff?.failures ?? 0) + 1;
    const { initialMs, maxMs } = run.context.config.switcher.retryBackoff;
    const until = ports.clock.now() + retryDelayMs(failures, initialMs, maxMs);
    await setFlags(ports.local, run.config.name, { backoff: { failures, until } });
  },
};

const LOST = ' became ineligible: ';

/** Whether this swap failed because its target could not be used any more: nothing was touched. */
export function isTargetLost({ phase, to, error }: SwapRow): boolean {
  return phase === 'failed' && error?.startsWith(`${to}${LOST}`) === true;
}

export function isRunEffect(effect: SwitchEffect): effect is RunEffect {
  return effect in EFFECTS;
}

/**
 * The link is where the plan says, both homes are ours, and the target holds a usable login of the identity it always had.
 *
 * @returns what is known of the target now
 */
async function assertReady(ports: SwapPorts, run: Run): Promise<AccountFacts> {
  const state = await ports.link.read(placeOf(run.config));
  if (state.kind !== 'account' || state.account !== run.swap.from) {
    throw new LinkError('link_moved', `the link is ${describeLink(state)}, not at ${run.swap.from}`);
  }
  // The outgoing login may be dead or somebody else's: that is no reason to stay on it.
  const target = await readAccount(ports, run.config, run.swap.to, run.profile, ports.clock.now());
  const { home, row } = target;
  if (home?.problem != null) throw new LinkError('home_unusable', `the home of ${target.name} is ${home.problem}`);
  if (home === null || home.credentials !== 'ok') {
    throw new LinkError(
      'credentials_unusable',
      `the credentials of ${target.name} are ${home?.credentials ?? 'unknown'}`,
    );
  }
  const known = row?.identity ?? null;
  if (known !== null && home.identity !== null && known !== home.identity) {
    const hint = 'run: claude-failover doctor';
    throw new LinkError('identity_changed', `${target.name} is logged in as somebody else`, { hint });
  }
  return target;
}

/** Ready, and its account may still be used. */
async function assertStillRight(ports: SwapPorts, run: Run): Promise<void> {
  const target = await assertReady(ports, run);
  const wish = run.request?.wish;
  if (wish?.kind === 'manual' && wish.force) return;
  const { eligibility } = swapPolicyOf(run.context.config);
  const purpose = wish === undefined ? 'swap' : purposeOf(wish);
  const verdict = isEligible(target, ports.clock.now(), eligibility, { purpose });
  if (verdict.ok) return;
  const why = verdict.reasons.map((reason) => reason.detail).join('; ');
  throw new LinkError('target_became_ineligible', `${run.swap.to}${LOST}${why}`);
}

function heldMs(ports: SwapPorts, run: Run): number {
  return run.lockedAt === null ? 0 : ports.clock.monotonic() - run.lockedAt;
}

/** Under locks that were lost, or are about to be taken over, the link is not moved. */
function demandTrustedLocks(ports: SwapPorts, run: Run): void {
  const lost = run.locks === null ? 'they are not held' : run.locks.compromised();
  // A CLI that has no locks of this kind has ended.
  const ageMs = run.locks?.locks.length === 0 ? 0 : heldMs(ports, run);
  if (lost === null && ageMs <= LOCK_TRUST_MS) return;
  run.contended = true;
  const why = lost ?? `they are held for ${Math.round(ageMs)} ms already`;
  throw new LinkError('locks_not_trusted', `the link is not moved under these locks: ${why}; the swap is postponed`);
}

/** Strictly newer than any mtime seen before, and than now: a running CLI must see a difference. */
async function freshen(ports: SwapPorts, run: Run, account: string): Promise<void> {
  const floorMs = Math.max(Number((await ports.local.meta(floorKey(run))) ?? 0) || 0, ports.clock.now());
  run.mtimeMs = await ports.homes.freshen(run.profile, homeOf(run, account), floorMs);
}

function floorKey(run: Run): string {
  return `mtime_floor:${run.config.name}`;
}

function homeOf(run: Run, account: string): string {
  const home = run.config.accounts.find((candidate) => candidate.name === account)?.home;
  if (home === undefined) throw new LinkError('account_unknown', `pool ${run.config.name} has no account ${account}`);
  return home;
}

function stepOf(
  ports: SwapPorts,
  name: string,
  sinceMonotonic: number | null,
  detail: Readonly<Record<string, unknown>>,
): IncidentStep {
  const durationMs = sinceMonotonic === null ? null : Math.round((ports.clock.monotonic() - sinceMonotonic) * 10) / 10;
  return { at: ports.clock.now(), step: name, durationMs, detail };
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Makes a pool `partial`: no automatic action until somebody has looked. */
export async function markPartial(
  ports: Pick<SwapPorts, 'local' | 'clock'>,
  pool: string,
  swap: SwapRow | null,
  reason: string,
): Promise<void> {
  const at = ports.clock.now();
  await setFlags(ports.local, pool, { partial: { reason, at, swapId: swap?.id ?? null } });
  const event: NewEvent = { type: 'partial_swap', pool, data: { reason }, ...(swap === null ? {} : { swap: swap.id }) };
  if (swap === null) await ports.local.append([event], at);
  else {
    await ports.local.updateSwap(
      swap.id,
      { phase: 'partial', finishedAt: at, error: reason },
      {
        at,
        steps: [{ at, step: 'partial', durationMs: null, detail: { reason } }],
        result: { outcome: 'partial', error: reason },
        events: [event],
      },
    );
  }
}
