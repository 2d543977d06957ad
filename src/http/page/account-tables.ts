/** The accounts on the page, pool by pool: state, use of each window, next reset, the last day, what stands against them. */
import type { AccountStatusView } from '../../core/account-view.ts';
import type { DayStrip } from '../../core/day-strip.ts';
import { windowName } from '../../core/quota/window-name.ts';
import { snippet } from '../../core/redact.ts';
import type { PoolStatusView, StatusView } from '../../core/status.ts';
import { accountNotes, nextReset } from '../../core/status-words.ts';
import { usedCell } from '../../core/used-cell.ts';
import { dayStrip } from './day-strip.ts';
import type { Markup, Moment } from './markup.ts';
import { byteLength, clockTime, fitting, markup, more, NOTHING, table, timeOf, told } from './markup.ts';

const MAX_NAME = 64;
const MAX_NOTE = 160;
const MAX_WINDOWS = 6;
/** Of all accounts together: what they do not use, the next pool may. */
const MAX_BYTES = 26_000;

/** @param strips by account; null: they could not be read */
export function accountTables(view: StatusView, strips: ReadonlyMap<string, DayStrip> | null, moment: Moment): Markup {
  let room = MAX_BYTES;
  const tables: Markup[] = [];
  let unseen = 0;
  for (const pool of view.pools) {
    const accounts = view.accounts.filter((account) => account.pool === pool.name);
    const windows = windowsOf(accounts);
    const heads = ['account', 'state', ...windows.map(windowName), 'next reset', 'last 24 h', 'note'];
    const around = (rows: readonly Markup[]): Markup =>
      markup`<section>${poolHead(pool, accounts.length, moment)}${table(heads, rows)}</section>`;
    const { rows, left } = fitting(accounts, room - byteLength(around([])), (account) =>
      accountRow(account, windows, strips === null ? NOTHING : dayStrip(strips.get(account.name), moment), moment),
    );
    const piece = around(rows);
    unseen += left;
    if (byteLength(piece) > room) continue;
    room -= byteLength(piece);
    tables.push(piece);
  }
  return markup`${tables}${more(unseen, 'claude-failover accounts')}`;
}

/** The two of every plan, and what else is known of any of these accounts. */
function windowsOf(accounts: readonly AccountStatusView[]): readonly string[] {
  return [...new Set(['5h', '7d', ...accounts.flatMap(({ quota }) => Object.keys(quota))])].slice(0, MAX_WINDOWS);
}

function poolHead(pool: PoolStatusView, count: number, moment: Moment): Markup {
  const facts = [
    pool.agent,
    `${pool.eligible} of ${count} can be used`,
    `the link ${snippet(pool.link.path, MAX_NOTE)} is ${snippet(pool.link.state, MAX_NOTE)}`,
  ].join(' · ');
  const held = pool.hold_until === null ? NOTHING : markup` · held until ${timeOf(pool.hold_until, moment)}`;
  return markup`<h2>Pool ${snippet(pool.name, MAX_NAME)}<small>${facts}${held}</small></h2>`;
}

function accountRow(account: AccountStatusView, windows: readonly string[], strip: Markup, moment: Moment): Markup {
  const reset = nextReset(account, moment.now);
  return markup`<tr>
    <th scope="row">${snippet(account.name, MAX_NAME)}${account.active ? markup`<span class="tag">active</span>` : NOTHING}</th>
    <td class="${STATE_CLASS[account.state] ?? 'warn'}">${account.state.replaceAll('_', ' ')}</td>
    ${windows.map((window) => useCell(account, window))}
    <td data-is="resets">${reset === null ? '-' : clockTime({ at: reset, as: 'time' }, moment)}</td>
    <td class="wide">${strip}</td>
    <td class="wide">${told(accountNotes(account), moment, MAX_NOTE)}</td>
  </tr>`;
}

const STATE_CLASS: Readonly<Record<string, string>> = {
  active: 'ok',
  standby: 'soft',
  disabled: 'soft',
  limited: 'bad',
  expired: 'bad',
  banned: 'bad',
  unusable: 'bad',
};

function useCell(account: AccountStatusView, window: string): Markup {
  const used = usedCell(account, window);
  const share = account.quota[window]?.limit_reached === true ? 1 : (account.quota[window]?.used ?? null);
  return markup`<td class="use" data-is="${windowName(window)}">${used}${share === null ? NOTHING : bar(account, window, share)}</td>`;
}

function bar(account: AccountStatusView, window: string, share: number): Markup {
  const width = Math.round(Math.min(1, Math.max(0, share)) * 100);
  const mood =
    account.quota[window]?.limit_reached === true ? ' bad' : account.paused?.window === window ? ' warn' : '';
  return markup`<svg class="bar${mood}"><rect width="${width}%" height="9"/></svg>`;
}
