/** Looks every minute at what models used: a little at a time, sooner again while there is more to read. */
import { MINUTE, SECOND } from '../core/time.ts';
import type { Loop } from '../ports.ts';
import type { TokenCounter } from '../steps/count-tokens.ts';

const AGAIN_AFTER_MS = 5 * SECOND;

export function createTokens(counter: TokenCounter): Loop {
  let isRead = true;
  return {
    name: 'tokens',
    intervalMs: () => (isRead ? MINUTE : AGAIN_AFTER_MS),
    async tick(context) {
      isRead = await counter.count(context);
    },
  };
}
