/** Builds the loops that count: what models used, the figures of each day, and what is forgotten of both. */
import { createTokenFiles } from '../adapters/signals/token-files.ts';
import { createRetention } from '../loops/retention.ts';
import { createStats } from '../loops/stats.ts';
import { createTokens } from '../loops/tokens.ts';
import type { Clock, Logger, Loop } from '../ports.ts';
import type { TokenPorts } from '../steps/count-tokens.ts';
import { createTokenCounter } from '../steps/count-tokens.ts';
import type { OpenedStore } from '../store/open.ts';

export function openFigures(
  ports: Omit<TokenPorts, 'tokens' | 'tokenFiles'> & { readonly clock: Clock },
  options: {
    readonly store: Pick<OpenedStore, 'stats' | 'retention' | 'tokens'>;
    readonly log: Logger;
    readonly ownUid: number;
  },
): readonly Loop[] {
  const { clock } = ports;
  const { stats, retention, tokens } = options.store;
  const tokenFiles = createTokenFiles({ clock, ...options });
  const counter = createTokenCounter({ ...ports, tokens, tokenFiles });
  return [createTokens(counter), createStats({ stats, counter, clock }), createRetention({ retention, stats, clock })];
}
