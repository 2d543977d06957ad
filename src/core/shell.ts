/** Pieces of the shell commands that are printed for a person to copy. */

/** A path as one word. */
export function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Gives what stands there another name, and never one that is taken. */
export function moveAside(path: string): string {
  return `mv -nT ${shellWord(path)} ${shellWord(path)}.old-$(date +%Y%m%d-%H%M%S)`;
}
