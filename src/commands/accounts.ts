/** `accounts`: how each account stands, and switching one off or on or forgetting its limits through the daemon. */

import type { AccountStatusView } from '../core/account-view.ts';
import { usedCell } from '../core/used-cell.ts';
import { wallTime } from '../core/wall-time.ts';
import type { AccountAction } from '../ports/daemon.ts';
import { askDaemon, errorOf, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { clean, table } from './text.ts';

/** @returns 0; 4 when there is neither a daemon nor a database */
export async function listAccounts(options: JsonOption, io: CommandIo): Promise<number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, '/accounts');
  let accounts: readonly AccountStatusView[];
  if (reply.kind === 'answer') {
    accounts = expectAnswer<{ accounts: readonly AccountStatusView[] }>(reply, ['accounts']).accounts;
  } else if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  else {
    const { readOfflineStatus } = await import('./offline.ts');
    const offline = await readOfflineStatus(options, io);
    if (offline.kind === 'absent') return reportNoDaemon(reply, io);
    io.err(`the daemon is not running; this is read from ${stateDir}\n`);
    accounts = offline.view.accounts;
  }
  if (options.json === true) io.out(`${JSON.stringify({ accounts })}\n`);
  else io.out(table([HEAD, ...accounts.map((account) => accountLine(account, io))], io.columns, ''));
  return EXIT.ok;
}

/** @returns 0 done or nothing to do, 1 an error, 2 no such account, 4 daemon not running, 5 refused */
export async function changeAccount(
  name: string,
  action: AccountAction,
  options: JsonOption,
  io: CommandIo,
): Promise<number> {
  const { socket } = await locate(options, io);
  if (name.trim() === '') {
    io.err('claude-failover: the name of the account is empty\nnext: claude-failover accounts names them\n');
    return EXIT.usage;
  }
  const reply = await askDaemon(socket, `/accounts/${encodeURIComponent(name)}/${action}`, { body: {} });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) {
    io.err(`claude-failover: ${clean(error.message)}\nnext: ${NEXT[error.code] ?? 'claude-failover status'}\n`);
    if (error.code === 'unknown_account' || error.code === 'not_found') return EXIT.usage;
    return error.code in NEXT ? EXIT.refused : EXIT.error;
  }
  const { changed, detail } = expectAnswer<{ changed: boolean; detail: string }>(reply, ['changed', 'detail']);
  if (options.json === true) io.out(`${JSON.stringify({ changed, detail })}\n`);
  else io.err(`${clean(detail)}\n`);
  return EXIT.ok;
}

const NEXT: Readonly<Record<string, string>> = {
  unknown_account: 'claude-failover accounts names them',
  not_found: 'claude-failover accounts names them',
  disabled_in_config: 'set enabled: true for it in the configuration, which is read again at once',
  login_needed: 'log in to it: claude-failover accounts login <account>; the daemon notices',
};

const HEAD = ['ACCOUNT', 'POOL', 'STATE', 'SESSIONS', '5-HOUR', 'WEEKLY', 'NOTE'];

function accountLine(account: AccountStatusView, io: CommandIo): string[] {
  const { name, pool, state, leases, max_sessions: most, reasons } = account;
  const notes = reasons.map(({ detail, until }) =>
    until === null ? detail : `${detail} until ${wallTime(Date.parse(until), io.clock.now(), io.clock.zone())}`,
  );
  const sessions = most === 0 ? String(leases) : `${leases} of ${most}`;
  return [
    account.active ? `${name} *` : name,
    pool,
    state,
    sessions,
    usedCell(account, '5h'),
    usedCell(account, '7d'),
    notes.join('; '),
  ];
}
