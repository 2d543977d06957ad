/** The rungs of a restart: the agent is left, and started again by its session id in the same shell. */
import { personIn } from '../person.ts';
import type { EpochMs } from '../time.ts';
import { SECOND } from '../time.ts';
import { withoutBlanks } from '../typed-text.ts';
import type { LadderPolicy, LadderStep, LadderView } from './ladder-step.ts';
import {
  ENTER_AGAIN_MS,
  end,
  hasPersonTyped,
  isSameAgent,
  leaveToPerson,
  MAX_ENTERS,
  MAX_PROMPTS,
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
import { resumeCommand } from './resume-command.ts';
import type { RecoveryRow } from './swap.ts';

const NO_SHELL = 'no shell waits for a command there';
/** A shell that was given Enter has begun the command long before: it still stands there because a kill kept Enter back. */
const ENTER_LOST_MS = 10 * SECOND;
const NO_COMMAND = "the command is not on the shell's line";

export function restart(
  row: RecoveryRow,
  view: LadderView,
  now: EpochMs,
  policy: LadderPolicy,
  why: string,
): LadderStep {
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
  return paste({ ...row, reason }, 'exiting', policy.profile.exitCommand, now);
}

/** A limit menu that Escape does not close: Ctrl-C confirms nothing in any of them. */
export function interrupt(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (row.launch?.pid === row.pane.panePid || resumeCommand(row, policy.profile, view.cwd) === null)
    return end(row, 'handed_over', 'the limit menu does not close', now);
  return {
    row: { ...row, state: 'interrupting', stateSince: now, enters: 1 },
    action: { kind: 'press', key: 'C-c' },
  };
}

/** The exit command is being typed; then Ctrl-C twice; never anything stronger. */
export function leaving(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
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
  // The last frame of an agent that is ending may be its history without an input line.
  if (typed !== '' && typed !== exitCommand) return leaveToPerson(row, view, now, policy.exitGraceMs);

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

/** The agent has ended; nothing is typed into its shell before it is settled where the link points. */
export function stopped(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
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
  return paste({ ...row, launch }, 'relaunching', command, now);
}

/** The resume command is on the shell's line, or the agent is starting. */
export function relaunching(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (view.agent === null)
    return row.enters === 0 ? submit(row, view, now, policy) : submitAgain(row, view, now, policy);
  const dialog = view.reading?.dialog ?? null;
  if (dialog !== null) return end(row, 'handed_over', `a dialog waits for you: ${dialog.text}`, now);
  const obstacle = obstacleTo(view, now);
  if (obstacle !== null) return wait(row, `the agent started again, but ${obstacle}`, now, policy);
  if (row.launch?.wasIdle === true) return recovered(row, 'restart', 'it was idle and was started again', now);
  if (policy.flip === 'failed')
    return end(row, 'handed_over', `${NOT_SWAPPED}; it was started again on the account it had`, now);
  if (now - view.agent.startedAt < (policy.profile.settleMs ?? 0)) return stay(row);
  return paste(row, 'reprompted', policy.profile.continuePrompt, now);
}

/** Enter under the command, which stands there alone. */
function submit(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  const waitedMs = now - row.stateSince;
  if (waitedMs < policy.submitDelayMs) return stay(row);
  if (hasPersonTyped(row, view)) return end(row, 'handed_over', 'somebody used this session since it ended', now);
  const obstacle = personIn(view, now) ?? obstacleToSubmit(row, view, policy);
  if (obstacle === NO_COMMAND && waitedMs >= PASTE_LOST_MS) return typeCommandAgain(row, view, now, policy);
  return obstacle === null ? pressEnter(row, now) : wait(row, obstacle, now, policy);
}

/** Enter was written down: pressed once more only where it provably never came. */
function submitAgain(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (now - row.stateSince < ENTER_LOST_MS) return stay(row);
  const isLost =
    row.enters < MAX_ENTERS &&
    !hasPersonTyped(row, view) &&
    personIn(view, now) === null &&
    obstacleToSubmit(row, view, policy) === null;
  return isLost ? pressEnter(row, now) : wait(row, 'the agent did not start again', now, policy);
}

/** Once, and only where nothing has come to the screen since it was typed: without its Enter it did nothing. */
function typeCommandAgain(row: RecoveryRow, view: LadderView, now: EpochMs, policy: LadderPolicy): LadderStep {
  const { launch } = row;
  const command = resumeCommand(row, policy.profile, view.cwd);
  const isLost = view.screenText !== null && launch?.screenSize === sizeOf(view.screenText) && launch.retyped !== true;
  if (command === null || launch === null || !isLost) return wait(row, NO_COMMAND, now, policy);
  return paste({ ...row, launch: { ...launch, retyped: true } }, 'relaunching', command, now);
}

function sizeOf(screenText: string | null): number {
  return withoutBlanks(screenText ?? '').length;
}

/** Why the command may not be sent to the shell: Enter would answer whatever else stands there. */
function obstacleToSubmit(row: RecoveryRow, view: LadderView, policy: LadderPolicy): string | null {
  if (!view.shellInFront) return NO_SHELL;
  const command = withoutBlanks(resumeCommand(row, policy.profile, view.cwd) ?? '');
  const screen = withoutBlanks(view.screenText ?? '');
  const isShown = command !== '' && screen.endsWith(command) && !screen.endsWith(command + command);
  return isShown ? null : NO_COMMAND;
}
