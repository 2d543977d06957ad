/** Decides who is told what: events become notices, notices become letters, and what would be too much is gathered. */
import type { EventType, JournalEvent, Severity } from '../events.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import type { Message } from './message.ts';
import type { Notice, ToldSeverity } from './notice.ts';
import { developed, gathered, rank, saysTheSame } from './notice.ts';
import { sayingsOf, toldSeverity } from './notice-rules.ts';

/** A channel as far as the decision needs it. */
export interface Route {
  readonly name: string;
  readonly kind: string;
  readonly canEdit: boolean;
  readonly minSeverity: ToldSeverity;
}

export interface TellPolicy {
  readonly host: string;
  readonly showIdentities: boolean;
  readonly routes: readonly Route[];
  /** By event type: another severity, or exactly these kinds of channels whatever their least severity. */
  readonly overrides: Readonly<
    Partial<Record<EventType, { readonly severity: ToldSeverity | null; readonly channels: readonly string[] | null }>>
  >;
  /** The end of the quiet hours that `at` lies in; null: it lies in none. */
  readonly quietUntil: (at: EpochMs) => EpochMs | null;
  /** Severities that are told in quiet hours too. */
  readonly quietAllow: readonly Severity[];
}

/** What the planner asks of what is stored. */
export interface KnownNotices {
  /** The newest with this key. */
  notice(key: string): Notice | null;
  /** Incidents of this type that began at `since` or later. */
  begunSince(type: string, since: EpochMs): number;
}

/** One message for one channel. */
export interface Letter {
  /** Key of the notice, which is in the same plan. */
  readonly notice: string;
  readonly channel: string;
  readonly severity: ToldSeverity;
  readonly mode: 'edit' | 'follow';
  readonly message: Message;
  readonly notBefore: EpochMs;
  readonly held: 'quiet' | null;
  /** Only takes the place of a letter of the same notice that nobody tried to send yet. */
  readonly onlyReplaces: boolean;
}

export interface TellPlan {
  readonly notices: readonly Notice[];
  readonly letters: readonly Letter[];
}

/** The same is told again after this long, unless it got worse. */
export const DEDUPE_MS = 5 * MINUTE;
/** New incidents of one type within `DEDUPE_MS` that are told one by one; the rest is gathered. */
export const STORM_AFTER = 5;
/** A channel that cannot replace a message waits this long for a swap to end, so that it is told once. */
const SETTLE_MS = 2 * MINUTE;

/** @param events oldest first */
export function planTelling(
  events: readonly JournalEvent[],
  known: KnownNotices,
  policy: TellPolicy,
  now: EpochMs,
): TellPlan {
  const notices = new Map<string, Notice>();
  const letters = new Map<string, Letter>();
  const begun: { readonly type: string; readonly at: EpochMs }[] = [];
  const find = (key: string): Notice | null => notices.get(key) ?? known.notice(key);

  const tell = (notice: Notice, message: Message, how: Pick<Letter, 'mode'> & TellHow): void => {
    for (const route of routesOf(notice, how.event, policy)) {
      if (how.onlyEditors && !route.canEdit) continue;
      const letter = letterFor(route, notice, message, how, policy, now);
      const key = JSON.stringify([notice.key, route.name]);
      const before = letters.get(key);
      letters.set(key, before === undefined ? letter : merged(before, letter));
    }
  };

  for (const event of events) {
    const severity = policy.overrides[event.type]?.severity ?? toldSeverity(event);
    for (const saying of sayingsOf(event)) {
      const before = find(saying.key);
      const isAside = saying.isAside === true;
      const notice = developed(before, event, saying, isAside ? 'debug' : severity, policy);
      if (notice === null) continue;
      const isNew = notice.count === 1;
      if (isNew) {
        const since = event.at - DEDUPE_MS;
        const stored = known.begunSince(event.type, since);
        const isStorm =
          stored + begun.filter(({ type, at }) => type === event.type && at >= since).length >= STORM_AFTER;
        begun.push({ type: event.type, at: event.at });
        if (isStorm) {
          notices.set(notice.key, notice);
          gatherStorm(event, notice);
          continue;
        }
      }
      const rose = !isNew && before !== null && rank(notice.severity) > rank(before.severity);
      const toldBefore = isNew ? null : notice.toldAt;
      // One of many that were told together is not told again by itself, unless it got worse.
      if (!isNew && toldBefore === null && !rose) {
        notices.set(notice.key, notice);
        continue;
      }
      const repeats = !isNew && before !== null && saysTheSame(before.message, notice.message);
      if (repeats && now - (toldBefore ?? 0) < DEDUPE_MS) {
        notices.set(notice.key, notice);
        continue;
      }
      notices.set(notice.key, { ...notice, toldAt: now });
      const isOver = notice.message.severity !== notice.severity;
      tell(notice, repeats ? again(notice) : notice.message, {
        mode: rose || (isOver && notice.severity === 'critical') ? 'follow' : 'edit',
        event: event.type,
        onlyEditors: repeats,
        onlyReplaces: isAside || (toldBefore !== null && !rose && !notice.settled),
      });
    }
  }
  return { notices: [...notices.values()], letters: [...letters.values()] };

  function gatherStorm(event: JournalEvent, notice: Notice): void {
    const key = `storm:${event.type}`;
    const found = find(key);
    const before = found !== null && event.at - found.updatedAt < DEDUPE_MS ? found : null;
    const name = event.type.replaceAll('_', ' ');
    const gathering = {
      key,
      event: event.type,
      title: (n: number) => `${name}: ${n} more`,
      needs: notice.message.needs,
    };
    const storm = gathered(before, gathering, [notice.message], event.at, policy.host);
    const rose = before !== null && rank(storm.severity) > rank(before.severity);
    notices.set(key, { ...storm, toldAt: storm.toldAt ?? now });
    tell(storm, storm.message, {
      mode: rose ? 'follow' : 'edit',
      event: event.type,
      onlyEditors: false,
      onlyReplaces: false,
    });
  }
}

interface TellHow {
  readonly event: EventType;
  readonly onlyEditors: boolean;
  /** For channels that cannot edit. */
  readonly onlyReplaces: boolean;
}

function letterFor(
  route: Route,
  notice: Notice,
  message: Message,
  how: Pick<Letter, 'mode'> & TellHow,
  policy: TellPolicy,
  now: EpochMs,
): Letter {
  const quietUntil = policy.quietAllow.includes(message.severity) ? null : policy.quietUntil(now);
  const paceMs = route.canEdit ? MINUTE : DEDUPE_MS;
  const isStorm = notice.key.startsWith('storm:');
  const waitsFor =
    quietUntil ??
    (isStorm && notice.toldAt !== null
      ? Math.max(now, notice.toldAt + paceMs)
      : !route.canEdit && !message.settled && message.severity !== 'critical' && notice.key.startsWith('swap:')
        ? now + SETTLE_MS
        : now);
  return {
    notice: notice.key,
    channel: route.name,
    severity: message.severity,
    mode: how.mode,
    message,
    notBefore: waitsFor,
    held: quietUntil === null ? null : 'quiet',
    onlyReplaces: how.onlyReplaces && !route.canEdit,
  };
}

/** Two letters of one plan for the same channel and incident become the newer one. */
function merged(before: Letter, after: Letter): Letter {
  return {
    ...after,
    mode: before.mode === 'follow' ? 'follow' : after.mode,
    // What is settled or worse need not wait for more.
    notBefore:
      after.message.settled || after.held !== null || before.held !== null
        ? after.notBefore
        : Math.min(before.notBefore, after.notBefore),
    onlyReplaces: before.onlyReplaces && after.onlyReplaces,
  };
}

function routesOf(notice: Notice, event: EventType, policy: TellPolicy): readonly Route[] {
  const kinds = policy.overrides[event]?.channels ?? null;
  if (kinds !== null) return policy.routes.filter(({ kind, name }) => kinds.includes(kind) || kinds.includes(name));
  return policy.routes.filter(({ minSeverity }) => rank(notice.severity) >= rank(minSeverity));
}

/** The message with the number of times it happened. */
function again(notice: Notice): Message {
  const { message } = notice;
  return { ...message, lines: [...message.lines, `seen ${notice.count} times so far`] };
}
