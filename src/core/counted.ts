/** A number of things, in words. */

/** `counted(1, 'pane')` is `1 pane`, `counted(0, 'pane')` is `0 panes`. The noun takes a plain s. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
