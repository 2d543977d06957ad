/** Names, screens and alerts are written by others: whatever they hold, a page stays a page of ours. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alertView } from '../../src/core/alerts/alert-view.ts';
import { dayStrips } from '../../src/core/day-strip.ts';
import { taskView } from '../../src/core/queue/view.ts';
import { swapView } from '../../src/core/record-view.ts';
import type { StatusFacts } from '../../src/core/status.ts';
import { buildStatus } from '../../src/core/status.ts';
import { DAY, HOUR } from '../../src/core/time.ts';
import { statusPage } from '../../src/http/page/status-page.ts';
import { swapPage } from '../../src/http/page/swap-page.ts';
import {
  account,
  event,
  NOW,
  poolView,
  quota,
  recovery,
  session,
  statusFacts,
  swapRecord,
  swapRow,
} from '../support/daemon-facts.ts';
import { anAlert } from '../support/fake-records.ts';
import { aTask, byStatusOf } from '../support/fake-tasks.ts';
import { HARMLESS, HARMLESS_ATTRIBUTES, readPage } from '../support/html.ts';

const MOMENT = { now: NOW, zone: 'Europe/Berlin' };

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '<script>alert(1)</script>',
      '</title>',
      '</style>',
      '</pre>',
      '<img src=x onerror=y>',
      '-->',
      ']]>',
      '&',
      '&lt;',
    ],
    ...[
      '"',
      "'",
      '" autofocus onfocus="x',
      '`',
      '\u202e',
      '\u200b',
      '\x00',
      '\x07',
      '\x1b[2J',
      '\x9b31m',
      '\x85',
      '\r\n',
    ],
    ...[
      'http://evil.example/',
      'javascript:x',
      '//evil.example',
      '\ud800',
      'é',
      '終',
      '🙂',
      'plain',
      ' ',
      '../..',
      '%0d',
    ],
    ...['sk-ant-oat01-planted', '{"refreshToken":"sk-ant-ort01-planted"}'],
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const hostile = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
const long = fc.tuple(hostile, fc.nat({ max: 60 })).map(([text, times]) => text.repeat(times));
const words = fc.oneof({ weight: 4, arbitrary: hostile }, { weight: 1, arbitrary: long });

/** As many as a test can draw: what is named comes from the list, over and over. */
function from(texts: readonly string[]): () => string {
  let i = 0;
  return () => texts[i++ % texts.length] ?? '';
}

function hostileFacts(next: () => string, pools: number, accounts: number, panes: number): StatusFacts {
  const names = Array.from({ length: accounts }, (_, i) => `${i}${next()}`);
  const view = (i: number) => ({
    ...poolView({
      pool: `${i}${next()}`,
      active: names[0] ?? null,
      accounts: names.map((name) => ({
        ...account(name, { pool: `${i}`, duplicateOf: next(), quota: [quota(name), quota(name, { window: '7d' })] }),
      })),
      hold: { until: NOW + HOUR, reason: next() },
      swaps: [swapRow({ from: next(), to: next() })],
    }),
    agent: next(),
    link: next(),
    linkState: { kind: 'foreign', target: next() } as const,
    partialReason: next(),
  });
  return statusFacts({
    version: next(),
    paused: next(),
    observeReason: next(),
    storeError: next(),
    pools: Array.from({ length: pools }, (_, i) => view(i)),
    notLoaded: [next()],
    servers: [{ server: next(), state: 'error', reason: next(), pid: null }],
    tmuxDownSince: NOW - HOUR,
    sessions: Array.from({ length: panes }, () => ({
      ...session(next(), next(), next()),
      server: next(),
      pool: next(),
      agent: next(),
      version: next(),
    })),
    config: { file: next(), hash: next(), loadedAt: NOW, rejected: next(), needsRestart: [next(), next()] },
    attention: Array.from({ length: 10 }, () =>
      event({ severity: 'warning', session: next(), data: { detail: next(), from: next(), to: next() } }),
    ),
    openAlerts: 500,
    channels: [
      { name: next(), waiting: 1, oldestWaitingAt: NOW, lastSentAt: null, failingSince: 0, lastError: next() },
    ],
    queue: {
      enabled: true,
      byStatus: byStatusOf([aTask({ status: 'running' })]),
      oldestAt: NOW - DAY,
      projects: [],
      flaws: [],
      held: new Map([[next(), next()]]),
    },
  });
}

function expectHarmless(page: string): void {
  expect(Buffer.byteLength(page)).toBeLessThanOrEqual(50_000);
  expect(page).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]/);
  expect(page).not.toMatch(/sk-ant-/);
  const { tags, flaws } = readPage(page);
  expect(flaws).toEqual([]);
  for (const { name, attributes } of tags) {
    if (!HARMLESS.has(name)) expect.fail(`a tag <${name}>`);
    for (const [key, value] of Object.entries(attributes)) {
      if (!HARMLESS_ATTRIBUTES.has(key)) expect.fail(`an attribute ${key}`);
      if (key === 'href') expect(value).toMatch(/^\/(?:$|status$|(?:incidents|swaps)\/[^/]*$)/);
    }
  }
}

describe('whatever others have written [R237 R280]', () => {
  test('the page of the status shows it as text, within 50 KB', () => {
    const counts = fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 50 }), fc.nat({ max: 120 }));
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 40 }), counts, (texts, [pools, accounts, panes]) => {
        expectHarmless(hostileStatusPage(from(texts), pools, accounts, panes));
      }),
      { numRuns: 100 },
    );
  });

  test('the page of a swap shows it as text, within 50 KB', () => {
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 40 }), fc.boolean(), (texts, screen) => {
        expectHarmless(hostileSwapPage(texts, screen));
      }),
      { numRuns: 100 },
    );
  });

  test.each(['"', '<', '終', '🙂', 'a', ' '])(
    'both stay within 50 KB where every text is long and made of %j',
    (sign) => {
      const texts = [sign.repeat(5_000)];
      expectHarmless(hostileStatusPage(from(texts), 8, 50, 500));
      expectHarmless(hostileSwapPage(texts, true));
    },
  );
});

function hostileStatusPage(next: () => string, pools: number, accounts: number, panes: number): string {
  const status = buildStatus(hostileFacts(next, pools, accounts, panes), NOW);
  const names = status.accounts.map(({ name }) => name);
  const activations = names.map((name, i) => ({
    pool: '0',
    account: name,
    since: NOW - i * HOUR,
    cause: 'swap' as const,
  }));
  const hits = names.map((name, i) => event({ account: name, at: NOW - i * HOUR }));
  const views = {
    status,
    strips: dayStrips(activations, hits, NOW),
    swaps: Array.from({ length: 9 }, () =>
      swapView(swapRow({ id: next(), from: next(), to: next(), pool: next(), triggerPane: next() })),
    ),
    alerts: Array.from({ length: 50 }, () => alertView(anAlert({ detail: next(), pool: next() }))),
    tasks: Array.from({ length: 50 }, () =>
      taskView(aTask({ title: next(), project: next(), workSession: next(), account: next() })),
    ),
  };
  return statusPage(views, MOMENT);
}

function hostileSwapPage(texts: readonly string[], screen: boolean): string {
  const next = from(texts);
  const record = swapRecord();
  const vote = () => ({ source: next(), at: next(), says: next(), weight: next(), rule: next(), text: next() });
  const evidence = () => ({
    pane: next(),
    account: next(),
    pattern: next(),
    window: next(),
    votes: [vote(), vote()],
    passedOver: [{ family: next(), text: next(), reason: next() }],
  });
  const candidate = () => ({ account: next(), reasons: [{ detail: next(), until: Number(next()) }] });
  const step = () => ({ at: NOW, step: next(), durationMs: 1, detail: { [next()]: next() } });
  const swap = swapRow({ id: next(), from: next(), to: next(), pool: next(), reason: next(), error: next() });
  const incident = record.incident && {
    ...record.incident,
    screen: texts.join('\n').repeat(20),
    evidence: Array.from({ length: 8 }, evidence),
    decision: { to: next(), why: next(), passedOver: Array.from({ length: 40 }, candidate) },
    steps: Array.from({ length: 30 }, step),
  };
  const recoveries = Array.from({ length: 60 }, () => recovery(next(), { reason: next() }));
  return swapPage({ ...record, swap, incident, recoveries }, { screen }, MOMENT);
}
