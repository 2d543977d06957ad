/** Puts the safety hook into the text of a project's settings of Claude Code, and takes it out again. */
import type { SettingsEdit } from './hook-entries.ts';
import { lengthOf, ownHooks, removeHooks, settingsProblem } from './hook-entries.ts';
import { nodeAt, parseJson, setJson, textAt } from './json.ts';

const EVENT = 'PreToolUse';
/** Ends its command; a comment to the shell, and the mark by which we know our own. */
export const SAFETY_MARK = '# claude-failover safety hook';
/** The tools that it can judge. Each run starts a program, so it is not asked of the others. */
const MATCHER = 'Bash|Read|Grep|Edit|MultiEdit|Write|NotebookEdit';
/** Seconds that the CLI gives the hook; it needs a fraction of one. */
const TIMEOUT_S = 10;

/** @param command to be run, without the mark; quoted for a shell */
export function putSafetyHook(text: string, command: string): SettingsEdit {
  const wrong = settingsProblem(text) ?? (disablesHooks(text) ? '"disableAllHooks" in it is true' : null);
  if (wrong !== null) return { kind: 'refused', reason: wrong };
  const marked = `${command} ${SAFETY_MARK}`;
  const own = ownHooks(text, EVENT, SAFETY_MARK);
  const root = parseJson(text);
  const [first] = own;
  const isAsMeant =
    first !== undefined &&
    own.length === 1 &&
    textAt(root, first) === marked &&
    textAt(root, [...first.slice(0, -1), 'type']) === 'command' &&
    textAt(root, [...first.slice(0, -3), 'matcher']) === MATCHER;
  if (isAsMeant) return { kind: 'edited', text, notes: [] };
  const without = removeHooks(text, SAFETY_MARK, () => true);
  const group = { matcher: MATCHER, hooks: [{ type: 'command', command: marked, timeout: TIMEOUT_S }] };
  const edited = setJson(without, ['hooks', EVENT, lengthOf(without, ['hooks', EVENT])], group);
  return { kind: 'edited', text: edited, notes: [] };
}

/** Leaves the file as it would be without us. */
export function removeSafetyHook(text: string): SettingsEdit {
  const wrong = settingsProblem(text);
  if (wrong !== null) return { kind: 'refused', reason: wrong };
  return { kind: 'edited', text: removeHooks(text, SAFETY_MARK, () => true), notes: [] };
}

/** Whether no hook runs where these settings count; a text that is no JSON says nothing. */
export function disablesHooks(text: string): boolean {
  try {
    const node = nodeAt(parseJson(text), ['disableAllHooks']);
    return node?.kind === 'plain' && node.value === true;
  } catch {
    return false;
  }
}
