/** Starting and ending an agent in a session's shell: at most one key at each look, and each is written down before it. */
import type { AgentProfile } from '../agents/profile.ts';
import type { AgentProcess } from '../panes.ts';
import { personIn } from '../person.ts';
import type { Reading } from '../screen/finding.ts';
import { quote } from '../swap/resume-command.ts';
import type { EpochMs } from '../time.ts';
import { SECOND } from '../time.ts';
import { withoutBlanks } from '../typed-text.ts';
import type { LaunchPlan, LifecycleRow } from './lifecycle.ts';

/**
 * `command`: the command that starts the agent is on its way to the shell's line, or was sent. `exit`: the same of the one
 * that ends it. `interrupt`: Ctrl-C was pressed instead. `escape`: Escape was pressed to end the turn of a cancelled task.
 */
export interface Typing {
  readonly what: 'nothing' | 'command' | 'exit' | 'interrupt' | 'escape';
  /** When it was pasted, or the last key sent. */
  readonly at: EpochMs;
  /** Keys since then: Enter, or Ctrl-C. */
  readonly keys: number;
}

export const NOTHING_TYPED: Typing = { what: 'nothing', at: 0, keys: 0 };

/** What a fresh look at the session's pane shows. */
export interface LaunchView {
  /** The agent in the pane; null: none. */
  readonly agent: AgentProcess | null;
  /** The screen, read; null when no agent runs or it could not be captured. */
  readonly reading: Reading | null;
  readonly screenText: string;
  readonly screenChangedAt: EpochMs | null;
  /** No agent runs, and the pane's own interactive shell waits for a command. */
  readonly shellInFront: boolean;
  readonly inMode: boolean;
  readonly clientActivityAt: EpochMs | null;
}

export interface LaunchPolicy {
  readonly launchTimeoutMs: number;
  readonly exitGraceMs: number;
  /** Between pasted text and its lone Enter. */
  readonly submitDelayMs: number;
  readonly profile: AgentProfile;
}

export type LaunchStep =
  | { readonly kind: 'wait' }
  | { readonly kind: 'paste'; readonly text: string; readonly typing: Typing }
  | { readonly kind: 'press'; readonly key: 'Enter' | 'C-c'; readonly typing: Typing }
  | { readonly kind: 'ready' }
  | { readonly kind: 'left' }
  | { readonly kind: 'dialog'; readonly text: string }
  | { readonly kind: 'failed'; readonly detail: string };

const WAIT: LaunchStep = { kind: 'wait' };
/** A shell that has just begun may still read its start files. */
const SETTLED_MS = 300;
const ENTER_AGAIN_MS = 2 * SECOND;
const MAX_ENTERS = 3;
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

/**
 * The line that starts the agent; null: a word cannot be typed into a shell.
 *
 * @example launchLine({ argv: ['claude', '--model', 'opus'], cwd: '/p', configDir: null }, 'CLAUDE_CONFIG_DIR')
 *   // " cd /p && claude --model opus"
 */
export function launchLine({ argv, cwd, configDir }: LaunchPlan, variable: string): string | null {
  if (argv.length === 0 || argv[0] === '' || cwd === '') return null;
  const setting = configDir === null ? '' : `${variable}=${quote(configDir)} `;
  // A leading space keeps it out of the history of shells that are set so.
  const line = ` cd ${quote(cwd)} && ${setting}${argv.map(quote).join(' ')}`;
  return CONTROL.test(line) ? null : line;
}

/** The part of a screen that the started agent has printed: one that ran before it may have left its input line above. */
export function belowLaunch(screen: string, row: LifecycleRow, profile: AgentProfile): string {
  const line = row.launch === null ? null : launchLine(row.launch, profile.configDir.env);
  if (line === null) return screen;
  const typed = withoutBlanks(line);
  const lines = screen.split('\n');
  return lines.slice(lines.findLastIndex((shown) => withoutBlanks(shown).endsWith(typed)) + 1).join('\n');
}

/** The next key of a session that is `launching`. Pure. */
export function launching(row: LifecycleRow, view: LaunchView, now: EpochMs, policy: LaunchPolicy): LaunchStep {
  const since = Math.max(row.stateSince, row.typing.keys > 0 ? row.typing.at : 0);
  const isLate = now - since >= policy.launchTimeoutMs;
  const late = (detail: string): LaunchStep => (isLate ? { kind: 'failed', detail } : WAIT);
  if (view.agent !== null) {
    if (!view.agent.foreground) return late('its agent is not in the foreground');
    if (view.reading?.dialog != null) return { kind: 'dialog', text: view.reading.dialog.text };
    const isReady = view.reading?.composer != null && !view.reading.busy;
    return isReady ? { kind: 'ready' } : late('its prompt did not appear');
  }
  if (!view.shellInFront) return late('no shell waits for a command there');
  if (row.launch === null) return isSettled(view, now) ? { kind: 'ready' } : late('its shell shows no prompt');

  const line = launchLine(row.launch, policy.profile.configDir.env);
  if (line === null) return { kind: 'failed', detail: 'its command holds what cannot be typed into a shell' };
  const person = personIn(view, now);
  if (row.typing.what === 'nothing') {
    if (person !== null) return late(person);
    if (!isSettled(view, now)) return late('its shell shows no prompt');
    return { kind: 'paste', text: line, typing: { what: 'command', at: now, keys: 0 } };
  }
  if (row.typing.keys > 0) return late(`its agent did not start: ${lastLine(view.screenText)}`);
  if (now - row.typing.at < policy.submitDelayMs) return WAIT;
  if (person !== null) return late(person);
  // Enter would send whatever else stands there.
  if (!withoutBlanks(view.screenText).endsWith(withoutBlanks(line)))
    return late("the command is not on the shell's line");
  return { kind: 'press', key: 'Enter', typing: { what: 'command', at: now, keys: 1 } };
}

/** The next key of a session whose agent is asked to leave. Never anything stronger than Ctrl-C. Pure. */
export function leaving(row: LifecycleRow, view: LaunchView, now: EpochMs, policy: LaunchPolicy): LaunchStep {
  const { typing } = row;
  const waitedMs = now - Math.max(row.stateSince, typing.at);
  if (view.agent === null) {
    if (view.shellInFront) return isSettled(view, now) ? { kind: 'left' } : WAIT;
    return waitedMs < policy.launchTimeoutMs ? WAIT : { kind: 'failed', detail: 'no shell waits for a command there' };
  }
  const isOver = waitedMs >= policy.exitGraceMs;
  const person = personIn(view, now);
  if (person !== null) return waitedMs < policy.launchTimeoutMs ? WAIT : { kind: 'failed', detail: person };
  const { exitCommand } = policy.profile;
  const typed = view.reading?.composer?.text ?? null;
  if (typing.what === 'nothing') {
    if (typed === '' && view.reading?.busy === false && view.reading.dialog === null)
      return { kind: 'paste', text: exitCommand, typing: { what: 'exit', at: now, keys: 0 } };
    // It does something else, or something else stands in its input line: it gets time, then Ctrl-C.
    return isOver ? interrupt(now, 1) : WAIT;
  }
  if (typing.what === 'exit' && typed === exitCommand && typing.keys < MAX_ENTERS) {
    if (now - typing.at < (typing.keys === 0 ? policy.submitDelayMs : ENTER_AGAIN_MS)) return WAIT;
    return { kind: 'press', key: 'Enter', typing: { what: 'exit', at: now, keys: typing.keys + 1 } };
  }
  if (typing.what === 'interrupt' && typing.keys === 1)
    return now - typing.at < policy.submitDelayMs ? WAIT : interrupt(now, 2);
  if (!isOver) return WAIT;
  return typing.what === 'exit' ? interrupt(now, 1) : { kind: 'failed', detail: 'its agent does not end' };
}

function interrupt(now: EpochMs, keys: number): LaunchStep {
  return { kind: 'press', key: 'C-c', typing: { what: 'interrupt', at: now, keys } };
}

function isSettled(view: LaunchView, now: EpochMs): boolean {
  return view.screenText.trim() !== '' && view.screenChangedAt !== null && now - view.screenChangedAt >= SETTLED_MS;
}

function lastLine(screen: string): string {
  const lines = screen.split('\n').map((line) => line.trim());
  return (lines.filter((line) => line !== '').slice(-2, -1)[0] ?? 'its screen is empty').slice(0, 120);
}
