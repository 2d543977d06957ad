/** The lists below the accounts: panes, tasks, swaps, alerts, and what needed attention. */
import type { AlertView } from '../../core/alerts/alert-view.ts';
import type { TaskView } from '../../core/queue/view.ts';
import { countWords } from '../../core/queue/view.ts';
import type { SwapView } from '../../core/record-view.ts';
import { snippet } from '../../core/redact.ts';
import type { StatusView } from '../../core/status.ts';
import type { SessionView } from '../../core/status-words.ts';
import { paneName, sinceWords, swapWords } from '../../core/status-words.ts';
import { formatDuration, SECOND } from '../../core/time.ts';
import type { Markup, Moment } from './markup.ts';
import { fitting, linkTo, markup, more, NOTHING, table, timeOf } from './markup.ts';

const MAX_NAME = 64;
const MAX_NOTE = 200;
/** Of each list, rows only. */
const MAX_BYTES = { tasks: 1_500, held: 500, swaps: 2_500, alerts: 2_000, attention: 1_500 } as const;

/** Those that stand first. @param maxBytes what the rest of the page leaves */
export function paneTable(view: StatusView, maxBytes: number, moment: Moment): Markup {
  const ordered = [...view.sessions].sort((a, b) => Number(isCalm(a)) - Number(isCalm(b)));
  const { rows, left } = fitting(ordered, maxBytes, (session) => paneRow(session, view, moment));
  if (view.sessions.length === 0) return section('Panes', '', markup`<p class="soft">no agent runs in a pane</p>`);
  return section(
    'Panes',
    snippet(stateCounts(view), MAX_NOTE),
    markup`${table(['pane', 'agent', 'pool', 'state', 'since', 'note'], rows)}${more(left, 'claude-failover status')}`,
  );
}

/** @example '3 working · 1 limited' */
function stateCounts({ sessions }: StatusView): string {
  const states = [...new Set(sessions.map(({ state }) => state))];
  const counted = states.map((name) => [sessions.filter(({ state }) => state === name).length, name] as const);
  return counted.map(([count, name]) => `${count} ${name.replaceAll('_', ' ')}`).join(' · ');
}

function isCalm({ state }: SessionView): boolean {
  return state === 'working' || state === 'idle';
}

function paneRow(session: SessionView, view: StatusView, moment: Moment): Markup {
  const agent = session.version === null ? session.agent : `${session.agent} ${session.version}`;
  return markup`<tr>
    <th scope="row">${snippet(paneName(session, view), MAX_NAME)}</th>
    <td>${snippet(agent, MAX_NAME)}</td>
    <td>${snippet(session.pool ?? '-', MAX_NAME)}</td>
    <td class="${session.state === 'working' ? 'ok' : session.state === 'idle' ? 'soft' : 'warn'}">${session.state.replaceAll('_', ' ')}</td>
    <td>${sinceWords(session, moment.now)}</td>
    <td class="wide">${snippet(session.reason ?? '', MAX_NOTE)}</td>
  </tr>`;
}

/** @param inWork null: they could not be read */
export function taskTable({ queue }: StatusView, inWork: readonly TaskView[] | null, moment: Moment): Markup {
  const hasTasks = queue !== null && Object.values(queue.by_status).some((count) => count > 0);
  if (queue === null || (!hasTasks && queue.held.length === 0)) return NOTHING;
  const oldest = queue.oldest_s === null ? '' : ` · the oldest waits for ${formatDuration(queue.oldest_s * SECOND)}`;
  const held = fitting(
    queue.held,
    MAX_BYTES.held,
    ({ pool, reason }) => markup`<li>${snippet(`${pool} gets nothing now: ${reason}`, MAX_NOTE)}</li>`,
  );
  const { rows, left } = fitting(inWork ?? [], MAX_BYTES.tasks, (task) => taskRow(task, moment));
  return section(
    'Tasks',
    `${countWords(queue.by_status)}${oldest}`,
    markup`
      ${held.rows.length === 0 ? NOTHING : markup`<ul>${held.rows}</ul>`}${more(held.left, 'claude-failover queue')}
      ${inWork === null ? UNREADABLE : NOTHING}
      ${rows.length === 0 ? NOTHING : table(['in work', 'project', 'session', 'account', 'since'], rows)}
      ${more(left, 'claude-failover task list')}`,
  );
}

function taskRow(task: TaskView, moment: Moment): Markup {
  return markup`<tr>
    <th scope="row">${snippet(task.title, MAX_NOTE)}</th>
    <td>${snippet(task.project.replace(/^.*\//s, ''), MAX_NAME)}</td>
    <td>${snippet(task.work_session ?? '-', MAX_NAME)}</td>
    <td>${snippet(task.account ?? '-', MAX_NAME)}</td>
    <td>${timeOf(task.since, moment)}</td>
  </tr>`;
}

/** @param swaps newest first, one more than is shown says that there are older ones; null: they could not be read */
export function swapTable(swaps: readonly SwapView[] | null, shown: number, moment: Moment): Markup {
  if (swaps === null) return section('Swaps', '', UNREADABLE);
  if (swaps.length === 0) return section('Swaps', '', markup`<p class="soft">no swap so far</p>`);
  const { rows, left } = fitting(swaps.slice(0, shown), MAX_BYTES.swaps, (swap) => swapRow(swap, moment));
  const older = left > 0 || swaps.length > shown;
  return section(
    'Swaps',
    '',
    markup`
      ${table(['at', 'swap', 'pool', 'outcome', 'took', 'because of'], rows)}
      ${older ? markup`<p class="more">older ones: <code>claude-failover incidents</code></p>` : NOTHING}`,
  );
}

function swapRow(swap: SwapView, moment: Moment): Markup {
  const { what, took, cause } = swapWords(swap);
  const isBad = swap.phase === 'failed' || swap.phase === 'partial';
  return markup`<tr>
    <td>${timeOf(swap.started_at, moment)}</td>
    <th scope="row">${linkTo('/incidents/', swap.id, snippet(what, 2 * MAX_NAME))}</th>
    <td>${snippet(swap.pool, MAX_NAME)}</td>
    <td class="${isBad ? 'bad' : swap.phase === 'done' ? 'ok' : 'warn'}">${swap.phase.replaceAll('_', ' ')}</td>
    <td>${took}</td>
    <td>${snippet(cause, MAX_NAME)}</td>
  </tr>`;
}

/** @param alerts open ones, newest first; null: they could not be read */
export function alertTable(view: StatusView, alerts: readonly AlertView[] | null, moment: Moment): Markup {
  if (alerts === null) return section('Open alerts', '', UNREADABLE);
  if (alerts.length === 0) return NOTHING;
  const { rows } = fitting(alerts, MAX_BYTES.alerts, (alert) => alertRow(alert, moment));
  const left = Math.max(alerts.length, view.alerts.active) - rows.length;
  return section(
    'Open alerts',
    '',
    markup`${table(['since', 'type', 'severity', 'status', 'what'], rows)}${more(left, 'claude-failover alerts')}`,
  );
}

function alertRow(alert: AlertView, moment: Moment): Markup {
  return markup`<tr>
    <td>${timeOf(alert.first_at, moment)}</td>
    <th scope="row">${snippet(alert.type.replaceAll('_', ' '), MAX_NAME)}</th>
    <td class="${alert.severity === 'critical' ? 'bad' : alert.severity === 'warning' ? 'warn' : 'soft'}">${snippet(alert.severity, MAX_NAME)}</td>
    <td>${snippet(alert.status, MAX_NAME)}</td>
    <td class="wide">${snippet(alert.detail, MAX_NOTE)}</td>
  </tr>`;
}

export function attentionList({ attention }: StatusView, moment: Moment): Markup {
  if (attention.length === 0) return NOTHING;
  const { rows, left } = fitting(
    attention,
    MAX_BYTES.attention,
    ({ at, type, detail }) =>
      markup`<li>${timeOf(at, moment)} ${snippet(`${type.replaceAll('_', ' ')}: ${detail}`, MAX_NOTE)}</li>`,
  );
  return section('Attention', '', markup`<ul>${rows}</ul>${more(left, 'claude-failover events')}`);
}

const UNREADABLE: Markup = markup`<p class="warn">the database did not answer; the log of the daemon says more</p>`;

function section(title: string, note: string, content: Markup): Markup {
  return markup`<section><h2>${title}<small>${note}</small></h2>${content}</section>`;
}
