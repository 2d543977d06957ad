/** The recovery ladder of one pane: hot, then restart, then hand over; each rung is verified before the next. */
import { isHotSwappable } from '../agents/profile.ts';
import { personIn } from '../person.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE, SECOND } from '../time.ts';
import { awaitsAnswer } from '../verdict/prompts.ts';
import type { AssistantRow, TranscriptTail } from '../verdict/signals.ts';
import { interrupt, leaving, relaunching, restart, stopped } from './ladder-restart.ts';
import type { LadderPolicy, LadderStep, LadderView } from './ladder-step.ts';
import {
  ENTER_AGAIN_MS,
  end,
  hasPersonTyped,
  isSameAgent,
  leaveToPerson,
  MAX_ENTERS,
  MAX_PROMPTS,
  MAX_SUBMITS,
  NONE,
  NOT_SWAPPED,
  obstacleTo,
  PASTE_LOST_MS,
  paste,
  pressEnter,
  recovered,
  stay,
  wait,
} from './ladder-step.ts';
import type { RecoveryRow } from './swap.ts';
import { OPEN_RECOVERY } from './swap.ts';

const MENU_RETRY_MS = 3 * SECOND;
/** So often at most where no Enter followed: text alone is never sent, so it cannot come twice. */
const MAX_PASTES = 5;
/** A turn that has been running this long counts as progress even before its first row. */
const PROGRESS_MS = 5 * SECOND;

/** Moves one recovery forward by at most one key. Pure. */
export function climb(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (!OPEN_RECOVERY.includes(row.state)) return stay(row);
  if (!view.present) return end(row, 'gone', 'the pane is gone', now);
  if (now >= policy.deadlineAt) return end(row, 'handed_over', 'it took too long', now);
  if (row.stateSince > now + MINUTE) return end(row, 'handed_over', 'the clock was set back meanwhile', now);
  if (view.agent !== null && !view.agent.foreground)
    return end(row, 'handed_over', 'its agent is not in the foreground', now);
  switch (row.state) {
    case 'waiting':
    case 'menu':
      return begin(row, view, now, policy);
    case 'prompted':
    case 'reprompted':
      return prompted(row, view, now, policy);
    case 'exiting':
    case 'interrupting':
      return leaving(row, view, now, policy);
    case 'stopped':
      return stopped(row, view, now, policy);
    case 'relaunching':
      return relaunching(row, view, now, policy);
    case 'recovered':
    case 'handed_over':
    case 'gone':
      return stay(row);
  }
}

/** Nothing of ours was typed yet, or only the menu was closed. */
function begin(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (row.launch?.stopFirst === true) {
    if (policy.flip === 'failed') return end(row, 'handed_over', `${NOT_SWAPPED} before this agent was ended`, now);
    if (view.agent === null) return { row: { ...row, state: 'stopped', stateSince: now }, action: NONE };
    if (view.reading?.busy === true) return wait(row, 'it began a turn', now, policy);
  }
  if (!isSameAgent(row, view)) return end(row, 'handed_over', 'the agent has ended or was started anew', now);
  if (answeredSince(view.transcript, row.startedAt)) return recovered(row, 'self', 'it went on by itself', now);
  if (view.reading?.busy === true) {
    if (isRefused(view)) return wait(row, 'its screen shows a turn that has been refused', now, policy);
    return now - row.stateSince >= PROGRESS_MS ? recovered(row, 'self', 'a new turn is running', now) : stay(row);
  }
  const dialog = view.reading?.dialog ?? null;
  if (dialog?.kind === 'limit-menu') {
    const obstacle = personIn(view, now);
    if (obstacle !== null) return wait(row, obstacle, now, policy);
    if (row.state === 'menu' && now - row.stateSince < MENU_RETRY_MS) return stay(row);
    const isEndedAnyway = policy.profile.stopFirst === 'always';
    if (row.enters >= (isEndedAnyway ? 1 : MAX_ENTERS)) {
      if (isEndedAnyway) return interrupt(row, view, now, policy);
      return end(row, 'handed_over', 'the limit menu does not close', now);
    }
    // `enters` counts the Escapes of this state: Enter is never sent while a menu stands there.
    return {
      row: { ...row, state: 'menu', stateSince: now, enters: row.enters + 1 },
      action: { kind: 'press', key: 'Escape' },
    };
  }
  if (dialog !== null) return end(row, 'handed_over', `a dialog waits for you: ${dialog.text}`, now);
  // Ours would come on top of it.
  if (awaitsAnswer(view.transcript, now, row.startedAt))
    return wait(row, 'another prompt awaits its answer', now, policy);
  const obstacle = obstacleTo(view, now);
  if (obstacle !== null) return wait(row, obstacle, now, policy);

  if (row.launch?.stopFirst === true)
    return restart(asSeen(row, view), view, now, policy, 'it must not run while the link moves');
  if (isHotSwappable(policy.profile, row.version)) return paste(row, 'prompted', policy.profile.continuePrompt, now);
  return restart(row, view, now, policy, `version ${row.version ?? 'unknown'} keeps its account in memory`);
}

/** Its turn may have met the limit after the swap was planned, when it still seemed to rest: then it is told to go on. */
function asSeen(row: RecoveryRow, { reading, transcript, isGuess }: LadderView): RecoveryRow {
  const { launch } = row;
  if (launch?.wasIdle !== true || launch.limitStood === true || reading?.finding?.class !== 'quota') return row;
  const isDenied = transcript !== null && !isGuess && transcript.lastAssistant?.kind !== 'rejected';
  return isDenied ? row : { ...row, launch: { ...launch, wasIdle: false } };
}

/** The prompt is being typed, or was sent and is being verified. */
function prompted(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (row.state === 'prompted' && !isSameAgent(row, view)) {
    return end(row, 'handed_over', 'the agent ended after the prompt was typed', now);
  }
  if (view.agent === null) return end(row, 'handed_over', 'the relaunched agent has ended', now);
  const since = row.promptedAt ?? row.stateSince;
  const by = row.state === 'prompted' ? 'hot' : 'restart';
  const answer = rowSince(view.transcript, since);
  if (answer !== null) return judgeAnswer(row, answer, by, view, now, policy);

  const reading = view.reading;
  if (reading === null) return timedOut(row, view, now, policy, 'its screen could not be read');
  if (reading.busy && row.enters > 0 && now - row.stateSince >= PROGRESS_MS)
    return recovered(row, by, 'a turn is running', now);
  if (reading.busy) return timedOut(row, view, now, policy, 'no answer came');
  if (
    view.transcript === null &&
    row.enters > 0 &&
    reading.finding === null &&
    reading.composer?.text === '' &&
    (view.screenChangedAt ?? 0) > since &&
    now - row.stateSince >= PROGRESS_MS
  ) {
    return recovered(row, by, 'the limit is off the screen and the input line is free', now);
  }
  if (reading.dialog !== null) return end(row, 'handed_over', `a dialog waits for you: ${reading.dialog.text}`, now);

  const typed = reading.composer?.text ?? null;
  const prompt = policy.profile.continuePrompt;
  if (typed === prompt) {
    const pauseMs = row.enters === 0 ? policy.submitDelayMs : ENTER_AGAIN_MS;
    if (now - row.stateSince < pauseMs) return stay(row);
    const obstacle = personIn(view, now);
    if (obstacle !== null) return wait(row, obstacle, now, policy);
    if (row.enters >= MAX_SUBMITS) return end(row, 'handed_over', 'the prompt does not leave the input line', now);
    return pressEnter(row, now);
  }
  // A frame may be on its way.
  if (typed !== null && typed !== '') return leaveToPerson(row, view, now, PASTE_LOST_MS);

  const arrived = promptSince(view.transcript, since);
  const isUnsent = row.enters === 0;
  if (typed === '' && !arrived && now - row.stateSince >= (isUnsent ? PASTE_LOST_MS : policy.verifyTimeoutMs / 2)) {
    // Its own transcript proves that it never arrived; so does that nobody has pressed a key since it was pasted.
    const isProven = view.transcript !== null && !view.isGuess;
    if (isUnsent && !isProven && hasPersonTyped(row, view))
      return end(row, 'handed_over', 'it cannot be proved that the prompt was not sent', now);
    if (isUnsent ? row.prompts < MAX_PASTES : isProven && row.prompts < MAX_PROMPTS) {
      const obstacle = personIn(view, now);
      if (obstacle !== null) return wait(row, obstacle, now, policy);
      return paste(row, row.state, prompt, now);
    }
  }
  return timedOut(row, view, now, policy, 'no answer came');
}

function judgeAnswer(
  row: RecoveryRow,
  answer: AssistantRow,
  by: 'hot' | 'restart',
  view: LadderView,
  now: EpochMs,
  policy: LadderPolicy,
): LadderStep {
  if (answer.kind === 'answer') return recovered(row, by, 'a new answer stands in the transcript', now);
  if (answer.kind === 'rejected') {
    // A new account that is at its limit is the next verdict's business, not this pane's.
    if (by === 'hot' && answer.resetAt === null) return restart(row, view, now, policy, 'it was refused again');
    return end(row, 'handed_over', `refused again: ${answer.text}`, now);
  }
  return end(row, 'handed_over', `it answered with an error: ${answer.text}`, now);
}

function timedOut(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy, why: string): LadderStep {
  if (now - row.stateSince < policy.verifyTimeoutMs) return stay(row);
  if (row.state === 'prompted' && view.reading !== null && !view.reading.busy && view.reading.composer?.text === '') {
    return restart(row, view, now, policy, `${why} within ${Math.round(policy.verifyTimeoutMs / SECOND)} s`);
  }
  return end(row, 'handed_over', why, now);
}

function rowSince(transcript: TranscriptTail | null, since: EpochMs): AssistantRow | null {
  const row = transcript?.lastAssistant ?? null;
  return row !== null && row.at > since ? row : null;
}

function answeredSince(transcript: TranscriptTail | null, since: EpochMs): boolean {
  return rowSince(transcript, since)?.kind === 'answer';
}

/** Its turn ended with a refusal, and nothing was asked since; what its screen shows may be older. */
function isRefused({ transcript, isGuess }: LadderView): boolean {
  const last = transcript?.lastAssistant ?? null;
  return last?.kind === 'rejected' && !isGuess && !promptSince(transcript, last.at);
}

function promptSince(transcript: TranscriptTail | null, since: EpochMs): boolean {
  return transcript?.prompts.some((prompt) => prompt.at >= since) ?? false;
}
