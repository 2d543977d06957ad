/** Events, policies and messages for the tests of what people are told. */
import type { Message } from '../../src/core/alerts/message.ts';
import type { Notice } from '../../src/core/alerts/notice.ts';
import type { KnownNotices, Route, TellPlan, TellPolicy } from '../../src/core/alerts/plan.ts';
import type { EventType, JournalEvent } from '../../src/core/events.ts';
import { EVENT_SEVERITY } from '../../src/core/events.ts';

export const NOON = Date.UTC(2026, 0, 5, 12);

let lastId = 0;

export function anEvent(type: EventType, more: Partial<JournalEvent> = {}): JournalEvent {
  const base = { pool: 'default', account: null, session: null, pane: null, swap: null, data: {} };
  return { id: ++lastId, at: NOON, type, severity: EVENT_SEVERITY[type], ...base, ...more };
}

export const TELEGRAM: Route = { name: 'telegram:1', kind: 'telegram', canEdit: true, minSeverity: 'info' };
export const EMAIL: Route = { name: 'email', kind: 'email', canEdit: false, minSeverity: 'warning' };
export const WEBHOOK: Route = { name: 'webhook', kind: 'webhook', canEdit: false, minSeverity: 'info' };

export function aPolicy(more: Partial<TellPolicy> = {}): TellPolicy {
  return {
    host: 'box',
    showIdentities: false,
    routes: [TELEGRAM, EMAIL],
    overrides: {},
    quietUntil: () => null,
    quietAllow: ['critical'],
    ...more,
  };
}

export function aMessage(more: Partial<Message> = {}): Message {
  return {
    key: 'swap:s1',
    event: 'swap_completed',
    severity: 'warning',
    revision: 1,
    since: NOON,
    at: NOON,
    settled: true,
    host: 'box',
    title: 'work → spare: 2 panes work again',
    lines: ['api:0.0 works again after 4 s'],
    slots: ['pane api:0.0'],
    quote: "You've hit your session limit",
    needs: null,
    subject: { pool: 'default', account: 'spare', session: null, swap: 's1', alert: null },
    ...more,
  };
}

/** Keeps notices as the store would. */
export class KnownByHeart implements KnownNotices {
  readonly #notices: Notice[] = [];

  notice(key: string): Notice | null {
    return this.#notices.findLast((notice) => notice.key === key) ?? null;
  }

  begunSince(type: string, since: number): number {
    return this.#notices.filter((notice) => notice.type === type && notice.firstAt >= since).length;
  }

  learn(plan: TellPlan): void {
    for (const notice of plan.notices) {
      const index = this.#notices.findIndex(({ id }) => id === notice.id);
      if (notice.id !== null && index >= 0) this.#notices[index] = notice;
      else this.#notices.push({ ...notice, id: this.#notices.length + 1 });
    }
  }
}
