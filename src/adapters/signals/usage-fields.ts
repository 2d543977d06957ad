/** Fields of rows that say what was used, read with care: an agent can write anything into its own files. */
import type { Counted } from '../../core/tokens/token-file.ts';
import type { Usage } from '../../core/tokens/tokens.ts';
import { UNKNOWN_MODEL } from '../../core/tokens/tokens.ts';

/** What one row means. */
export interface UsageRow {
  readonly counted: Counted;
  readonly usage: Usage | null;
}

/** More than any answer uses. */
const MAX_TOKENS = 1e9;
const MODEL = /^[\w.:@/[\]-]{1,100}$/;

/** Anything but a whole number that an answer may use is 0. */
export function tokensOf(value: unknown): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS ? (value as number) : 0;
}

export function modelOf(value: unknown): string {
  return typeof value === 'string' && MODEL.test(value) ? value : UNKNOWN_MODEL;
}
