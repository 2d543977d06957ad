/** The routes about kept sessions, and the janitor's. */
import type { Hono } from 'hono';
import { keptView } from '../core/sessions/view.ts';
import type { KeepingApi } from '../ports/keeping.ts';
import type { Clock } from '../ports.ts';
import type { Send } from './account-routes.ts';
import { problem } from './guard.ts';
import { BadRequest, readBody, refuseUnknownQuery } from './parameters.ts';

export const KEEPING_TRIGGERS = ['/trigger/janitor'] as const;

export function addKeepingRoutes(app: Hono, { api, clock }: { api: KeepingApi; clock: Clock }, send: Send): void {
  app.get('/kept', async (context) => {
    refuseUnknownQuery(context, []);
    const rows = await api.sessions();
    return send(context, { kept: rows.map((row) => keptView(row, clock.now())) });
  });
  app.post('/sessions/:name/restart', async (context) => {
    await readBody(context, []);
    const answer = await api.restart(context.req.param('name'));
    if (answer.kind === 'accepted') return send(context, { detail: answer.detail }, 202);
    return problem(context, answer.reason === 'unknown_session' ? 404 : 409, answer.reason, answer.detail);
  });
  app.post('/trigger/janitor', async (context) => {
    const { dry_run: dryRun = false } = await readBody(context, ['dry_run']);
    if (typeof dryRun !== 'boolean') throw new BadRequest('dry_run must be true or false');
    return send(context, { dry_run: dryRun, actions: await api.tidyUp(dryRun) });
  });
}

/** Whether these routes take a POST at this path. */
export function isKeepingTrigger(path: string): boolean {
  return /^\/sessions\/[^/]+\/restart$/.test(path);
}
