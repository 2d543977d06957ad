/** What one row of a Claude Code transcript adds to the tokens that were counted. Row shapes: versions 1.0.128 to 2.1.330. */
import { fieldsOf } from '../../core/json.ts';
import type { Counted } from '../../core/tokens/token-file.ts';
import type { Tokens, Usage } from '../../core/tokens/tokens.ts';
import { addTokens, beyond, NO_TOKENS, totalOf } from '../../core/tokens/tokens.ts';
import { instantOf } from './instants.ts';
import type { UsageRow } from './usage-fields.ts';
import { modelOf, tokensOf } from './usage-fields.ts';

/** Several answers are written at once where subagents share the file. */
const MAX_ANSWERS = 32;
const MAX_ID = 100;

/** Only lines with this can add anything; within a text of a tool its quotes would be escaped. */
export const CLAUDE_NEEDLES: readonly string[] = ['"usage":'];

/** An answer is written once for each of its parts, each time with all that it used so far. */
export function claudeUsage(counted: Counted, value: unknown): UsageRow {
  const row = fieldsOf(value);
  const message = fieldsOf(row.message);
  const at = instantOf(row.timestamp);
  const name = message.id ?? row.requestId ?? row.uuid;
  if (row.type !== 'assistant' || row.isApiErrorMessage === true || at === null || typeof name !== 'string')
    return { counted, usage: null };
  const id = name.slice(0, MAX_ID);
  const stated = statedTokens(message.usage);
  const before = counted.answers.find(([known]) => known === id)?.[1] ?? NO_TOKENS;
  const added = beyond(stated, before);
  if (totalOf(added) === 0) return { counted, usage: null };
  const others = counted.answers.filter(([known]) => known !== id);
  const answers = [...others, [id, addTokens(before, added)] as const].slice(-MAX_ANSWERS);
  const usage: Usage = { at, model: modelOf(message.model), ...added };
  return { counted: { ...counted, answers }, usage };
}

function statedTokens(value: unknown): Tokens {
  const usage = fieldsOf(value);
  return {
    input: tokensOf(usage.input_tokens),
    output: tokensOf(usage.output_tokens),
    cacheRead: tokensOf(usage.cache_read_input_tokens),
    cacheWrite: tokensOf(usage.cache_creation_input_tokens),
  };
}
