/** The recovery ladder of one pane: hot, then restart, then hand over; each rung is verified before the next. */

import type { AgentProfile } from '../agents/profile.ts';
import { isHotSwappable } from '../agents/profile.ts';
import type { AgentProcess } from '../panes.ts';
import { personIn } from '../person.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE, SECOND } from '../time.ts';
import { withoutBlanks } from '../typed-text.ts';
import { awaitsAnswer } from '../verdict/prompts.ts';
import type { AssistantRow, TranscriptTail } from '../verdict/signals.ts';
import { resumeCommand } from './resume-command.ts';
import type { RecoveryRow, RecoveryState } from './swap.ts';
import { OPEN_RECOVERY } from './swap.ts';

/** What a fresh look at the pane shows. */
export interface LadderView {
  /** That very pane still exists. */
  readonly present: boolean;
  /** The agent in the pane now; null: none. */
  readonly agent: AgentProcess | null;
  /** No agent runs, and the pane's own interactive shell waits for a command. */
  readonly shellInFront: boolean;
  /** The screen as text; null: not captured. */
  readonly screenText: string | null;
  /** The screen, read; null when no agent runs or it could not be captured. */
  readonly reading: Reading | null;
  readonly screenChangedAt: EpochMs | null;
  readonly inMode: boolean;
  readonly clientActivityAt: EpochMs | null;
  /** Null: no readable transcript. */
  readonly transcript: TranscriptTail | null;
  /** The transcript may be that of another agent: what is absent from it proves nothing. */
  readonly isGuess: boolean;
  readonly cwd: string;
}

export interface LadderPolicy {
  readonly verifyTimeoutMs: number;
  readonly exitGraceMs: number;
  /** Between pasted text and its lone Enter. */
  readonly submitDelayMs: number;
  /** The whole recovery must have ended by then. */
  readonly deadlineAt: EpochMs;
  readonly profile: AgentProfile;
  /** Whether the link has moved: an agent that is ended first is started again only when that is settled. */
  readonly flip: 'pending' | 'done' | 'failed';
}

export type LadderAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'press'; readonly key: 'Enter' | 'Escape' | 'C-c' }
  | { readonly kind: 'paste'; readonly text: string };

/** The row is saved before the action is carried out, so that a kill in between is seen afterwards. */
export interface LadderStep {
  readonly row: RecoveryRow;
  readonly action: LadderAction;
}

const NONE: LadderAction = { kind: 'none' };
/** Pasted text that has not reached the composer by then was not delivered. */
const PASTE_LOST_MS = 3 * SECOND;
const NO_SHELL = 'no shell waits for a command there';
const NO_COMMAND = "the command is not on the shell's line";
const NOT_SWAPPED = 'the swap did not go through';
const MENU_RETRY_MS = 3 * SECOND;
const MAX_ENTERS = 3;
const MAX_PROMPTS = 2;
/** So often at most where no Enter followed: text alone is never sent, so it cannot come twice. */
const MAX_PASTES = 5;
const ENTER_AGAIN_MS = 2 * SECOND;
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

  if (row.launch?.stopFirst === true) return restart(row, view, now, policy, 'it must not run while the link moves');
  if (isHotSwappable(policy.profile, row.version)) return type(row, 'prompted', policy.profile.continuePrompt, now);
  return restart(row, view, now, policy, `version ${row.version ?? 'unknown'} keeps its account in memory`);
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
  if (reading.busy && row.enters > 0 && now - since >= PROGRESS_MS) return recovered(row, by, 'a turn is running', now);
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
    if (row.enters >= MAX_ENTERS) return end(row, 'handed_over', 'the prompt does not leave the input line', now);
    return { row: { ...row, enters: row.enters + 1, stateSince: now }, action: { kind: 'press', key: 'Enter' } };
  }
  if (typed !== null && typed !== '') return end(row, 'handed_over', 'somebody else is typing in its input line', now);

  const arrived = promptSince(view.transcript, since);
  // Typed once more only where its own transcript proves that it never arrived.
  const isProven = view.transcript !== null && !view.isGuess;
  const quietMs = row.enters === 0 ? PASTE_LOST_MS : policy.verifyTimeoutMs / 2;
  if (typed === '' && !arrived && now - row.stateSince >= quietMs) {
    if (!isProven && row.enters === 0) {
      return end(row, 'handed_over', 'it cannot be proved that the prompt was not sent', now);
    }
    if (isProven && row.prompts < (row.enters === 0 ? MAX_PASTES : MAX_PROMPTS)) {
      const obstacle = personIn(view, now);
      if (obstacle !== null) return wait(row, obstacle, now, policy);
      return type(row, row.state, prompt, now);
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

/** The exit command is being typed; then Ctrl-C twice; never anything stronger. */
function leaving(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  const waitedMs = now - row.stateSince;
  const person = personIn(view, now);
  if (!isSameAgent(row, view)) {
    if (row.launch?.stopFirst === true && policy.flip === 'pending' && view.agent === null)
      return { row: { ...row, state: 'stopped', stateSince: now }, action: NONE };
    return startAgain(row, view, now, policy);
  }
  const dialog = view.reading?.dialog ?? null;
  const isItsMenu = dialog?.kind === 'limit-menu' && policy.profile.stopFirst === 'always';
  if (dialog !== null && !(isItsMenu && row.state === 'interrupting'))
    return end(row, 'handed_over', `a dialog waits for you: ${dialog.text}`, now);
  const { exitCommand } = policy.profile;
  const typed = view.reading?.composer?.text ?? '';
  if (typed !== '' && typed !== exitCommand)
    return end(row, 'handed_over', 'somebody else is typing in its input line', now);

  const next = keyToLeave(row, typed, waitedMs, policy);
  if (next === 'wait') return stay(row);
  if (next === 'give up') return end(row, 'handed_over', 'the agent does not end', now);
  if (person !== null) return wait(row, person, now, policy);
  if (view.reading?.busy === true) return end(row, 'handed_over', 'it is running a turn', now);
  const isFirst = next === 'C-c' && row.state === 'exiting';
  return {
    row: {
      ...row,
      state: next === 'C-c' ? 'interrupting' : 'exiting',
      stateSince: now,
      enters: isFirst ? 1 : row.enters + 1,
    },
    action: { kind: 'press', key: next },
  };
}

/** The agent has ended; nothing is typed into its shell before it is settled where the link points. */
function stopped(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (policy.flip !== 'pending') return startAgain(row, view, now, policy);
  if (view.agent !== null) return end(row, 'handed_over', 'another agent was started in its place', now);
  return stay(row);
}

function startAgain(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (view.agent !== null) return end(row, 'handed_over', 'another agent was started in its place', now);
  if (hasPersonTyped(row, view)) return end(row, 'handed_over', 'somebody used this session since it ended', now);
  // One more look: a shell that has just come back may still be printing its prompt.
  if (now - row.stateSince < policy.submitDelayMs) return stay(row);
  const obstacle = personIn(view, now) ?? (view.shellInFront ? null : NO_SHELL);
  if (obstacle !== null) return wait(row, obstacle, now, policy);
  const command = resumeCommand(row, policy.profile, view.cwd);
  if (command === null) return end(row, 'handed_over', 'it cannot be resumed by its session id', now);
  const launch = row.launch && { ...row.launch, screenSize: sizeOf(view.screenText) };
  return type({ ...row, launch }, 'relaunching', command, now);
}

/** A limit menu that Escape does not close: Ctrl-C confirms nothing in any of them. */
function interrupt(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (row.launch?.pid === row.pane.panePid || resumeCommand(row, policy.profile, view.cwd) === null)
    return end(row, 'handed_over', 'the limit menu does not close', now);
  return {
    row: { ...row, state: 'interrupting', stateSince: now, enters: 1 },
    action: { kind: 'press', key: 'C-c' },
  };
}

/** In `interrupting`, `enters` counts the Ctrl-C. */
function keyToLeave(
  row: RecoveryRow,
  typed: string,
  waitedMs: number,
  policy: LadderPolicy,
): 'Enter' | 'C-c' | 'wait' | 'give up' {
  if (row.state === 'exiting' && typed === policy.profile.exitCommand && row.enters < MAX_ENTERS) {
    return waitedMs < (row.enters === 0 ? policy.submitDelayMs : ENTER_AGAIN_MS) ? 'wait' : 'Enter';
  }
  if (row.state === 'interrupting' && row.enters === 1) return waitedMs < policy.submitDelayMs ? 'wait' : 'C-c';
  if (waitedMs < policy.exitGraceMs) return 'wait';
  return row.state === 'exiting' ? 'C-c' : 'give up';
}

/** The resume command is on the shell's line, or the agent is starting. */
function relaunching(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  const waitedMs = now - row.stateSince;
  if (view.agent === null) {
    if (row.enters === 0) {
      if (waitedMs < policy.submitDelayMs) return stay(row);
      if (hasPersonTyped(row, view)) return end(row, 'handed_over', 'somebody used this session since it ended', now);
      const obstacle = personIn(view, now) ?? obstacleToSubmit(row, view, policy);
      if (obstacle === NO_COMMAND && waitedMs >= PASTE_LOST_MS) return typeCommandAgain(row, view, now, policy);
      if (obstacle !== null) return wait(row, obstacle, now, policy);
      return { row: { ...row, enters: 1, stateSince: now }, action: { kind: 'press', key: 'Enter' } };
    }
    if (waitedMs < policy.verifyTimeoutMs) return stay(row);
    return end(row, 'handed_over', 'the agent did not start again', now);
  }
  const dialog = view.reading?.dialog ?? null;
  if (dialog !== null) return end(row, 'handed_over', `a dialog waits for you: ${dialog.text}`, now);
  const obstacle = obstacleTo(view, now);
  if (obstacle !== null) return wait(row, `the agent started again, but ${obstacle}`, now, policy);
  if (row.launch?.wasIdle === true) return recovered(row, 'restart', 'it was idle and was started again', now);
  if (policy.flip === 'failed')
    return end(row, 'handed_over', `${NOT_SWAPPED}; it was started again on the account it had`, now);
  if (now - view.agent.startedAt < (policy.profile.settleMs ?? 0)) return stay(row);
  return type(row, 'reprompted', policy.profile.continuePrompt, now);
}

/** Once, and only where nothing has come to the screen since it was typed: without its Enter it did nothing. */
function typeCommandAgain(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  const { launch } = row;
  const command = resumeCommand(row, policy.profile, view.cwd);
  const isLost = view.screenText !== null && launch?.screenSize === sizeOf(view.screenText) && launch.retyped !== true;
  if (command === null || launch === null || !isLost) return wait(row, NO_COMMAND, now, policy);
  return type({ ...row, launch: { ...launch, retyped: true } }, 'relaunching', command, now);
}

function sizeOf(screenText: string | null): number {
  return withoutBlanks(screenText ?? '').length;
}

function restart(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy, why: string): LadderStep {
  if (row.prompts >= MAX_PROMPTS) return end(row, 'handed_over', why, now);
  // Asked before the exit, not after it: a stopped agent that cannot be resumed is worse than a limited one.
  if (row.launch?.pid === row.pane.panePid)
    return end(row, 'handed_over', `${why}; no shell runs below it, so it is not stopped`, now);
  if (resumeCommand(row, policy.profile, view.cwd) === null) {
    const lack = row.launch?.argv.length === 0 ? 'its program is not known' : 'it cannot be resumed by its session id';
    return end(row, 'handed_over', `${why}; ${lack}, so it is not stopped`, now);
  }
  const dialog = view.reading?.dialog ?? null;
  if (dialog !== null) return end(row, 'handed_over', `${why}; a dialog waits for you: ${dialog.text}`, now);
  const obstacle = obstacleTo(view, now);
  if (obstacle !== null) return wait(row, `${why}; ${obstacle}`, now, policy);
  const reason = row.launch?.argumentsLost === true ? `${why}; its arguments are lost, so it starts without any` : why;
  return type({ ...row, reason }, 'exiting', policy.profile.exitCommand, now);
}

function timedOut(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy, why: string): LadderStep {
  const since = row.promptedAt ?? row.stateSince;
  if (now - since < policy.verifyTimeoutMs) return stay(row);
  if (row.state === 'prompted' && view.reading !== null && !view.reading.busy && view.reading.composer?.text === '') {
    return restart(row, view, now, policy, `${why} within ${Math.round(policy.verifyTimeoutMs / SECOND)} s`);
  }
  return end(row, 'handed_over', why, now);
}

function type(row: RecoveryRow, state: RecoveryState, text: string, now: EpochMs): LadderStep {
  const isPrompt = state === 'prompted' || state === 'reprompted';
  return {
    row: {
      ...row,
      state,
      stateSince: now,
      enters: 0,
      promptedAt: isPrompt ? now : row.promptedAt,
      prompts: isPrompt ? row.prompts + 1 : row.prompts,
    },
    action: { kind: 'paste', text },
  };
}

function recovered(row: RecoveryRow, by: 'hot' | 'restart' | 'self', reason: string, now: EpochMs): LadderStep {
  return {
    row: { ...row, state: 'recovered', stateSince: now, finishedAt: now, recoveredBy: by, reason },
    action: NONE,
  };
}

function end(row: RecoveryRow, state: 'handed_over' | 'gone', reason: string, now: EpochMs): LadderStep {
  return { row: { ...row, state, stateSince: now, finishedAt: now, reason }, action: NONE };
}

function stay(row: RecoveryRow): LadderStep {
  return { row, action: NONE };
}

/** Waits for what stands in the way, then leaves the pane to its person. */
function wait(row: RecoveryRow, obstacle: string, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (now - row.stateSince < policy.verifyTimeoutMs) return stay(row);
  return end(row, 'handed_over', obstacle, now);
}

/** A client pressed a key after our last one; tmux tells the second only. */
function hasPersonTyped(row: RecoveryRow, view: LadderView): boolean {
  return view.clientActivityAt !== null && view.clientActivityAt + SECOND > row.stateSince;
}

/** Why the command may not be sent to the shell: Enter would answer whatever else stands there. */
function obstacleToSubmit(row: RecoveryRow, view: LadderView, policy: LadderPolicy): string | null {
  if (!view.shellInFront) return NO_SHELL;
  const command = withoutBlanks(resumeCommand(row, policy.profile, view.cwd) ?? '');
  const screen = withoutBlanks(view.screenText ?? '');
  const isShown = command !== '' && screen.endsWith(command) && !screen.endsWith(command + command);
  return isShown ? null : NO_COMMAND;
}

/** Why no text may be typed into the agent just now. */
function obstacleTo(view: LadderView, now: EpochMs): string | null {
  const person = personIn(view, now);
  if (person !== null) return person;
  if (view.reading?.busy === true) return 'a turn is running';
  if (view.reading?.composer == null) return 'its input line is not on the screen';
  return view.reading.composer.text === '' ? null : 'its input line is not empty';
}

function isSameAgent(row: RecoveryRow, view: LadderView): boolean {
  return (
    view.agent !== null &&
    row.launch !== null &&
    view.agent.pid === row.launch.pid &&
    view.agent.startTicks === row.launch.startTicks
  );
}

function rowSince(transcript: TranscriptTail | null, since: EpochMs): AssistantRow | null {
  const row = transcript?.lastAssistant ?? null;
  return row !== null && row.at > since ? row : null;
}

function answeredSince(transcript: TranscriptTail | null, since: EpochMs): boolean {
  return rowSince(transcript, since)?.kind === 'answer';
}

function promptSince(transcript: TranscriptTail | null, since: EpochMs): boolean {
  return transcript?.prompts.some((prompt) => prompt.at >= since) ?? false;
}
