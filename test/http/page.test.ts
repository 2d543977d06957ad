/** The page on which a browser shows how things stand is a view of what the other routes answer. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { renderStatus } from '../../src/commands/status-text.ts';
import type { StatusView } from '../../src/core/status.ts';
import { HOUR, MINUTE } from '../../src/core/time.ts';
import type { Door } from '../../src/http/guard.ts';
import { createRoutes } from '../../src/http/routes.ts';
import {
  account,
  event,
  FakeDaemon,
  NOW,
  poolView,
  quota,
  SWAP_ID,
  session,
  statusFacts,
  swapRow,
} from '../support/daemon-facts.ts';
import { SOCKET, TCP } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { anAlert } from '../support/fake-records.ts';
import { aTask, byStatusOf } from '../support/fake-tasks.ts';
import { HARMLESS, HARMLESS_ATTRIBUTES, readPage } from '../support/html.ts';
import { RecordingLog } from '../support/recording-log.ts';

let daemon: FakeDaemon;
let log: RecordingLog;
beforeEach(() => {
  daemon = new FakeDaemon();
  log = new RecordingLog();
});

function ask(path: string, init: RequestInit = {}, door: Door = TCP, zone = 'UTC'): Promise<Response> {
  const clock = new FakeClock(undefined, zone);
  const app = createRoutes({ api: daemon, clock, log, version: '0.1.0' }, door);
  return Promise.resolve(app.request(`http://localhost:8765${path}`, init));
}

async function page(path = '/', door: Door = TCP, zone = 'UTC') {
  const text = await (await ask(path, {}, door, zone)).text();
  return { ...readPage(text), html: text };
}

/** Everything at once: two pools, limits, alerts, tasks, panes in trouble. */
function busyStatus(): void {
  const codex = {
    ...poolView({
      pool: 'codex',
      active: 'c-1',
      accounts: [account('c-1', { pool: 'codex', quota: [quota('c-1', { window: 'monthly', used: 0.5 })] })],
      hold: { until: NOW + HOUR, reason: 'asked for' },
    }),
    agent: 'codex',
    link: '/home/ada/.codex',
  };
  daemon.status = statusFacts({
    pools: [poolView({ swaps: [swapRow()] }), codex],
    sessions: [session('main', 'working'), session('docs', 'idle'), session('api', 'limited', '5-hour limit reached')],
    attention: [event({ type: 'unknown_wall', severity: 'warning', data: { detail: 'words that no pattern knows' } })],
    openAlerts: 1,
    queue: {
      enabled: true,
      byStatus: byStatusOf([aTask(), aTask({ status: 'running' })]),
      oldestAt: NOW - HOUR,
      projects: [],
      flaws: [],
      held: new Map([['codex', 'held']]),
    },
  });
}

describe('the page says what the routes say [R280]', () => {
  beforeEach(busyStatus);

  test('in the words of the command: the answer, each reason, each note', async () => {
    const view = (await (await ask('/status')).json()) as StatusView;
    const { text } = await page();
    const options = { now: NOW, zone: 'UTC', columns: 10_000, isTTY: false, colour: false, isSilent: false };
    const [answer = ''] = renderStatus(view, options).split('\n');
    for (const part of answer.split(' · ')) expect(text).toContain(part);
    for (const reason of view.reasons) expect(text).toContain(reason);
    expect(view.reasons.length).toBeGreaterThan(0);
  });

  test('every account of every pool, the active one marked, with its state, its use, its reset and its reasons', async () => {
    const view = (await (await ask('/status')).json()) as StatusView;
    const { text, html } = await page();
    for (const one of view.accounts) {
      const row = rowOf(html, one.name);
      expect(row).toContain(`${one.name} ${one.active ? 'active ' : ''}${one.state}`);
      for (const { detail } of one.reasons) expect(row).toContain(detail);
    }
    expect(rowOf(html, 'work-1')).toMatch(/5-hour limit|limit .* 14:00 .* 5-hour limit reached until 14:00/);
    expect(rowOf(html, 'work-2')).toMatch(/active 38 % +12 % +13:12/);
    expect(text).toContain('monthly');
    expect(text).toContain('the link /home/ada/.codex is at work-2');
  });

  test('every pane, those in trouble first', async () => {
    const { html } = await page();
    expect(rowOf(html, 'api:0.0')).toContain('claude 2.1.100 work limited 5 m 5-hour limit reached');
    expect(html.indexOf('api:0.0')).toBeLessThan(html.indexOf('main:0.0'));
    expect(rowOf(html, 'docs:0.0')).toContain('idle');
  });

  test('the last swaps, each with a way to its record', async () => {
    const { tags, text } = await page();
    expect(text).toContain('work-1 -> work-2 work done 12 s main:0.0');
    expect(tags).toContainEqual({ name: 'a', attributes: { href: `/incidents/${SWAP_ID}` } });
  });

  test('open alerts, what needed attention, and how many tasks there are', async () => {
    const { text } = await page();
    expect(text).toContain('quota high warning active work-1 has used 92 % of its 5h window');
    expect(text).toContain('unknown wall: words that no pattern knows (work, main, work-1)');
    expect(text).toContain('1 queued · 1 running · the oldest waits for 1 h');
    expect(text).toContain('codex gets nothing now: held');
    expect(daemon.calls).toContainEqual({ name: 'alerts', with: { statuses: ['active', 'acknowledged'], limit: 50 } });
  });

  test('the last day of an account: when it was the active one, and when it met a limit', async () => {
    daemon.journal = [event({ at: NOW - 5 * MINUTE })];
    const { html } = await page();
    expect(rowOf(html, 'work-1')).toContain('active 9 h 55 m of the last 24 h; limit met 11:55');
    expect(rowOf(html, 'work-1')).not.toContain('work-2');
    expect(html).toContain('<title>active 4 m 59 s of the last 24 h</title>');
  });

  test('times as on the clock on the wall, and for programs', async () => {
    const { tags, text } = await page('/', TCP, 'Asia/Tokyo');
    expect(text).toContain('next reset 22:12 (in 1 h 12 m)');
    expect(text).toContain('times in Asia/Tokyo');
    const times = tags.flatMap(({ name, attributes }) => (name === 'time' ? (attributes.datetime ?? []) : []));
    expect(times).toContain('2026-01-05T13:12Z');
    for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z$/);
  });

  test('a paused daemon and one that only observes stand on top', async () => {
    daemon.status = statusFacts({ paused: 'lunch' });
    expect((await page()).text).toMatch(/^.{0,120}PAUSED .*paused: lunch/);
    daemon.status = statusFacts({ mode: 'observe' });
    expect((await page()).html).toContain('<h1 class="warn">OBSERVING</h1>');
    daemon.status = statusFacts();
    expect((await page()).html).toContain('<h1 class="ok">OK</h1>');
  });

  test('nothing is left out silently where there is nothing', async () => {
    daemon.status = statusFacts({ sessions: [] });
    daemon.record = null;
    daemon.alertRows = [];
    const { text } = await page();
    expect(text).toContain('no agent runs in a pane');
    expect(text).toContain('no swap so far');
    expect(text).not.toContain('Open alerts');
    expect(text).not.toContain('Tasks');
  });

  test('from memory, although the database does not answer', async () => {
    daemon.failure = new Error('database is locked');
    const { text } = await page();
    expect(text).toContain('work-2 active');
    expect(text).toContain('the database did not answer');
    expect(text).not.toContain('database is locked');
    expect(log.at('warn')).toContain('a part of the page could not be read');
  });
});

describe('the page loads nothing and changes nothing [R280]', () => {
  beforeEach(busyStatus);

  test.each(['/', `/incidents/${SWAP_ID}`, '/incidents/unknown'])('%s is markup that only shows', async (path) => {
    const { tags, flaws } = await page(path, SOCKET);
    expect(flaws).toEqual([]);
    for (const { name, attributes } of tags) {
      expect(HARMLESS).toContain(name);
      for (const [key, value] of Object.entries(attributes)) {
        expect(HARMLESS_ATTRIBUTES).toContain(key);
        if (key === 'href') expect(value).toMatch(/^\/(?!\/)/);
      }
    }
  });

  test.each(['/', `/incidents/${SWAP_ID}`])('%s allows its own sheet and nothing else', async (path) => {
    const answer = await ask(path);
    const { style } = readPage(await answer.text());
    const digest = createHash('sha256').update(style).digest('base64');
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    expect(style).toContain('prefers-color-scheme:dark');
    expect(style).not.toMatch(/url\(|@import/);
  });

  test('it asks for itself again every ten seconds; the record of a swap stays as it is', async () => {
    const refresh = { name: 'meta', attributes: { 'http-equiv': 'refresh', content: '10' } };
    expect((await page()).tags).toContainEqual(refresh);
    expect((await page(`/incidents/${SWAP_ID}`)).tags).not.toContainEqual(refresh);
  });

  test('it takes GET and HEAD, and no parameter', async () => {
    const head = await ask('/', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const posted = await ask('/', { method: 'POST' }, SOCKET);
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await ask('/', { method: 'POST' })).status).toBe(403);
    expect((await ask('/?refresh=1')).status).toBe(400);
    expect((await ask(`/incidents/${SWAP_ID}`, { method: 'POST' }, SOCKET)).status).toBe(404);
  });

  test('[R235] where others can reach the address, it needs the token as every other route', async () => {
    const open: Door = { ...TCP, host: '192.0.2.7', bearerToken: () => 'correct-token' };
    for (const path of ['/', `/incidents/${SWAP_ID}`]) {
      expect((await ask(path, {}, open)).status).toBe(401);
      expect((await ask(path, { headers: { authorization: 'Bearer correct-token' } }, open)).status).toBe(200);
    }
  });

  test('it only reads', async () => {
    await page();
    await page(`/incidents/${SWAP_ID}`);
    expect(new Set(daemon.calls.map(({ name }) => name))).toEqual(new Set(['events', 'alerts', 'tasks']));
  });
});

test('fifty accounts, five hundred panes and as many alerts stay below 50 KB, and say what is left out [R280]', async () => {
  const names = Array.from({ length: 50 }, (_, i) => `work-${i + 1}`);
  const accounts = names.map((name, i) =>
    account(name, {
      quota: [
        quota(name, { used: i / 50, limitReached: i % 3 === 0 }),
        quota(name, { window: '7d', used: 0.5, resetAt: NOW + 80 * HOUR }),
      ],
    }),
  );
  daemon.status = statusFacts({
    pools: [poolView({ accounts })],
    sessions: Array.from({ length: 500 }, (_, i) => session(`session-${i}`, i % 9 === 0 ? 'limited' : 'working')),
    openAlerts: 400,
  });
  daemon.alertRows = Array.from({ length: 50 }, (_, i) => anAlert({ id: i }));
  daemon.swaps = async (limit) => Array.from({ length: limit }, (_, i) => swapRow({ id: `swap-${i}` }));
  const { html, text } = await page();
  expect(Buffer.byteLength(html)).toBeLessThanOrEqual(50_000);
  for (const name of names) expect(text).toContain(` ${name} `);
  expect(text).toMatch(/and \d+ more: claude-failover status/);
  expect(text).toMatch(/and \d+ more: claude-failover alerts/);
  expect(text).toContain('older ones: claude-failover incidents');
  const left = Number(/and (\d+) more: claude-failover status/.exec(text)?.[1]);
  expect(left + (html.match(/<tr><th scope="row">session-/g) ?? []).length).toBe(500);
});

/** The text of the table's row that begins with this name. */
function rowOf(html: string, name: string): string {
  const row = html.split('<tr>').find((part) => part.startsWith(`<th scope="row">${name}<`)) ?? '';
  return readPage(`<!doctype html><style></style>${row.split('</tr>')[0]}`).text.trim();
}
