/** The doors of kept sessions and of the janitor. */
import { expect, test } from 'vitest';
import { createRoutes } from '../../src/http/routes.ts';
import { FakeDaemon } from '../support/daemon-facts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aSession } from '../support/kept.ts';
import { silentLog } from '../support/panes.ts';

function open() {
  const api = new FakeDaemon();
  const app = createRoutes({ api, clock: new FakeClock(), log: silentLog, version: '1' }, { kind: 'socket' });
  const post = (path: string, body: object = {}) =>
    app.request(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  return { api, app, post };
}

test('kept sessions are shown with their state, its cause and their task [R63]', async () => {
  const { api, app } = open();
  api.kept = [aSession({ session: 'auto-1', state: 'working', taskId: 'p:1' })];
  const answer = (await (await app.request('/kept')).json()) as { kept: readonly object[] };
  expect(answer.kept).toEqual([
    expect.objectContaining({ session: 'auto-1', kind: 'autonomous', state: 'working', task: 'p:1', made_here: true }),
  ]);
});

test('a session is made anew on a wish, a dedicated one never [R244]', async () => {
  const { api, post } = open();
  expect((await post('/sessions/auto-1/restart')).status).toBe(202);
  expect((await post('/sessions/nobody/restart')).status).toBe(404);
  expect((await post('/sessions/main/restart')).status).toBe(409);
  expect(api.calls.map((call) => call.with)).toEqual(['auto-1', 'nobody', 'main']);
});

test('the janitor is sent out, or only asked what it would do [R227]', async () => {
  const { api, app, post } = open();
  expect(await (await post('/trigger/janitor', { dry_run: true })).json()).toMatchObject({
    dry_run: true,
    actions: [{ action: 'delete' }],
  });
  expect((await post('/trigger/janitor')).status).toBe(200);
  expect(api.calls.map((call) => call.with)).toEqual([true, false]);
  expect((await post('/trigger/janitor', { dry_run: 'yes' })).status).toBe(400);
  expect((await post('/trigger/janitor', { wet: true })).status).toBe(400);
  expect((await app.request('/trigger/janitor')).status).toBe(405);
});
