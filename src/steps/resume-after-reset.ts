/** When the active account's own reset has come before a swap could help its panes: they go on without a flip. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { isEligible } from '../core/quota/eligibility.ts';
import type { PoolView } from '../core/status.ts';
import type { SwapRow } from '../core/swap/swap.ts';
import { MINUTE } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { isSwitchable } from '../core/verdict/pane-finding.ts';
import type { Clock, LocalStore, TickContext } from '../ports.ts';
import { swapPolicyOf } from './config-policy.ts';
import type { ProbePorts } from './probe-first.ts';
import { probeFirst } from './probe-first.ts';
import { openRecoveries } from './recover-panes.ts';

/** After the stated reset the provider's gate may still be shut for a moment. */
const AFTER_RESET_MS = MINUTE;
/** A Claude that continues by itself does so about 75 s after the reset (2.1.328); it must not be doubled. */
const AFTER_SELF_CONTINUE_MS = 4 * MINUTE;

/** @returns the record under which the panes are brought back, and whether some wait for a first one; null: none is due */
export async function resumeAfterReset(
  ports: ProbePorts & { readonly local: LocalStore; readonly clock: Clock; readonly newId: () => string },
  config: PoolConfig,
  profile: AgentProfile,
  view: PoolView,
  findings: readonly PaneFinding[],
  context: TickContext,
): Promise<{ readonly swap: SwapRow; readonly isHolding: boolean } | null> {
  const active = view.pool.accounts.find((account) => account.name === view.pool.active);
  const isResting = view.pool.state === 'normal' || view.pool.state === 'exhausted';
  if (!isResting || active === undefined || view.linkState.kind !== 'account') return null;
  const now = ports.clock.now();
  if (!isEligible(active, now, swapPolicyOf(context.config).eligibility, { purpose: 'keep' }).ok) return null;
  const due = findings.filter((finding) => isSwitchable(finding, config.name) && isDue(finding, active.name, now));
  if (due.length === 0) return null;
  const open = view.pool.swaps.find(
    ({ trigger, phase, to }) => trigger === 'reset' && phase === 'recovering' && to === active.name,
  );
  const swap = open ?? (await createRecord(ports, config, profile, active.name, view.linkState.target, due));
  const probe = await probeFirst(ports, swap, active, due, findings, context);
  await openRecoveries(ports, swap, probe.now, config, profile, context);
  return { swap, isHolding: probe.isHolding };
}

async function createRecord(
  ports: { readonly local: LocalStore; readonly clock: Clock; readonly newId: () => string },
  config: PoolConfig,
  profile: AgentProfile,
  account: string,
  target: string,
  waiting: readonly PaneFinding[],
): Promise<SwapRow> {
  const now = ports.clock.now();
  const swap: SwapRow = {
    id: ports.newId(),
    pool: config.name,
    from: account,
    to: account,
    trigger: 'reset',
    triggerPane: waiting[0]?.view.label ?? null,
    reason: 'the limit of the active account has been reset',
    resetAt: null,
    phase: 'recovering',
    requestedAt: now,
    startedAt: now,
    flippedAt: null,
    finishedAt: null,
    error: null,
    fromTarget: target,
    toTarget: target,
    locks: [],
  };
  await ports.local.createSwap(
    swap,
    {
      id: swap.id,
      swapId: swap.id,
      pool: config.name,
      at: now,
      screen: null,
      evidence: [],
      decision: { kind: 'resume', account: account, reason: swap.reason, agent: profile.kind },
      steps: [],
      result: null,
    },
    [
      {
        type: 'account_recovered',
        pool: config.name,
        account: account,
        swap: swap.id,
        data: { detail: waiting.length === 1 ? '1 pane goes on' : `${waiting.length} panes go on` },
      },
    ],
  );
  return swap;
}

function isDue(finding: PaneFinding, active: string, now: number): boolean {
  if (finding.decision.kind !== 'stale' || finding.charge?.account !== active || finding.consumedBy !== null)
    return false;
  const { endsAt, firstSeenAt } = finding.decision.hit;
  // Only a limit that was seen while it held: an old session that somebody opened to read is nobody's unfinished work.
  if (firstSeenAt >= endsAt) return false;
  return now >= endsAt + (finding.reading.finding?.selfContinues === true ? AFTER_SELF_CONTINUE_MS : AFTER_RESET_MS);
}
