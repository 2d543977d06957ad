/** `alerts`: what is worth an alert now and lately, and what somebody does about one. */
import type { AlertAction, AlertStatus } from '../core/alerts/alert.ts';
import { ALERT_STATUSES, ALERT_TYPES } from '../core/alerts/alert.ts';
import type { AlertView } from '../core/alerts/alert-view.ts';
import { alertView } from '../core/alerts/alert-view.ts';
import { wallTime } from '../core/wall-time.ts';
import { askDaemon, errorOf, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { table } from './text.ts';

export interface AlertsOptions extends JsonOption {
  /** One or more types, with commas between them. */
  readonly type?: string;
  /** All of them, also those that have ended. */
  readonly all?: boolean;
  readonly limit?: string;
}

const OPEN: readonly AlertStatus[] = ['active', 'acknowledged'];
const DEFAULT_LIMIT = 20;

/** Newest first; without `--all` only those that are open. @returns 0, 2 for a wrong option, 4 without daemon and database */
export async function listAlerts(options: AlertsOptions, io: CommandIo): Promise<number> {
  const limit =
    options.limit === undefined ? DEFAULT_LIMIT : /^\d{1,4}$/.test(options.limit) ? Number(options.limit) : 0;
  const words = options.type?.split(',') ?? [];
  const types = ALERT_TYPES.filter((type) => words.includes(type));
  if (limit < 1 || limit > 1000) {
    io.err('claude-failover: --limit must be a number from 1 to 1000\n');
    return EXIT.usage;
  }
  if (words.some((word) => !types.some((type) => type === word))) {
    io.err(`claude-failover: --type must be one or more of ${ALERT_TYPES.join(', ')}\n`);
    return EXIT.usage;
  }
  const statuses = options.all === true ? ALERT_STATUSES : OPEN;
  const query = new URLSearchParams({ limit: String(limit), status: statuses.join(',') });
  if (types.length > 0) query.set('type', types.join(','));
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, `/alerts?${query}`);
  let alerts: readonly AlertView[];
  if (reply.kind === 'answer') ({ alerts } = expectAnswer<{ alerts: readonly AlertView[] }>(reply, ['alerts']));
  else {
    if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
    const { loadOffline, withStore } = await import('./offline.ts');
    const filter = { limit, statuses, ...(types.length > 0 ? { types } : {}) };
    const found = await withStore(loadOffline(options, io), (store) => store.alerts.list(filter));
    if ('kind' in found) return reportNoDaemon(reply, io);
    io.err(`the daemon is not running; this is read from ${stateDir}\n`);
    alerts = found.map(alertView);
  }
  if (options.json === true) io.out(`${JSON.stringify({ alerts })}\n`);
  else if (alerts.length === 0) io.err(options.all === true ? 'no alert so far\n' : 'no alert is open\n');
  else io.out(table([HEAD, ...alerts.map((alert) => row(alert, io))], widthOf(io), ''));
  return EXIT.ok;
}

/** @returns 0, 1 when there is no such alert or it has ended, 2 for a wrong id, 4 without a daemon */
export async function changeAlert(
  action: AlertAction,
  id: string,
  options: JsonOption,
  io: CommandIo,
): Promise<number> {
  if (!/^\d{1,12}$/.test(id)) {
    io.err('claude-failover: an alert is named by its number; see claude-failover alerts list\n');
    return EXIT.usage;
  }
  const { socket } = await locate(options, io);
  const reply = await askDaemon(socket, `/alerts/${id}/${action}`, { body: { by: 'command line' } });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) {
    io.err(`claude-failover: alert ${id}: ${error.message}\nnext: claude-failover alerts list --all\n`);
    return EXIT.error;
  }
  const { alert } = expectAnswer<{ alert: AlertView }>(reply, ['alert']);
  if (options.json === true) io.out(`${JSON.stringify({ alert })}\n`);
  else io.err(`alert ${alert.id} is ${alert.status}\n`);
  return EXIT.ok;
}

const HEAD = ['ID', 'SEVERITY', 'STATUS', 'TYPE', 'ABOUT', 'SINCE', 'WHAT'];

function row(alert: AlertView, io: CommandIo): string[] {
  const since = wallTime(Date.parse(alert.first_at ?? ''), io.clock.now(), io.clock.zone());
  const { id, severity, status, type, subject, detail } = alert;
  return [String(id), severity, status, type, subject.kind === 'daemon' ? '-' : subject.id, since, detail];
}

function widthOf(io: CommandIo): number {
  return io.isTTY ? io.columns : Number.POSITIVE_INFINITY;
}
