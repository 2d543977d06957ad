/** What one row of a Codex rollout adds to the tokens that were counted. Row shapes: versions 0.44 to 0.169. */

import { fieldsOf } from '../../core/json.ts';
import { SECOND } from '../../core/time.ts';
import type { Counted } from '../../core/tokens/token-file.ts';
import type { Tokens } from '../../core/tokens/tokens.ts';
import { totalOf } from '../../core/tokens/tokens.ts';
import { instantOf } from './instants.ts';
import type { UsageRow } from './usage-fields.ts';
import { modelOf, tokensOf } from './usage-fields.ts';

/** A fork begins with the rows of the session it goes on from, written in one go. */
const COPYING_MS = 2 * SECOND;

const SUBAGENT = /^sub_?agent$/i;

export const CODEX_NEEDLES: readonly string[] = ['"token_count"', '"turn_context"', '"session_meta"'];

/**
 * Each `token_count` states the sum of the session and what the last answer used. It is written again when only the figures
 * of the limits changed: then the sum is the same as before.
 */
export function codexUsage(counted: Counted, value: unknown): UsageRow {
  const row = fieldsOf(value);
  const payload = fieldsOf(row.payload);
  const at = instantOf(row.timestamp);
  if (at === null) return { counted, usage: null };
  if (row.type === 'session_meta') {
    const isCopy =
      payload.forked_from_id != null || Object.keys(fieldsOf(payload.source)).some((key) => SUBAGENT.test(key));
    const copiedUntil = isCopy && counted.copiedUntil === null ? at + COPYING_MS : counted.copiedUntil;
    return { counted: { ...counted, copiedUntil }, usage: null };
  }
  if (row.type === 'turn_context') return { counted: { ...counted, model: modelOf(payload.model) }, usage: null };
  if (row.type !== 'event_msg' || payload.type !== 'token_count') return { counted, usage: null };

  const info = fieldsOf(payload.info);
  const stated = sumOf(info.total_token_usage);
  const used = usedTokens(info.last_token_usage);
  if (stated === null || stated === counted.stated) return { counted, usage: null };
  const isCopy = counted.copiedUntil !== null && at < counted.copiedUntil;
  const usage = isCopy || totalOf(used) === 0 ? null : { at, model: modelOf(counted.model), ...used };
  return { counted: { ...counted, stated }, usage };
}

/** All its numbers as one word, so that equal sums are known as such. */
function sumOf(value: unknown): string | null {
  const sum = fieldsOf(value);
  const names = ['input_tokens', 'cached_input_tokens', 'output_tokens', 'total_tokens'];
  const numbers = names.map((name) => sum[name]).filter((number) => Number.isSafeInteger(number));
  return numbers.length === 0 ? null : numbers.join(',');
}

/** What came from the cache is part of the input there, and what was thought part of the output. */
function usedTokens(value: unknown): Tokens {
  const usage = fieldsOf(value);
  const cacheRead = tokensOf(usage.cached_input_tokens);
  const input = Math.max(0, tokensOf(usage.input_tokens) - cacheRead);
  return { input, output: tokensOf(usage.output_tokens), cacheRead, cacheWrite: 0 };
}
