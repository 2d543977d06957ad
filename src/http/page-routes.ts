/** The pages for a browser: views of what the other routes answer, read only, without a form or a script. */
import type { Context, Hono } from 'hono';
import { alertView } from '../core/alerts/alert-view.ts';
import type { DayStrip } from '../core/day-strip.ts';
import { dayStrips } from '../core/day-strip.ts';
import { taskView } from '../core/queue/view.ts';
import { swapView } from '../core/record-view.ts';
import type { StatusView } from '../core/status.ts';
import { buildStatus } from '../core/status.ts';
import { DAY } from '../core/time.ts';
import type { DaemonApi } from '../ports/daemon.ts';
import type { Clock, Logger } from '../ports.ts';
import type { Door } from './guard.ts';
import { PAGE_HEADERS } from './page/layout.ts';
import type { Moment } from './page/markup.ts';
import { SWAPS_SHOWN, statusPage } from './page/status-page.ts';
import { noSwapPage, swapPage } from './page/swap-page.ts';
import { refuseUnknownQuery } from './parameters.ts';

export interface PageDeps {
  readonly api: DaemonApi;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The paths that are only read. */
export const PAGES = ['/'] as const;

/** More than are shown: the page says how many are left out. */
const MOST = 50;
/** More swaps of a pool than a day can hold, and more limits than are met in one. */
const MOST_A_DAY = { swaps: 300, limits: 1_000 } as const;

export function addPages(app: Hono, { api, clock, log }: PageDeps, door: Door): void {
  app.get('/', async (context) => {
    refuseUnknownQuery(context, []);
    const moment = { now: clock.now(), zone: clock.zone() };
    const status = buildStatus(api.facts(), moment.now);
    const [strips, swaps, alerts, tasks] = await Promise.all([
      orNull(stripsOf(status, moment)),
      orNull(api.swaps(SWAPS_SHOWN + 1)),
      orNull(api.records.alerts({ statuses: ['active', 'acknowledged'], limit: MOST })),
      orNull(api.tasks.list({ statuses: ['claimed', 'launching', 'running'], limit: MOST })),
    ]);
    const page = statusPage(
      {
        status,
        strips,
        swaps: swaps?.map(swapView) ?? null,
        alerts: alerts?.map(alertView) ?? null,
        tasks: tasks?.map(taskView) ?? null,
      },
      moment,
    );
    return sendPage(context, page);
  });
  app.get('/incidents/:id', async (context) => {
    refuseUnknownQuery(context, []);
    const record = await api.swapRecord(context.req.param('id'));
    if (record === null) return sendPage(context, noSwapPage(), 404);
    const moment = { now: clock.now(), zone: clock.zone() };
    return sendPage(context, swapPage(record, { screen: door.kind === 'socket' }, moment));
  });

  async function stripsOf({ pools }: StatusView, { now }: Moment): Promise<ReadonlyMap<string, DayStrip>> {
    const activations = await Promise.all(pools.map(({ name }) => api.activations(name, MOST_A_DAY.swaps)));
    const hits = await api.events({ types: ['quota_hit'], sinceAt: now - DAY, limit: MOST_A_DAY.limits });
    return dayStrips(activations.flat(), hits, now);
  }

  /** What is known from memory is shown although the database cannot be read. */
  function orNull<T>(read: Promise<T>): Promise<T | null> {
    return read.catch((err: unknown) => {
      log.warn({ err }, 'a part of the page could not be read');
      return null;
    });
  }
}

function sendPage(context: Context, page: string, status: 200 | 404 = 200): Response {
  return context.body(page, status, PAGE_HEADERS);
}
