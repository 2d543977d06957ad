/** What one event adds to the message of an incident, and the small parts that the rules build it from. */
import type { JournalEvent } from '../events.ts';

export interface Saying {
  /** The incident. Events with the same key are told in one message. */
  readonly key: string;
  /** Can begin an incident; false: only goes on with one that was told. */
  readonly opens: boolean;
  /** Nothing more is expected after this. */
  readonly settles: boolean;
  /** The new headline; null: the one before stays. */
  readonly title: string | null;
  /** What is added below it; a line with the same slot replaces the earlier one. */
  readonly slot: string;
  readonly line: string | null;
  readonly quote?: string | null;
  /** null: nothing is needed any more; absent: as before. */
  readonly needs?: string | null;
  /** The event is told by another incident; this one only changes where that makes no sound. */
  readonly isAside?: boolean;
  /** So long after its beginning the same is a new incident; absent: only after a long silence. */
  readonly lastsMs?: number;
}

export function opening(key: string, title: string): Saying {
  return { key, opens: true, settles: false, title, slot: 'what', line: null };
}

export function closing(key: string, title: string): Saying {
  return { key, opens: false, settles: true, title, slot: 'end', line: null, needs: null };
}

export function swapSaying(event: JournalEvent): Saying {
  return { ...opening(`swap:${event.swap ?? '?'}`, ''), title: null };
}

/** The event's own sentence. */
export function said(event: JournalEvent): string | null {
  return text(event, 'detail') ?? text(event, 'reason') ?? text(event, 'error');
}

/** Of an event about a pane: where it was seen, and the words that stood there as a quotation. */
export function seen(event: JournalEvent, quote: string | null): Pick<Saying, 'line' | 'quote'> {
  return { line: `seen in ${event.pane ?? event.session ?? '?'}${resets(event)}`, quote };
}

export function text(event: JournalEvent, name: string): string | null {
  const value = event.data[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

export function number(event: JournalEvent, name: string): number {
  const value = event.data[name];
  return typeof value === 'number' ? value : 0;
}

export function poolName(event: JournalEvent): string {
  return event.pool === null ? 'the pool' : `pool ${event.pool}`;
}

export function resets(event: JournalEvent): string {
  const at = text(event, 'reset_at');
  return at === null ? '' : `, resets at ${at.slice(0, 16).replace('T', ' ')} UTC`;
}

/** @example plain('loop_degraded') // 'Loop degraded' */
export function plain(type: string): string {
  const words = type.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
