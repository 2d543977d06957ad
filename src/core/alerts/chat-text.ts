/** What the bot says: views of the daemon's facts as short lines, made safe for Telegram's HTML. */

import type { AccountStatusView } from '../account-view.ts';
import { windowName } from '../quota/window-name.ts';
import { redact } from '../redact.ts';
import type { PoolStatusView, StatusView } from '../status.ts';
import type { EpochMs } from '../time.ts';
import { formatDuration, SECOND } from '../time.ts';
import { wallTime, wallTimeAhead } from '../wall-time.ts';
import { CHAT_COMMANDS } from './chat-commands.ts';
import { cutTo, escapeTelegram, oneLine } from './escape.ts';
import { TELEGRAM_MAX } from './message.ts';

export interface ChatTime {
  readonly now: EpochMs;
  /** IANA name in which times are written. */
  readonly zone: string;
}

const MAX_ROWS = 40;
const MAX_LINE = 300;

/** Lines of plain text as one message: masked, escaped, at most 4096 characters. The first line is bold. */
export function asChatHtml(lines: readonly string[]): string {
  const safe = lines.map((line, i) => {
    const text = escapeTelegram(cutTo(oneLine(hideEmails(redact(line))), MAX_LINE));
    return i === 0 && lines.length > 1 && text !== '' ? `<b>${text}</b>` : text;
  });
  return joined(safe, TELEGRAM_MAX);
}

/** Text whose columns matter, in a fixed width. */
export function asChatBlock(text: string): string {
  const lines = hideEmails(redact(text))
    .split('\n')
    .map((line) => escapeTelegram(cutTo(line.replace(/[\x00-\x1f\x7f-\x9f]/g, ' '), MAX_LINE)));
  const [open, close] = ['<pre>', '</pre>'];
  return `${open}${joined(lines, TELEGRAM_MAX - open.length - close.length).trimEnd()}${close}`;
}

/** An account may be named by its address: enough stays to tell two of them apart. */
export function hideEmails(text: string): string {
  return text.replace(
    /([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63})+)/g,
    (_, name: string, host: string) => `${name.slice(0, 2)}…@${host.slice(0, 1)}…`,
  );
}

export function statusLines(view: StatusView, time: ChatTime): readonly string[] {
  const word = view.paused !== null ? 'PAUSED' : view.status.toUpperCase();
  const panes = `${view.sessions.length} ${view.sessions.length === 1 ? 'pane' : 'panes'} watched`;
  const attention = view.attention.slice(0, 5).map(({ at, type, detail }) => {
    const when = at === null ? '' : `${wallTime(Date.parse(at), time.now, time.zone)} `;
    return `· ${when}${type.replaceAll('_', ' ')}: ${detail}`;
  });
  return [
    word,
    ...view.pools.map((pool) => poolLine(pool, view, time)),
    panes,
    ...view.reasons.map((reason) => `! ${reason}`),
    ...(attention.length === 0 ? [] : ['', 'Lately:', ...attention]),
  ];
}

export function accountLines(view: StatusView, time: ChatTime): readonly string[] {
  const several = view.pools.length > 1;
  return listed(
    'Accounts',
    view.accounts.map((account) => accountLine(account, several, time)),
    'none is configured',
  );
}

export function sessionLines(view: StatusView, time: ChatTime): readonly string[] {
  const rows = view.sessions.map(({ pane, state, pool, since, reason }) => {
    const forMs = since === null ? null : Math.max(0, time.now - Date.parse(since));
    const parts = [
      `${pane}: ${state.replaceAll('_', ' ')}`,
      ...(forMs === null || forMs < SECOND ? [] : [`for ${formatDuration(forMs)}`]),
      ...(pool === null ? [] : [`pool ${pool}`]),
      ...(reason === null ? [] : [reason]),
    ];
    return parts.join(', ');
  });
  return listed('Panes', rows, 'none is watched');
}

export function helpLines(): readonly string[] {
  return ['claude-failover', ...CHAT_COMMANDS.map(({ usage, does }) => `${usage} - ${does}`)];
}

function poolLine(pool: PoolStatusView, view: StatusView, { now, zone }: ChatTime): string {
  const active = view.accounts.find(({ name, pool: of }) => of === pool.name && name === pool.active_account);
  const parts = [
    `${pool.name}: ${pool.active_account ?? 'no account'}${active === undefined ? '' : used(active)}`,
    ...(pool.switcher === 'normal' ? [] : [pool.switcher.replaceAll('_', ' ')]),
    ...(pool.hold_until === null ? [] : [`held until ${wallTime(Date.parse(pool.hold_until), now, zone)}`]),
    ...(pool.cooldown.active ? [`cooldown ${formatDuration(pool.cooldown.remaining_s * SECOND)}`] : []),
    ...(pool.next_reset_at === null ? [] : [`next reset ${wallTimeAhead(Date.parse(pool.next_reset_at), now, zone)}`]),
  ];
  return parts.join(', ');
}

function accountLine(account: AccountStatusView, several: boolean, { now, zone }: ChatTime): string {
  const notes = account.reasons.map(({ detail, until }) =>
    until === null ? detail : `${detail} until ${wallTime(Date.parse(until), now, zone)}`,
  );
  const name = several ? `${account.pool}/${account.name}` : account.name;
  return [`${name}: ${account.state}${used(account)}`, ...notes].join(', ');
}

function used(account: AccountStatusView): string {
  const figures = Object.entries(account.quota).flatMap(([window, quota]) => {
    if (quota.limit_reached) return [`${windowName(window)} limit reached`];
    return quota.used === null ? [] : [`${windowName(window)} ${Math.round(quota.used * 100)} %`];
  });
  return figures.length === 0 ? '' : ` (${figures.join(', ')})`;
}

function listed(title: string, rows: readonly string[], none: string): readonly string[] {
  if (rows.length === 0) return [title, none];
  const left = rows.length - MAX_ROWS;
  return [title, ...rows.slice(0, MAX_ROWS), ...(left > 0 ? [`… and ${left} more`] : [])];
}

/** Whole lines only: half of an entity would make the message unreadable. */
function joined(lines: readonly string[], max: number): string {
  const full = lines.join('\n');
  if (full.length <= max) return full;
  const taken: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > max - 2) break;
    taken.push(line);
  }
  return [...taken, '…'].join('\n');
}
