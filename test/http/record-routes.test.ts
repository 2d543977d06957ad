/** Alerts and statistics over HTTP: filters are checked, changes are for the owner or behind the trigger. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Door } from '../../src/http/guard.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { FakeDaemon } from '../support/daemon-facts.ts';
import { tcpWithToken } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { anAlert } from '../support/fake-records.ts';
import { RecordingLog } from '../support/recording-log.ts';

let daemon: FakeDaemon;
beforeEach(() => {
  daemon = new FakeDaemon();
});

const TCP = (enabled: boolean): Door => tcpWithToken('the-right-token-of-a-good-length', enabled);

async function ask(path: string, init: RequestInit = {}, door: Door = { kind: 'socket' }) {
  const app = createRoutes({ api: daemon, clock: new FakeClock(), log: new RecordingLog(), version: '0.1.0' }, door);
  const headers = { host: 'localhost:8765', ...init.headers };
  const response = await app.request(`http://localhost:8765${path}`, { ...init, headers });
  return { status: response.status, json: JSON.parse(await response.text()) };
}

const post = (path: string, door?: Door, headers: Record<string, string> = {}) =>
  ask(path, { method: 'POST', headers }, door);

describe('alerts', () => {
  test('are listed and filtered by type, severity and status [R161]', async () => {
    const { status, json } = await ask('/alerts?type=quota_high,disk_low&severity=warning&status=active&limit=5');
    expect(status).toBe(200);
    expect(daemon.calls.at(-1)?.with).toEqual({
      types: ['quota_high', 'disk_low'],
      severities: ['warning'],
      statuses: ['active'],
      limit: 5,
    });
    expect(json.alerts).toMatchObject([
      { id: 7, type: 'quota_high', subject: { kind: 'account', id: 'work-1' }, value: 0.92, threshold: 0.9 },
    ]);
  });

  test.each(['type=bogus', 'type=quota_high,bogus', 'severity=debug', 'status=open', 'state=active', 'limit=0'])(
    '?%s is a bad request [R162]',
    async (query) => {
      const { status, json } = await ask(`/alerts?${query}`);
      expect([status, json.error.code]).toEqual([400, 'bad_parameter']);
    },
  );

  test('their thresholds can be read [R161]', async () => {
    const { json } = await ask('/alerts/thresholds');
    expect(json.thresholds).toMatchObject({ quota_warning: 0.9, swaps_per_hour: 4, error_window_ms: 300_000 });
  });

  test.each([
    ['ack', 'acknowledged'],
    ['resolve', 'resolved'],
    ['dismiss', 'dismissed'],
  ])('%s makes one %s [R160]', async (action, status) => {
    const answer = await post(`/alerts/7/${action}`);
    expect([answer.status, answer.json.alert.status]).toEqual([200, status]);
    expect(daemon.calls.at(-1)).toEqual({ name: 'changeAlert', with: { id: 7, action, by: 'owner' } });
  });

  test('one that has ended is a conflict, one that is unknown is not found', async () => {
    daemon.alertRows = [anAlert({ status: 'resolved' })];
    expect((await post('/alerts/7/ack')).status).toBe(409);
    expect((await post('/alerts/8/ack')).status).toBe(404);
    expect((await post('/alerts/x/ack')).status).toBe(404);
    expect((await post('/alerts/7/close')).status).toBe(404);
  });

  test('over TCP they are read freely and changed only with trigger and token', async () => {
    expect((await ask('/alerts', {}, TCP(false))).status).toBe(200);
    expect((await post('/alerts/7/ack', TCP(false))).status).toBe(403);
    expect((await post('/alerts/7/ack', TCP(true))).status).toBe(401);
    const headers = { authorization: 'Bearer the-right-token-of-a-good-length' };
    expect((await post('/alerts/7/ack', TCP(true), headers)).status).toBe(200);
    expect(daemon.calls.at(-1)?.with).toMatchObject({ by: 'http' });
  });
});

describe('statistics', () => {
  test('are those of today unless a period is named [R169]', async () => {
    expect((await ask('/stats')).json).toMatchObject({ period: 'today', total: { swaps: 0 } });
    expect((await ask('/stats?period=last7d')).json.period).toBe('last7d');
    expect((await ask('/stats?period=yesterday')).status).toBe(400);
    expect((await ask('/stats?period=today,all')).status).toBe(400);
  });
});

test('events are filtered by account', async () => {
  await ask('/events?account=work-1&type=quota_hit');
  expect(daemon.calls.at(-1)?.with).toMatchObject({ account: 'work-1', types: ['quota_hit'] });
});

test('the status counts the open alerts', async () => {
  daemon.status = { ...daemon.status, openAlerts: 3 };
  expect((await ask('/status')).json.alerts).toEqual({ active: 3 });
});
