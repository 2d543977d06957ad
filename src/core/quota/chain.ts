/** The chain of a decision: every account that was considered, what became of it, and when. */
import type { EpochMs } from '../time.ts';
import type { PassedOver } from './selection.ts';

export interface Attempt {
  readonly account: string;
  /** `selected`, or the first of the reasons for which it was passed over; the record of the decision has them all. */
  readonly reason: string;
  readonly at: EpochMs;
}

export function decisionChain(to: string, passedOver: readonly PassedOver[], at: EpochMs): readonly Attempt[] {
  const others = passedOver.map(({ account, reasons }) => ({ account, reason: reasons[0]?.code ?? 'unknown', at }));
  return [...others, { account: to, reason: 'selected', at }];
}
