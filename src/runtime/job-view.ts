/** How the supervisor shows a loop, and how it tells the end of a tick. */
import type { EpochMs } from '../core/time.ts';

/** `late`: inside a tick that ignores its deadline. */
export type JobState = 'idle' | 'running' | 'back-off' | 'late' | 'stopped';

/** One loop as `status` and the page show it. Instants are epoch ms, null: not yet. */
export interface JobView {
  readonly name: string;
  readonly state: JobState;
  readonly lastStartedAt: EpochMs | null;
  readonly lastDurationMs: number | null;
  readonly lastResult: 'ok' | 'failed' | null;
  /** What the latest failure said; kept after the recovery. */
  readonly lastError: string | null;
  readonly lastSuccessAt: EpochMs | null;
  readonly nextAt: EpochMs | null;
  readonly runs: number;
  readonly failures: number;
  readonly consecutiveFailures: number;
  /** Times a tick was asked for while one was running. */
  readonly skipped: number;
  readonly degraded: boolean;
}

/** How one asked-for tick ended. `skipped`: one was running already, or the supervisor is stopping. */
export type TickOutcome =
  | { readonly name: string; readonly result: 'ok' }
  | { readonly name: string; readonly result: 'failed'; readonly error: unknown }
  | { readonly name: string; readonly result: 'skipped' };
