/** What to do at start-up with a swap that a killed daemon left behind: the journal says what was meant, the link what is. */
import type { LinkState } from '../accounts.ts';
import type { SwapRow } from './swap.ts';

export type SwapRepair =
  /** The link moved: write the rest down and bring the panes back. */
  | { readonly kind: 'finish'; readonly reason: string }
  /** The link did not move, or was put back: the swap failed, nothing else to do. */
  | { readonly kind: 'abandon'; readonly reason: string }
  /** Agents are being ended, the link is untouched: it goes on where it was. */
  | { readonly kind: 'continue'; readonly reason: string }
  /** A roll-back was cut short: put the link back. */
  | { readonly kind: 'undo'; readonly reason: string }
  /** The link is neither: somebody must look. */
  | { readonly kind: 'partial'; readonly reason: string };

/** Pure: (journal, link) → repair. */
export function planRepair(swap: SwapRow, link: LinkState): SwapRepair {
  const at = link.kind === 'account' ? link.account : null;
  if (at === swap.to) {
    if (swap.phase === 'rolling_back') return { kind: 'undo', reason: 'the roll-back had not reached the link' };
    return { kind: 'finish', reason: `the link points at ${swap.to}` };
  }
  if (at === swap.from) {
    if (swap.phase === 'rolling_back') return { kind: 'abandon', reason: 'the roll-back had reached the link' };
    if (swap.phase === 'stopping') return { kind: 'continue', reason: 'stopped while agents were being ended' };
    if (swap.phase === 'prepared') return { kind: 'abandon', reason: 'stopped before the link was moved' };
    return { kind: 'abandon', reason: `the link points back at ${swap.from}` };
  }
  // Nothing runs between the first link and the last one: they are put back to where they were.
  if (link.kind === 'split' && swap.flippedAt === null && link.accounts.every((name) => isEnd(swap, name)))
    return { kind: 'undo', reason: `stopped between two links: ${describeLink(link)}` };
  if (at !== null) return { kind: 'partial', reason: `the link points at ${at}, which is neither end of the swap` };
  return { kind: 'partial', reason: `the link is ${describeLink(link)}` };
}

function isEnd(swap: SwapRow, account: string): boolean {
  return account === swap.from || account === swap.to;
}

/** A link state for a person, as the end of "the link is …". */
export function describeLink(link: LinkState): string {
  switch (link.kind) {
    case 'account':
      return `at ${link.account}`;
    case 'foreign':
      return `at ${link.target}, which is no configured home`;
    case 'dangling':
      return `dangling (${link.target})`;
    case 'loop':
      return 'a loop';
    case 'split':
      return `split: its files point at ${link.accounts.join(' and ')}`;
    case 'directory':
      return 'a real directory';
    case 'file':
      return 'a file';
    case 'missing':
      return 'missing';
    case 'unreadable':
      return `unreadable (${link.reason})`;
  }
}
