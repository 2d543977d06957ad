/** The routes that change one account or end the leases of one session. */
import type { Context, Hono } from 'hono';
import type { AccountAction, DaemonApi } from '../ports/daemon.ts';
import { problem } from './guard.ts';
import { readBody } from './parameters.ts';

/** Sends a value as this API does. */
export type Send = (context: Context, value: object, status?: 200 | 202) => Response;

const ACTIONS: readonly AccountAction[] = ['enable', 'disable', 'reset-quota'];

export function addAccountTriggers(app: Hono, api: Pick<DaemonApi, 'account' | 'terminate'>, send: Send): void {
  for (const action of ACTIONS) {
    app.post(`/accounts/:name/${action}`, async (context) => {
      await readBody(context, []);
      const answer = await api.account(context.req.param('name'), action);
      if (answer.kind === 'done') return send(context, { changed: answer.changed, detail: answer.detail });
      return problem(context, answer.reason === 'unknown_account' ? 404 : 409, answer.reason, answer.detail);
    });
  }
  app.post('/sessions/:name/terminate', async (context) => {
    await readBody(context, []);
    const answer = await api.terminate(context.req.param('name'));
    if (answer === null)
      return problem(context, 404, 'not_found', 'there is no such session and no lease of this name');
    return send(context, answer);
  });
}

/** Whether these routes take a POST at this path. */
export function isAccountTrigger(path: string): boolean {
  return /^\/accounts\/[^/]+\/(?:enable|disable|reset-quota)$|^\/sessions\/[^/]+\/terminate$/.test(path);
}
