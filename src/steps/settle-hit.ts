/** What follows from one pane's verdict: who is charged, what its account's record says, and which swap answered it already. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { paneKey } from '../core/panes.ts';
import { applyLimitHit, isSameLimit } from '../core/quota/record.ts';
import { snippet } from '../core/redact.ts';
import type { Activation, SwapRow } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import { chargeTurn, chargeVotes } from '../core/verdict/attribute.ts';
import type { Hit } from '../core/verdict/confirm.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { Board, Clock, TickContext } from '../ports.ts';
import { isModelOnly, profileOf } from './config-policy.ts';
import type { PoolReaders } from './read-pool.ts';
import { readAccount } from './read-pool.ts';
import { isHot } from './recover-panes.ts';

export interface SettlePorts extends PoolReaders {
  readonly board: Pick<Board, 'wake'>;
  readonly clock: Clock;
  readonly profiles: readonly AgentProfile[];
}

/**
 * Charges the hit, keeps the account's record and finds out whether this very hit already caused a swap.
 *
 * @param otherSince  since when a wall of another class stands there
 */
export async function settleHit(
  ports: SettlePorts,
  finding: PaneFinding,
  otherSince: EpochMs,
  activations: ReadonlyMap<string, readonly Activation[]>,
  context: TickContext,
): Promise<PaneFinding> {
  const { decision, pool } = finding;
  const config = context.config.pools.find((candidate) => candidate.name === pool);
  if (config === undefined || finding.notSwitchable?.ownLogin === true) return finding;
  if (decision.kind === 'clear') await forgetHits(ports, finding, config.name);
  if (decision.kind === 'clear' && finding.evidence.votes.length === 0) return finding;
  const hit = 'hit' in decision ? decision.hit : null;
  const turn = {
    followsLink: isHot(finding, profileOf(ports.profiles, config)),
    turnAt: hit === null ? (decision.kind === 'other' ? decision.turnAt : null) : hit.turnAt,
    processStartedAt: finding.process.startedAt,
    firstSeenAt: hit?.firstSeenAt ?? otherSince,
    launchedUnder: finding.launchedUnder,
    activations: activations.get(config.name) ?? [],
  };
  const charge = chargeTurn(turn);
  const evidence = {
    ...finding.evidence,
    votes: chargeVotes(finding.evidence.votes, turn, decision.kind === 'clear' ? null : charge),
  };
  if (charge === null) return { ...finding, evidence };
  const charged = { ...finding, evidence, charge };
  if (decision.kind === 'other' && decision.class === 'auth') {
    // Seen for the first time: the file may tell more, and at once.
    if (otherSince === finding.at) ports.board.wake('credentials');
    if (decision.lasting) await benchForLogin(ports, charged, otherSince, config);
  }
  if (decision.kind === 'clear') return { ...finding, evidence };
  if (hit === null) return charged;

  const earlier = await ports.local.hit(hit.fingerprint);
  const swap = earlier?.swapId == null ? null : await ports.local.swap(earlier.swapId);
  const consumedBy = swap !== null && hasConsumed(swap, hit) ? swap.id : null;
  if (decision.kind === 'confirmed' && consumedBy === null && !isModelOnly(hit, context.config)) {
    await recordLimit(ports, hit, charge.account, context);
  }
  return { ...charged, consumedBy };
}

/** Whether this swap was the answer to this hit: not when it did not happen, and not to the same words said again later. */
function hasConsumed(swap: SwapRow, hit: Hit): boolean {
  const movedAt = swap.trigger === 'reset' ? swap.startedAt : swap.flippedAt;
  if (movedAt === null || swap.phase === 'failed' || swap.phase === 'partial') return false;
  if (swap.resetAt !== null && swap.resetAt <= hit.firstSeenAt) return false;
  return !(hit.turnSeen && (hit.turnAt ?? 0) > movedAt);
}

async function recordLimit(ports: SettlePorts, hit: Hit, account: string, context: TickContext): Promise<void> {
  const now = ports.clock.now();
  const source = hit.turnId === null ? 'banner' : 'transcript';
  await ports.shared.mergeQuota(account, hit.window, (current) => {
    const next = applyLimitHit(
      current,
      { account, window: hit.window, resetAt: hit.resetAt, source, at: hit.turnAt ?? hit.firstSeenAt },
      now,
      context.config.quota.unknownResetLockMs,
    );
    // The same limit seen again is no news.
    return isSameLimit(current, next) ? current : next;
  });
}

/** A pane whose text was absent for a poll may report the same words again. While it is being restarted it proves nothing. */
async function forgetHits(ports: SettlePorts, finding: PaneFinding, pool: string): Promise<void> {
  if (finding.decision.kind !== 'clear' || !finding.decision.wasBanner) return;
  const key = paneKey(finding.view.identity);
  const open = await ports.local.openRecoveries();
  if (open.some((row) => paneKey(row.pane) === key)) return;
  for (const hit of await ports.local.hits(pool)) if (hit.pane === key) await ports.local.dropHit(hit.fingerprint);
}

/** A lasting login wall makes the account ineligible until its credentials file changes. */
async function benchForLogin(
  ports: SettlePorts,
  finding: PaneFinding,
  since: EpochMs,
  config: PoolConfig,
): Promise<void> {
  const account = finding.charge?.account;
  if (account === undefined || !config.accounts.some(({ name }) => name === account)) return;
  // Read anew before it is judged: another process may have logged in, or renewed the login.
  const facts = await readAccount(ports, config, account, profileOf(ports.profiles, config), ports.clock.now());
  if (facts.row?.status !== 'active') return;
  // A wall that is older than the login proves nothing about it: somebody logged in since.
  const row = finding.signals?.transcript?.lastAssistant;
  const wallAt = row?.kind === 'auth' ? row.at : since;
  if ((facts.home?.credentialsMtimeMs ?? 0) > wallAt) return;
  const text = snippet(finding.evidence.text, 120);
  const mtimeMs = facts.home?.credentialsMtimeMs ?? null;
  if (!(await ports.shared.moveStatus(account, 'active', 'expired', text, mtimeMs))) return;
  await ports.local.append(
    [
      {
        type: 'login_needed',
        account,
        pane: finding.view.label,
        ...(finding.pool === null ? {} : { pool: finding.pool }),
        data: { detail: text, reason: 'a login is needed: log in to this account again' },
      },
    ],
    ports.clock.now(),
  );
}
