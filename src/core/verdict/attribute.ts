/** Charges a hit to the account under which its turn ran. */
import type { Activation } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';

export interface TurnFacts {
  /** Whether this CLI version follows the link while it runs. */
  readonly followsLink: boolean;
  /** When the turn began; null: not known. */
  readonly turnAt: EpochMs | null;
  /** When the hit was first seen. */
  readonly firstSeenAt: EpochMs;
  /** The account recorded when the session was launched or adopted. */
  readonly launchedUnder: string | null;
  /** The pool's switch history, newest first. */
  readonly activations: readonly Activation[];
}

export interface Charge {
  readonly account: string;
  readonly reason: string;
}

/** @returns null when neither the history nor the launch tells: then nobody is charged */
export function chargeTurn(turn: TurnFacts): Charge | null {
  if (!turn.followsLink) {
    if (turn.launchedUnder === null) return null;
    return { account: turn.launchedUnder, reason: 'this CLI keeps the account it was started under' };
  }
  // A hit that stood there at first sight belongs to the account that was active when the pane was adopted.
  const at = turn.turnAt ?? turn.firstSeenAt;
  const active = turn.activations.find((activation) => activation.since <= at) ?? turn.activations.at(-1);
  if (active === undefined) return null;
  const when = turn.turnAt === null ? 'active when the limit was first seen' : 'active when the turn began';
  return { account: active.account, reason: active.since <= at ? when : 'active when watching began' };
}
