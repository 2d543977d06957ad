/** From the journal to the provider: at least once, not too often, and nobody waits for anybody. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TellPolicy } from '../../src/core/alerts/plan.ts';
import type { EventType, NewEvent } from '../../src/core/events.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import { MAX_WAITING } from '../../src/loops/notifier.ts';
import { openStore } from '../../src/store/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { Desk, FakeChannel } from '../support/desk.ts';
import { FakeClock } from '../support/fake-clock.ts';

async function aDesk(
  kinds: readonly FakeChannel['kind'][] = ['email'],
  more: { readonly policy?: Partial<TellPolicy>; readonly perHour?: number; readonly maxWaiting?: number } = {},
) {
  const clock = new FakeClock();
  const stateDir = tempDir();
  const store = await openStore({ stateDir, now: clock.now() });
  onTestFinished(() => store.close());
  await store.outbox.begin(clock.now());
  const channels = kinds.map((kind) => new FakeChannel(kind, clock));
  const desk = new Desk(store, clock, channels, more);
  const channel = (kind: FakeChannel['kind']): FakeChannel => channels.find((one) => one.kind === kind) as FakeChannel;
  return { clock, stateDir, store, desk, channel };
}

const trouble = (account: string, type: EventType = 'billing_wall'): NewEvent => ({
  type,
  pool: 'default',
  account,
  data: { detail: `trouble with ${account}` },
});
const swap = (type: EventType, data: Readonly<Record<string, unknown>> = {}): NewEvent => ({
  type,
  pool: 'default',
  swap: 's1',
  account: 'spare',
  data: { from: 'work', to: 'spare', ...data },
});

describe('the outbox [R229]', () => {
  test('a message outlives its process: what was read but not sent is sent by the next one', async () => {
    const { clock, stateDir, store, desk } = await aDesk();
    await desk.happens(trouble('work'));
    await desk.read();
    await store.close();
    const again = await openStore({ stateDir, now: clock.now() });
    onTestFinished(() => again.close());
    const channel = new FakeChannel('email', clock);
    await new Desk(again, clock, [channel]).tick();
    expect(channel.sent.map(({ message }) => message.title)).toEqual(['work met a billing wall']);
  });

  test('nothing is read twice, however often it is looked', async () => {
    const { desk, channel } = await aDesk();
    await desk.happens(trouble('work'));
    for (let i = 0; i < 3; i++) await desk.tick();
    expect(channel('email').sent).toHaveLength(1);
  });

  test('a provider that fails is asked again after 1, 2, 4 … seconds, at most 5 minutes, with the same key and content', async () => {
    const { desk, channel } = await aDesk();
    const email = channel('email');
    email.answer = () => ({ kind: 'retry', afterMs: null, reason: 'down' });
    await desk.happens(trouble('work'));
    await desk.tick();
    await desk.pass(HOUR, SECOND);
    const gaps = email.tries.slice(1).map(({ at }, i) => at - (email.tries[i]?.at ?? 0));
    expect(gaps.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 64, 128].map((s) => s * SECOND));
    expect(Math.max(...gaps)).toBe(5 * MINUTE);
    expect(
      new Set(email.tries.map(({ idempotencyKey, message }) => JSON.stringify([idempotencyKey, message]))).size,
    ).toBe(1);
    email.answer = () => ({ kind: 'sent', ref: 'x' });
    await desk.pass(5 * MINUTE);
    expect(email.sent).toHaveLength(1);
    expect(
      desk.log.levelsOf('a message could not be sent; it stays in the outbox').filter((level) => level === 'warn'),
    ).toHaveLength(1);
  });

  test.each([1, 60, 3600])(
    'a provider that asks for %i s is left alone for so long, by every message',
    async (seconds) => {
      const { clock, desk, channel } = await aDesk();
      const email = channel('email');
      email.answer = () => ({ kind: 'retry', afterMs: seconds * SECOND, reason: 'slow down' });
      await desk.happens(trouble('a'), trouble('b', 'drift'), trouble('c'));
      const from = clock.now();
      await desk.tick();
      email.answer = () => ({ kind: 'sent', ref: '' });
      await desk.pass(seconds * SECOND + 20 * SECOND, Math.max(SECOND, seconds * 50));
      expect(email.tries).toHaveLength(4);
      expect(Math.min(...email.tries.slice(1).map(({ at }) => at - from))).toBeGreaterThanOrEqual(seconds * SECOND);
    },
  );

  test('what is critical is tried until it is delivered, the rest for a day', async () => {
    const { desk, channel } = await aDesk();
    const email = channel('email');
    email.answer = () => ({ kind: 'retry', afterMs: null, reason: 'down' });
    await desk.happens(trouble('work', 'login_needed'), trouble('work'));
    await desk.pass(2 * DAY, 10 * MINUTE);
    email.answer = () => ({ kind: 'sent', ref: '' });
    await desk.pass(20 * MINUTE, MINUTE);
    expect(email.sent.map(({ message }) => message.event)).toEqual(['login_needed']);
    expect((await desk.store.outbox.list(9)).map(({ state }) => state).sort()).toEqual(['given_up', 'sent']);
  });

  test('what a provider will never take is given up at once and does not stand in the way', async () => {
    const { desk, channel } = await aDesk();
    channel('email').answer = ({ message }) =>
      message.subject.account === 'a' ? { kind: 'gone', reason: 'too odd' } : { kind: 'sent', ref: '' };
    await desk.happens(trouble('a'), trouble('b'));
    await desk.tick();
    expect(channel('email').sent.map(({ message }) => message.subject.account)).toEqual(['b']);
  });

  test('one message that a provider never takes does not keep back the others', async () => {
    const { desk, channel } = await aDesk();
    channel('email').answer = ({ message }) =>
      message.subject.account === 'a'
        ? { kind: 'retry', afterMs: null, reason: 'not this one' }
        : { kind: 'sent', ref: '' };
    await desk.happens(trouble('a', 'login_needed'), trouble('b'));
    await desk.pass(30 * MINUTE);
    expect(channel('email').sent.map(({ message }) => message.subject.account)).toEqual(['b']);
  });

  test('a channel that hangs delays no other, and its try ends after ten seconds', async () => {
    const { clock, desk, channel } = await aDesk(['email', 'telegram', 'webhook']);
    channel('email').answer = () => new Promise(() => {});
    channel('webhook').answer = (_sent, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    await desk.happens(trouble('work'));
    await desk.read();
    const [email, telegram, webhook] = desk.senders.map((sender) => sender.tick(desk.context()));
    await telegram;
    expect(channel('telegram').sent).toHaveLength(1);
    await clock.advance(11 * SECOND);
    await Promise.all([email, webhook]);
    expect(desk.senders.map((sender) => sender.last().lastError)).toEqual(['no answer', null, 'no answer within 10 s']);
  });

  test('a channel that throws is a channel that failed, and no secret of its words is kept', async () => {
    const { desk, channel } = await aDesk();
    channel('email').answer = () => {
      throw new Error(`bad sk-ant-${'x'.repeat(40)}`);
    };
    await desk.happens(trouble('work'));
    await desk.tick();
    expect(desk.senders[0]?.last()).toMatchObject({
      waiting: 1,
      lastError: 'bad [masked]',
      failingSince: desk.clock.now(),
    });
    expect(JSON.stringify([desk.log.lines, await desk.store.outbox.list(9)])).not.toContain('xxxx');
  });

  test('more waiting messages than there may be (1,000) become one that counts the rest, the lightest first', async () => {
    const { desk, channel } = await aDesk(['email', 'telegram'], { perHour: 10_000, maxWaiting: 80 });
    for (const each of desk.channels) each.answer = () => ({ kind: 'retry', afterMs: null, reason: 'down' });
    for (let round = 0; round < 20; round++) {
      // Apart in time, or they would be a storm.
      await desk.clock.advance(6 * MINUTE);
      const events = [1, 2, 3, 4].flatMap((i) => [
        trouble(`${round}-${i}`),
        trouble(`${round}-${i}`, 'account_not_usable'),
      ]);
      await desk.happens(...events, ...(round % 5 === 0 ? [trouble(`${round}`, 'login_needed')] : []));
      if (round % 5 === 0) await desk.read();
    }
    await desk.read();
    expect(MAX_WAITING).toBe(1_000);
    const counts = await Promise.all(['email', 'telegram'].map((name) => desk.store.outbox.waiting(name)));
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(80);
    for (const each of desk.channels) each.answer = () => ({ kind: 'sent', ref: '' });
    await desk.tick();
    const told = channel('email').sent.map(({ message }) => message);
    const folded = told
      .filter(({ event }) => event === 'summary')
      .reduce((sum, { title }) => sum + Number.parseInt(title, 10), 0);
    expect(told.filter(({ event }) => event === 'login_needed')).toHaveLength(4);
    expect(folded + told.filter(({ event }) => event !== 'summary').length).toBe(164);
    expect(folded).toBeGreaterThan(100);
  });
});

describe('one incident', () => {
  test('a chat sees one message that changes, an inbox one mail when it is over [R281]', async () => {
    const { clock, desk, channel } = await aDesk(['telegram', 'email']);
    const steps = [
      swap('swap_requested', { snippet: 'limit' }),
      swap('swap_prepared'),
      swap('swap_flipped'),
      swap('swap_completed', { panes: 2, handedOver: 0 }),
    ];
    for (const step of steps) {
      await desk.happens(step);
      await desk.tick();
      await clock.advance(3 * SECOND);
    }
    await desk.pass(10 * MINUTE);
    const chat = channel('telegram').sent;
    expect(chat.map(({ previous, mode }) => [previous, mode])).toEqual([
      [null, 'edit'],
      ['ref-1', 'edit'],
      ['ref-2', 'edit'],
      ['ref-3', 'edit'],
    ]);
    expect(new Set(chat.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(4);
    expect(channel('email').sent.map(({ message }) => message.title)).toEqual(['work → spare: 2 panes work again']);
  });

  test('a swap that takes longer is told while it goes on, and its end follows in the thread', async () => {
    const { desk, channel } = await aDesk(['email']);
    await desk.happens(swap('swap_requested'), swap('swap_flipped'));
    await desk.pass(5 * MINUTE);
    await desk.happens(swap('swap_completed', { panes: 1, handedOver: 0 }));
    await desk.tick();
    expect(channel('email').sent.map(({ previous, message }) => [previous, message.settled])).toEqual([
      [null, false],
      ['ref-1', true],
    ]);
  });

  test('what was tried keeps its words, and what came since follows it', async () => {
    const { desk, channel } = await aDesk(['telegram']);
    const chat = channel('telegram');
    chat.answer = () => ({ kind: 'retry', afterMs: null, reason: 'cut off' });
    await desk.happens(swap('swap_requested'));
    await desk.tick();
    await desk.happens(swap('swap_flipped'));
    await desk.happens(swap('swap_completed', { panes: 1, handedOver: 0 }));
    await desk.tick();
    chat.answer = () => ({ kind: 'sent', ref: '' });
    await desk.pass(10 * SECOND, SECOND);
    expect(chat.sent.map(({ message }) => message.revision)).toEqual([1, 3]);
    expect(chat.tries[0]?.idempotencyKey).toBe(chat.sent[0]?.idempotencyKey);
  });
});

describe('peace', () => {
  test('what came in quiet hours is one digest at their end; what is critical came at once [R231]', async () => {
    const clock = { end: 0 };
    const { desk, channel } = await aDesk(['email'], {
      policy: { quietUntil: (at) => (at < clock.end ? clock.end : null) },
    });
    clock.end = desk.clock.now() + 8 * HOUR;
    await desk.happens(trouble('a'), trouble('b', 'account_not_usable'), trouble('c', 'login_needed'));
    await desk.pass(7 * HOUR, 10 * MINUTE);
    expect(channel('email').sent.map(({ message }) => message.event)).toEqual(['login_needed']);
    await desk.pass(2 * HOUR, 10 * MINUTE);
    expect(
      channel('email')
        .sent.slice(1)
        .map(({ message }) => [message.event, message.title, message.lines]),
    ).toEqual([['digest', '2 messages were kept back', ['a met a billing wall', 'b cannot be used']]]);
  });

  test('a single message that was kept back comes as it is', async () => {
    const end = Date.parse('2026-01-05T20:00:00Z');
    const { desk, channel } = await aDesk(['email'], { policy: { quietUntil: (at) => (at < end ? end : null) } });
    await desk.happens(trouble('a'));
    await desk.pass(9 * HOUR, 10 * MINUTE);
    expect(channel('email').sent.map(({ message }) => message.event)).toEqual(['billing_wall']);
  });

  test('beyond the limit of an hour the rest comes in one message; critical ones do not wait', async () => {
    const { desk, channel } = await aDesk(['email'], { perHour: 3 });
    for (let i = 0; i < 10; i++) {
      await desk.happens(trouble(`a${i}`));
      await desk.pass(2 * MINUTE, MINUTE);
    }
    await desk.happens(trouble('a', 'login_needed'));
    await desk.tick();
    const events = () => channel('email').sent.map(({ message }) => message.event);
    expect(events()).toEqual(['billing_wall', 'billing_wall', 'billing_wall', 'login_needed']);
    await desk.pass(HOUR, MINUTE);
    expect(events().slice(4)).toEqual(['digest']);
    expect(channel('email').sent.at(-1)?.message.title).toBe('7 messages were kept back');
  });

  test('a normal day is at most five messages', async () => {
    const { clock, desk, channel } = await aDesk(['telegram', 'email']);
    await desk.happens({ type: 'daemon_started', data: { version: '1', mode: 'act' } });
    for (let session = 0; session < 8; session++)
      await desk.happens({ type: 'session_adopted', session: `s${session}` });
    for (let hour = 0; hour < 24; hour++) {
      await desk.happens({ type: 'throttled', session: 's1' }, { type: 'config_applied' }, { type: 'quota_cleared' });
      for (const account of ['work', 'spare']) await desk.happens({ type: 'quota_warning', pool: 'default', account });
      if (hour === 3) await desk.happens(...byHand);
      if (hour === 9 || hour === 14 || hour === 20) {
        const id = `s${hour}`;
        for (const event of filling(hour === 14 ? 'spare' : 'work')) {
          await desk.happens(event);
          await desk.pass(MINUTE, 30 * SECOND);
        }
        const one = (type: EventType, data: Readonly<Record<string, unknown>> = {}): NewEvent => ({
          ...swap(type, data),
          swap: id,
        });
        await desk.happens({ type: 'quota_suspected', account: 'work' }, { type: 'quota_hit', account: 'work' });
        for (const type of ['swap_requested', 'swap_prepared', 'swap_flipped'] as const) {
          await desk.happens(one(type));
          await desk.pass(2 * SECOND, SECOND);
        }
        for (const pane of ['a:0.0', 'b:0.0', 'c:0.0']) {
          await desk.happens({ ...one('session_recovered'), pane });
          await desk.pass(4 * SECOND, SECOND);
        }
        await desk.happens(one('swap_completed', { panes: 3, handedOver: 0 }));
        await desk.pass(3 * MINUTE, MINUTE);
        for (const alert of ['rate_limit', 'quota_high'] as const)
          await desk.happens({ type: 'alert_resolved', pool: 'default', data: alertData(alert) });
        await desk.happens({ type: 'threshold_pause_ended', pool: 'default', account: 'work' });
      }
      await desk.pass(HOUR, 5 * MINUTE);
    }
    const messages = channel('telegram').sent.filter(({ previous, mode }) => previous === null || mode === 'follow');
    expect(messages.map(({ message }) => message.key)).toEqual([
      'daemon',
      'quota:default',
      'swap:s9',
      'swap:s14',
      'swap:s20',
    ]);
    expect(messages.length).toBeLessThanOrEqual(5);
    expect(channel('email').sent.length).toBeLessThanOrEqual(5);
    expect(clock.pending).toBe(0);
  });
});

const alertData = (type: 'rate_limit' | 'quota_high'): Readonly<Record<string, unknown>> => ({
  alert: 1,
  alert_type: type,
  fingerprint: `${type}:account:work`,
  told_by: type === 'rate_limit' ? 'quota_hit' : 'quota_warning',
});

/** What an account's window writes on its way to the limit, pause and alerts included. */
function filling(account: string): readonly NewEvent[] {
  const base = { pool: 'default', account } as const;
  const used = (level: number, severity: 'info' | 'warning' | 'critical'): NewEvent => {
    const detail = `${account} has used ${level * 100} % of its 5h window`;
    return { ...base, type: 'quota_warning', severity, data: { detail, window: '5h', level } };
  };
  const high = (type: EventType, severity: 'info' | 'warning' | 'critical'): NewEvent => ({
    ...base,
    type,
    severity,
    data: alertData('quota_high'),
  });
  return [
    used(0.8, 'info'),
    high('alert_raised', 'info'),
    used(0.9, 'warning'),
    high('alert_escalated', 'warning'),
    { ...base, type: 'threshold_pause', data: { detail: `${account} is auto-paused` } },
    used(1, 'critical'),
    high('alert_escalated', 'critical'),
    { ...base, type: 'alert_raised', severity: 'warning', data: alertData('rate_limit') },
  ];
}

const byHand: readonly NewEvent[] = (
  [
    'account_disabled',
    'account_enabled',
    'account_removed',
    'quota_reset_by_hand',
    'session_terminated',
    'state_imported',
    'clock_jump',
    'chat_refused',
  ] as const
).map((type) => ({ type, pool: 'default', account: 'old', data: { detail: 'by hand' } }));

describe('the place reached in the journal', () => {
  test('what happened before anybody was to be told is not told later', async () => {
    const { clock, store } = await aDesk();
    await store.outbox.forget();
    await store.local.append([trouble('old')], clock.now());
    await clock.advance(HOUR);
    await store.local.append([trouble('new')], clock.now());
    await store.outbox.begin(clock.now() - MINUTE);
    const channel = new FakeChannel('email', clock);
    await new Desk(store, clock, [channel]).tick();
    expect(channel.sent.map(({ message }) => message.subject.account)).toEqual(['new']);
  });

  test('what was dealt with is forgotten after a week, what waits is not', async () => {
    const { desk, channel } = await aDesk(['email', 'webhook']);
    channel('webhook').answer = () => ({ kind: 'retry', afterMs: null, reason: 'down' });
    await desk.happens(trouble('work', 'login_needed'));
    await desk.pass(8 * DAY, 2 * HOUR);
    expect((await desk.store.outbox.list(9)).map(({ channel: name, state }) => `${name} ${state}`)).toEqual([
      'webhook waiting',
    ]);
  });
});
