/** What models were given and gave back, in the units they are charged by; no login has to do with it. */

/** Tokens of models, whole numbers. What one field counts no other one counts too. */
export interface Tokens {
  /** Read anew: neither from the provider's cache nor written to it. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export interface ModelTokens extends Tokens {
  /** As the CLI names it; `UNKNOWN_MODEL` where it does not. */
  readonly model: string;
}

/** One answer of a model. */
export interface Usage extends ModelTokens {
  readonly at: number;
}

/** What an account used of one model on one day of UTC. */
export interface DayTokens extends ModelTokens {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Null: nothing tells who was charged. */
  readonly account: string | null;
}

export const NO_TOKENS: Tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

export const UNKNOWN_MODEL = 'unknown';

export function addTokens(a: Tokens, b: Tokens): Tokens {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
  };
}

/** What `now` has beyond `before`, no field below zero. */
export function beyond(now: Tokens, before: Tokens): Tokens {
  return {
    input: Math.max(0, now.input - before.input),
    output: Math.max(0, now.output - before.output),
    cacheRead: Math.max(0, now.cacheRead - before.cacheRead),
    cacheWrite: Math.max(0, now.cacheWrite - before.cacheWrite),
  };
}

export function totalOf({ input, output, cacheRead, cacheWrite }: Tokens): number {
  return input + output + cacheRead + cacheWrite;
}

/** Each model once, by name. */
export function byModel(rows: readonly ModelTokens[]): readonly ModelTokens[] {
  const sums = new Map<string, Tokens>();
  for (const row of rows) sums.set(row.model, addTokens(sums.get(row.model) ?? NO_TOKENS, row));
  return [...sums].map(([model, tokens]) => ({ model, ...tokens })).sort((a, b) => (a.model < b.model ? -1 : 1));
}

/** Each account once for each day and model. */
export function byDay(rows: readonly DayTokens[]): readonly DayTokens[] {
  const sums = new Map<string, DayTokens>();
  for (const row of rows) {
    const key = JSON.stringify([row.day, row.account, row.model]);
    const before = sums.get(key);
    sums.set(key, before === undefined ? row : { ...row, ...addTokens(before, row) });
  }
  return [...sums.values()];
}
