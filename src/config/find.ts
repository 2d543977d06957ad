/** Which file is the configuration; loads nothing else, so that the commands can ask at once. */

import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Env } from './expand-path.ts';

/**
 * The file that is used: `--config`, `$CLAUDE_FAILOVER_CONFIG`, then the user's and the system's, whichever is there.
 * A file named explicitly is returned whether it exists or not. null: there is none.
 */
export function findConfig(options: {
  readonly path?: string | null;
  readonly env: Env;
  /** The user's home directory. */
  readonly home: string;
}): string | null {
  const named = options.path ?? (options.env.CLAUDE_FAILOVER_CONFIG || null);
  if (named !== null) return resolve(named.startsWith('~/') ? options.home + named.slice(1) : named);
  return searchPath(options.home).find(isThere) ?? null;
}

/** The files that are tried when none is named. */
export function searchPath(home: string): readonly string[] {
  return [`${home}/.config/claude-failover/config.yaml`, '/etc/claude-failover/config.yaml'];
}

/** A link that leads nowhere is there as well: it was meant to be the configuration. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
