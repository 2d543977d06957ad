/** The effects of a swap, one by one: what each entry of the state machine's lists does to the world and writes down. */
import { LinkError } from '../core/errors.ts';
import { decisionChain } from '../core/quota/chain.ts';
import { retryDelayMs } from '../core/quota/policy.ts';
import type { SwitchEffect } from '../core/swap/machine.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { IncidentStep } from '../core/swap/swap.ts';
import { SECOND } from '../core/time.ts';
import { markPartial } from './partial-state.ts';
import { readFlags, setFlags } from './pool-flags.ts';
import { filesOf, placeOf } from './read-pool.ts';
import { consume, newRecovery } from './recover-panes.ts';
import { isBackground, nameOf, usersOfLink } from './stop-first.ts';
import { areLocksYoung, assertReady, assertStillRight, demandTrustedLocks } from './swap-checks.ts';
import type { Run, SwapPorts } from './swap-ports.ts';

/** How long the CLI may keep its locks before the swap is postponed. */
const LOCK_BUDGET_MS = 12 * SECOND;
const LOCK_RETRY_MS = 250;
/** On a slow machine the last look alone may take that long: then the locks are taken anew, and it is looked again. */
const MAX_RENEWALS = 5;

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
      if (areLocksYoung(ports, run) || run.locks?.compromised() !== null || renewals === MAX_RENEWALS) return;
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

export function isRunEffect(effect: SwitchEffect): effect is RunEffect {
  return effect in EFFECTS;
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
