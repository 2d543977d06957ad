/** Tasks over HTTP: read by everybody who gets through, changed by the owner or behind the trigger. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Door } from '../../src/http/guard.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { FakeDaemon, statusFacts } from '../support/daemon-facts.ts';
import { tcpWithToken } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

let daemon: FakeDaemon;
beforeEach(() => {
  daemon = new FakeDaemon();
});

const TOKEN = 'the-right-token-of-a-good-length';
const TCP = (enabled: boolean): Door => tcpWithToken(TOKEN, enabled);

async function ask(path: string, init: RequestInit = {}, door: Door = { kind: 'socket' }) {
  const app = createRoutes({ api: daemon, clock: new FakeClock(), log: new RecordingLog(), version: '0.1.0' }, door);
  const headers = { host: 'localhost:8765', ...init.headers };
  const response = await app.request(`http://localhost:8765${path}`, { ...init, headers });
  return { status: response.status, allow: response.headers.get('allow'), json: JSON.parse(await response.text()) };
}

const post = (path: string, body?: object, door?: Door, headers: Record<string, string> = {}) =>
  ask(
    path,
    {
      method: 'POST',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
    door,
  );

describe('GET /tasks', () => {
  test('lists tasks, those whose state changed last first', async () => {
    const { status, json } = await ask('/tasks');
    expect(status).toBe(200);
    expect(json.cursor).toBeNull();
    expect(json.tasks).toMatchObject([
      { id: 'web:page', status: 'failed', attempt: 3, error_kind: 'session_died' },
      { id: 'api:fix-login', status: 'queued', since: '2026-01-05T11:50:00.000Z', title: 'Fix the login' },
    ]);
  });

  test('filters by state and project, and goes on behind a cursor', async () => {
    const { json } = await ask('/tasks?status=queued,failed&project=web&limit=1');
    expect(daemon.calls.at(-1)?.with).toEqual({ statuses: ['queued', 'failed'], project: 'web', limit: 2 });
    expect(json.tasks).toHaveLength(1);
    await ask(`/tasks?cursor=${encodeURIComponent(json.cursor)}`);
    expect(daemon.calls.at(-1)?.with).toMatchObject({ after: { id: 'web:page', statusSince: expect.any(Number) } });
  });

  test.each(['status=open', 'limit=0', 'cursor=x', 'state=queued'])('?%s is a bad request', async (query) => {
    const { status, json } = await ask(`/tasks?${query}`);
    expect([status, json.error.code]).toEqual([400, 'bad_parameter']);
  });

  test('/tasks/:id tells everything of one', async () => {
    const { json } = await ask('/tasks/web%3Apage');
    expect(json.task).toMatchObject({
      id: 'web:page',
      attempts: [{ attempt: 3, outcome: 'session_died' }],
      decisions: [
        { account: 'work-2', reason: 'limit', at: '2026-01-05T11:50:00.000Z' },
        { account: 'work-1', reason: 'selected', at: '2026-01-05T11:50:00.000Z' },
      ],
      meta: { tags: ['web'] },
    });
    expect((await ask('/tasks/fix-login')).json.task.id).toBe('api:fix-login');
    expect((await ask('/tasks/nobody')).status).toBe(404);
    expect((await ask('/tasks/twin')).json.error.code).toBe('several_tasks');
  });

  test('the status counts them [R236]', async () => {
    const byStatus = {
      queued: 3,
      blocked: 0,
      claimed: 0,
      launching: 0,
      running: 1,
      retry_wait: 0,
      done: 9,
      failed: 0,
      timeout: 0,
      cancelled: 0,
    };
    const flaws = [{ project: 'web', detail: 'it is a link', isRefused: true }];
    const projects = [{ name: 'api', ignored: ['x.md.delegated'] }];
    daemon.status = statusFacts({
      queue: { enabled: true, byStatus, oldestAt: Date.UTC(2026, 0, 5, 11), projects, flaws },
    });
    expect((await ask('/status')).json.queue).toEqual({
      enabled: true,
      held: [],
      by_status: byStatus,
      oldest_s: 3600,
      projects,
      flaws: [{ project: 'web', detail: 'it is a link', refused: true }],
    });
    daemon.status = statusFacts();
    expect((await ask('/status')).json.queue).toBeNull();
  });
});

describe('POST /tasks', () => {
  test('puts a task into an inbox', async () => {
    const wish = {
      title: 'Mend it',
      priority: 'high',
      depends_on: ['web:page'],
      max_attempts: 2,
      text: 'Do it.\nAll of it.',
    };
    const { status, json } = await post('/tasks', { project: 'api', ...wish });
    expect([status, json.detail]).toEqual([202, 'api:new waits']);
    expect(daemon.calls.at(-1)).toEqual({ name: 'addTask', with: { project: 'api', wish } });
    expect((await post('/tasks', { project: 'nobody', text: 'x' })).json.error.code).toBe('unknown_project');
  });

  test.each([
    {},
    { project: 'api' },
    { project: 'api', text: ' ' },
    { project: 'api', text: 7 },
    { project: 'api', text: 'x', max_attempts: '2' },
    { project: 'api', text: 'x', depends_on: 'a' },
    { project: 'api', text: 'x', title: 'a\nb' },
    { project: 'api', text: 'x', command: 'rm' },
  ])('%j is a bad request', async (body) => {
    expect((await post('/tasks', body)).status).toBe(400);
    expect(daemon.calls).toEqual([]);
  });

  test('another method is told which there are', async () => {
    expect(await ask('/tasks', { method: 'DELETE' })).toMatchObject({ status: 405, allow: 'GET, HEAD, POST' });
    expect(await ask('/tasks/a/retry')).toMatchObject({ status: 405, allow: 'POST' });
    expect(await ask('/trigger/dispatch')).toMatchObject({ status: 405, allow: 'POST' });
  });
});

describe('wishes by hand', () => {
  test('retry and cancel are passed on, and told what came of it', async () => {
    expect(await post('/tasks/web%3Apage/retry')).toMatchObject({ status: 202, json: { task: { id: 'web:page' } } });
    await post('/tasks/web%3Apage/cancel', { reason: 'not needed' });
    expect(daemon.calls.at(-1)).toEqual({ name: 'cancelTask', with: { name: 'web:page', reason: 'not needed' } });
    expect(await post('/tasks/api%3Afix-login/retry')).toMatchObject({
      status: 409,
      json: { error: { code: 'not_ended' } },
    });
    expect((await post('/tasks/nobody/cancel')).status).toBe(404);
  });

  test('/trigger/dispatch has the inboxes looked at', async () => {
    expect((await post('/trigger/dispatch')).status).toBe(202);
    expect(daemon.calls).toEqual([{ name: 'dispatch', with: null }]);
  });

  test.each(['/tasks', '/tasks/web%3Apage/retry', '/tasks/web%3Apage/cancel', '/trigger/dispatch'])(
    'over TCP %s needs http.enable_trigger and the token',
    async (path) => {
      const right = { authorization: `Bearer ${TOKEN}` };
      expect((await post(path, undefined, TCP(false), right)).status).toBe(403);
      expect((await post(path, undefined, TCP(true))).status).toBe(401);
      expect(daemon.calls).toEqual([]);
    },
  );
});
