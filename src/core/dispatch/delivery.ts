/** How a task's text gets into a session: pasted, sent by a lone Enter, verified; one key at a time, and nothing twice. */
import type { AgentProcess, PaneIdentity } from '../panes.ts';
import { personIn } from '../person.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { SECOND } from '../time.ts';
import { withoutBlanks } from '../typed-text.ts';
import type { TranscriptTail } from '../verdict/signals.ts';

/**
 * `waiting`: nothing was typed, the prompt is awaited. `typed`: the text is (being) pasted and sent. `sent`: it was seen to
 * have left the input line.
 */
export type DeliveryState = 'waiting' | 'typed' | 'sent';

/** Written down before the key that belongs to it is sent. */
export interface Delivery {
  readonly state: DeliveryState;
  /** When this state began or its last key was sent. */
  readonly stateSince: EpochMs;
  /** Since when the prompt is awaited; time in which a person or a dialog was in the way does not count. */
  readonly awaitedSince: EpochMs;
  readonly pane: PaneIdentity;
  /** The agent that was typed into; null: none yet. */
  readonly agent: { readonly pid: number; readonly startTicks: string } | null;
  /** When the text was first pasted; null: not yet. */
  readonly typedAt: EpochMs | null;
  readonly pastes: number;
  /** Keys Enter since the last paste. */
  readonly enters: number;
}

/** What a fresh look at the pane shows. */
export interface DeliveryView {
  readonly present: boolean;
  /** The agent in front; null: none. */
  readonly agent: AgentProcess | null;
  /** Null: no agent runs, or its screen could not be captured. */
  readonly reading: Reading | null;
  readonly inMode: boolean;
  readonly clientActivityAt: EpochMs | null;
  /** Null: no readable transcript. */
  readonly transcript: TranscriptTail | null;
}

export interface DeliveryPolicy {
  readonly text: string;
  /** A line of the text by which a prompt in a transcript is known to be this one. */
  readonly mark: string;
  readonly promptTimeoutMs: number;
  readonly submitDelayMs: number;
  /** A paste may reach its pane this late: a tmux server that hung does what it was told when it wakes. */
  readonly pasteLostMs: number;
}

export type DeliveryAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'paste'; readonly text: string }
  | { readonly kind: 'enter' };

/**
 * `given_back`: nothing was typed and somebody else uses the session: the task waits for another one, and nobody failed.
 * `blocked`: a dialog waits for a person.
 */
export type DeliveryEnd =
  | { readonly kind: 'given_back'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: 'submit_failed' | 'session_died'; readonly reason: string };

export interface DeliveryStep {
  readonly delivery: Delivery;
  readonly action: DeliveryAction;
  /** Null: it goes on, or it is `sent`. */
  readonly end: DeliveryEnd | null;
  /** What is waited for, for a person; null: nothing in particular. */
  readonly awaits: string | null;
}

/** The input line must have emptied, or a turn begun, so long after Enter. */
const VERIFY_MS = 10 * SECOND;
const ENTER_AGAIN_MS = 3 * SECOND;
const MAX_ENTERS = 3;
const MAX_PASTES = 2;
/** A person who uses the session is waited for no longer than this before the task goes elsewhere. */
const MAX_PERSON_MS = 60 * SECOND;
/** So many signs of the text's end tell it from what a person types. */
const TAIL = 40;
const NONE: DeliveryAction = { kind: 'none' };

export function newDelivery(pane: PaneIdentity, now: EpochMs): Delivery {
  return {
    state: 'waiting',
    stateSince: now,
    awaitedSince: now,
    pane,
    agent: null,
    typedAt: null,
    pastes: 0,
    enters: 0,
  };
}

/** Moves a delivery forward by at most one key. Pure. */
export function deliver(delivery: Delivery, view: DeliveryView, now: EpochMs, policy: DeliveryPolicy): DeliveryStep {
  if (delivery.state === 'sent') return stay(delivery);
  if (!view.present) return fail(delivery, 'session_died', 'the pane is gone');
  if (delivery.state === 'waiting') return begin(delivery, view, now, policy);
  return send(delivery, view, now, policy);
}

/** Nothing was typed yet. */
function begin(delivery: Delivery, view: DeliveryView, now: EpochMs, policy: DeliveryPolicy): DeliveryStep {
  const { reading } = view;
  const waitedMs = now - delivery.awaitedSince;
  // A clock that was set back begins the wait anew.
  if (waitedMs < 0) return stay({ ...delivery, awaitedSince: now });
  if (reading?.dialog != null) {
    return { ...stay({ ...delivery, awaitedSince: now }), awaits: `a dialog waits for you: ${reading.dialog.text}` };
  }
  const person = personIn(view, now);
  const foreign = reading?.composer != null && reading.composer.text !== '' ? 'its input line is not empty' : null;
  const inTheWay = person ?? foreign;
  if (inTheWay !== null) {
    if (now - delivery.stateSince >= MAX_PERSON_MS) return giveBack(delivery, inTheWay);
    return { ...stay(delivery), awaits: inTheWay };
  }
  if (view.agent === null || !view.agent.foreground || reading?.composer == null || reading.busy) {
    if (waitedMs < policy.promptTimeoutMs) return { ...stay(delivery), awaits: 'its prompt' };
    const seconds = Math.round(policy.promptTimeoutMs / SECOND);
    return fail(delivery, 'session_died', `the agent showed no prompt within ${seconds} s`);
  }
  return paste(delivery, view.agent, now, policy);
}

/** The text was, or is being, typed. */
function send(delivery: Delivery, view: DeliveryView, now: EpochMs, policy: DeliveryPolicy): DeliveryStep {
  const { agent, reading } = view;
  const waitedMs = Math.abs(now - delivery.stateSince);
  if (arrived(delivery, view, policy)) return sent(delivery, now);
  if (agent === null || agent.pid !== delivery.agent?.pid || agent.startTicks !== delivery.agent.startTicks) {
    return fail(delivery, 'session_died', 'the agent ended while the task was typed');
  }
  if (reading === null) return patience(delivery, waitedMs, 'its screen cannot be read');
  if (reading.busy && delivery.enters > 0) return sent(delivery, now);
  // Enter would answer it. After our Enter it may be the turn itself that asks, or a dialog may lie over our text.
  if (reading.dialog !== null) return { ...stay(delivery), awaits: `a dialog waits for you: ${reading.dialog.text}` };
  const typed = reading.composer?.text ?? null;
  if (typed === null) return patience(delivery, waitedMs, 'its input line is not on the screen');
  if (typed === '') {
    if (delivery.enters > 0) return sent(delivery, now);
    if (waitedMs < policy.pasteLostMs) return stay(delivery);
    // Without a key of ours nothing was sent, unless a person did it.
    if (view.clientActivityAt !== null && view.clientActivityAt + SECOND > (delivery.typedAt ?? 0))
      return fail(delivery, 'submit_failed', 'somebody used the session while the task was typed');
    if (delivery.pastes >= MAX_PASTES) return fail(delivery, 'submit_failed', 'the pasted text never arrived');
    const obstacle = personIn(view, now);
    return obstacle === null ? paste(delivery, agent, now, policy) : patience(delivery, waitedMs, obstacle);
  }
  if (!isOurs(typed, policy.text)) return patience(delivery, waitedMs, 'somebody else types in its input line');
  const pauseMs = delivery.enters === 0 ? policy.submitDelayMs : ENTER_AGAIN_MS;
  if (waitedMs < pauseMs) return stay(delivery);
  if (delivery.enters >= MAX_ENTERS) return patience(delivery, waitedMs, 'the text does not leave the input line');
  const obstacle = personIn(view, now);
  if (obstacle !== null) return patience(delivery, waitedMs, obstacle);
  return {
    ...stay({ ...delivery, enters: delivery.enters + 1, stateSince: now }),
    action: { kind: 'enter' },
  };
}

function arrived({ typedAt }: Delivery, { transcript }: DeliveryView, { mark }: DeliveryPolicy): boolean {
  // A row may be written a moment before the time that was noted for its key: clocks are read one after the other.
  const since = (typedAt ?? 0) - SECOND;
  return transcript?.prompts.some(({ at, text }) => at >= since && text.includes(mark)) ?? false;
}

/** A long paste is shown as a placeholder; where it is shown itself, its end is in sight and nothing was added to it. */
function isOurs(typed: string, text: string): boolean {
  if (/^(?:\[Pasted (?:text|content)\b[^\]]*\]\s*)+$/i.test(typed.trim())) return true;
  return withoutBlanks(typed).endsWith(withoutBlanks(text).slice(-TAIL));
}

function paste(delivery: Delivery, agent: AgentProcess, now: EpochMs, policy: DeliveryPolicy): DeliveryStep {
  const next: Delivery = {
    ...delivery,
    state: 'typed',
    stateSince: now,
    typedAt: delivery.typedAt ?? now,
    pastes: delivery.pastes + 1,
    enters: 0,
    agent: { pid: agent.pid, startTicks: agent.startTicks },
  };
  return { ...stay(next), action: { kind: 'paste', text: policy.text } };
}

function sent(delivery: Delivery, now: EpochMs): DeliveryStep {
  return stay({ ...delivery, state: 'sent', stateSince: now });
}

function patience(delivery: Delivery, waitedMs: number, why: string): DeliveryStep {
  if (waitedMs < VERIFY_MS) return { ...stay(delivery), awaits: why };
  return fail(delivery, 'submit_failed', why);
}

function stay(delivery: Delivery): DeliveryStep {
  return { delivery, action: NONE, end: null, awaits: null };
}

function fail(delivery: Delivery, error: 'submit_failed' | 'session_died', reason: string): DeliveryStep {
  return { ...stay(delivery), end: { kind: 'failed', error, reason } };
}

function giveBack(delivery: Delivery, reason: string): DeliveryStep {
  return { ...stay(delivery), end: { kind: 'given_back', reason } };
}
