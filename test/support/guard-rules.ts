/** What the guard looks at: the marks of a real home and of the default tmux server, and how a source names tmux. */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What stands at a path, as far as a stray test would change it; `absent` when nothing does. */
export function markOf(path: string): string {
  try {
    const stat = lstatSync(path, { bigint: true });
    if (stat.isSymbolicLink()) return `link to ${readlinkSync(path)}, inode ${stat.ino}, mtime ${stat.mtimeNs}`;
    return `${stat.isDirectory() ? 'directory' : 'file'}, inode ${stat.ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent';
    return `unreadable: ${(error as NodeJS.ErrnoException).code}`;
  }
}

/** The paths no test may change, for these homes and this user. */
export function guardedPaths(homes: readonly string[], uid: number): readonly string[] {
  const socketFolder = join('/tmp', ['tmux', uid].join('-'));
  return [...new Set(homes)]
    .flatMap((home) => [join(home, '.claude'), join(home, '.codex'), join(home, '.config', 'claude-failover')])
    .concat(join(socketFolder, 'default'));
}

/** The marks of these paths. */
export function marksOf(paths: readonly string[]): ReadonlyMap<string, string> {
  return new Map(paths.map((path) => [path, markOf(path)]));
}

/** One sentence for each path that changed between two looks. */
export function changesBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  return [...before]
    .filter(([path, mark]) => after.get(path) !== mark)
    .map(([path, mark]) => `${path} changed: before ${mark}; now ${after.get(path)}`);
}

const SPAWN =
  /\b(?:execa|execaSync|\$|execFile|execFileSync|execFileAsync|spawn|spawnSync|exec|run)\(\s*['"`]tmux['"`]/g;
/** Only where a shell would begin a command: the same words inside a shown screen are data. */
const SHELL =
  /(?<=^[ \t]*|['"`][ \t]*|[;&|][ \t]*|\$\([ \t]*|\b(?:exec|sudo|then|do)[ \t]+)tmux\s+(?:-[CDNluv2]+\s+)*(?:new(?:-session)?|new-window|start(?:-server)?|kill-(?:server|session|pane)|ls|list-\w+|attach(?:-session)?|send(?:-keys)?|capture-pane|paste-buffer|load-buffer|has(?:-session)?|split-window|set-option|respawn-pane|display-message)\b/gm;
const SOCKET_FOLDER = /\/tmp\/tmux-/g;

/**
 * The places where a source would reach the default tmux server: a call without `-S` or `-L`, or its folder's name.
 *
 * @returns `line N: what stands there`
 */
export function bareTmux(source: string): readonly string[] {
  const found: string[] = [];
  const tell = (index: number, what: string): void => {
    found.push(`line ${source.slice(0, index).split('\n').length}: ${what}`);
  };
  const code = source.replaceAll(/^\s*(?:\*|\/\*\*|\/\/|#(?!!)).*$/gm, '');
  for (const match of code.matchAll(SPAWN)) {
    const call = code.slice(match.index, match.index + 300).split(/\)\s*;/)[0] ?? '';
    if (!/['"`]-[SLV]['"`]|socketArg/.test(call)) tell(match.index, 'tmux is run without -S or -L');
  }
  for (const match of code.matchAll(SHELL)) tell(match.index, `"${match[0]}" has no -S or -L`);
  for (const match of code.matchAll(SOCKET_FOLDER)) tell(match.index, 'names the folder of the default tmux server');
  return found;
}
