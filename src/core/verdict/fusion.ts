/** Weighs what all sources say of one pane against each other: who decides, who is overruled, and why. */
import type { QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import { HOUR, MINUTE, SECOND } from '../time.ts';
import type { Claim, Vote, VoteWeight } from './votes.ts';

/** What is known beside the claims. */
export interface Circumstances {
  readonly now: EpochMs;
  /** The screen shows a running turn. */
  readonly busy: boolean;
  /** When the pool's link was last moved; null: not since the record begins. */
  readonly switchedAt: EpochMs | null;
  /** The reader's own words for what stands on the screen. */
  readonly screenReason: string;
}

/** Where claims lead to. `base` is the claim whose words and reset are taken; null: nothing counts. */
export interface Outcome {
  readonly base: Claim | null;
  /** What the screen says. */
  readonly screen: Claim | null;
  /** The row that says so. */
  readonly row: Claim | null;
  /** A second source that says the same. */
  readonly second: Claim | null;
  /** Two sources contradict each other and none is decisive: said to a person. */
  readonly conflict: string | null;
  /** When the turn ended, as a hook told. */
  readonly turnEndedAt: EpochMs | null;
  readonly votes: readonly Vote[];
  readonly reason: string;
}

/** How long a typed prompt may stand unanswered before it no longer counts as a running turn. */
const UNANSWERED_MS = 2 * MINUTE;
/** A hook speaks of what stands on the screen for this long: the hooks may have been taken away since. */
const HOOK_FRESH_MS = 30 * MINUTE;
/** A figure without a reset counts for this long; two records without any text on the screen must both be as young. */
const FIGURE_FRESH_MS = 10 * MINUTE;
/** A session limit lasts for five hours at most. */
const LONGEST_SESSION_MS = 6 * HOUR;
/** A row this much older than a failure that a hook reports is not the row of that failure. */
const ROW_LAG_MS = 30 * SECOND;
/** Clocks of two writers on one machine agree better than this. */
const AHEAD_MS = MINUTE;

/**
 * One decisive row, or two sources that agree, decide at once; the text of a screen alone is left to the polls; a hook alone
 * never decides; and a row or hook that says otherwise overrules a limit that only the screen shows.
 *
 * @param claims  in any order: the outcome does not depend on it
 */
export function fuse(claims: readonly Claim[], around: Circumstances): Outcome {
  const jury = new Jury(claims, around);
  const { screen, row } = jury;
  const end = (outcome: Partial<Outcome> & Pick<Outcome, 'reason'>): Outcome => ({
    base: null,
    screen,
    row: null,
    second: null,
    conflict: null,
    turnEndedAt: jury.failedAt(),
    votes: jury.votes(),
    ...outcome,
  });
  const isLimit = screen?.says === 'quota';

  const running = row === null ? null : jury.runningTurn(row);
  if (running !== null) return end({ reason: running });

  if (row?.says === 'quota') {
    if (!row.isGuess) {
      jury.weigh(row, 'decisive');
      return end({ base: row, row, reason: `the ${row.source} holds a rejection by quota as its latest row` });
    }
    if (isLimit)
      return end({
        base: row,
        row,
        second: screen,
        reason: 'a rejection in the newest transcript of its directory and the screen say the same',
      });
    return end({
      reason: "the rejection stands in a transcript that may be another agent's, and the screen does not show it",
    });
  }

  const failure = jury.freshHook('quota');
  const isOutdated = row !== null && (row.isGuess || (failure !== null && failure.at - row.at > ROW_LAG_MS));
  if (row !== null && isLimit && !isOutdated) {
    jury.weigh(row, 'vetoes');
    const words = row.says === 'answer' ? 'a normal answer' : `of class ${row.says}`;
    const reason = `the ${row.source}'s latest row is ${words}, not a rejection`;
    return end({ conflict: reason, reason });
  }
  if (isLimit) {
    const against = jury.freshHook('answer', 'throttle', 'auth', 'billing');
    if (against !== null) {
      jury.weigh(against, 'vetoes');
      const reason = `the newest hook says ${against.says} (${against.rule}), the screen a limit`;
      return end({ conflict: reason, reason });
    }
    const figure = jury.figures.findLast((claim) => isSameWindow(claim.window, screen.window)) ?? null;
    const second = failure ?? figure;
    if (second !== null) {
      jury.weigh(second, 'supports');
      const who = second.kind === 'hook' ? 'a StopFailure hook' : `the ${second.source}'s figures`;
      return end({ base: screen, second, reason: `the screen and ${who} say the same` });
    }
    return end({ base: screen, reason: around.screenReason });
  }
  const figure = jury.figures.findLast((claim) => around.now - claim.at <= FIGURE_FRESH_MS) ?? null;
  const isRecent = failure !== null && around.now - failure.at <= FIGURE_FRESH_MS;
  if (screen === null && row === null && !around.busy && isRecent && figure !== null) {
    jury.weigh(failure, 'supports');
    jury.weigh(figure, 'supports');
    return end({
      base: figure,
      second: failure,
      reason: `a StopFailure hook and the ${figure.source}'s figures say the same`,
    });
  }
  return end({
    base: screen,
    row: screen !== null && row?.says === screen.says ? row : null,
    reason: around.screenReason,
  });
}

/** The claims in one order, the newest of each kind, and what each weighs so far. */
class Jury {
  readonly screen: Claim | null;
  readonly row: Claim | null;
  /** Figures that say that a limit is reached, and still hold. */
  readonly figures: readonly Claim[];
  /** The newest failure or end of a turn that a hook told. */
  private readonly hook: Claim | null;
  private readonly turn: Claim | null;
  private readonly claims: readonly Claim[];
  private readonly around: Circumstances;
  private readonly weights = new Map<Claim, VoteWeight>();

  constructor(claims: readonly Claim[], around: Circumstances) {
    this.around = around;
    this.claims = [...claims].sort(inOrder);
    const newest = (wanted: (claim: Claim) => boolean) => this.claims.findLast(wanted) ?? null;
    this.screen = newest(({ kind }) => kind === 'screen');
    this.row = newest(({ kind }) => kind === 'row');
    this.turn = newest(({ kind, says }) => kind === 'prompt' || (kind === 'hook' && says === 'turn'));
    this.hook = newest(({ kind, says }) => kind === 'hook' && says !== 'turn');
    this.figures = this.claims.filter(
      (claim) => claim.kind === 'figure' && claim.says === 'quota' && this.objection(claim) === null,
    );
    if (this.screen !== null) this.weigh(this.screen, 'supports');
    if (this.row?.says === 'quota') this.weigh(this.row, 'supports');
  }

  weigh(claim: Claim, weight: VoteWeight): void {
    this.weights.set(claim, weight);
  }

  /** The newest hook, if it says one of these and still holds. */
  freshHook(...says: readonly Claim['says'][]): Claim | null {
    return this.hook !== null && says.includes(this.hook.says) && this.objection(this.hook) === null ? this.hook : null;
  }

  /** When the newest turn met a limit, as a hook told; it dates a text that was there at first sight. */
  failedAt(): EpochMs | null {
    const { hook, turn } = this;
    if (hook?.says !== 'quota' || hook.at < (turn?.at ?? hook.at)) return null;
    return Math.abs(this.around.now - hook.at) <= LONGEST_SESSION_MS ? hook.at : null;
  }

  /** Why the latest row does not describe the present: a turn that began after it is still running. */
  runningTurn(row: Claim): string | null {
    const { busy, now } = this.around;
    const hides = row.says === 'quota' ? 'informs' : (this.weights.get(row) ?? 'informs');
    if (busy) {
      this.weigh(row, hides);
      return 'a turn is running';
    }
    const { turn } = this;
    if (turn === null || turn.isGuess || this.screen !== null || turn.at <= row.at) return null;
    if (Math.abs(now - turn.at) >= UNANSWERED_MS) return null;
    this.weigh(row, hides);
    this.weigh(turn, 'vetoes');
    return 'a newer prompt awaits its answer';
  }

  /** By kind, the oldest first. */
  votes(): readonly Vote[] {
    const shown = [...this.claims].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
    return shown.map((claim) => {
      const weight = this.weights.get(claim) ?? 'informs';
      return { ...claim, weight, note: weight === 'informs' ? (this.objection(claim) ?? '') : '', account: null };
    });
  }

  /** Why a record beside screen and rows does not count now; null: it does. */
  private objection(claim: Claim): string | null {
    if (claim.kind !== 'hook' && claim.kind !== 'figure') return null;
    const { now, switchedAt } = this.around;
    const newestRowAt = Math.max(this.row?.at ?? Number.NEGATIVE_INFINITY, this.turn?.at ?? Number.NEGATIVE_INFINITY);
    if (claim.isGuess) return "it may be another agent's";
    if (claim.at > now + AHEAD_MS) return 'its time lies ahead of the clock';
    if (switchedAt !== null && claim.since <= switchedAt) return 'it is older than the last switch';
    if (claim.at < newestRowAt) return 'newer rows of its session tell more';
    if (claim.kind === 'hook') return now - claim.at > HOOK_FRESH_MS ? 'it is too old to speak of now' : null;
    if (claim.resetAt !== null) return claim.resetAt <= now ? 'its reset has passed' : null;
    return now - claim.at > FIGURE_FRESH_MS ? 'it is too old to speak of now' : null;
  }
}

function isSameWindow(a: QuotaWindow | null, b: QuotaWindow | null): boolean {
  return a === b || a === null || b === null || a === 'unknown' || b === 'unknown';
}

const KINDS: readonly Claim['kind'][] = ['screen', 'row', 'prompt', 'hook', 'figure'];

/** By time, then by what does not depend on who spoke first. */
function inOrder(a: Claim, b: Claim): number {
  return a.at - b.at || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || compare(JSON.stringify(a), JSON.stringify(b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
