/** Writes a status for a person: the answer first, then accounts, panes and what needs attention. */

import { basename } from 'node:path';
import type { AccountStatusView } from '../core/account-view.ts';
import { counted } from '../core/counted.ts';
import { windowName } from '../core/quota/window-name.ts';
import type { PoolStatusView, StatusView } from '../core/status.ts';
import type { EpochMs } from '../core/time.ts';
import { formatDuration, SECOND } from '../core/time.ts';
import { wallTime, wallTimeAhead } from '../core/wall-time.ts';
import { clean, joinParts, percent, shortened, table, wrap } from './text.ts';
import { usedCell } from './used-cell.ts';

export interface StatusPage {
  readonly now: EpochMs;
  readonly zone: string;
  readonly columns: number;
  /** Where nobody looks, the answer stays on one line, for `head -1`. */
  readonly isTTY: boolean;
  readonly colour: boolean;
  /** A daemon listens and does not answer; the view was read without it. */
  readonly isSilent: boolean;
}

const MAX_ATTENTION = 5;

export function renderStatus(view: StatusView, page: StatusPage): string {
  const { columns } = page;
  const answer = joinParts(
    [
      word(view, page),
      ...view.pools.flatMap((pool) => describePool(pool, view, page)),
      countPanes(view),
      ...countTasks(view),
    ],
    page.isTTY ? columns : Number.POSITIVE_INFINITY,
  );
  const sections = [`${page.colour ? coloured(answer, view, page) : answer}\n`];
  if (view.reasons.length > 0)
    sections.push(view.reasons.map((reason) => wrap('  ! ', reason, columns, '    ')).join(''));
  if (view.accounts.length > 0)
    sections.push(table([ACCOUNT_HEAD, ...view.accounts.map((account) => accountRow(account, view, page))], columns));
  if (view.sessions.length > 0)
    sections.push(table([PANE_HEAD, ...view.sessions.map((session) => paneRow(session, view, page))], columns));
  if (view.config.needs_restart.length > 0)
    sections.push(wrap('  ', `waits for a restart: ${view.config.needs_restart.join(', ')}`, columns, '    '));
  const { active } = view.alerts;
  if (active > 0)
    sections.push(
      wrap('  ', `${active} alert${active === 1 ? ' is' : 's are'} open: claude-failover alerts`, columns, '    '),
    );
  const attention = view.attention.slice(0, MAX_ATTENTION);
  if (attention.length > 0) {
    const lines = attention.map(({ at, type, detail }) =>
      wrap(`  ${when(at, page)}  `, `${type.replaceAll('_', ' ')}: ${detail}`, columns, '    '),
    );
    sections.push(`Attention\n${lines.join('')}`);
  }
  return sections.join('\n');
}

function word(view: StatusView, page: StatusPage): string {
  if (page.isSilent) return 'NOT ANSWERING';
  if (!view.daemon.running) return 'NOT RUNNING';
  if (view.paused !== null) return 'PAUSED';
  if (view.status !== 'ok') return view.status.toUpperCase();
  return view.mode === 'observe' || view.observe_reason !== null ? 'OBSERVING' : 'OK';
}

function describePool(pool: PoolStatusView, view: StatusView, page: StatusPage): string[] {
  const active = view.accounts.find((account) => account.pool === pool.name && account.name === pool.active_account);
  const figures = Object.entries(active?.quota ?? {}).flatMap(([window, quota]) =>
    quota.used === null && !quota.limit_reached
      ? []
      : [`${windowName(window)} ${quota.limit_reached ? 'limit reached' : percent(quota.used ?? 0)}`],
  );
  const used = figures.length === 0 ? '' : ` (${figures.join(', ')})`;
  const parts = [
    `${pool.name}: ${pool.active_account === null ? 'no account' : `${pool.active_account} active`}${used}`,
  ];
  if (pool.switcher !== 'normal') parts.push(pool.switcher.replaceAll('_', ' '));
  const resets = [pool.next_reset_at, ...Object.values(active?.quota ?? {}).map((quota) => quota.reset_at)];
  const next = resets.map((text) => (text === null ? Number.NaN : Date.parse(text))).filter((at) => at > page.now);
  if (next.length > 0) parts.push(`next reset ${wallTimeAhead(Math.min(...next), page.now, page.zone)}`);
  if (pool.cooldown.active) parts.push(`cooldown ${formatDuration(pool.cooldown.remaining_s * 1000)}`);
  return parts;
}

function countPanes(view: StatusView): string {
  return counted(view.sessions.length, 'pane');
}

/** Tasks that have not ended, and those that failed; nothing where there is none. */
function countTasks({ queue }: StatusView): readonly string[] {
  if (queue === null) return [];
  const { queued, blocked, claimed, launching, running, retry_wait, failed, timeout } = queue.by_status;
  const counts = [
    [queued + blocked + retry_wait, 'waiting'],
    [claimed + launching + running, 'in work'],
    [failed + timeout, 'failed'],
  ] as const;
  const said = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return said.length === 0 ? [] : [`tasks: ${said.join(', ')}`];
}

type SessionView = StatusView['sessions'][number];

const ACCOUNT_HEAD = ['ACCOUNT', 'STATE', '5-HOUR', 'WEEKLY', 'RESETS', 'NOTE'];
const PANE_HEAD = ['PANE', 'AGENT', 'POOL', 'STATE', 'SINCE', 'NOTE'];

function accountRow(account: AccountStatusView, view: StatusView, page: StatusPage): string[] {
  const quotas = Object.values(account.quota);
  const ends = quotas
    .map(({ reset_at }) => (reset_at === null ? Number.NaN : Date.parse(reset_at)))
    .filter((at) => at > page.now);
  const notes = account.reasons.map(({ detail, until }) =>
    until === null ? detail : `${detail} until ${when(until, page)}`,
  );
  if (account.active && account.paused !== null) {
    const { window, threshold } = account.paused;
    const from = account.auto_pause[window].from === 'default' ? ', the default' : '';
    notes.push(`over its ${windowName(window)} threshold (${percent(threshold)}${from})`);
  }
  const name = view.pools.length > 1 ? `${account.pool}/${account.name}` : account.name;
  return [
    account.active ? `${name} *` : name,
    account.state,
    usedCell(account, '5h'),
    usedCell(account, '7d'),
    ends.length === 0 ? '-' : wallTime(Math.min(...ends), page.now, page.zone),
    notes.join('; '),
  ];
}

function paneRow(session: SessionView, view: StatusView, page: StatusPage): string[] {
  const sinceMs = session.since === null ? null : page.now - Date.parse(session.since);
  const since = sinceMs === null ? '-' : sinceMs < SECOND ? 'now' : formatDuration(sinceMs);
  const agent = session.version === null ? session.agent : `${session.agent} ${session.version}`;
  const twin = view.sessions.some(({ pane, server }) => pane === session.pane && server !== session.server);
  const pane = twin ? `${basename(session.server)}/${session.pane}` : session.pane;
  return [
    shortened(pane, Math.floor(page.columns / 3)),
    agent,
    session.pool ?? '-',
    session.state,
    since,
    session.reason ?? '',
  ];
}

function when(iso: string | null, page: StatusPage): string {
  return iso === null ? '-' : wallTime(Date.parse(iso), page.now, page.zone);
}

function coloured(text: string, view: StatusView, page: StatusPage): string {
  const first = word(view, page);
  const code = first === 'OK' ? '32' : view.status === 'unhealthy' || first.startsWith('NOT ') ? '31' : '33';
  return `\x1b[1;${code}m${clean(first)}\x1b[0m${text.slice(first.length)}`;
}
