/** The names of incidents that more than one kind of event belongs to. */
import type { JournalEvent } from '../events.ts';
import { text } from './saying.ts';

type KeyOf = (event: JournalEvent) => string;

export const loginKey: KeyOf = (event) => `login:${event.account ?? event.pane ?? '?'}`;
export const exhaustedKey: KeyOf = (event) => `exhausted:${event.pool ?? '?'}`;
export const breakerKey: KeyOf = (event) => `breaker:${event.pool ?? '?'}`;
export const failingKey: KeyOf = (event) => `failing:${event.pool ?? '?'}`;
export const driftKey: KeyOf = (event) => `drift:${event.pool ?? '?'}:${event.account ?? ''}`;
export const unreachableKey: KeyOf = (event) => `unreachable:${event.pane ?? event.session ?? '?'}`;
export const wallKey: KeyOf = (event) => `wall:${event.pane ?? event.session ?? '?'}`;
export const taskKey: KeyOf = (event) => `task:${text(event, 'task') ?? '?'}`;
export const sessionKey: KeyOf = (event) => `session:${event.session ?? '?'}`;
/** An alert names its session where others name their pane. */
export const keptSessionKey: KeyOf = (event) => `session:${event.pane ?? event.session ?? '?'}`;
export const overThresholdKey: KeyOf = (event) => `threshold:${event.account ?? '?'}`;

/** Short windows fill every day and the pool moves on: one message for each pool. A week's window is its account's. */
export const usageKey: KeyOf = (event) =>
  text(event, 'window') === '7d' ? `quota:${event.account ?? '?'}:7d` : `quota:${event.pool ?? '?'}`;
