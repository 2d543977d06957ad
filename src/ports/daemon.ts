/** The running daemon, as its doors see it: what can be asked of it and wished from it. */

import type { JournalEvent } from '../core/events.ts';
import type { PassedOver } from '../core/quota/selection.ts';
import type { PaneFacts, SwapFacts } from '../core/record-view.ts';
import type { StatusFacts } from '../core/status.ts';
import type { Activation, SwapRow } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import type { EventFilter } from '../ports.ts';
import type { KeepingApi } from './keeping.ts';
import type { RecordsApi } from './records.ts';
import type { TasksApi } from './tasks.ts';

/** A wish by hand, as the socket and the TCP door pass it on. */
export interface ManualSwap {
  /** Null: the only pool; an error when there are several. */
  readonly pool: string | null;
  /** Null: the daemon chooses. */
  readonly to: string | null;
  readonly force: boolean;
  readonly reason: string;
  /** Decide and explain, touch nothing. */
  readonly dryRun: boolean;
}

/** What became of a wish by hand. `accepted`: the swap with this id is under way, ask for it by id. */
export type ManualSwapAnswer =
  | { readonly kind: 'accepted'; readonly id: string; readonly pool: string; readonly to: string }
  | {
      readonly kind: 'would_swap';
      readonly pool: string;
      readonly from: string | null;
      readonly to: string;
      readonly why: string;
      readonly passedOver: readonly PassedOver[];
      /** Labels of the panes that would be brought back, also those that would be ended first. */
      readonly panes: readonly string[];
    }
  | {
      readonly kind: 'refused';
      /** A gate's name, or `unknown_pool`, `several_pools`, `exhausted`, `observe`. */
      readonly reason: string;
      readonly detail: string;
      readonly until: EpochMs | null;
      readonly passedOver: readonly PassedOver[];
    };

/** What `recover` found and did in one pool. */
export interface RecoverAnswer {
  readonly pool: string;
  readonly ok: boolean;
  /** One sentence: what was verified, or what stands in the way and how to mend it. */
  readonly detail: string;
}

export type AccountAction = 'enable' | 'disable' | 'reset-quota';

/** What became of a wish about one account. */
export type AccountAnswer =
  | { readonly kind: 'done'; readonly changed: boolean; readonly detail: string }
  /** `unknown_account`, `disabled_in_config`, `login_needed`. */
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string };

/** What `terminate` ended. */
export interface TerminateAnswer {
  readonly released: number;
  /** Panes whose agent still runs: their lease is taken again at the next look. */
  readonly running: readonly string[];
}

/** Everything the record holds of one swap. */
export type SwapRecord = SwapFacts;

/** What can be said of one pane now. */
export type PaneRecord = PaneFacts;

/** The running daemon, as its doors see it. */
export interface DaemonApi {
  /** From memory: asks neither tmux nor the disk. */
  facts(): StatusFacts;
  swap(wish: ManualSwap): Promise<ManualSwapAnswer>;
  /** @param until when it ends by itself; absent or null: not before `resume` */
  pause(reason: string, until?: EpochMs | null): Promise<void>;
  /** Ends the pause, and every hold of a pool. */
  resume(): Promise<void>;
  /** No automatic swap of this pool before `until`; a swap by hand goes through. @returns false: there is no such pool */
  hold(pool: string, until: EpochMs, reason: string): Promise<boolean>;
  /** Verifies link, homes and database, and lets the pools act again where all is well. */
  recover(pool: string | null): Promise<readonly RecoverAnswer[]>;
  reload(): Promise<{ readonly kind: 'applied' | 'unchanged' | 'rejected'; readonly detail: string }>;
  swapRecord(id: string): Promise<SwapRecord | null>;
  /** Newest first. */
  swaps(limit: number): Promise<readonly SwapRow[]>;
  /** Which account of the pool was the active one, newest first. */
  activations(pool: string, limit: number): Promise<readonly Activation[]>;
  /** Switches an account off or on, or forgets what is known of its limits. */
  account(name: string, action: AccountAction): Promise<AccountAnswer>;
  /** Ends every lease of a session, by tmux session name, label, pane id or the lease's own name; null: there is none. */
  terminate(session: string): Promise<TerminateAnswer | null>;
  /** By pane id, label or tmux session name; null: no such pane is watched. */
  paneRecord(pane: string): PaneRecord | null | Promise<PaneRecord | null>;
  events(filter: EventFilter): Promise<readonly JournalEvent[]>;
  /** Alerts, statistics, and what is written down of an account's use. */
  readonly records: RecordsApi;
  /** Kept sessions, and the janitor. */
  readonly keeping: KeepingApi;
  readonly tasks: TasksApi;
}
