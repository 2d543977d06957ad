/** The command line that starts an agent again in its shell, on the session it had. */
import type { AgentProfile } from '../agents/profile.ts';
import type { RecoveryRow } from './swap.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The original argv, without what chose a session before, plus the resume arguments; every word quoted for a POSIX shell.
 *
 * @param shellCwd  where the pane's shell stands now; the CLI finds a session only from the directory it was begun in
 * @returns         null when the session id is no UUID: then nothing may be typed into a shell
 */
export function resumeCommand(row: RecoveryRow, profile: AgentProfile, shellCwd: string): string | null {
  if (row.launch === null || row.sessionId === null || !UUID.test(row.sessionId)) return null;
  const argv = [...withoutSessionFlags(row.launch.argv, profile), ...profile.resumeArgs(row.sessionId)];
  const variable = row.launch.configDir === null ? '' : `${profile.configDir.env}=${quote(row.launch.configDir)} `;
  const change = shellCwd === row.launch.cwd ? '' : `cd ${quote(row.launch.cwd)} && `;
  // A leading space keeps it out of the history of shells that are set so.
  return ` ${change}${variable}${argv.map(quote).join(' ')}`;
}

/** Drops every flag that chose a session, with its value, in both spellings. */
function withoutSessionFlags(argv: readonly string[], profile: AgentProfile): string[] {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    const flag = word.includes('=') ? word.slice(0, word.indexOf('=')) : word;
    const takesValue = profile.resumeFlags[flag];
    if (takesValue === undefined) {
      kept.push(word);
      continue;
    }
    const next = argv[i + 1];
    if (takesValue && flag === word && next !== undefined && !next.startsWith('-')) i++;
  }
  return kept;
}

/** Quotes one word so that a POSIX shell reads exactly these bytes; plain words stay as they are. */
export function quote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
