/** Rows in which CLIs write what their models used, and a plain reading of whole files to hold the counting against. */

/** One part of an answer of Claude Code, with its newline; `used` is input, output, read from and written to the cache. */
export function answerRow(at: number, id: string, used: readonly number[], model = 'claude-opus-5-5'): string {
  const [input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens] = used;
  const usage = { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens };
  const message = { id, type: 'message', role: 'assistant', model, content: [{ type: 'text', text: 'done' }], usage };
  return line({ type: 'assistant', timestamp: iso(at), requestId: `req_${id}`, uuid: `${id}@${at}`, message });
}

export function userRow(at: number, text: string): string {
  return line({ type: 'user', timestamp: iso(at), message: { role: 'user', content: text } });
}

/** `sum` and `last` are input, of it from the cache, output. */
export function tokenCountRow(at: number, sum: readonly number[], last: readonly number[]): string {
  const usage = ([input, cached, output]: readonly number[]) => ({
    input_tokens: input,
    cached_input_tokens: cached,
    output_tokens: output,
    reasoning_output_tokens: 0,
    total_tokens: (input ?? 0) + (output ?? 0),
  });
  const info = { total_token_usage: usage(sum), last_token_usage: usage(last), model_context_window: 272_000 };
  return rolloutRow(at, 'event_msg', { type: 'token_count', info, rate_limits: null });
}

export function rolloutRow(at: number, type: string, payload: object): string {
  return line({ timestamp: iso(at), type, payload });
}

function line(row: object): string {
  return `${JSON.stringify(row)}\n`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
