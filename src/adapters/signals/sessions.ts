/** Which session runs in a process: the CLI's registry entry, its own arguments, or the transcript it is writing. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentProcess } from '../../core/panes.ts';
import { SECOND } from '../../core/time.ts';
import type { SessionEntry } from '../../core/verdict/signals.ts';
import { readSmallJson } from './small-json.ts';

const ENTRY_MAX_BYTES = 64 * 1024;
/** The start of a process, reckoned from ticks, may be this far from what its own clock said. */
const START_TOLERANCE_MS = 5 * SECOND;
const MAX_TRANSCRIPTS = 5_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isSessionId(text: string): boolean {
  return UUID.test(text);
}

/**
 * The registry entry of this very process (`<configDir>/sessions/<pid>.json`, Claude Code 2.1): `procStart` is field 22 of
 * `/proc/<pid>/stat`, so an entry left by another process with the same pid is refused.
 *
 * @returns null when there is none, it is half written, or it belongs to another process
 */
export async function readSessionEntry(process: AgentProcess): Promise<SessionEntry | null> {
  const read = await readSmallJson(join(process.configDir, 'sessions', `${process.pid}.json`), ENTRY_MAX_BYTES, null);
  if (read.kind === 'none') return null;
  const entry = read.value;
  if (entry.pid !== process.pid || !isOfThisProcess(entry, process)) return null;
  const { sessionId, cwd, version, status, updatedAt } = entry;
  if (typeof sessionId !== 'string' || !isSessionId(sessionId)) return null;
  return {
    pid: process.pid,
    sessionId,
    cwd: typeof cwd === 'string' && cwd.startsWith('/') ? cwd : process.cwd,
    version: typeof version === 'string' ? version : null,
    status: status === 'idle' || status === 'busy' || status === 'waiting' || status === 'shell' ? status : 'unknown',
    updatedAt: typeof updatedAt === 'number' && Number.isFinite(updatedAt) ? updatedAt : null,
  };
}

function isOfThisProcess(entry: Readonly<Record<string, unknown>>, process: AgentProcess): boolean {
  const { procStart, startedAt } = entry;
  if (procStart !== undefined) return String(procStart) === process.startTicks;
  return typeof startedAt === 'number' && startedAt >= process.startedAt - START_TOLERANCE_MS;
}

/** The id given on the command line; null: none, or the session was forked from it and has an id of its own. */
export function sessionIdFromArgv(argv: readonly string[]): string | null {
  const given = idAfter(argv, ['--session-id']);
  if (given !== null) return given;
  return argv.includes('--fork-session') ? null : idAfter(argv, ['--resume', '-r']);
}

function idAfter(argv: readonly string[], flags: readonly string[]): string | null {
  for (const [index, argument] of argv.entries()) {
    if (argument === '--') return null;
    const [flag = '', attached] = argument.split('=', 2);
    const value = attached ?? argv[index + 1];
    if (flags.includes(flag) && value !== undefined && isSessionId(value)) return value;
  }
  return null;
}

/** The session whose transcript in this directory changed last, and not before `sinceAt`; null: none did. */
export async function newestSession(projectDir: string, sinceAt: number): Promise<string | null> {
  let newest: { readonly sessionId: string; readonly mtimeMs: number } | null = null;
  const names = await readdir(projectDir).catch(() => []);
  for (const name of names.slice(0, MAX_TRANSCRIPTS)) {
    const sessionId = name.endsWith('.jsonl') ? name.slice(0, -'.jsonl'.length) : '';
    if (!isSessionId(sessionId)) continue;
    const found = await stat(join(projectDir, name)).catch(() => null);
    if (found === null || !found.isFile() || found.mtimeMs < sinceAt) continue;
    if (newest === null || found.mtimeMs > newest.mtimeMs) newest = { sessionId, mtimeMs: found.mtimeMs };
  }
  return newest?.sessionId ?? null;
}
