/** What a check of `doctor` says. */

/** `note`: worth knowing, nothing to mend. */
export type CheckState = 'ok' | 'note' | 'warn' | 'fail';

export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly detail: string;
  /** What to type or do; null where nothing is wrong. */
  readonly fix: string | null;
}

export function passed(name: string, detail: string): Check {
  return { name, state: 'ok', detail, fix: null };
}

export function noted(name: string, detail: string): Check {
  return { name, state: 'note', detail, fix: null };
}

export function warned(name: string, detail: string, fix: string): Check {
  return { name, state: 'warn', detail, fix };
}

export function failed(name: string, detail: string, fix: string): Check {
  return { name, state: 'fail', detail, fix };
}

export function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
