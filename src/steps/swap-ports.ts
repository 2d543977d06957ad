/** What a swap works with, and what one run of it knows. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import type { Decision } from '../core/quota/policy.ts';
import type { SwapRequest } from '../core/swap/request.ts';
import type { SwapRow } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { Stopping } from '../ports/stopping.ts';
import type { CliLocks, Clock, LockAttempt, SharedEntries, TickContext } from '../ports.ts';
import type { PoolReaders } from './read-pool.ts';

export interface SwapPorts extends PoolReaders {
  readonly stopping: Stopping;
  readonly locks: CliLocks;
  readonly sharedEntries: SharedEntries;
  /** Homes that do not share their sessions are accepted. */
  readonly allowUnshared: boolean;
  readonly clock: Clock;
}

type Held = Extract<LockAttempt, { kind: 'held' }>;

/** What one run knows while it lasts. */
export interface Run {
  readonly config: PoolConfig;
  readonly profile: AgentProfile;
  readonly context: TickContext;
  readonly request: SwapRequest | null;
  readonly decision: Extract<Decision, { kind: 'swap' }> | null;
  /** Panes whose agents must end before the link moves; empty once they have. */
  readonly stops: readonly PaneFinding[];
  swap: SwapRow;
  locks: Held | null;
  /** Monotonic, from before the first lock was taken. */
  lockedAt: number | null;
  /** The mtime that the flip gave the credentials. */
  mtimeMs: number | null;
  /** When the link was moved, by its own mtime; null: just now. */
  movedAt: EpochMs | null;
  error: string | null;
  contended: boolean;
}
