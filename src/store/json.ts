/** Reads the JSON columns back: a value of the wrong shape is told once and replaced, the row is kept. */
import { asObject, type JsonObject } from '../core/json.ts';
import type { Logger } from '../ports.ts';

export class JsonColumns {
  readonly #log: Logger | undefined;
  readonly #told = new Set<string>();

  constructor(log?: Logger) {
    this.#log = log;
  }

  /** `check` gives the value in its right shape, or null when it is not. `where` is `table.column of row`. */
  read<T>(text: string, where: string, check: (value: unknown) => T | null, fallback: T): T {
    const value = check(parse(text));
    if (value !== null) return value;
    if (!this.#told.has(where)) {
      this.#told.add(where);
      this.#log?.warn({ where, bytes: text.length }, 'a stored value is unreadable and counts as empty');
    }
    return fallback;
  }

  record(text: string, where: string): JsonObject {
    return this.read(text, where, asObject, {});
  }
}

/** The whole list, or null when one element does not pass. */
export function asListOf<T>(value: unknown, check: (element: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(value)) return null;
  const list = value.map(check).filter((element) => element !== null);
  return list.length === value.length ? list : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
