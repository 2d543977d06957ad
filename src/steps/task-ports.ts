/** What the steps that give out, deliver and watch tasks reach the world through. */
import type { Config } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import type { Watch } from '../core/completion/work.ts';
import type { Delivery } from '../core/dispatch/delivery.ts';
import type { TaskRow } from '../core/queue/task.ts';
import type { ScreenReader } from '../core/screen/screen-reader.ts';
import type { DoneSignals } from '../ports/dispatch.ts';
import type { LeaseStore } from '../ports/leases.ts';
import type { LifecycleStore } from '../ports/lifecycle.ts';
import type { QueueDir, TaskStore } from '../ports/queue.ts';
import type { Board, Clock, Keys, KillSwitch, LocalStore, Panes, Signals } from '../ports.ts';
import type { GuardPorts } from './guard-launch.ts';
import type { TaskQueue } from './task-queue.ts';

export interface TaskPorts extends GuardPorts {
  readonly queue: TaskQueue;
  readonly queueDir: QueueDir;
  readonly tasks: TaskStore;
  readonly lifecycles: LifecycleStore;
  readonly doneSignals: DoneSignals;
  readonly local: Pick<LocalStore, 'openRecoveries' | 'recoveries'>;
  readonly shared: LeaseStore;
  readonly board: Board;
  readonly panes: Panes;
  readonly keys: Keys;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly killSwitch: KillSwitch;
  readonly observing: (config: Config) => string | null;
  readonly profiles: readonly AgentProfile[];
  readonly readScreen: ScreenReader;
  readonly host: string;
}

/** `TaskRow.delivery`: how the attempt under way was typed, and what was seen of it since. */
export interface TaskDelivery extends Delivery {
  readonly watch: Watch;
}

/** @returns null: nothing was planned yet, or it is not understood: then nothing was typed by this version */
export function deliveryOf({ delivery }: TaskRow): TaskDelivery | null {
  if (delivery === null) return null;
  const { state, pane } = delivery;
  const isKnown = state === 'waiting' || state === 'typed' || state === 'sent';
  return isKnown && typeof pane === 'object' && pane !== null ? (delivery as unknown as TaskDelivery) : null;
}

/** In the form in which it is kept. */
export function keptDelivery(delivery: Delivery, watch: Watch): Readonly<Record<string, unknown>> {
  return { ...delivery, watch };
}

/** Names the lease of an attempt at a task. */
export function leaseHolder({ id, attempt }: Pick<TaskRow, 'id' | 'attempt'>): string {
  return `task:${id}#${attempt + 1}`;
}

export function isTaskLease(holder: string | null): boolean {
  return holder?.startsWith('task:') === true;
}
