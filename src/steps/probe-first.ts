/** An account whose limit ended while nobody looked is tried by one session first: if the limit stands after all, only that one meets it. */
import type { Config } from '../config/schema.ts';
import { paneKey } from '../core/panes.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import { confirmOver, wantsProof } from '../core/quota/record.ts';
import type { RecoveryRow, SwapRow } from '../core/swap/swap.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { Clock, LocalStore, PoolStore, TickContext } from '../ports.ts';

export interface ProbePorts {
  readonly local: Pick<LocalStore, 'recoveries'>;
  readonly shared: Pick<PoolStore, 'mergeQuotas'>;
  readonly clock: Pick<Clock, 'now'>;
}

export interface Probe {
  /** The panes that may go on now: all of them once the account has proved itself. */
  readonly now: readonly PaneFinding[];
  /** Others wait for that proof. */
  readonly isHolding: boolean;
}

/** @param waiting the panes that are to go on under this swap, those that do already among them */
export async function probeFirst(
  ports: ProbePorts,
  swap: SwapRow,
  account: AccountFacts,
  waiting: readonly PaneFinding[],
  findings: readonly PaneFinding[],
  context: TickContext,
): Promise<Probe> {
  const now = ports.clock.now();
  const doubtful = account.quota.filter((record) => wantsProof(record, now));
  if (doubtful.length === 0 || waiting.length === 0) return { now: waiting, isHolding: false };
  const rows = await ports.local.recoveries(swap.id);
  const isProved = rows.some((row) => hasProved(row, findings, now, context.config));
  if (isProved) {
    const at = ports.clock.now();
    await ports.shared.mergeQuotas(
      doubtful.map(({ window }) => ({
        account: account.name,
        window,
        merge: (current) => (current === null ? null : confirmOver(current, at)),
      })),
    );
    context.log.info({ pool: swap.pool, account: account.name, swap: swap.id }, 'the limit is over: all panes go on');
    return { now: waiting, isHolding: false };
  }
  // One that ended in any other way proves nothing: the next one tries.
  const isTried = rows.some((row) => row.finishedAt === null || row.state === 'recovered');
  const others = waiting.filter((finding) => !rows.some((row) => isOf(row, finding)));
  const first = isTried ? [] : others.slice(0, 1);
  return { now: first, isHolding: others.length > first.length };
}

/** It answered on the new account, or ran for the whole time without meeting the limit. */
function hasProved(row: RecoveryRow, findings: readonly PaneFinding[], now: number, config: Config): boolean {
  if (row.state !== 'recovered' || row.finishedAt === null) return false;
  const finding = findings.find((candidate) => isOf(row, candidate));
  if (finding !== undefined && 'hit' in finding.decision && finding.consumedBy === null) return false;
  const answer = finding?.signals?.isGuess === false ? (finding.signals.transcript?.lastAssistant ?? null) : null;
  const hasAnswered = answer?.kind === 'answer' && answer.at > (row.promptedAt ?? row.startedAt);
  return hasAnswered || now - row.finishedAt >= config.quota.verifyWindowMs;
}

function isOf(row: RecoveryRow, finding: PaneFinding): boolean {
  return paneKey(row.pane) === paneKey(finding.view.identity);
}
