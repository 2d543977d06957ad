/** Which claims of other daemons have ended: those that gave no sign of life for long. */
import type { EpochMs } from '../time.ts';

export interface ForeignClaim {
  readonly claimId: string;
  /** Null: its record cannot be read. */
  readonly daemonId: string | null;
  readonly heartbeatAt: EpochMs;
}

/** @param isOurs whether this daemon has a task under this claim: such a claim is its own business, however old */
export function isStaleClaim(
  claim: ForeignClaim,
  ownDaemonId: string,
  isOurs: boolean,
  staleAfterMs: number,
  now: EpochMs,
): boolean {
  if (isOurs || claim.daemonId === ownDaemonId) return false;
  return now - claim.heartbeatAt >= staleAfterMs;
}
