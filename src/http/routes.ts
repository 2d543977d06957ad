/** The routes of the API, the same behind both doors; what differs is who gets through and whether a screen is shown. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import type { AccountStatusView } from '../core/account-view.ts';
import { FailoverError } from '../core/errors.ts';
import { eventView, MAX_WORDS, paneRecordView, passedOverView, swapRecordView, swapView } from '../core/record-view.ts';
import { redact, snippet } from '../core/redact.ts';
import { buildHealth, buildStatus } from '../core/status.ts';
import { toIso } from '../core/time.ts';
import { explainPane, explainSwap } from '../core/why.ts';
import type { DaemonApi, ManualSwapAnswer } from '../ports/daemon.ts';
import type { Clock, Logger } from '../ports.ts';
import { addAccountTriggers, isAccountTrigger } from './account-routes.ts';
import type { Door } from './guard.ts';
import { guards, problem } from './guard.ts';
import { addKeepingRoutes, isKeepingTrigger, KEEPING_TRIGGERS } from './keeping-routes.ts';
import { addPages, PAGES } from './page-routes.ts';
import {
  BadRequest,
  readBody,
  readEventFilter,
  readLimit,
  readManualSwap,
  readPauseTime,
  readText,
  refuseUnknownQuery,
} from './parameters.ts';
import { addRecordRoutes, RECORD_PATHS } from './record-routes.ts';
import { addTaskRoutes, isTaskTrigger, TASK_READS, TASK_TRIGGERS } from './task-routes.ts';

export interface RouteDeps {
  readonly api: DaemonApi;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
}

/** @returns an app that answers through this door */
export function createRoutes({ api, clock, log, version }: RouteDeps, door: Door): Hono {
  const app = new Hono();
  for (const guard of guards(door)) app.use(guard);
  app.onError((error, context) => {
    if (error instanceof BadRequest) {
      // What is left of a body that is too long is not waited for.
      if (error.status === 413) context.header('connection', 'close');
      return problem(context, error.status, error.code, error.message);
    }
    log.error({ path: context.req.path, err: error }, 'request failed');
    const code = error instanceof FailoverError ? error.code : 'internal';
    return problem(
      context,
      500,
      code,
      redact(error instanceof FailoverError ? error.message : 'something went wrong; the log says more'),
    );
  });
  app.notFound((context) =>
    READ_ONLY.has(context.req.path) ||
    MUTATING.has(context.req.path) ||
    isAccountTrigger(context.req.path) ||
    isKeepingTrigger(context.req.path) ||
    isTaskTrigger(context.req.path)
      ? notAllowed(context)
      : problem(context, 404, 'not_found', 'there is no such route; docs/http-api.md names them all'),
  );
  addViews(app, { api, clock, version });
  addRecords(app, { api, clock }, door);
  addTriggers(app, { api, clock });
  addAccountTriggers(app, api, send);
  addRecordRoutes(app, api, door, send);
  addKeepingRoutes(app, { api: api.keeping, clock }, send);
  addTaskRoutes(app, api, send);
  addPages(app, { api, clock, log }, door);
  return app;
}

const READ_ONLY = new Set<string>([
  '/livez',
  '/health',
  '/status',
  '/quota/status',
  '/accounts',
  '/sessions',
  '/kept',
  '/swaps',
  '/events',
  ...PAGES,
  ...RECORD_PATHS,
  ...TASK_READS,
]);
const MUTATING = new Set<string>([
  '/trigger/swap',
  '/pause',
  '/resume',
  '/recover',
  '/config/reload',
  ...KEEPING_TRIGGERS,
  ...TASK_TRIGGERS,
]);

type Deps = Pick<RouteDeps, 'api' | 'clock'>;

/** Views of the facts in memory: they ask neither tmux nor the disk. */
function addViews(app: Hono, { api, clock, version }: Deps & Pick<RouteDeps, 'version'>): void {
  const status = () => {
    const built = buildStatus(api.facts(), clock.now());
    const attention = built.attention.map((item) => ({ ...item, detail: snippet(item.detail, MAX_WORDS) }));
    return { ...built, attention };
  };
  const view = (path: string, answer: () => object) => {
    app.get(path, (context) => {
      refuseUnknownQuery(context, []);
      return send(context, answer());
    });
  };

  view('/livez', () => ({ status: 'alive', version }));
  view('/status', status);
  app.get('/health', (context) => {
    const health = buildHealth(api.facts(), clock.now());
    return send(context, health, health.status === 'unhealthy' ? 503 : 200);
  });
  view('/quota/status', () => {
    const { accounts, as_of } = status();
    return { accounts: accounts.map(quotaView), as_of };
  });
  view('/accounts', () => {
    const { accounts, as_of } = status();
    return { accounts, as_of };
  });
  app.get('/accounts/:name', (context) => {
    const { accounts, as_of } = status();
    const account = accounts.find(({ name }) => name === context.req.param('name'));
    if (account === undefined) return problem(context, 404, 'not_found', 'there is no such account');
    return send(context, { ...account, as_of });
  });
  view('/sessions', () => {
    const { sessions, as_of } = status();
    return { sessions, as_of };
  });
  app.get('/sessions/:name', (context) => {
    refuseUnknownQuery(context, []);
    const name = context.req.param('name');
    const { sessions, as_of } = status();
    const named = sessions.filter(({ session, pane }) => session === name || pane === name);
    if (named.length === 0) return problem(context, 404, 'not_found', 'there is no such session');
    return send(context, { sessions: named, as_of });
  });
}

/** What is written down. */
function addRecords(app: Hono, { api, clock }: Deps, door: Door): void {
  const shown = { screen: door.kind === 'socket' };

  app.get('/swaps', async (context) => {
    refuseUnknownQuery(context, ['limit']);
    const swaps = await api.swaps(readLimit(context));
    return send(context, { swaps: swaps.map(swapView) });
  });
  app.get('/swaps/:id', async (context) => {
    const record = await api.swapRecord(context.req.param('id'));
    if (record === null) return problem(context, 404, 'not_found', 'there is no such swap');
    return send(context, swapRecordView(record, { screen: false }));
  });
  app.get('/events', async (context) => {
    refuseUnknownQuery(context, ['type', 'since', 'account', 'limit']);
    const events = await api.events(readEventFilter(context, clock.now()));
    return send(context, { events: events.map(eventView) });
  });
  app.get('/why/:subject', async (context) => {
    const subject = context.req.param('subject');
    const id = subject === 'last' ? (await api.swaps(1))[0]?.id : subject;
    const swap = id === undefined ? null : await api.swapRecord(id);
    if (swap !== null) {
      return send(context, { ...swapRecordView(swap, shown), text: explainSwap(swap, clock.now(), clock.zone()) });
    }
    const pane = await api.paneRecord(subject);
    if (pane === null)
      return problem(context, 404, 'not_found', 'there is no swap with this id and no watched pane of this name');
    return send(context, { ...paneRecordView(pane, shown), text: explainPane(pane, clock.now(), clock.zone()) });
  });
}

function addTriggers(app: Hono, { api, clock }: Deps): void {
  app.post('/trigger/swap', async (context) => answerSwap(context, await api.swap(await readManualSwap(context))));
  app.post('/pause', async (context) => {
    const body = await readBody(context, ['reason', 'for']);
    const forMs = readPauseTime(body);
    await api.pause(readText(body, 'reason', 200) ?? 'by hand', forMs === null ? null : clock.now() + forMs);
    return send(context, { paused: true }, 202);
  });
  app.post('/resume', async (context) => {
    await readBody(context, []);
    await api.resume();
    return send(context, { paused: false }, 202);
  });
  app.post('/recover', async (context) => {
    const pool = readText(await readBody(context, ['pool']), 'pool', 64);
    const pools = await api.recover(pool);
    if (pool !== null && pools.length === 0) return problem(context, 404, 'unknown_pool', 'there is no such pool');
    return send(context, { pools }, pools.every(({ ok }) => ok) ? 200 : 409);
  });
  app.post('/config/reload', async (context) => {
    await readBody(context, []);
    const answer = await api.reload();
    return send(context, { result: answer.kind, detail: answer.detail }, answer.kind === 'rejected' ? 422 : 200);
  });
}

function answerSwap(context: Context, answer: ManualSwapAnswer): Response {
  switch (answer.kind) {
    case 'accepted':
      return send(context, { id: answer.id, pool: answer.pool, to: answer.to }, 202);
    case 'would_swap': {
      const { pool, from, to, why, panes } = answer;
      return send(context, {
        would_swap: { pool, from, to, why, passed_over: passedOverView(answer.passedOver), panes },
      });
    }
    case 'refused': {
      const { reason: code, detail: message } = answer;
      const error = { code, message, until: toIso(answer.until), passed_over: passedOverView(answer.passedOver) };
      return send(context, { error }, REFUSALS[code] ?? 409);
    }
  }
}

/** Every other reason is a gate that is shut now and may open: 409. */
const REFUSALS: Readonly<Record<string, 400 | 404 | 422>> = {
  unknown_pool: 404,
  several_pools: 400,
  target_unknown: 422,
  target_ineligible: 422,
  already_active: 422,
};

function quotaView({ name, pool, state, eligible, quota, lock_until }: AccountStatusView): object {
  return { name, pool, state, eligible, quota, lock_until };
}

function notAllowed(context: Context): Response {
  const { path } = context.req;
  const methods = [
    ...(READ_ONLY.has(path) ? ['GET', 'HEAD'] : []),
    ...(READ_ONLY.has(path) && !MUTATING.has(path) ? [] : ['POST']),
  ];
  context.header('allow', methods.join(', '));
  return problem(context, 405, 'method_not_allowed', 'this route does not take this method');
}

/** Longer than any screen with its explanation. */
const MAX_TEXT = 65_536;

/** The last net: whatever looks like a secret is masked in every answer, and nothing in it moves a terminal's cursor. */
function send(context: Context, value: object, status: 200 | 202 | 409 | 400 | 404 | 422 | 503 = 200): Response {
  const text = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string' ? snippet(part, MAX_TEXT) : part,
  );
  return context.body(`${text}\n`, status, { 'content-type': 'application/json; charset=utf-8' });
}
