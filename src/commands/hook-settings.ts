/** Puts our hooks and our status line into the text of a settings.json of Claude Code, and takes them out again. */
import { compareVersions } from '../core/agents/profile.ts';
import type { SettingsEdit } from '../core/settings/hook-entries.ts';
import { lengthOf, ownHooks, removeHook, removeHooks, settingsProblem } from '../core/settings/hook-entries.ts';
import { nodeAt, parseJson, removeJson, setJson, textAt } from '../core/settings/json.ts';
import { inQuotes, shellWord } from '../core/shell.ts';

/**
 * The events whose payload tells how a turn stands, or which session begins and ends, and the first version that knows
 * them. An older one may drop the whole file, permissions and all, for an event that it does not know (2.0.76 does).
 */
const EVENTS: Readonly<Record<string, string>> = {
  SessionStart: '1.0.62',
  UserPromptSubmit: '1.0.54',
  Stop: '1.0.38',
  StopFailure: '2.1.78',
  Notification: '1.0.38',
  SessionEnd: '1.0.85',
};
/** What an unknown version is taken for. */
const ASSUMED = '1.0.85';

/** @param version of Claude Code; null: not known */
export function eventsFor(version: string | null): readonly string[] {
  const known = version ?? ASSUMED;
  return Object.keys(EVENTS).filter((event) => compareVersions(known, EVENTS[event] ?? known) >= 0);
}

/** Ends every command that we write; a comment to the shell, and the mark by which we know our own. */
const MARK = '# claude-failover';
/** Seconds that the CLI gives the hook; it needs a fraction of one. */
const TIMEOUT_S = 5;

/**
 * @param program how to run this program: words, not yet quoted, `--config` among them where it is needed
 * @param version of the Claude Code that will read the file; null: not known
 */
export function install(text: string, program: readonly string[], version: string | null): SettingsEdit {
  const wrong = settingsProblem(text);
  if (wrong !== null) return { kind: 'refused', reason: wrong };
  const notes: string[] = [];
  const hook = `${program.map(shellWord).join(' ')} hook || true ${MARK}`;
  const events = eventsFor(version);
  if (!events.includes('StopFailure'))
    notes.push(`without StopFailure: ${version ?? 'an unknown version'} may drop a file that names it`);
  let edited = removeHooks(text, MARK, (event) => !events.includes(event));
  for (const event of events) {
    const [first, ...more] = ownHooks(edited, event, MARK);
    if (first !== undefined) {
      if (textAt(parseJson(edited), first) !== hook) edited = setJson(edited, first, hook);
      for (const path of more.reverse()) edited = removeHook(edited, path);
    } else {
      const group = { hooks: [{ type: 'command', command: hook, timeout: TIMEOUT_S }] };
      edited = setJson(edited, ['hooks', event, lengthOf(edited, ['hooks', event])], group);
    }
  }
  edited = installStatusLine(edited, program, notes);
  return { kind: 'edited', text: edited, notes };
}

/** Leaves the file as it would be without us; groups and objects that held nothing else go as well. */
export function uninstall(text: string): SettingsEdit {
  const wrong = settingsProblem(text);
  if (wrong !== null) return { kind: 'refused', reason: wrong };
  let edited = removeHooks(text, MARK, () => true);
  const command = textAt(parseJson(edited), STATUS_COMMAND);
  if (command?.endsWith(MARK)) {
    const wrapped = unwrap(command);
    edited = wrapped === null ? removeJson(edited, ['statusLine']) : setJson(edited, STATUS_COMMAND, wrapped);
  }
  return { kind: 'edited', text: edited, notes: [] };
}

const STATUS_COMMAND = ['statusLine', 'command'] as const;

function installStatusLine(text: string, program: readonly string[], notes: string[]): string {
  const root = parseJson(text);
  const own = `${program.map(shellWord).join(' ')} statusline`;
  if (nodeAt(root, ['statusLine']) === null) {
    return setJson(text, ['statusLine'], { type: 'command', command: `${own} || true ${MARK}` });
  }
  const present = textAt(root, STATUS_COMMAND);
  if (present === null || textAt(root, ['statusLine', 'type']) !== 'command') {
    notes.push('its statusLine is no command and was left alone: no quota figures are recorded');
    return text;
  }
  const users = present.endsWith(MARK) ? unwrap(present) : present;
  // Always in quotes, so that it can be found again.
  const command = users === null ? `${own} || true ${MARK}` : `${own} --wrap ${inQuotes(users)} || true ${MARK}`;
  return present === command ? text : setJson(text, STATUS_COMMAND, command);
}

/** The user's own command inside ours; null: there was none. */
function unwrap(command: string): string | null {
  const quoted = / statusline --wrap '(.*)' \|\| true # claude-failover$/s.exec(command)?.[1];
  return quoted?.replaceAll("'\\''", "'") ?? null;
}
