/** Looks every minute at what models used: a little at a time, sooner again while there is more to read. */
import { MINUTE, SECOND } from '../core/time.ts';
import type { Loop } from '../ports.ts';
import type { FollowedFile, TokenPorts } from '../steps/count-tokens.ts';
import { countTokens, recentFiles } from '../steps/count-tokens.ts';

const AGAIN_AFTER_MS = 5 * SECOND;

export function createTokens(ports: TokenPorts): Loop {
  let followed: Map<string, FollowedFile> | null = null;
  let isRead = true;
  return {
    name: 'tokens',
    intervalMs: () => (isRead ? MINUTE : AGAIN_AFTER_MS),
    async tick(context) {
      followed ??= await recentFiles(ports.tokens, context.now);
      isRead = await countTokens(ports, followed, context);
    },
  };
}
