/** Answering a dialog in a session that works for the daemon: which key comes next, and when it is left to a person. */
import type { AutoAnswer, DialogAnswer } from '../agents/dialog-answers.ts';
import { COSTLY, DIALOG_ANSWERS } from '../agents/dialog-answers.ts';
import type { AgentProcess } from '../panes.ts';
import { personIn } from '../person.ts';
import type { Choice, Choices } from '../screen/choices.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { SECOND } from '../time.ts';

/** What was pressed in a dialog. Written down before each key. */
export interface Answering {
  readonly name: AutoAnswer;
  /** The words of the choice. */
  readonly choice: string;
  /** What the dialog showed: the same again is the same appearance. */
  readonly shown: string;
  /** `1`, or `Down` and `Enter`. */
  readonly keys: readonly AnswerKey[];
  /** When the last of them was pressed. */
  readonly at: EpochMs;
}

export const ANSWER_KEYS = ['Enter', 'Up', 'Down', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

export type AnswerKey = (typeof ANSWER_KEYS)[number];

/** A fresh look at the session's pane. */
export interface AnswerView {
  readonly agent: AgentProcess | null;
  readonly reading: Reading | null;
  /** Of the same screen. */
  readonly choices: Choices | null;
  readonly inMode: boolean;
  readonly clientActivityAt: EpochMs | null;
}

export type AnswerStep =
  | { readonly kind: 'wait' }
  /** `line`: what a line of the screen must show by itself at the moment of the key. */
  | { readonly kind: 'press'; readonly key: AnswerKey; readonly line: string; readonly answering: Answering }
  /** It is for a person. */
  | { readonly kind: 'left'; readonly why: string };

/** A dialog must have closed, or its cursor moved, so long after a key. */
const CLOSE_MS = 5 * SECOND;
/** Claude Code 2.1.330 may lose a key in its first second. A step of the cursor chooses nothing, so it may come again. */
const MAX_MOVES = 3;

/** @param answering what was pressed in the dialog before; null: nothing. Pure. */
export function answerDialog(
  answering: Answering | null,
  view: AnswerView,
  now: EpochMs,
  allowed: readonly AutoAnswer[],
): AnswerStep {
  const { agent, reading, choices } = view;
  if (agent === null || !agent.foreground || reading?.dialog == null) return left('its dialog cannot be read');
  const known = choices === null ? null : knownAnswer(agent, reading, choices, allowed);
  if (choices === null || known === null) return left('it is none that may be answered');
  const person = personIn(view, now);
  if (person !== null) return left(person);
  const wanted = choices.choices.find(({ text }) => text === known.choice);
  const before = answering?.shown === choices.shown ? answering : null;
  const last = before?.keys.at(-1);
  const isMove = last === 'Up' || last === 'Down';
  if (before !== null && !(isMove && wanted?.hasCursor === true)) {
    if (Math.abs(now - before.at) < CLOSE_MS) return { kind: 'wait' };
    if (!isMove || before.keys.length >= MAX_MOVES)
      return left(`"${known.choice}" was chosen there, and it did not close`);
  }
  if (wanted === undefined) return left('it is none that may be answered');
  const key = nextKey(wanted, choices.choices);
  if (key === null) return left('its cursor is too far away');
  const keys = [...(before?.keys ?? []), key];
  const next = { name: known.name, choice: known.choice, shown: choices.shown, keys, at: now };
  return { kind: 'press', key, line: lineOf(wanted), answering: next };
}

/** Every choice must be known, so that no other dialog can be taken for it. */
function knownAnswer(
  agent: AgentProcess,
  { dialog }: Reading,
  { question, choices }: Choices,
  allowed: readonly AutoAnswer[],
): DialogAnswer | null {
  if (choices.some(({ text }) => COSTLY.test(text))) return null;
  const known = DIALOG_ANSWERS.find(
    (answer) =>
      answer.agent === agent.agent &&
      answer.kind === dialog?.kind &&
      (answer.question === null || answer.question.test(question)) &&
      choices.filter(({ text }) => text === answer.choice).length === 1 &&
      choices.every(({ text }) => text === answer.choice || answer.others.test(text)),
  );
  return known !== undefined && allowed.includes(known.name) ? known : null;
}

/** Its number where it has one; else the cursor goes there by one step, and Enter follows when it stands there. */
function nextKey(wanted: Choice, choices: readonly Choice[]): AnswerKey | null {
  if (wanted.digit !== null) return ANSWER_KEYS.find((key) => key === String(wanted.digit)) ?? null;
  if (wanted.hasCursor) return 'Enter';
  const steps = choices.indexOf(wanted) - choices.findIndex(({ hasCursor }) => hasCursor);
  if (Math.abs(steps) !== 1) return null;
  return steps > 0 ? 'Down' : 'Up';
}

function lineOf({ hasCursor, digit, text }: Choice): string {
  return `${hasCursor ? '❯ ' : ''}${digit === null ? '' : `${digit}. `}${text}`;
}

function left(why: string): AnswerStep {
  return { kind: 'left', why };
}
