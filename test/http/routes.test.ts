import { beforeEach, describe, expect, test } from 'vitest';
import { FailoverError } from '../../src/core/errors.ts';
import type { Door } from '../../src/http/guard.ts';
import { createRoutes } from '../../src/http/routes.ts';
import {
  event,
  FakeDaemon,
  NOW,
  paneRecord,
  poolView,
  recovery,
  SWAP_ID,
  session,
  statusFacts,
  swapRecord,
  swapRow,
} from '../support/daemon-facts.ts';
import { TCP } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

let daemon: FakeDaemon;
let log: RecordingLog;
beforeEach(() => {
  daemon = new FakeDaemon();
  log = new RecordingLog();
});

async function ask(path: string, init: RequestInit = {}, door: Door = { kind: 'socket' }) {
  const app = createRoutes({ api: daemon, clock: new FakeClock(), log, version: '0.1.0' }, door);
  const headers = { host: 'localhost:8765', ...init.headers };
  const response = await app.request(`http://localhost:8765${path}`, { ...init, headers });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const json = isJson && text !== '' ? JSON.parse(text) : null;
  return { status: response.status, json, text, headers: response.headers };
}

function post(path: string, body?: unknown, door?: Door, headers: Record<string, string> = {}) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  return ask(path, { method: 'POST', ...sent, headers: { 'content-type': 'application/json', ...headers } }, door);
}

describe('views', () => {
  test('[R92] health answers 200 with the state of each pool', async () => {
    const { status, json } = await ask('/health');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      status: 'ok',
      version: '0.1.0',
      uptime_s: 3600,
      pools: [{ name: 'work', active_account: 'work-2', eligible: 2, switcher: 'normal' }],
      checks: { tmux: 'pass', db: 'pass', link: 'pass', loops: 'pass' },
    });
  });

  test('[R92] health answers 503 when a pool is partial, livez 200 all the same', async () => {
    daemon.status = statusFacts({ pools: [poolView({ state: 'partial' })] });
    const { status, json } = await ask('/health');
    expect([status, json.status, json.partial_swap]).toEqual([503, 'unhealthy', true]);
    expect((await ask('/livez')).status).toBe(200);
  });

  test('a degraded daemon is still healthy for a load balancer', async () => {
    daemon.status = statusFacts({ paused: 'lunch' });
    const { status, json } = await ask('/health');
    expect([status, json.status]).toEqual([200, 'degraded']);
  });

  test('[R236] health and status are made from memory and say of when', async () => {
    expect((await ask('/status')).json.as_of).toBe('2026-01-05T11:59:59.000Z');
    expect((await ask('/health')).json.as_of).toBe('2026-01-05T11:59:59.000Z');
    expect(daemon.calls).toEqual([]);
  });

  test('accounts, one account, quota and sessions are parts of the status [R93]', async () => {
    const { json } = await ask('/status');
    expect((await ask('/accounts')).json.accounts).toEqual(json.accounts);
    expect((await ask('/accounts/work-1')).json).toMatchObject({ name: 'work-1', state: 'limited' });
    const sessions = (await ask('/sessions')).json.sessions as readonly { session: string; pane: string }[];
    const [first] = sessions;
    for (const name of [first?.session ?? '', encodeURIComponent(first?.pane ?? '')])
      expect((await ask(`/sessions/${name}`)).json.sessions).toContainEqual(first);
    expect((await ask('/sessions')).json.sessions).toEqual(json.sessions);
    expect((await ask('/quota/status')).json.accounts[0]).toMatchObject({
      name: 'work-1',
      quota: {
        '5h': { used: 1, limit_reached: true, reset_at: '2026-01-05T14:00:00.000Z', source: 'statusline', age_s: 60 },
      },
    });
  });

  test.each([
    '/accounts/nobody',
    '/sessions/nobody',
    '/swaps/unknown',
    '/why/unknown',
    '/nowhere',
    '/trigger',
    '/..%2f..%2fetc/passwd',
  ])('%s is not found', async (path) => {
    const { status, json } = await ask(path);
    expect([status, json.error.code]).toEqual([404, 'not_found']);
  });

  test.each([
    '/events?limit=0',
    '/events?limit=1001',
    '/events?limit=x',
    '/events?since=yesterday',
    '/events?type=bogus',
    '/events?tpye=x',
    '/swaps?limit=-1',
    '/status?verbose=1',
  ])('%s is a bad request', async (path) => {
    const { status, json } = await ask(path);
    expect([status, json.error.code]).toEqual([400, 'bad_parameter']);
  });

  test('events are filtered by type, time and number', async () => {
    const { json } = await ask('/events?type=quota_hit,paused&since=2h&limit=7');
    expect(daemon.calls[0]?.with).toEqual({ types: ['quota_hit', 'paused'], sinceAt: NOW - 7_200_000, limit: 7 });
    expect(json.events[0]).toMatchObject({ type: 'quota_hit', at: '2026-01-05T11:59:00.000Z' });
    await ask('/events?since=2026-01-05T10:00:00Z');
    expect(daemon.calls[1]?.with).toEqual({ sinceAt: NOW - 7_200_000, limit: 100 });
  });
});

describe('records', () => {
  test('[R280] why explains a swap by its id, the last one, and a pane', async () => {
    for (const subject of [SWAP_ID, 'last']) {
      const { json } = await ask(`/why/${subject}`);
      expect(json).toMatchObject({ kind: 'swap', swap: { id: SWAP_ID, from: 'work-1', to: 'work-2' } });
      expect(json.text).toContain('passed over work-3: weekly limit reached');
    }
    expect((await ask('/why/main%3A0.0')).json).toMatchObject({ kind: 'pane', decision: { kind: 'suspected' } });
    expect((await ask('/why/%251')).json).toMatchObject({ kind: 'pane', pane: 'main:0.0' });
  });

  test('[R237] the screen is shown on the socket, masked, and never over TCP', async () => {
    const record = swapRecord();
    const incident =
      record.incident === null ? null : { ...record.incident, screen: 'key sk-ant-oat01-abc \x1b[31mred' };
    daemon.record = { ...record, incident };
    expect((await ask('/why/last')).json.incident.screen).toBe('key [masked] red');
    expect((await ask('/why/last', {}, TCP)).json.incident).not.toHaveProperty('screen');
    expect((await ask('/why/main%3A0.0')).json.screen).toBe('the whole screen of the pane');
    expect((await ask('/why/main%3A0.0', {}, TCP)).text).not.toContain('the whole screen');
  });

  test('a swap is told with its steps and panes', async () => {
    const { json } = await ask(`/swaps/${SWAP_ID}`);
    expect(json.incident.steps.map((step: { step: string }) => step.step)).toEqual(['prepared', 'locked', 'flipped']);
    expect(json.panes[0]).toMatchObject({ pane: 'main:0.0', recovered_by: 'hot', after_ms: 3200 });
    expect((await ask('/swaps')).json.swaps).toHaveLength(1);
  });
});

describe('actions', () => {
  test('an accepted swap answers 202 with its id', async () => {
    const { status, json } = await post('/trigger/swap', { to: 'work-2', reason: 'tired', force: true });
    expect([status, json]).toEqual([202, { id: SWAP_ID, pool: 'work', to: 'work-2' }]);
    expect(daemon.calls[0]?.with).toEqual({ pool: null, to: 'work-2', reason: 'tired', force: true, dryRun: false });
  });

  test('a dry run answers 200 with the plan [R224]', async () => {
    daemon.answer = {
      kind: 'would_swap',
      pool: 'work',
      from: 'work-1',
      to: 'work-2',
      why: 'eligible',
      passedOver: [],
      panes: ['main:0.0'],
    };
    const { status, json } = await post('/trigger/swap', { dry_run: true });
    expect([status, json.would_swap.panes]).toEqual([200, ['main:0.0']]);
  });

  test.each([
    ['partial', 409],
    ['switching', 409],
    ['cooldown', 409],
    ['paused', 409],
    ['exhausted', 409],
    ['observe', 409],
    ['target_ineligible', 422],
    ['target_unknown', 422],
    ['already_active', 422],
    ['unknown_pool', 404],
    ['several_pools', 400],
  ])('a swap refused for %s answers %i and says until when', async (reason, status) => {
    daemon.answer = { kind: 'refused', reason, detail: 'because', until: NOW, passedOver: [] };
    const answer = await post('/trigger/swap', {});
    expect(answer.status).toBe(status);
    expect(answer.json.error).toEqual({
      code: reason,
      message: 'because',
      until: '2026-01-05T12:00:00.000Z',
      passed_over: [],
    });
  });

  test.each([
    [{ to: 7 }],
    [{ to: '' }],
    [{ reason: 'x'.repeat(201) }],
    [{ reason: 'two\nlines' }],
    [{ force: 'yes' }],
    [{ account: 'work-2' }],
    [[]],
    ['text'],
  ])('the body %j is refused and nothing is asked of the daemon', async (body) => {
    expect((await post('/trigger/swap', body)).status).toBe(400);
    expect(daemon.calls).toEqual([]);
  });

  test('a body that is not declared as JSON is refused', async () => {
    const { status, json } = await post('/pause', { reason: 'x' }, undefined, { 'content-type': 'text/plain' });
    expect([status, json.error.code]).toEqual([400, 'not_json']);
  });

  test('pause, resume, recover and reload reach the daemon', async () => {
    expect((await post('/pause', { reason: 'lunch' })).status).toBe(202);
    expect((await post('/resume')).status).toBe(202);
    expect((await post('/recover', { pool: 'work' })).json).toEqual({
      pools: [{ pool: 'work', ok: true, detail: 'the link points at work-2' }],
    });
    expect((await post('/recover', { pool: 'other' })).status).toBe(404);
    expect((await post('/config/reload')).json).toEqual({ result: 'unchanged', detail: '' });
    expect(daemon.calls.map(({ name }) => name)).toEqual(['pause', 'resume', 'recover', 'recover', 'reload']);
  });

  test('a pause may end by itself; a time that is none is refused', async () => {
    expect((await post('/pause', { reason: 'lunch', for: '1h' })).status).toBe(202);
    expect(daemon.calls).toEqual([{ name: 'pause', with: { reason: 'lunch', until: NOW + 3_600_000 } }]);
    for (const text of ['soon', '10s', '8d', '', 5]) expect((await post('/pause', { for: text })).status).toBe(400);
    expect(daemon.calls).toHaveLength(1);
  });

  test.each(['/trigger/swap', '/pause', '/resume', '/recover', '/config/reload'])(
    'GET %s changes nothing',
    async (path) => {
      const { status, headers } = await ask(path);
      expect([status, headers.get('allow')]).toEqual([405, 'POST']);
      expect(daemon.calls).toEqual([]);
    },
  );

  test('POST to a view is not allowed', async () => {
    expect((await post('/status')).status).toBe(405);
  });

  test('a failure of our own says its message, a foreign one nothing of itself', async () => {
    daemon.failure = new FailoverError('store_full', 'the disk is full');
    expect((await post('/resume')).json.error).toEqual({ code: 'store_full', message: 'the disk is full' });
    daemon.failure = new Error('internal words');
    const { status, text } = await post('/resume');
    expect(status).toBe(500);
    expect(text).not.toContain('internal words');
    expect(log.at('error')).toEqual(['request failed', 'request failed']);
  });
});

describe('the TCP door', () => {
  const open = { ...TCP, enableTrigger: () => true, bearerToken: () => 'correct-token' };

  test('[R235] it is read-only unless enable_trigger says otherwise', async () => {
    expect((await ask('/status', {}, TCP)).status).toBe(200);
    const { status, json } = await post(
      '/pause',
      {},
      { ...TCP, bearerToken: () => 'correct-token' },
      { authorization: 'Bearer correct-token' },
    );
    expect([status, json.error.message]).toEqual([403, expect.stringContaining('enable_trigger: false')]);
    expect(daemon.calls).toEqual([]);
  });

  test.each([
    [undefined, 401],
    ['Bearer wrong-token', 401],
    ['Bearer correct-token2', 401],
    ['Bearer ', 401],
    ['Basic correct-token', 401],
    ['Bearer correct-token', 202],
    ['bearer correct-token', 202],
  ])('[R235] with authorization %s a mutation answers %i', async (authorization, status) => {
    expect((await post('/pause', {}, open, authorization === undefined ? {} : { authorization })).status).toBe(status);
    expect(daemon.calls).toHaveLength(status === 202 ? 1 : 0);
  });

  test('without a configured token nothing can be changed', async () => {
    expect(
      (await post('/pause', {}, { ...open, bearerToken: () => null }, { authorization: 'Bearer null' })).status,
    ).toBe(401);
  });

  test.each(['origin', 'referer'])('a request with %s comes from a page and may not act', async (header) => {
    const headers = { authorization: 'Bearer correct-token', [header]: 'http://localhost:8765' };
    expect((await post('/pause', {}, open, headers)).status).toBe(403);
    expect((await post('/pause', {}, { kind: 'socket' }, headers)).status).toBe(403);
    expect(daemon.calls).toEqual([]);
  });

  test('an address that others can reach shows nothing without the token', async () => {
    const door = { ...open, host: '192.0.2.7' };
    const host = '192.0.2.7:8765';
    expect((await ask('/status', { headers: { host } }, door)).status).toBe(401);
    expect((await ask('/livez', { headers: { host } }, door)).status).toBe(200);
    expect((await ask('/status', { headers: { host, authorization: 'Bearer correct-token' } }, door)).status).toBe(200);
  });

  test('every answer carries the headers that keep browsers off, and none invites another site', async () => {
    for (const path of ['/status', '/nowhere', '/events?limit=x', '/pause', '/', '/incidents/unknown']) {
      const { headers } = await ask(path, {}, TCP);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('[R237] planted secrets', () => {
  const SECRETS = [
    'sk-ant-oat01-planted',
    'sk-ant-ort01-planted',
    'planted-bearer-value',
    '123456789:AAplantedplantedplantedplantedplanted',
    'planted-prose-on-the-screen',
    'half a thought',
    '--secret-argument',
  ];
  const dirty = `\x1b[2J\x07\x9b31mtoken sk-ant-oat01-planted {"refreshToken":"sk-ant-ort01-planted"} Bearer planted-bearer-value bot123456789:AAplantedplantedplantedplantedplanted`;
  const screen = `${dirty}\n${'filler of a long screen\n'.repeat(40)}planted-prose-on-the-screen\n`;

  function plant(): void {
    const record = swapRecord();
    const incident =
      record.incident === null
        ? null
        : {
            ...record.incident,
            screen,
            evidence: [{ pane: dirty, snippet: screen, votes: [{ text: screen, source: 'screen' }] }],
            decision: { to: 'work-2', why: dirty, passedOver: [{ account: dirty, reasons: [{ detail: dirty }] }] },
            steps: [{ at: NOW, step: dirty, durationMs: 1, detail: { error: dirty, deep: [[dirty]] } }],
            result: { error: dirty },
          };
    daemon.record = {
      ...record,
      swap: swapRow({ error: dirty, reason: dirty, triggerPane: dirty }),
      incident,
      recoveries: [recovery(dirty, { reason: dirty })],
      events: [event({ data: { detail: dirty, text: screen } })],
    };
    const pane = paneRecord(screen);
    const { finding } = pane;
    daemon.pane = {
      ...pane,
      events: [event({ data: { reason: screen } })],
      recoveries: [recovery(dirty)],
      finding: {
        ...finding,
        reading: { ...finding.reading, reason: dirty, vetoes: [{ family: 'x', text: screen, reason: dirty }] },
        evidence: { ...finding.evidence, reason: dirty, text: dirty },
      },
    };
    daemon.journal = [event({ data: { error: dirty, nested: { text: screen } } })];
    daemon.status = statusFacts({
      paused: dirty,
      observeReason: dirty,
      sessions: [session('main', 'unknown', dirty)],
      attention: [event({ severity: 'warning', data: { detail: dirty } })],
      config: { file: '/c', hash: 'h', loadedAt: NOW, rejected: dirty, needsRestart: [dirty] },
      storeError: dirty,
    });
    daemon.answer = { kind: 'refused', reason: 'paused', detail: dirty, until: null, passedOver: [] };
    daemon.failure = null;
  }

  const READS = [
    '/livez',
    '/health',
    '/status',
    '/quota/status',
    '/accounts',
    '/accounts/work-1',
    '/sessions/main',
    '/sessions',
    '/swaps',
    `/swaps/${SWAP_ID}`,
    `/why/${SWAP_ID}`,
    '/why/last',
    '/why/main%3A0.0',
    '/events',
    '/',
    `/incidents/${SWAP_ID}`,
  ];

  test.each(READS)('do not leave through %s over TCP', async (path) => {
    plant();
    const { text } = await ask(path, {}, TCP);
    for (const secret of SECRETS) expect(text).not.toContain(secret);
  });

  test.each(READS)('tokens do not leave through %s on the socket either', async (path) => {
    plant();
    const { text } = await ask(path);
    for (const secret of SECRETS.filter((planted) => planted !== 'planted-prose-on-the-screen'))
      expect(text).not.toContain(secret);
  });

  test('do not leave through a refusal', async () => {
    plant();
    const { text } = await post('/trigger/swap', {});
    for (const secret of SECRETS) expect(text).not.toContain(secret);
  });

  test('no answer contains a control character but its line feeds', async () => {
    plant();
    for (const path of READS) {
      const { json, text } = await ask(path);
      expect(textsIn(json ?? text).join('')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    }
  });
});

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
