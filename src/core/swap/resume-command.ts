/** The command line that starts an agent again in its shell, on the session it had. */
import { splitCommand } from '../agents/process-match.ts';
import type { AgentProfile } from '../agents/profile.ts';
import { inQuotes } from '../shell.ts';
import type { RecoveryRow } from './swap.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What a terminal would obey instead of passing it on; a new line is safe inside quotes. */
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

/**
 * The original argv, without what chose a session or gave a prompt, plus the resume arguments; every word quoted for a
 * POSIX shell.
 *
 * @param shellCwd  where the pane's shell stands now; the CLI finds a session only from the directory it was begun in
 * @returns         null when the session id is no UUID, the program is not known, or a word cannot be typed: then nothing may be typed into a shell
 */
export function resumeCommand(row: RecoveryRow, profile: AgentProfile, shellCwd: string): string | null {
  if (row.launch === null || row.launch.argv.length === 0) return null;
  const resume = resumeArguments(row, profile);
  if (resume === null) return null;
  const argv = [...keptArguments(row.launch.argv, profile), ...resume];
  const variable = variableFor(row.launch.configDir, profile);
  const change = shellCwd === row.launch.cwd ? '' : `cd ${quote(row.launch.cwd)} && `;
  // A leading space keeps it out of the history of shells that are set so.
  const command = ` ${change}${variable}${argv.map(quote).join(' ')}`;
  return CONTROL.test(command) ? null : command;
}

/** The variable as it is set before a command, with a blank; empty: it is not set. */
function variableFor(configDir: string | null, { configDir: { env, within } }: AgentProfile): string {
  if (configDir === null) return '';
  const isInside = within !== undefined && configDir.endsWith(`/${within}`);
  return `${env}=${quote(isInside ? configDir.slice(0, -within.length - 1) : configDir)} `;
}

/** Null: nothing tells which session it was. */
function resumeArguments({ launch, sessionId }: RecoveryRow, profile: AgentProfile): readonly string[] | null {
  if (sessionId !== null) return UUID.test(sessionId) ? profile.resumeArgs(sessionId) : null;
  return launch?.isFresh === true ? [] : null;
}

/**
 * The part of a screen that the relaunched agent has printed: an agent without a screen of its own leaves its last input
 * line above the command (Claude Code 2.0.76), and a prompt typed for that one would reach a program that is still starting.
 */
export function belowCommand(screen: string, row: RecoveryRow, profile: AgentProfile): string {
  if (row.sessionId === null || (row.state !== 'relaunching' && row.state !== 'reprompted')) return screen;
  const lines = screen.split('\n');
  const words = profile.resumeArgs(row.sessionId).join(' ');
  return lines.slice(lines.findLastIndex((line) => line.endsWith(words)) + 1).join('\n');
}

/** Drops the prompt and every flag that chose a session, with its value; what stands before the CLI itself is kept. */
function keptArguments(argv: readonly string[], profile: AgentProfile): string[] {
  const { program, args, isFound } = splitCommand(argv, profile);
  const prompts = isFound ? profile.promptArgument : undefined;
  const kept = [...program];
  /** How many of the following words may belong to the last flag. */
  let values = 0;
  let isDropped = false;
  for (const word of args) {
    if (word === '--' && prompts !== undefined) break;
    if (word.startsWith('-') && word !== '-') {
      const [flag, isWhole] = flagOf(word, profile);
      const takesValue = profile.resumeFlags[flag];
      isDropped = takesValue !== undefined;
      if (!isWhole) values = 0;
      else if (isDropped) values = takesValue === true ? 1 : 0;
      else if (prompts?.listFlags.includes(flag) === true) values = Number.POSITIVE_INFINITY;
      else values = prompts?.bareFlags.includes(flag) === true ? 0 : 1;
      if (!isDropped) kept.push(word);
      continue;
    }
    if (values > 0) {
      values--;
      if (!isDropped) kept.push(word);
    } else if (prompts === undefined) kept.push(word);
  }
  return kept;
}

/** The flag of a word, and whether the word is nothing else: `--flag=value` and `-fvalue` hold their value. */
function flagOf(word: string, profile: AgentProfile): readonly [string, boolean] {
  const equals = word.indexOf('=');
  if (equals > 0) return [word.slice(0, equals), false];
  const short = word.slice(0, 2);
  if (!word.startsWith('--') && word.length > 2 && profile.resumeFlags[short] === true) return [short, false];
  return [word, true];
}

/** Quotes one word so that a POSIX shell reads exactly these bytes; plain words stay as they are. */
export function quote(word: string): string {
  // No `=`: zsh expands it at the start of a word, and before a command it is an assignment.
  if (/^[A-Za-z0-9_@%+:,./-]+$/.test(word)) return word;
  return inQuotes(word);
}
