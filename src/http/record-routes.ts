/** The routes of alerts and statistics, and of an account's use set back by hand. */
import type { Context, Hono } from 'hono';
import type { AlertAction } from '../core/alerts/alert.ts';
import { ALERT_ACTIONS, ALERT_SEVERITIES, ALERT_STATUSES, ALERT_TYPES } from '../core/alerts/alert.ts';
import { alertView } from '../core/alerts/alert-view.ts';
import { STATS_PERIODS } from '../core/alerts/stats.ts';
import type { DaemonApi } from '../ports/daemon.ts';
import type { AlertFilter } from '../ports/records.ts';
import type { Door } from './guard.ts';
import { problem } from './guard.ts';
import { BadRequest, readBody, readLimit, readText, refuseUnknownQuery } from './parameters.ts';

/** The paths that are only read. */
export const RECORD_PATHS = ['/alerts', '/alerts/thresholds', '/stats'] as const;

type Send = (context: Context, value: object, status?: 200 | 202) => Response;

export function addRecordRoutes(app: Hono, { records }: Pick<DaemonApi, 'records'>, door: Door, send: Send): void {
  const defaultActor = door.kind === 'socket' ? 'owner' : 'http';

  app.get('/alerts', async (context) => {
    refuseUnknownQuery(context, ['type', 'severity', 'status', 'limit']);
    const alerts = await records.alerts(readAlertFilter(context));
    return send(context, { alerts: alerts.map(alertView) });
  });
  app.get('/alerts/thresholds', (context) => {
    refuseUnknownQuery(context, []);
    const entries = Object.entries(records.thresholds()).map(([name, value]) => [snake(name), value]);
    return send(context, { thresholds: Object.fromEntries(entries) });
  });
  app.get('/stats', async (context) => {
    refuseUnknownQuery(context, ['period']);
    const [period = 'today', ...more] = readWords(context, 'period', STATS_PERIODS) ?? [];
    if (more.length > 0) throw new BadRequest('period must be one');
    return send(context, await records.stats(period));
  });
  for (const action of ALERT_ACTIONS) {
    app.post(`/alerts/:id/${action}`, (context) => changeAlert(context, action));
  }

  async function changeAlert(context: Context, action: AlertAction): Promise<Response> {
    const by = await readActor(context);
    const id = context.req.param('id') ?? '';
    const changed = /^\d{1,12}$/.test(id) ? await records.changeAlert(Number(id), action, by) : 'unknown';
    if (changed === 'unknown') return problem(context, 404, 'not_found', 'there is no such alert');
    if (changed === 'ended')
      return problem(context, 409, 'alert_ended', 'this alert has ended, or is acknowledged already');
    return send(context, { alert: alertView(changed) });
  }

  async function readActor(context: Context): Promise<string> {
    return readText(await readBody(context, ['by']), 'by', 64) ?? defaultActor;
  }
}

/** `?type=a,b&severity=&status=&limit=`. @throws {BadRequest} */
function readAlertFilter(context: Context): AlertFilter {
  const types = readWords(context, 'type', ALERT_TYPES);
  const severities = readWords(context, 'severity', ALERT_SEVERITIES);
  const statuses = readWords(context, 'status', ALERT_STATUSES);
  return {
    limit: readLimit(context),
    ...(types === null ? {} : { types }),
    ...(severities === null ? {} : { severities }),
    ...(statuses === null ? {} : { statuses }),
  };
}

/** Words with commas between them, each one of those known; null: not asked. @throws {BadRequest} */
function readWords<W extends string>(context: Context, name: string, known: readonly W[]): readonly W[] | null {
  const words = (context.req.queries(name) ?? []).flatMap((text) => text.split(','));
  const found = words.flatMap((word) => known.filter((candidate) => candidate === word));
  if (found.length < words.length) throw new BadRequest(`${name} must be one or more of ${known.join(', ')}`);
  return words.length === 0 ? null : found;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
