/** The words for each kind of event: told, folded into another incident, or silent on purpose. */
import { describe, expect, test } from 'vitest';
import type { Letter, TellPolicy } from '../../../src/core/alerts/plan.ts';
import { planTelling } from '../../../src/core/alerts/plan.ts';
import type { EventType, JournalEvent } from '../../../src/core/events.ts';
import { EVENT_SEVERITY } from '../../../src/core/events.ts';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { anEvent, aPolicy, EMAIL, KnownByHeart, NOON, TELEGRAM } from '../../support/telling.ts';

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
/** What rings: not what only changes, or takes the place of, a message that is there. */
const heard = (letters: readonly Letter[], channel: string): readonly string[] => {
  const seen = new Set<string>();
  return on(letters, channel).flatMap(({ notice, mode, onlyReplaces, message }) => {
    const isNew = !seen.has(notice) || (channel === TELEGRAM.name ? mode === 'follow' : !onlyReplaces);
    seen.add(notice);
    return isNew ? [message.title] : [];
  });
};
const alert = (type: EventType, alert_type: string, told_by: string | null, more: Partial<JournalEvent> = {}) =>
  anEvent(type, {
    ...more,
    data: {
      alert: 7,
      alert_type,
      told_by,
      fingerprint: `${alert_type}:account:work`,
      title: `T ${alert_type}`,
      ...more.data,
    },
  });

describe('a swap says why it was asked for', () => {
  test.each([
    ['threshold', 'pool default: work is over its threshold, swapping'],
    ['return', 'pool default: going back to spare'],
    ['hand', 'pool default: a swap was asked for by hand'],
  ])('by %s', (by, title) => {
    const data = { by, reason: '7d at 95 %, its threshold is 90 %', from: 'work', to: 'spare' };
    const [letter] = tellAll([anEvent('swap_requested', { account: 'spare', swap: 's1', data })]);
    expect(letter?.message).toMatchObject({ title, lines: ['7d at 95 %, its threshold is 90 %'], quote: null });
  });

  test('a resumption after the reset of the same account moves nothing', () => {
    const data = { from: 'work', to: 'work', panes: 3, handedOver: 0 };
    const [letter] = tellAll([anEvent('swap_completed', { swap: 's1', data })]);
    expect(letter?.message.title).toBe('work: 3 panes work again');
  });
});

describe('a swap that fails again and again', () => {
  const attempt = (i: number): readonly JournalEvent[] => {
    const at = NOON + i * 15 * MINUTE;
    const one = { swap: `s${i}`, at };
    const error = { data: { error: 'no space left on device' } };
    return [anEvent('swap_requested', one), anEvent('swap_failed', { ...one, ...error, at: at + SECOND })];
  };

  test('is one critical message for its pool, however long it goes on [R230] [R281]', () => {
    const night = Array.from({ length: 40 }, (_, i) => attempt(i)).flat();
    const letters = tellAll(night);
    expect(heard(letters, 'email')).toEqual(['pool default: the swap failed, everything is as before']);
    expect(
      on(letters, TELEGRAM.name)
        .filter(({ severity }) => severity === 'critical')
        .filter(({ notice }) => notice !== 'failing:default'),
    ).toEqual([]);
  });

  test('and when one goes well that is told once', () => {
    const done = anEvent('swap_completed', { swap: 's3', at: NOON + HOUR, data: { panes: 1, from: 'a', to: 'b' } });
    const titles = heard(tellAll([...attempt(0), ...attempt(1), done, { ...done, swap: 's4' }]), 'email');
    expect(titles).toEqual([
      'pool default: the swap failed, everything is as before',
      'pool default: the swap went well now',
    ]);
    expect(heard(tellAll([done]), 'email')).toEqual([]);
    const resumed = { ...done, data: { panes: 1, from: 'a', to: 'a' } };
    expect(heard(tellAll([...attempt(0), resumed]), 'email').at(-1)).toBe('pool default: no swap is needed any more');
  });

  test('its own message in a chat ends without a sound', () => {
    const own = on(tellAll(attempt(0)), TELEGRAM.name).filter(({ notice }) => notice === 'swap:s0');
    expect(own.map(({ mode, severity }) => [mode, severity])).toEqual([
      ['edit', 'info'],
      ['edit', 'info'],
    ]);
    expect(own.at(-1)?.message).toMatchObject({ settled: true, title: expect.stringContaining('the swap failed') });
  });
});

describe('the use of windows', () => {
  const used = (level: number, at: number, more: { account?: string; window?: string } = {}): JournalEvent => {
    const { account = 'work', window = '5h' } = more;
    const severity = level >= 1 ? 'critical' : level >= 0.9 ? 'warning' : 'info';
    const detail = `${account} has used ${level * 100} % of its ${window} window`;
    return anEvent('quota_warning', { account, severity, at: NOON + at, data: { detail, window, level } });
  };

  test('short windows that fill are one message for a pool within a day, from the warning on', () => {
    const day = [0, 1, 2].flatMap((i) =>
      [0.8, 0.9, 1].map((level) => used(level, i * 2 * HOUR, { account: i === 1 ? 'spare' : 'work' })),
    );
    const letters = tellAll(day);
    expect(heard(letters, 'email')).toEqual(['work nears its limit']);
    expect(heard(letters, TELEGRAM.name)).toEqual(['work nears its limit']);
    expect(on(letters, TELEGRAM.name).at(-1)?.message.lines).toHaveLength(2);
    expect(heard(tellAll([0, 1, 2, 3, 4].map((i) => used(0.9, i * 6 * HOUR))), 'email')).toHaveLength(2);
  });

  test('the window of a week is an incident of its account', () => {
    const letters = tellAll([used(0.9, 0), used(0.9, MINUTE, { window: '7d' })]);
    expect(letters.map(({ notice }) => notice)).toContain('quota:work:7d');
    expect(heard(letters, 'email')).toHaveLength(2);
  });

  test('what a pane shows of it, a low level and a full window begin nothing', () => {
    const banner = anEvent('quota_warning', { pane: 'api:0.0', data: { reason: 'a warning stands there' } });
    expect(tellAll([banner, used(0.8, 0), used(1, MINUTE)])).toEqual([]);
  });

  test('the alert of the same figure is not told besides [R159]', () => {
    const same = ['alert_raised', 'alert_escalated', 'alert_resolved'] as const;
    expect(tellAll(same.map((type) => alert(type, 'quota_high', 'quota_warning', { severity: 'critical' })))).toEqual(
      [],
    );
  });

  test('a pause that only a person can answer is told, and its end; one that the pool answers is not', () => {
    const pause = (severity: 'info' | 'warning') => anEvent('threshold_pause', { account: 'work', severity });
    const over = anEvent('threshold_pause_ended', { account: 'work', at: NOON + HOUR });
    expect(tellAll([pause('info'), over])).toEqual([]);
    expect(heard(tellAll([pause('warning'), over]), 'email')).toHaveLength(2);
  });
});

describe('a wall that no pattern knows', () => {
  const words = 'Your <b>plan</b> is resting '.repeat(20);
  const wall = anEvent('unknown_wall', { pane: 'api:0.0', data: { detail: `no pattern: ${words}`, text: words } });

  test('is told with the pane and at most 120 characters of it [R232]', () => {
    const [letter] = on(tellAll([wall]), 'email');
    expect(letter?.message).toMatchObject({ lines: ['seen in api:0.0'], severity: 'warning' });
    expect(letter?.message.quote?.length).toBeLessThanOrEqual(120);
    expect(letter?.message.needs).toContain('claude-failover incidents');
  });

  test('lends its alert an id to be acknowledged, and is over with it', () => {
    const later = { pane: 'api:0.0', at: NOON + HOUR };
    const letters = tellAll([
      wall,
      alert('alert_raised', 'unknown_wall', 'unknown_wall', later),
      alert('alert_resolved', 'unknown_wall', 'unknown_wall', { ...later, at: NOON + 2 * HOUR }),
    ]);
    expect(heard(letters, 'email')).toEqual(['api:0.0 stands still, and no pattern knows why', 'Over: T unknown_wall']);
    expect(letters.at(-1)?.message.subject.alert).toBe('7');
  });
});

describe('what follows no link', () => {
  const limit = (decision: string, at = 0, reset_at = '2026-01-05T14:00:00Z') =>
    anEvent('session_not_switchable', {
      pane: 'cx:0.0',
      at: NOON + at,
      data: {
        decision,
        reset_at,
        reason: 'x'.repeat(300),
        snippet: 'limit',
        not_switchable: 'accounts of Codex are not switched',
      },
    });

  test('is told when its limit is sure, each time, with the reason that no swap helps', () => {
    const letters = on(
      tellAll([
        limit('suspected'),
        limit('confirmed', 1),
        limit('stale', HOUR),
        limit('instant', 5 * HOUR, '2026-01-05T20:00:00Z'),
      ]),
      'email',
    );
    expect(letters.map(({ onlyReplaces }) => onlyReplaces)).toEqual([false, false]);
    expect(letters[0]?.message).toMatchObject({ quote: 'limit', needs: expect.stringContaining('Codex') });
    expect(JSON.stringify(letters)).not.toContain('xxx');
    expect(on(tellAll([limit('suspected')]), TELEGRAM.name)).toEqual([]);
  });
});

test('a pane out of reach, a moved link and a failed swap are told to be over when their alerts end [R160]', () => {
  const cases = [
    ['session_unreachable', { pane: 'api:0.0' }],
    ['drift', {}],
    ['circuit_breaker', {}],
  ] as const;
  for (const [type, where] of cases) {
    const end = alert('alert_resolved', type, type, { ...where, at: NOON + HOUR });
    expect(heard(tellAll([anEvent(type, where), end]), 'email')).toHaveLength(2);
  }
});

test('what was put in order by hand ends its incident and begins none', () => {
  const recovered = anEvent('recovered_by_hand', { swap: 's1', at: NOON + MINUTE });
  expect(tellAll([recovered])).toEqual([]);
  expect(heard(tellAll([anEvent('partial_swap', { swap: 's1' }), recovered]), 'email').at(-1)).toBe(
    'pool default was put in order by hand',
  );
});

test('what a person did, and what needs nobody, is told to nobody', () => {
  const silent: readonly EventType[] = [
    'account_disabled',
    'account_enabled',
    'account_removed',
    'quota_reset_by_hand',
    'session_terminated',
    'state_imported',
    'quota_cleared',
    'clock_jump',
  ];
  expect(tellAll(silent.map((type) => anEvent(type, { account: 'work' })))).toEqual([]);
});

test('every other event that begins an incident has words of its own', () => {
  const all = Object.keys(EVENT_SEVERITY) as EventType[];
  const titles = all
    .filter((type) => !type.startsWith('alert_'))
    .flatMap((type) =>
      tellAll(
        [anEvent(type, { account: 'work', pane: 'api:0.0', swap: 's1' })],
        aPolicy({ routes: [{ ...EMAIL, minSeverity: 'info' }] }),
      ).map(({ message }) => [type, message.title] as const),
    );
  const bare = titles.filter(([type, title]) => title.toLowerCase() === `${type.replaceAll('_', ' ')}: api:0.0`);
  expect(bare).toEqual([]);
});

test('a swap that waits for a person is told, one that waits for a turn to end is not [R284]', () => {
  const refused = (severity: 'info' | 'warning', detail: string) =>
    tellAll([anEvent('swap_refused', { severity, data: { reason: 'pane_busy', detail } })]);
  const stuck = 'a:0.0 must end before the link moves, but its input line is not empty';
  expect(refused('info', 'it is in the middle of a turn')).toEqual([]);
  expect(refused('warning', stuck)[0]?.message).toMatchObject({
    title: 'pool default: no swap (pane_busy)',
    lines: [stuck],
  });
});
