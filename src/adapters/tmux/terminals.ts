/** Hears from the kernel that a program wrote to its terminal, so that panes at rest need no question to tmux. */
import { watch } from 'node:fs';
import type { PaneRow } from './parse.ts';

/** Calls back at every write to this file or new name in this folder. Null: this system does not tell. */
export type Listen = (path: string, onWrite: () => void) => { readonly close: () => void } | null;

/** Where Linux keeps the terminals of tmux panes. */
const TERMINALS = '/dev/pts';

interface Ear {
  readonly close: () => void;
  /** Something was written since the ear was opened; it is closed then, so that a busy pane costs one call. */
  hasHeard: boolean;
  /** The pane's activity in the first list after the ear was opened; null: there was none yet, so a write may have been missed. */
  activityS: number | null;
}

/** The terminals of one tmux server. inotify reports writes to /dev/pts/N and its new entries (Linux 6.1, tmux 3.3a). */
export class QuietTerminals {
  readonly #listen: Listen;
  /** By terminal. */
  readonly #ears = new Map<string, Ear>();
  /** Terminals whose activity moved unheard, as where typed keys are echoed by the kernel. */
  readonly #deaf = new Set<string>();
  #folder: { readonly close: () => void } | null = null;
  #isStill = false;

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  /** Nothing was written by any pane of the last list since before that list, and no terminal is new. */
  get isStill(): boolean {
    return this.#isStill;
  }

  /**
   * Takes in a list and opens ears for the panes that are at rest.
   *
   * @param serverTimeS when the list began: a pane with output in that second or after it is not at rest
   */
  listed(panes: readonly PaneRow[], serverTimeS: number): void {
    const rows = panes.filter((row) => !row.dead);
    const terminals = new Set(rows.map((row) => row.tty));
    for (const tty of [...this.#ears.keys(), ...this.#deaf]) if (!terminals.has(tty)) this.#forget(tty);
    const audible = new Set(rows.filter((row) => this.#hasExplanation(row)).map((row) => row.windowId));
    let isStill = this.#hearsNewTerminals();
    for (const row of rows) {
      const isTrusted = row.activityS < serverTimeS && this.#isTrusted(row, audible.has(row.windowId));
      if (!isTrusted) isStill = false;
    }
    this.#isStill = isStill;
  }

  close(): void {
    for (const ear of this.#ears.values()) ear.close();
    this.#ears.clear();
    this.#deaf.clear();
    this.#folder?.close();
    this.#folder = null;
    this.#isStill = false;
  }

  #isTrusted(row: PaneRow, isExplained: boolean): boolean {
    if (this.#deaf.has(row.tty)) return false;
    const ear = this.#ears.get(row.tty);
    if (ear === undefined || ear.hasHeard) {
      this.#open(row.tty);
      return false;
    }
    if (ear.activityS !== null && ear.activityS !== row.activityS && !isExplained) {
      this.#forget(row.tty);
      this.#deaf.add(row.tty);
      return false;
    }
    ear.activityS = row.activityS;
    return true;
  }

  /** Whether this pane may be what moved the activity of its window, which all its panes share. */
  #hasExplanation(row: PaneRow): boolean {
    const ear = this.#ears.get(row.tty);
    return ear === undefined || ear.hasHeard || ear.activityS === null;
  }

  #open(tty: string): void {
    const opened = this.#listen(tty, () => {
      const mine = this.#ears.get(tty);
      if (mine === undefined || mine.hasHeard) return;
      mine.hasHeard = true;
      mine.close();
      this.#isStill = false;
    });
    if (opened === null) this.#ears.delete(tty);
    else this.#ears.set(tty, { close: opened.close, hasHeard: false, activityS: null });
  }

  #hearsNewTerminals(): boolean {
    if (this.#folder !== null) return true;
    this.#folder = this.#listen(TERMINALS, () => {
      this.#isStill = false;
    });
    // What came before the folder was listened to shows in the next list.
    return false;
  }

  #forget(tty: string): void {
    this.#ears.get(tty)?.close();
    this.#ears.delete(tty);
    this.#deaf.delete(tty);
  }
}

/** The kernel's own notices; not every system has them, and their number is limited per user. */
export const listenToFile: Listen = (path, onWrite) => {
  try {
    const watcher = watch(path, { persistent: false }, onWrite);
    watcher.on('error', onWrite);
    return { close: () => watcher.close() };
  } catch {
    return null;
  }
};
