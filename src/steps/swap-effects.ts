/** The effects of a swap, one by one: what each entry of the state machine's lists does to the world and writes down. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { LinkError } from '../core/errors.ts';
import type { NewEvent } from '../core/events.ts';
import { isEligible } from '../core/quota/eligibility.ts';
import type { Decision } from '../core/quota/policy.ts';
import { retryDelayMs } from '../core/quota/policy.ts';
import type { SwitchEffect } from '../core/swap/machine.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { SwapRequest } from '../core/swap/request.ts';
import type { IncidentStep, SwapRow } from '../core/swap/swap.ts';
import { SECOND } from '../core/time.ts';
import type { CliLocks, Clock, LockAttempt, SharedEntries, TickContext } from '../ports.ts';
import { readFlags, setFlags } from './pool-flags.ts';
import type { PoolReaders } from './read-pool.ts';
import { placeOf, readPool } from './read-pool.ts';

export interface SwapPorts extends PoolReaders {
  readonly locks: CliLocks;
  readonly sharedEntries: SharedEntries;
  readonly clock: Clock;
}

/** How long the CLI may keep its locks before the swap is postponed. */
const LOCK_BUDGET_MS = 12 * SECOND;
const LOCK_RETRY_MS = 250;

type Held = Extract<LockAttempt, { kind: 'held' }>;

/** What one run knows while it lasts. */
export interface Run {
  readonly config: PoolConfig;
  readonly profile: AgentProfile;
  readonly context: TickContext;
  readonly request: SwapRequest | null;
  readonly decision: Extract<Decision, { kind: 'swap' }> | null;
  swap: SwapRow;
  locks: Held | null;
  lockedAt: number | null;
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
          data: { from: swap.from, to: swap.to, reason: swap.reason },
        },
      ],
    );
  },

  async inspect(ports, run) {
    await assertReady(ports, run);
  },

  async ensure_shared(ports, run) {
    const problems = await ports.sharedEntries.ensure(run.profile, homeOf(run, run.swap.to), run.config.sharedRoot);
    const fatal = problems.find((problem) => problem.severity === 'fatal');
    if (fatal !== undefined)
      throw new LinkError('shared_entries', `${fatal.home}/${fatal.entry}: ${fatal.message}`, { hint: fatal.remedy });
  },

  async take_locks(ports, run) {
    const homes = [homeOf(run, run.swap.from), homeOf(run, run.swap.to)];
    const startedAt = ports.clock.monotonic();
    for (let attempt = 1; ; attempt++) {
      const result = await ports.locks.acquire(run.profile, homes);
      if (result.kind === 'held') {
        run.locks = result;
        run.lockedAt = ports.clock.monotonic();
        run.swap = await ports.local.updateSwap(
          run.swap.id,
          { locks: result.locks },
          {
            at: ports.clock.now(),
            steps: [stepOf(ports, 'locked', startedAt, { locks: result.locks.length, attempts: attempt })],
          },
        );
        return;
      }
      const waitedMs = ports.clock.monotonic() - startedAt;
      if (waitedMs >= LOCK_BUDGET_MS || run.context.signal.aborted) {
        run.contended = true;
        throw new LinkError(
          'cli_locked',
          `the CLI holds ${result.path} for ${Math.round(result.ageMs / SECOND)} s; the swap is postponed`,
        );
      }
      await ports.clock.sleep(LOCK_RETRY_MS, run.context.signal);
    }
  },

  async inspect_again(ports, run) {
    await assertReady(ports, run);
    const wish = run.request?.wish;
    if (wish?.kind === 'manual' && wish.force) return;
    const fresh = await readPool(ports, run.config, run.profile, ports.clock.now());
    const target = fresh.pool.accounts.find((account) => account.name === run.swap.to);
    const policy = eligibilityPolicy(run);
    const verdict = target === undefined ? null : isEligible(target, ports.clock.now(), policy, { purpose: 'swap' });
    if (verdict?.ok !== true) {
      const why = verdict?.reasons.map((reason) => reason.detail).join('; ') ?? 'it is gone';
      throw new LinkError('target_became_ineligible', `${run.swap.to} became ineligible: ${why}`);
    }
  },

  async point_link(ports, run) {
    await ports.link.point(run.config.link, run.swap.toTarget);
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
    const at = ports.clock.now();
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
    const detail = compromised === null ? {} : { compromised };
    run.swap = await ports.local.updateSwap(
      run.swap.id,
      { locks: [] },
      { at: ports.clock.now(), steps: [stepOf(ports, 'released', run.lockedAt, detail)] },
    );
  },

  async mark_active(ports, run) {
    await ports.shared.markActive(run.swap.to, run.swap.from, run.swap.flippedAt ?? ports.clock.now());
    await setFlags(ports.local, run.config.name, { backoff: null, exhausted: null });
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
    run.swap = await ports.local.updateSwap(run.swap.id, { phase: 'rolling_back', error: run.error }, { at, steps });
  },

  async point_back(ports, run) {
    await ports.link.point(run.config.link, run.swap.fromTarget);
    const state = await ports.link.read(placeOf(run.config));
    if (state.kind !== 'account' || state.account !== run.swap.from) {
      throw new LinkError('rollback_unverified', `after the roll-back the link is ${describeLink(state)}`);
    }
  },

  async freshen_back(ports, run) {
    await freshen(ports, run, run.swap.from);
    const at = ports.clock.now();
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

export function isRunEffect(effect: SwitchEffect): effect is RunEffect {
  return effect in EFFECTS;
}

/** The link is where the plan says, both homes are ours and hold a usable login, and nobody changed identity. */
async function assertReady(ports: SwapPorts, run: Run): Promise<void> {
  const state = await ports.link.read(placeOf(run.config));
  if (state.kind !== 'account' || state.account !== run.swap.from) {
    throw new LinkError('link_moved', `the link is ${describeLink(state)}, not at ${run.swap.from}`);
  }
  const rows = await ports.shared.accounts();
  for (const name of [run.swap.from, run.swap.to]) {
    const home = await ports.homes.inspect(run.profile, homeOf(run, name));
    if (home.problem !== null) throw new LinkError('home_unusable', `the home of ${name} is ${home.problem}`);
    // The outgoing login may be dead, that is no reason to stay on it.
    if (name === run.swap.to && home.credentials !== 'ok') {
      throw new LinkError('credentials_unusable', `the credentials of ${name} are ${home.credentials}`);
    }
    const known = rows.find((row) => row.name === name)?.identity ?? null;
    if (known !== null && home.identity !== null && known !== home.identity) {
      throw new LinkError('identity_changed', `${name} is logged in as somebody else`, {
        hint: 'run: claude-failover doctor',
      });
    }
  }
}

async function freshen(ports: SwapPorts, run: Run, account: string): Promise<void> {
  const key = `mtime_floor:${run.config.name}`;
  const other = account === run.swap.to ? run.swap.from : run.swap.to;
  const home = await ports.homes.inspect(run.profile, homeOf(run, other));
  const floorMs = Math.max(Number((await ports.local.meta(key)) ?? 0) || 0, home.credentialsMtimeMs ?? 0);
  const mtimeMs = await ports.homes.freshen(run.profile, homeOf(run, account), floorMs);
  await ports.local.setMeta(key, String(Math.max(floorMs, mtimeMs)));
}

function homeOf(run: Run, account: string): string {
  const home = run.config.accounts.find((candidate) => candidate.name === account)?.home;
  if (home === undefined) throw new LinkError('account_unknown', `pool ${run.config.name} has no account ${account}`);
  return home;
}

function eligibilityPolicy(run: Run): { accountReactivateCooldownMs: number; modelLimitSwaps: boolean } {
  const { accountReactivateCooldownMs, modelLimitSwaps } = run.context.config.quota;
  return { accountReactivateCooldownMs, modelLimitSwaps };
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
