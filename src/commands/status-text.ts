/** Writes a status for a person: the answer first, then accounts, panes and what needs attention. */

import type { AccountStatusView } from '../core/account-view.ts';
import { say } from '../core/phrase.ts';
import type { StatusView } from '../core/status.ts';
import type { SessionView } from '../core/status-words.ts';
import { accountNotes, answerParts, nextReset, paneName, sinceWords, statusWord } from '../core/status-words.ts';
import type { EpochMs } from '../core/time.ts';
import { usedCell } from '../core/used-cell.ts';
import { wallTime } from '../core/wall-time.ts';
import { clean, joinParts, shortened, table, wrap } from './text.ts';

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
    [word(view, page), ...answerParts(view, page.now).map((part) => say(part, page.now, page.zone))],
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
  return page.isSilent ? 'NOT ANSWERING' : statusWord(view);
}

const ACCOUNT_HEAD = ['ACCOUNT', 'STATE', '5-HOUR', 'WEEKLY', 'RESETS', 'NOTE'];
const PANE_HEAD = ['PANE', 'AGENT', 'POOL', 'STATE', 'SINCE', 'NOTE'];

function accountRow(account: AccountStatusView, view: StatusView, page: StatusPage): string[] {
  const reset = nextReset(account, page.now);
  const name = view.pools.length > 1 ? `${account.pool}/${account.name}` : account.name;
  return [
    account.active ? `${name} *` : name,
    account.state,
    usedCell(account, '5h'),
    usedCell(account, '7d'),
    reset === null ? '-' : wallTime(reset, page.now, page.zone),
    say(accountNotes(account), page.now, page.zone),
  ];
}

function paneRow(session: SessionView, view: StatusView, page: StatusPage): string[] {
  const agent = session.version === null ? session.agent : `${session.agent} ${session.version}`;
  return [
    shortened(paneName(session, view), Math.floor(page.columns / 3)),
    agent,
    session.pool ?? '-',
    session.state,
    sinceWords(session, page.now),
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
