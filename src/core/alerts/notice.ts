/** A notice: everything that is told of one incident, and how one more event changes it. */
import type { EventType, JournalEvent, Severity } from '../events.ts';
import { snippet } from '../redact.ts';
import type { EpochMs } from '../time.ts';
import { HOUR } from '../time.ts';
import { cutTo } from './escape.ts';
import type { Message } from './message.ts';
import type { Saying } from './saying.ts';

export type ToldSeverity = Message['severity'];

export interface Notice {
  /** null: not stored yet. */
  readonly id: number | null;
  readonly key: string;
  /** What began it. */
  readonly type: string;
  /** The worst it ever was. */
  readonly severity: ToldSeverity;
  readonly firstAt: EpochMs;
  readonly updatedAt: EpochMs;
  /** When its content was last put into the outbox; null: never, it was gathered with others. */
  readonly toldAt: EpochMs | null;
  /** Events that told of it. */
  readonly count: number;
  readonly settled: boolean;
  readonly message: Message;
}

export interface NoticeStyle {
  readonly host: string;
  readonly showIdentities: boolean;
}

/** After this long without news the same thing is a new incident. */
export const INCIDENT_ENDS_AFTER_MS = 12 * HOUR;
const MAX_LINES = 40;
const MAX_LINE = 400;
const LONGEST_TEXT = 4_000;
const MAX_QUOTE = 120;

const RANK: Readonly<Record<Severity, number>> = { debug: 0, info: 1, warning: 2, critical: 3 };

export function rank(severity: Severity): number {
  return RANK[severity];
}

/** @returns the notice after this event; null: there is nothing to tell */
export function developed(
  before: Notice | null,
  event: JournalEvent,
  saying: Saying,
  severity: Severity,
  style: NoticeStyle,
): Notice | null {
  const live = isLive(before, saying, event.at) ? before : null;
  if (live === null && !saying.opens) return null;
  // What nobody is told of can still go on with what was told, but not begin it.
  if (live === null && severity === 'debug') return null;
  const loud: ToldSeverity = severity === 'debug' ? 'info' : severity;
  // Addresses are looked for only where nothing invisible can stand in them any more.
  const clean = (value: string, max: number): string =>
    cutTo(hideIdentities(snippet(value, LONGEST_TEXT), style).replace(/\n/g, ' '), max);
  const slots = slotsAfter(live, saying, (line) => clean(line, MAX_LINE));
  const quote =
    saying.quote === undefined || saying.quote === null
      ? (live?.message.quote ?? null)
      : clean(saying.quote, MAX_QUOTE);
  const needs =
    saying.needs === undefined
      ? (live?.message.needs ?? null)
      : saying.needs === null
        ? null
        : clean(saying.needs, MAX_LINE);
  const title =
    saying.title === null || saying.title === '' ? (live?.message.title ?? saying.key) : clean(saying.title, MAX_LINE);
  const subject = live?.message.subject;
  const worst = live !== null && rank(live.severity) > rank(loud) ? live.severity : loud;
  const told = (value: string | null): string | null => (value === null ? null : clean(value, 200));
  return {
    id: live?.id ?? null,
    key: saying.key,
    type: live?.type ?? event.type,
    severity: worst,
    firstAt: live?.firstAt ?? event.at,
    updatedAt: event.at,
    toldAt: live?.toldAt ?? null,
    count: (live?.count ?? 0) + 1,
    settled: saying.settles,
    message: {
      key: clean(saying.key, 200),
      event: event.type,
      // Good news is no alarm, however bad the trouble was.
      severity: saying.settles && !saying.opens ? 'info' : worst,
      revision: (live?.message.revision ?? 0) + 1,
      since: live?.firstAt ?? event.at,
      at: event.at,
      settled: saying.settles,
      host: style.host,
      title,
      lines: slots.map(([, line]) => line),
      slots: slots.map(([slot]) => slot),
      quote,
      needs,
      subject: {
        pool: told(event.pool) ?? subject?.pool ?? null,
        account: told(event.account) ?? subject?.account ?? null,
        session: told(event.session) ?? subject?.session ?? null,
        swap: told(event.swap) ?? subject?.swap ?? null,
        alert: alertId(event) ?? subject?.alert ?? null,
      },
    },
  };
}

/** Whether both would be read as the same, and can be answered in the same way. */
export function saysTheSame(a: Message, b: Message): boolean {
  const words = ({ title, lines, quote, needs, severity, settled, subject }: Message): string =>
    JSON.stringify([title, lines, quote, needs, severity, settled, subject.alert]);
  return words(a) === words(b);
}

/** An e-mail address is shortened to its first letters unless identities may be shown. */
export function hideIdentities(value: string, { showIdentities }: NoticeStyle): string {
  if (showIdentities) return value;
  return value.replace(/(?<![\w.+-])([\w+-]{1,2})[\w.+-]{0,63}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, '$1…@…');
}

function isLive(before: Notice | null, saying: Saying, at: EpochMs): boolean {
  if (before === null || at - before.updatedAt >= INCIDENT_ENDS_AFTER_MS) return false;
  if (at - before.firstAt >= (saying.lastsMs ?? Number.POSITIVE_INFINITY)) return false;
  // What ends its trouble only matters while there is some; what begins one anew is a new incident, unless it is one deed.
  return !before.settled || (saying.opens && (saying.key.startsWith('swap:') || saying.settles));
}

function slotsAfter(
  live: Notice | null,
  saying: Saying,
  clean: (line: string) => string,
): readonly (readonly [string, string])[] {
  const slots = new Map((live?.message.slots ?? []).map((slot, i) => [slot, live?.message.lines[i] ?? ''] as const));
  if (saying.line === null) slots.delete(saying.slot);
  else if (slots.has(saying.slot) || slots.size < MAX_LINES) slots.set(saying.slot, clean(saying.line));
  else slots.set('…', 'and more');
  return [...slots];
}

function alertId(event: JournalEvent): string | null {
  const id = event.data.alert ?? event.data.id;
  if (!event.type.startsWith('alert_')) return null;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : null;
}

/** A message that gathers others: their number, and the headlines of some. */
export interface Gathering {
  readonly key: string;
  readonly event: 'digest' | 'summary' | EventType;
  readonly title: (count: number) => string;
  readonly needs: string | null;
}

/** Headlines that a gathering names. */
export const GATHERED_LINES = 15;

/** @returns the gathering after `added` joined it; `added` is not empty */
export function gathered(
  before: Notice | null,
  gathering: Gathering,
  added: readonly Pick<Message, 'title' | 'severity' | 'at'>[],
  at: EpochMs,
  host: string,
): Notice {
  const count = (before?.count ?? 0) + added.length;
  const lines = [...(before?.message.lines ?? []), ...added.map(({ title }) => title)].slice(0, GATHERED_LINES);
  const worst = [before?.severity ?? 'info', ...added.map(({ severity }) => severity)].reduce((a, b) =>
    rank(b) > rank(a) ? b : a,
  );
  return {
    id: before?.id ?? null,
    key: gathering.key,
    type: gathering.event,
    severity: worst,
    firstAt: before?.firstAt ?? at,
    updatedAt: at,
    toldAt: before?.toldAt ?? null,
    count,
    settled: false,
    message: {
      key: gathering.key,
      event: gathering.event,
      severity: worst,
      revision: (before?.message.revision ?? 0) + 1,
      since: before?.firstAt ?? at,
      at,
      settled: false,
      host,
      title: gathering.title(count),
      lines,
      slots: [],
      quote: null,
      needs: gathering.needs,
      subject: { pool: null, account: null, session: null, swap: null, alert: null },
    },
  };
}
