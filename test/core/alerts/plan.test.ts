import { describe, expect, test } from 'vitest';
import type { Letter, TellPolicy } from '../../../src/core/alerts/plan.ts';
import { DEDUPE_MS, planTelling, STORM_AFTER } from '../../../src/core/alerts/plan.ts';
import type { JournalEvent } from '../../../src/core/events.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { anEvent, aPolicy, EMAIL, KnownByHeart, NOON, TELEGRAM } from '../../support/telling.ts';

/** Tells the events one after another, each at its own time. */
function tellAll(events: readonly JournalEvent[], policy: TellPolicy = aPolicy()): readonly Letter[] {
  const known = new KnownByHeart();
  return events.flatMap((event) => {
    const plan = planTelling([event], known, policy, event.at);
    known.learn(plan);
    return plan.letters;
  });
}

const on = (letters: readonly Letter[], channel: string): readonly Letter[] =>
  letters.filter((letter) => letter.channel === channel);

const swap = (type: JournalEvent['type'], afterMs: number, more: Partial<JournalEvent> = {}): JournalEvent =>
  anEvent(type, { swap: 's1', at: NOON + afterMs, ...more });

const aSwap: readonly JournalEvent[] = [
  swap('quota_hit', 0, { swap: null, account: 'work' }),
  swap('swap_requested', 1, { account: 'work', pane: 'api:0.0', data: { snippet: "You've hit your limit" } }),
  swap('swap_prepared', 2, { account: 'spare', data: { from: 'work', to: 'spare' } }),
  swap('swap_flipped', 300, { account: 'spare', data: { from: 'work', to: 'spare' } }),
  swap('session_recovered', 4 * SECOND, { pane: 'api:0.0', data: { afterMs: 3_700 } }),
  swap('session_recovered', 5 * SECOND, { pane: 'web:0.0', data: { afterMs: 4_700 } }),
  swap('swap_completed', 9 * SECOND, {
    account: 'spare',
    data: { from: 'work', to: 'spare', panes: 2, handedOver: 0 },
  }),
];

describe('one incident, one message', () => {
  test('a swap is one message that is edited from its request to its end [R91] [R281]', () => {
    const letters = on(tellAll(aSwap), TELEGRAM.name);
    expect(new Set(letters.map(({ notice }) => notice))).toEqual(new Set(['swap:s1']));
    expect(letters.every(({ mode }) => mode === 'edit')).toBe(true);
    expect(letters[0]?.message).toMatchObject({ quote: "You've hit your limit", settled: false });
    expect(letters.at(-1)?.message).toMatchObject({
      title: 'work → spare: 2 panes work again',
      settled: true,
      needs: null,
      lines: expect.arrayContaining(['api:0.0 works again after 4 s']),
    });
  });

  test('a channel that cannot edit waits for the end of a swap, and learns nothing of one that is not worth it', () => {
    const all = aPolicy({ routes: [{ ...EMAIL, minSeverity: 'info' }] });
    const letters = tellAll(aSwap, all);
    expect(letters[0]?.notBefore).toBe(NOON + 1 + 2 * MINUTE);
    expect(letters.slice(1, -1).every(({ onlyReplaces }) => onlyReplaces)).toBe(true);
    expect(letters.at(-1)).toMatchObject({ onlyReplaces: false, notBefore: NOON + 9 * SECOND });
    expect(on(tellAll(aSwap), 'email')).toEqual([]);
  });

  test('a swap that ends badly is worse than it began, and then a new message [R91]', () => {
    const letters = on(
      tellAll([...aSwap.slice(0, 4), swap('partial_swap', SECOND, { data: { reason: 'the link is gone' } })]),
      TELEGRAM.name,
    );
    expect(letters.at(-1)).toMatchObject({
      mode: 'follow',
      severity: 'critical',
      message: { needs: 'run: claude-failover recover', lines: expect.arrayContaining(['the link is gone']) },
    });
  });

  test('a login that is needed is another incident than a limit [R281]', () => {
    const letters = tellAll([...aSwap, anEvent('login_needed', { account: 'work', at: NOON + MINUTE })]);
    const login = letters.filter(({ notice }) => notice === 'login:work');
    expect(login.map(({ channel, severity }) => [channel, severity])).toEqual([
      [TELEGRAM.name, 'critical'],
      ['email', 'critical'],
    ]);
    expect(login[0]?.message.needs).toContain('log in to work again');
  });

  test('the end of trouble is told once, to whom the trouble was told', () => {
    const recovered = anEvent('account_recovered', { account: 'work', at: NOON + HOUR });
    const letters = tellAll([anEvent('no_eligible_account'), recovered, { ...recovered, at: NOON + 2 * HOUR }]);
    expect(letters.map(({ channel, mode, severity }) => [channel, mode, severity])).toEqual([
      [TELEGRAM.name, 'edit', 'critical'],
      ['email', 'edit', 'critical'],
      [TELEGRAM.name, 'follow', 'info'],
      ['email', 'follow', 'info'],
    ]);
    expect(tellAll([recovered])).toEqual([]);
  });

  test('an alert that only repeats an event lends it its id and says nothing itself', () => {
    const alert = (type: JournalEvent['type'], told_by: string | null, at: number, alert_type: string) =>
      anEvent(type, {
        account: 'work',
        at,
        severity: 'critical',
        data: { fingerprint: `${alert_type}:account:work`, alert: 7, alert_type, told_by, detail: 'said again' },
      });
    const letters = on(
      tellAll([
        anEvent('login_needed', { account: 'work' }),
        alert('alert_raised', 'login_needed', NOON + MINUTE, 'login_needed'),
        alert('alert_raised', 'quota_hit', NOON + MINUTE, 'rate_limit'),
        alert('alert_raised', null, NOON + MINUTE, 'account_down'),
      ]),
      'email',
    );
    expect(letters.filter(({ onlyReplaces }) => !onlyReplaces).map(({ notice }) => notice)).toEqual([
      'login:work',
      'alert:account_down:account:work',
    ]);
    expect(letters.find(({ onlyReplaces }) => onlyReplaces)?.message.subject.alert).toBe('7');
  });
});

describe('not too much', () => {
  const hit = (at: number, account = 'work') => anEvent('billing_wall', { account, at: NOON + at });

  test('the same is told once in five minutes, unless it got worse [R230]', () => {
    const letters = on(tellAll([0, 1, 2, 3, 4].map((minute) => hit(minute * MINUTE))), 'email');
    expect(letters).toHaveLength(1);
    const worse = tellAll([hit(0), { ...hit(MINUTE), severity: 'critical' }]);
    expect(on(worse, 'email').map(({ severity, mode }) => [severity, mode])).toEqual([
      ['warning', 'edit'],
      ['critical', 'follow'],
    ]);
  });

  test('after five minutes it is written into the message that is there, and no new one is sent [R230]', () => {
    const letters = tellAll([hit(0), hit(DEDUPE_MS + 1)]);
    expect(on(letters, 'email')).toHaveLength(1);
    expect(on(letters, TELEGRAM.name).at(-1)).toMatchObject({ mode: 'edit' });
    expect(on(letters, TELEGRAM.name).at(-1)?.message.lines).toContain('seen 2 times so far');
  });

  test('half a day later it is a new incident', () => {
    const letters = on(tellAll([hit(0), hit(DAY)]), 'email');
    expect(letters.map(({ message }) => message.since)).toEqual([NOON, NOON + DAY]);
  });

  test('a storm becomes one message that counts the rest [R230]', () => {
    const events = Array.from({ length: 100 }, (_, i) => hit(i * 10, `account-${i}`));
    const letters = on(tellAll(events), 'email');
    const storm = letters.filter(({ notice }) => notice === 'storm:billing_wall');
    expect(new Set(letters.map(({ notice }) => notice)).size).toBe(STORM_AFTER + 1);
    expect(storm.at(-1)?.message).toMatchObject({
      title: `billing wall: ${100 - STORM_AFTER} more`,
      severity: 'warning',
    });
    expect(storm.at(-1)?.notBefore).toBeGreaterThan(NOON + MINUTE);
  });

  test('a storm within one reading is counted as well', () => {
    const events = Array.from({ length: 100 }, (_, i) => hit(i, `account-${i}`));
    const { letters } = planTelling(events, new KnownByHeart(), aPolicy(), NOON);
    expect(on(letters, 'email')).toHaveLength(STORM_AFTER + 1);
    expect(on(letters, 'email').at(-1)?.message.title).toBe(`billing wall: ${100 - STORM_AFTER} more`);
  });
});

describe('to whom', () => {
  test('each channel has its least severity', () => {
    const letters = tellAll([anEvent('paused'), anEvent('drift', { account: 'work' })]);
    expect(letters.map(({ channel, notice }) => `${channel} ${notice}`)).toEqual([
      'telegram:1 pause',
      'telegram:1 drift:default:work',
      'email drift:default:work',
    ]);
  });

  test('an event type can have a severity and channels of its own', () => {
    const overrides: TellPolicy['overrides'] = {
      quota_warning: { severity: 'warning', channels: null },
      paused: { severity: null, channels: ['email'] },
      drift: { severity: null, channels: [] },
    };
    const letters = tellAll(
      [anEvent('quota_warning', { account: 'work' }), anEvent('paused'), anEvent('drift')],
      aPolicy({ overrides }),
    );
    expect(letters.map(({ channel, message }) => `${channel} ${message.event} ${message.severity}`)).toEqual([
      'telegram:1 quota_warning warning',
      'email quota_warning warning',
      'email paused info',
    ]);
  });

  test('in quiet hours only what is allowed goes out, the rest waits for their end [R231]', () => {
    const quiet = aPolicy({ quietUntil: () => NOON + 7 * HOUR });
    const letters = on(tellAll([anEvent('drift'), anEvent('billing_wall')], quiet), 'email');
    expect(letters.map(({ held, notBefore }) => [held, notBefore])).toEqual([
      [null, NOON],
      ['quiet', NOON + 7 * HOUR],
    ]);
  });
});

describe('what leaves the machine', () => {
  const secret = `sk-ant-${'x'.repeat(40)}`;

  test('an address with invisible characters or colours in it is still an address [R232]', () => {
    const detail = 'anna.smith@exam\u200bple.com and anna.smith@\u001b[1mexample.com';
    const [letter] = tellAll([anEvent('billing_wall', { data: { detail } })]);
    expect(letter?.message.lines).toEqual(['an…@… and an…@…']);
  });

  test('no token, no e-mail address, no more than 120 characters from a screen [R232]', () => {
    const data = { snippet: `${secret} me@example.com ${'y'.repeat(500)}`, detail: `Bearer ${'z'.repeat(40)}` };
    const event = anEvent('billing_wall', { account: 'anna.smith@example.com', session: secret, data });
    const [letter] = tellAll([event]);
    const told = JSON.stringify(letter?.message);
    expect(told).not.toMatch(/xxxx|zzzz|anna|example\.com/);
    expect(told).toContain('an…@…');
    expect(letter?.message.quote?.length).toBeLessThanOrEqual(120);
    const shown = JSON.stringify(tellAll([event], aPolicy({ showIdentities: true }))[0]?.message);
    expect(shown).toContain('anna.smith@example.com');
    expect(shown).not.toMatch(/xxxx|zzzz/);
  });
});
