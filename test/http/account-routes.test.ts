import { beforeEach, describe, expect, test } from 'vitest';
import type { Door } from '../../src/http/guard.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { FakeDaemon } from '../support/daemon-facts.ts';
import { tcpWithToken } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

let daemon: FakeDaemon;
beforeEach(() => {
  daemon = new FakeDaemon();
});

async function ask(path: string, init: RequestInit = {}, door: Door = { kind: 'socket' }) {
  const deps = { api: daemon, clock: new FakeClock(), log: new RecordingLog(), version: '0.1.0' };
  const headers = { host: 'localhost:8765', 'content-type': 'application/json', ...init.headers };
  const response = await createRoutes(deps, door).request(`http://localhost:8765${path}`, { ...init, headers });
  return { status: response.status, json: await response.json(), headers: response.headers };
}

const PATHS = [
  '/accounts/work-1/enable',
  '/accounts/work-1/disable',
  '/accounts/work-1/reset-quota',
  '/sessions/main/terminate',
];

describe('accounts and sessions by hand', () => {
  test.each(['enable', 'disable', 'reset-quota'] as const)(
    'POST /accounts/:name/%s reaches the daemon',
    async (action) => {
      const { status, json } = await ask(`/accounts/work-1/${action}`, { method: 'POST' });
      expect([status, json]).toEqual([200, { changed: true, detail: 'work-1 is disabled' }]);
      expect(daemon.calls).toEqual([{ name: 'account', with: ['work-1', action] }]);
    },
  );

  test('a refusal says why: 404 for an unknown account, 409 for one that cannot be changed now', async () => {
    expect(await ask('/accounts/nobody/disable', { method: 'POST' })).toMatchObject({
      status: 404,
      json: { error: { code: 'unknown_account' } },
    });
    daemon.accountAnswer = { kind: 'refused', reason: 'login_needed', detail: 'it needs a login' };
    expect(await ask('/accounts/work-1/enable', { method: 'POST' })).toMatchObject({
      status: 409,
      json: { error: { code: 'login_needed', message: 'it needs a login' } },
    });
  });

  test('terminate answers how many leases ended and what still runs, 404 for a session nobody knows [R196]', async () => {
    expect(await ask('/sessions/main%3A0.0/terminate', { method: 'POST' })).toMatchObject({
      status: 200,
      json: { released: 2, running: ['main:0.0'] },
    });
    expect(daemon.calls).toEqual([{ name: 'terminate', with: 'main:0.0' }]);
    expect((await ask('/sessions/nobody/terminate', { method: 'POST' })).status).toBe(404);
  });

  test.each(PATHS)('%s changes nothing by GET, with a body, or from a page', async (path) => {
    const get = await ask(path);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await ask(path, { method: 'POST', body: '{"force":true}' })).status).toBe(400);
    expect((await ask(path, { method: 'POST', headers: { origin: 'http://localhost:8765' } })).status).toBe(403);
    expect(daemon.calls).toEqual([]);
  });

  test.each(PATHS)('%s over TCP needs enable_trigger and the token [R235]', async (path) => {
    const door = (enabled: boolean): Door => tcpWithToken('correct-token', enabled);
    const headers = { authorization: 'Bearer correct-token' };
    expect((await ask(path, { method: 'POST', headers }, door(false))).status).toBe(403);
    expect((await ask(path, { method: 'POST' }, door(true))).status).toBe(401);
    expect(daemon.calls).toEqual([]);
    expect((await ask(path, { method: 'POST', headers }, door(true))).status).toBe(200);
  });
});
