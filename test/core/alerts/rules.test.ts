/** Each rule fires at its threshold and not below it. */
import { describe, expect, test } from 'vitest';
import type { Firing } from '../../../src/core/alerts/alert.ts';
import { alertEvent, alertView } from '../../../src/core/alerts/alert-view.ts';
import type { AlertFacts, AlertPane } from '../../../src/core/alerts/rules.ts';
import { evaluate, loginEnd } from '../../../src/core/alerts/rules.ts';
import type { JournalEvent } from '../../../src/core/events.ts';
import type { PoolView } from '../../../src/core/status.ts';
import { DAY, HOUR, MINUTE } from '../../../src/core/time.ts';
import { anAccountRow } from '../../support/builders.ts';
import { account, event, NOW, poolView, quota } from '../../support/daemon-facts.ts';
import { anAlert, THRESHOLDS } from '../../support/fake-records.ts';

const calm = (): PoolView => poolView({ accounts: [account('work-1'), account('work-2')] });

function facts(change: Partial<AlertFacts> = {}): AlertFacts {
  return {
    now: NOW,
    pools: [calm()],
    panes: [],
    events: [],
    toldWalls: new Set(),
    disk: { path: '/state', freeBytes: 10 ** 12 },
    configRejected: null,
    ...change,
  };
}

const fired = (change: Partial<AlertFacts>): readonly Firing[] => evaluate(facts(change), THRESHOLDS);
const names = (firings: readonly Firing[]): readonly string[] =>
  firings.map(({ type, severity, subject }) => `${type} ${severity} ${subject.id}`);
const withQuota = (used: number, limitReached = false): Partial<AlertFacts> => ({
  pools: [
    poolView({
      accounts: [
        account('work-1', {
          quota: [quota('work-1', { used, limitReached, ...(limitReached ? { resetAt: NOW + HOUR } : {}) })],
        }),
      ],
    }),
  ],
});

test('where all is well nothing fires [R152]', () => {
  expect(fired({})).toEqual([]);
});

describe('accounts', () => {
  test('a home that is logged in as somebody else, or as another account, is critical [R266 R267]', () => {
    const twin = { ...account('work-2'), duplicateOf: 'work-1' };
    expect(names(fired({ pools: [poolView({ accounts: [account('work-1'), twin] })] }))).toEqual([
      'drift critical work-2',
    ]);
    const other = account('work-2', { row: anAccountRow({ name: 'work-2', identity: 'somebody/else' }) });
    const [firing] = fired({ pools: [poolView({ accounts: [account('work-1'), other] })] });
    expect(firing?.detail).toBe('the home of work-2 is logged in as somebody else than before');
  });

  test('an account at its limit is a warning, until the limit is over [R153]', () => {
    expect(names(fired(withQuota(0.5, true)))).toEqual(['rate_limit warning work-1']);
    const later = evaluate(facts({ ...withQuota(0.5, true), now: NOW + 2 * HOUR }), THRESHOLDS);
    expect(later).toEqual([]);
  });

  test.each([
    [0.79, []],
    [0.8, ['quota_high info work-1']],
    [0.9, ['quota_high warning work-1']],
    [1, ['quota_high critical work-1']],
  ])('a window at %d of its quota: %j [R155]', (used, expected) => {
    expect(names(fired(withQuota(used)))).toEqual(expected);
  });

  test('a login that is marked as expired is one alert: why it is dead decides which', () => {
    const row = { ...account('work-1').row, status: 'expired' } as NonNullable<ReturnType<typeof account>['row']>;
    const walled = account('work-1', { row });
    const home = walled.home as NonNullable<typeof walled.home>;
    const blanked = account('work-2', { row, home: { ...home, credentials: 'blanked' } });
    expect(names(fired({ pools: [poolView({ accounts: [walled, blanked] })] }))).toEqual([
      'login_needed critical work-1',
      'credential_expired critical work-2',
    ]);
  });

  test('only a login that cannot be renewed is told before it ends [R173]', () => {
    const plain = account('work-1');
    const home = plain.home as NonNullable<typeof plain.home>;
    const expiresAt = NOW + HOUR;
    const at = (change: Partial<typeof home>): readonly string[] =>
      names(fired({ pools: [poolView({ accounts: [{ ...plain, home: { ...home, ...change } }] })] }));
    expect(at({ expiresAt, renewable: true, loginEndsAt: null })).toEqual([]);
    expect(at({ expiresAt, renewable: false, loginEndsAt: null })).toEqual(['credential_expiring warning work-1']);
    expect(at({ expiresAt: NOW + 2 * DAY, renewable: false, loginEndsAt: null })).toEqual([]);
    expect(at({ expiresAt, renewable: true, loginEndsAt: NOW + HOUR })).toEqual(['credential_expiring warning work-1']);
    expect(loginEnd({ home: { ...home, expiresAt, renewable: true, loginEndsAt: null } })).toBeNull();
  });

  test('an account is down when half of its sessions err and enough failures were seen [R156]', () => {
    const panes = (erring: number, total: number): AlertPane[] =>
      Array.from({ length: total }, (_, i) => ({
        label: `s${i}:0.0`,
        session: `s${i}`,
        pool: 'work',
        account: 'work-1',
        failures: 0,
        error: i < erring ? 'server' : null,
        wall: null,
      }));
    const throttled = Array.from({ length: 10 }, (_, id) => event({ id, type: 'throttled', account: 'work-1' }));
    const down = ['account_down critical work-1'];
    expect(names(fired({ panes: panes(3, 6), events: throttled }))).toEqual(down);
    expect(fired({ panes: panes(2, 6), events: throttled })).toEqual([]);
    expect(fired({ panes: panes(3, 6), events: throttled.slice(1) })).toEqual([]);
    expect(names(fired({ panes: panes(2, 3) }))).toEqual(down);
    expect(fired({ panes: panes(1, 1) })).toEqual([]);
    const old = throttled.map((one) => ({ ...one, at: NOW - 6 * MINUTE }));
    expect(fired({ panes: panes(3, 6), events: old })).toEqual([]);
  });
});

test('a home that is logged in as somebody else is drift for as long as it is [R162 R267]', () => {
  const home = account('work-1').home;
  if (home === null) throw new Error('the account has no home');
  const as = (known: string | null, shown: string | null): readonly string[] =>
    names(
      fired({
        pools: [
          poolView({
            accounts: [
              account('work-1', {
                home: { ...home, identity: shown },
                row: anAccountRow({ name: 'work-1', identity: known }),
              }),
            ],
          }),
        ],
      }),
    );
  expect(as('a/b', 'c/d')).toEqual(['drift critical work-1']);
  expect(as('a/b', 'a/b')).toEqual([]);
  expect(as(null, 'c/d')).toEqual([]);
  expect(as('a/b', null)).toEqual([]);
});

describe('pools', () => {
  test.each<[string, Partial<PoolView['pool']>, Partial<PoolView>]>([
    ['partial_swap critical work', { state: 'partial' }, { partialReason: 'the link is gone' }],
    ['no_eligible_account critical work', { state: 'exhausted' }, {}],
    ['circuit_breaker critical work', { breakerOpenedAt: NOW - HOUR }, {}],
    ['drift critical work', {}, { linkState: { kind: 'directory' } }],
  ])('%s', (expected, pool, view) => {
    const accounts = calm().pool.accounts;
    expect(names(fired({ pools: [{ ...poolView({ accounts, ...pool }), ...view }] }))).toEqual([expected]);
  });

  test('a swap that failed stands until one went well', () => {
    const failed = event({
      id: 1,
      type: 'swap_failed',
      severity: 'critical',
      account: null,
      data: { error: 'no locks' },
    });
    const done = event({ id: 2, type: 'swap_completed', account: null, at: failed.at + 1 });
    const [first] = fired({ events: [failed] });
    expect(first).toMatchObject({ type: 'swap_failed', severity: 'critical', value: 1 });
    expect(first?.detail).toContain('no locks');
    expect(fired({ events: [failed, done] })).toEqual([]);
    expect(
      fired({ events: [done, { ...failed, id: 3, at: done.at + 1 }, { ...failed, id: 4, at: done.at + 2 }] }),
    ).toMatchObject([{ type: 'swap_failed', value: 2 }]);
  });

  test.each([
    [3, []],
    [4, ['activity_spike warning work']],
    [7, ['activity_spike warning work']],
    [8, ['activity_spike critical work']],
  ])('%d swaps within the hour: %j [R157]', (count, expected) => {
    const flips = Array.from({ length: count }, (_, id) => event({ id, type: 'swap_flipped' }));
    expect(names(fired({ events: flips }))).toEqual(expected);
    expect(fired({ events: flips.map((flip) => ({ ...flip, at: NOW - HOUR })) })).toEqual([]);
  });

  test.each([
    [1, 2, []],
    [59, 60, []],
    [60, 60, ['activity_spike warning notifications']],
    [119, 60, ['activity_spike warning notifications']],
    [120, 60, ['activity_spike critical notifications']],
  ])(
    '%d incidents told on one channel within an hour, threshold %d: %j [R157]',
    (count, notificationsPerHour, expected) => {
      const told = new Map([
        ['email', 0],
        ['webhook', count],
      ]);
      expect(names(evaluate(facts({ told }), { ...THRESHOLDS, notificationsPerHour }))).toEqual(expected);
    },
  );

  test('a single swap alarms nobody, whatever the threshold [R157]', () => {
    const events = [event({ type: 'swap_flipped' })];
    expect(evaluate(facts({ events }), { ...THRESHOLDS, swapsPerHour: 1 })).toEqual([]);
  });
});

describe('operations', () => {
  const operations = (failed: number, total: number, pane: (i: number) => string): JournalEvent[] =>
    Array.from({ length: total }, (_, i) =>
      event({ id: i, type: i < failed ? 'session_handed_over' : 'session_recovered', account: null, pane: pane(i) }),
    );
  const apart = (i: number): string => `s${i}:0.0`;

  test.each([
    [1, 9, []],
    [0, 10, []],
    [1, 10, ['error_spike warning all']],
    [4, 10, ['error_spike warning all']],
    [5, 10, ['error_spike critical all']],
  ])('%d of %d failed within five minutes: %j [R154]', (failed, total, expected) => {
    expect(names(fired({ events: operations(failed, total, apart) }))).toEqual(expected);
  });

  test('they are counted for one session as well [R154]', () => {
    expect(names(fired({ events: operations(6, 10, () => 'main:0.0') }))).toEqual([
      'error_spike critical all',
      'error_spike critical main:0.0',
    ]);
  });

  test('agents that are started and fail are operations too, by their session [R154]', () => {
    const events = Array.from({ length: 10 }, (_, id) =>
      event({ id, type: id % 2 === 0 ? 'session_launched' : 'session_failed', session: 'auto-1', pane: null }),
    );
    expect(names(fired({ events }))).toEqual(['error_spike critical all', 'error_spike critical auto-1']);
  });

  test('what lies further back than the window does not count', () => {
    const events = operations(10, 10, apart).map((one) => ({ ...one, at: NOW - 5 * MINUTE }));
    expect(fired({ events })).toEqual([]);
  });
});

describe('the daemon', () => {
  test('a disk with less room than wanted, a configuration that was not taken, a pane out of reach', () => {
    const panes = [
      { label: 'main:0.0', session: 'main', pool: 'work', account: null, failures: 5, error: null, wall: null },
    ];
    const disk = { path: '/state', freeBytes: 100 * 2 ** 20 };
    expect(names(fired({ disk, configRejected: 'line 3', panes }))).toEqual([
      'session_unreachable warning main:0.0',
      'config_reload_failed warning all',
      'disk_low warning all',
    ]);
    expect(fired({ disk: null, panes: panes.map((pane) => ({ ...pane, failures: 4 })) })).toEqual([]);
  });
});

test('a wall that was told, as long as it stands, and an account that is switched off [R162]', () => {
  const pane = { label: 'main:0.0', session: 'main', pool: 'work', account: null, failures: 0, error: null };
  const panes: AlertPane[] = [{ ...pane, wall: 'strange words' }];
  expect(names(fired({ panes, toldWalls: new Set(['strange words']) }))).toEqual(['unknown_wall warning main:0.0']);
  expect(fired({ panes })).toEqual([]);
  expect(fired({ panes: [{ ...pane, wall: null }], toldWalls: new Set(['strange words']) })).toEqual([]);
  const row = { ...account('work-1').row, status: 'disabled', statusReason: 'switched off by hand' };
  const off = account('work-1', { row: row as NonNullable<ReturnType<typeof account>['row']> });
  const [firing] = fired({ pools: [poolView({ accounts: [off, account('work-2')] })] });
  expect(firing).toMatchObject({
    type: 'account_disabled',
    severity: 'info',
    detail: 'work-1 is no target: switched off by hand',
  });
});

describe('how it is told', () => {
  test('with metric, value, threshold and window; whole numbers stay whole [R158]', () => {
    const alert = anAlert({ type: 'activity_spike', metric: 'swaps', value: 8, threshold: 4, windowMs: HOUR });
    expect(alertView(alert)).toMatchObject({ metric: 'swaps', value: 8, threshold: 4, window_s: 3600 });
    expect(alertEvent('alert_raised', alert).data).toMatchObject({
      metric: 'swaps',
      value: 8,
      threshold: 4,
      window: '1 h',
    });
    expect(alertView(anAlert({ value: 1 / 3 })).value).toBe(0.3333);
  });

  test('with its fingerprint, and with the event that says the same', () => {
    expect(alertEvent('alert_raised', anAlert()).data).toMatchObject({
      fingerprint: 'quota_high:account:work-1',
      told_by: 'quota_warning',
    });
    expect(alertEvent('alert_raised', anAlert({ type: 'login_needed' })).data).toMatchObject({
      told_by: 'login_needed',
    });
    expect(alertEvent('alert_raised', anAlert({ severity: 'critical' })).severity).toBe('critical');
    expect(alertEvent('alert_resolved', anAlert({ severity: 'critical' })).severity).toBe('info');
  });
});
