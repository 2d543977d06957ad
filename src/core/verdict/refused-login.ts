/** Sessions whose login was refused, as far as that is proven: by the screen and by their own records. */
import type { EpochMs } from '../time.ts';
import type { PaneFinding } from './pane-finding.ts';

/** When its last turn was refused; null: it was not, or only its screen says so. */
export function loginRefusedAt({ decision, evidence }: PaneFinding): EpochMs | null {
  if (decision.kind !== 'other' || decision.class !== 'auth' || !decision.lasting) return null;
  return evidence.votes.find(({ kind, says, isGuess }) => kind === 'row' && says === 'auth' && !isGuess)?.at ?? null;
}

/** When a turn under this account, or under one that is not known, last went well; null: no record says so. */
export function lastAnswerAt({ evidence }: PaneFinding, account: string): EpochMs | null {
  const answers = evidence.votes.filter(({ says, account: of }) => says === 'answer' && (of ?? account) === account);
  return answers.length === 0 ? null : Math.max(...answers.map(({ at }) => at));
}

/** Stands at the refusal for which this swap left its account. */
export function wasRefused(finding: PaneFinding, swap: { readonly trigger: string; readonly from: string }): boolean {
  return swap.trigger === 'down' && finding.charge?.account === swap.from && loginRefusedAt(finding) !== null;
}
