/** Where the transcript of a session lies below a configuration directory. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SECOND } from '../../core/time.ts';
import type { Clock } from '../../ports.ts';

/** A session that has no transcript yet is searched for in all projects this often, not at every look. */
const SEARCH_AGAIN_MS = 30 * SECOND;
const MAX_PROJECTS = 2_000;
const MAX_KNOWN = 512;

export interface TranscriptPaths {
  /** The file of this session; null: there is none yet. */
  find(configDir: string, cwd: string, sessionId: string): Promise<string | null>;
}

/** `<configDir>/projects/<cwd, every character that is no letter or digit as a dash>`, as Claude Code names it. */
export function projectDir(configDir: string, cwd: string): string {
  return join(configDir, 'projects', cwd.replace(/[^a-zA-Z0-9]/g, '-'));
}

export function createTranscriptPaths(deps: { readonly clock: Clock }): TranscriptPaths {
  const { clock } = deps;
  const known = new Map<string, { readonly path: string | null; readonly searchedAtMs: number }>();

  return {
    async find(configDir, cwd, sessionId) {
      const expected = join(projectDir(configDir, cwd), `${sessionId}.jsonl`);
      if (await exists(expected)) return expected;
      // A session that changed its directory, or a path so long that the CLI shortened its name.
      const key = `${configDir}\n${sessionId}`;
      const before = known.get(key);
      if (before?.path != null && (await exists(before.path))) return before.path;
      const nowMs = clock.monotonic();
      if (before !== undefined && before.path === null && nowMs - before.searchedAtMs < SEARCH_AGAIN_MS) return null;
      const path = await search(join(configDir, 'projects'), `${sessionId}.jsonl`);
      known.delete(key);
      known.set(key, { path, searchedAtMs: nowMs });
      for (const oldest of known.keys()) {
        if (known.size <= MAX_KNOWN) break;
        known.delete(oldest);
      }
      return path;
    },
  };
}

async function search(projects: string, name: string): Promise<string | null> {
  const directories = await readdir(projects).catch(() => []);
  for (const directory of directories.slice(0, MAX_PROJECTS)) {
    const path = join(projects, directory, name);
    if (await exists(path)) return path;
  }
  return null;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
