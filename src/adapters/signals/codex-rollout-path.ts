/** Which rollout a Codex process writes: the file it holds open, the one named in its arguments, or the newest of its directory. */
import { constants } from 'node:fs';
import { open, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentProcess } from '../../core/panes.ts';
import { SECOND } from '../../core/time.ts';
import type { Clock } from '../../ports.ts';
import { isSessionId } from './sessions.ts';

export interface FoundRollout {
  readonly path: string;
  readonly sessionId: string;
  /** `cli_version` of its first row. */
  readonly version: string | null;
  /** Only the newest of the working directory: another Codex there may be the one that writes it. */
  readonly isGuess: boolean;
}

export interface RolloutPaths {
  /** Null: none. Never throws. */
  ofProcess(process: AgentProcess): Promise<FoundRollout | null>;
  ofSession(configDir: string, sessionId: string): Promise<FoundRollout | null>;
}

/** `<CODEX_HOME>/sessions/YYYY/MM/DD/rollout-<time>-<session id>.jsonl`. */
const ROLLOUT = /\/rollout-[^/]*-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl$/;
const MAX_DESCRIPTORS = 1024;
const MAX_FILES = 2000;
/** A guess looks into the folders of the last days, a named session may be a year old. */
const RECENT_DAYS = 7;
const ALL_DAYS = 400;
const MAX_HEADS = 20;
/** The first row holds the instructions, too. */
const HEAD_BYTES = 64 * 1024;
const GUESS_AGAIN_MS = 5 * SECOND;
const MAX_KNOWN = 512;

interface Head {
  readonly cwd: string | null;
  readonly version: string | null;
  /** Written by an agent that another one started. */
  readonly isSubagent: boolean;
}

export function createRolloutPaths(deps: { readonly clock: Clock; readonly procRoot?: string }): RolloutPaths {
  const procRoot = deps.procRoot ?? '/proc';
  const heads = new Map<string, Head>();
  const guesses = new Map<string, { readonly found: FoundRollout | null; readonly madeAtMs: number }>();

  return {
    async ofProcess(process) {
      const held = await openRollouts(process.pid);
      if (held !== null) return held;
      const named = process.argv.find((word, i) => process.argv[i - 1] === 'resume' && isSessionId(word));
      if (named !== undefined) return ofSession(process.configDir, named);
      return guess(process);
    },
    ofSession,
  };

  async function ofSession(configDir: string, sessionId: string): Promise<FoundRollout | null> {
    if (!isSessionId(sessionId)) return null;
    for (const day of await daysOf(configDir, ALL_DAYS)) {
      const name = (await names(day)).find((candidate) => candidate.endsWith(`-${sessionId}.jsonl`));
      if (name !== undefined) return described(join(day, name), false);
    }
    return null;
  }

  /** Of several that it holds open, the one that was written last and is no helper's. */
  async function openRollouts(pid: number): Promise<FoundRollout | null> {
    const directory = join(procRoot, String(pid), 'fd');
    const paths = new Set<string>();
    for (const name of (await names(directory)).slice(0, MAX_DESCRIPTORS)) {
      const path = await readlink(join(directory, name)).catch(() => '');
      if (ROLLOUT.test(path)) paths.add(path);
    }
    for (const path of await newestFirst([...paths], 0)) {
      if (!(await headOf(path)).isSubagent) return described(path, false);
    }
    return null;
  }

  async function guess(process: AgentProcess): Promise<FoundRollout | null> {
    const key = `${process.pid}.${process.startTicks}`;
    const before = guesses.get(key);
    const nowMs = deps.clock.monotonic();
    if (before !== undefined && nowMs - before.madeAtMs < GUESS_AGAIN_MS) return before.found;
    const found = await newestOf(process);
    remember(guesses, key, { found, madeAtMs: nowMs });
    return found;
  }

  async function newestOf(process: AgentProcess): Promise<FoundRollout | null> {
    const paths: string[] = [];
    for (const day of await daysOf(process.configDir, RECENT_DAYS)) {
      for (const name of await names(day)) if (ROLLOUT.test(`/${name}`)) paths.push(join(day, name));
    }
    for (const path of (await newestFirst(paths, process.startedAt)).slice(0, MAX_HEADS)) {
      const head = await headOf(path);
      if (head.cwd === process.cwd && !head.isSubagent) return described(path, true);
    }
    return null;
  }

  async function described(path: string, isGuess: boolean): Promise<FoundRollout | null> {
    const sessionId = ROLLOUT.exec(path)?.[1];
    if (sessionId === undefined) return null;
    return { path, sessionId, version: (await headOf(path)).version, isGuess };
  }

  async function headOf(path: string): Promise<Head> {
    const known = heads.get(path);
    if (known !== undefined) return known;
    const head = await readHead(path);
    // Without its directory it may be half written: it is read again.
    if (head.cwd !== null) remember(heads, path, head);
    return head;
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= MAX_KNOWN) break;
    map.delete(oldest);
  }
}

/** Only the beginning is read, and the first row may be longer, so its fields are looked for one by one. */
async function readHead(path: string): Promise<Head> {
  const text = await firstBytes(path);
  const field = (name: string): string | null => {
    const match = new RegExp(`"${name}":\\s*("(?:[^"\\\\]|\\\\.){0,4096}")`).exec(text);
    try {
      return match?.[1] === undefined ? null : String(JSON.parse(match[1]));
    } catch {
      return null;
    }
  };
  const isSubagent = /"source":\s*\{\s*"sub_?agent"|"thread_source":\s*"sub_?agent"/i.test(text);
  return { cwd: field('cwd'), version: field('cli_version'), isSubagent };
}

async function firstBytes(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return '';
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const [line = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 1);
      return line;
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

/** The folders of the newest days, newest first. */
async function daysOf(configDir: string, limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  const root = join(configDir, 'sessions');
  for (const year of await numbers(root, 4)) {
    for (const month of await numbers(join(root, year), 2)) {
      for (const day of await numbers(join(root, year, month), 2)) {
        if (found.length >= limit) return found;
        found.push(join(root, year, month, day));
      }
    }
  }
  return found;
}

async function numbers(directory: string, digits: number): Promise<readonly string[]> {
  return (await names(directory))
    .filter((name) => name.length === digits && /^\d+$/.test(name))
    .sort()
    .reverse();
}

async function names(directory: string): Promise<readonly string[]> {
  return (await readdir(directory).catch(() => [])).slice(-MAX_FILES);
}

/** Those that are regular files and changed since. */
async function newestFirst(paths: readonly string[], sinceAt: number): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.slice(-MAX_FILES).map(async (path) => ({ path, stats: await stat(path).catch(() => null) })),
  );
  return found
    .flatMap(({ path, stats }) => (stats?.isFile() && stats.mtimeMs >= sinceAt ? [{ path, at: stats.mtimeMs }] : []))
    .sort((a, b) => b.at - a.at)
    .map(({ path }) => path);
}
