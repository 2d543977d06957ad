/** Charges a hit to the account under which its turn ran. */
import type { Activation } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import type { Vote } from './votes.ts';

export interface TurnFacts {
  /** Whether this CLI version follows the link while it runs. */
  readonly followsLink: boolean;
  /** When the request was sent that was refused; null: its message stood there at first sight and no transcript tells. */
  readonly turnAt: EpochMs | null;
  readonly processStartedAt: EpochMs;
  /** When the hit was first seen. */
  readonly firstSeenAt: EpochMs;
  /** The account recorded when the session was launched or adopted. */
  readonly launchedUnder: string | null;
  /** The pool's switch history, newest first. */
  readonly activations: readonly Activation[];
}

/** What was active then; undefined: the history, newest first, does not reach back so far. */
export function activeAt(activations: readonly Activation[], at: EpochMs): Activation | undefined {
  return activations.find(({ since }) => since <= at);
}

export interface Charge {
  readonly account: string;
  readonly reason: string;
}

/** @returns null when neither the history nor the launch tells: then nobody is charged */
export function chargeTurn(turn: TurnFacts): Charge | null {
  const { followsLink, turnAt, launchedUnder } = turn;
  // A resumed session can show a turn that ran in a process before this one.
  const isOwnTurn = turnAt === null || turnAt >= turn.processStartedAt;
  if (!followsLink && isOwnTurn) {
    return launchedUnder === null
      ? null
      : { account: launchedUnder, reason: 'this CLI keeps the account it was started under' };
  }
  if (turnAt === null && launchedUnder !== null) {
    return { account: launchedUnder, reason: 'it stood there at first sight: the account recorded with the session' };
  }
  const at = turnAt ?? turn.firstSeenAt;
  // Who was active before the oldest one is not known: a guess would charge an account for another one's turn.
  const active = activeAt(turn.activations, at);
  if (active === undefined) return null;
  const when = turnAt === null ? 'active when the limit was first seen' : 'active when its request was sent';
  return { account: active.account, reason: when };
}

/**
 * The account under which an agent was started that no row of the sessions table knows: a daemon that was killed right after
 * a flip finds the link on another one.
 *
 * @param activations  of its pool, newest first
 * @param linked  where its directory leads now
 */
export function startedUnder(startedAt: EpochMs, activations: readonly Activation[], linked: string): string {
  return (activeAt(activations, startedAt) ?? activations.at(-1))?.account ?? linked;
}

/** The votes, each with the account under which that of which it speaks ran. @param hit whom the hit itself is charged to */
export function chargeVotes(votes: readonly Vote[], turn: TurnFacts, hit: Charge | null): readonly Vote[] {
  return votes.map((vote) => {
    const isOfHit = vote.weight === 'decisive' || vote.weight === 'supports';
    const turnAt = vote.kind === 'figure' ? vote.since : (vote.turnAt ?? (vote.kind === 'screen' ? null : vote.at));
    const charge = isOfHit && hit !== null ? hit : chargeTurn({ ...turn, turnAt });
    return charge === null ? vote : { ...vote, account: charge.account };
  });
}
