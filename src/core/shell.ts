/** Words of shell commands, and pieces of those that are printed for a person to copy. */

/** A path as one word. */
export function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : inQuotes(path);
}

/** One word that a POSIX shell, and tmux in a command that is written as text, reads as these bytes: nothing in it is expanded. */
export function inQuotes(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Gives what stands there another name, and never one that is taken. */
export function moveAside(path: string): string {
  return `mv -nT ${shellWord(path)} ${shellWord(path)}.old-$(date +%Y%m%d-%H%M%S)`;
}
