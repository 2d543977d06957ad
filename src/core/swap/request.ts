/** A wish to swap, on its way to the switcher. At most one per pool is outstanding. */
import type { QuotaWindow } from '../agents/profile.ts';
import type { Wish } from '../quota/policy.ts';
import type { EpochMs } from '../time.ts';

export interface SwapRequest {
  /** Becomes the id of the swap. */
  readonly id: string;
  readonly pool: string;
  readonly wish: Wish;
  readonly requestedAt: EpochMs;
  /** Label of the pane whose hit confirmed the limit; null for a wish by hand. */
  readonly triggerPane: string | null;
  /** The pattern or record that confirmed it, or the reason given by hand. */
  readonly reason: string;
  readonly resetAt: EpochMs | null;
  /** The fingerprints that this swap consumes, with what is needed to remember them. */
  readonly hits: readonly ConsumedHit[];
  /** For the incident: the screen, secrets masked. */
  readonly screen: string | null;
  readonly evidence: readonly Readonly<Record<string, unknown>>[];
}

export interface ConsumedHit {
  readonly fingerprint: string;
  readonly pane: string;
  readonly account: string;
  readonly window: QuotaWindow;
  readonly firstSeenAt: EpochMs;
}
