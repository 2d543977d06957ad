/** What a person may do by hand with one account or one session: switch it off or on, forget its limits, end its leases. */

import type { Config, PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { counted } from '../core/counted.ts';
import type { NewEvent } from '../core/events.ts';
import { forgetQuota, isBlank } from '../core/quota/forget.ts';
import type { AccountAction, AccountAnswer, TerminateAnswer } from '../ports/daemon.ts';
import type { Board, Clock, PoolStore, SessionRow } from '../ports.ts';
import { profileOf } from './config-policy.ts';
import { sessionName } from './leases.ts';
import type { PoolReaders } from './read-pool.ts';
import { refreshPool } from './refresh-pool.ts';

export interface HandPorts extends PoolReaders {
  readonly board: Board;
  readonly clock: Clock;
  readonly profiles: readonly AgentProfile[];
  readonly config: () => Config;
  /** Names this host among those that share the store. */
  readonly host: string;
}

export async function actOnAccount(ports: HandPorts, name: string, action: AccountAction): Promise<AccountAnswer> {
  const pool = ports.config().pools.find(({ accounts }) => accounts.some((account) => account.name === name));
  if (pool === undefined) return refused('unknown_account', 'there is no such account in the configuration');
  const answer = await ACTIONS[action](ports, name, pool);
  if (answer.kind === 'done' && answer.changed) {
    await refreshPool(ports, pool, profileOf(ports.profiles, pool));
    ports.board.wake('quota-monitor');
    ports.board.wake('reconciler');
  }
  return answer;
}

const ACTIONS: Readonly<
  Record<AccountAction, (ports: HandPorts, name: string, pool: PoolConfig) => Promise<AccountAnswer>>
> = { enable, disable, 'reset-quota': resetQuota };

async function disable(ports: HandPorts, name: string, pool: PoolConfig): Promise<AccountAnswer> {
  const status = await statusOf(ports.shared, name);
  if (status === 'disabled') return done(false, `${name} is disabled already`);
  await ports.shared.setStatus(name, 'disabled', 'switched off by hand', null);
  await tell(ports, {
    type: 'account_disabled',
    pool: pool.name,
    account: name,
    data: { detail: 'by hand', was: status },
  });
  const isActive = ports.board.pools().get(pool.name)?.pool.active === name;
  return done(
    true,
    isActive
      ? `${name} is disabled; it is the active account and its sessions go on: claude-failover swap moves them`
      : `${name} is disabled and no longer a target`,
  );
}

async function enable(ports: HandPorts, name: string, pool: PoolConfig): Promise<AccountAnswer> {
  if (pool.accounts.some((account) => account.name === name && !account.enabled))
    return refused('disabled_in_config', `the configuration says enabled: false for ${name}; change it there`);
  const status = await statusOf(ports.shared, name);
  if (status === 'active') return done(false, `${name} is enabled already`);
  if (status === 'expired') return refused('login_needed', `${name} needs a login; it is enabled when that is there`);
  await ports.shared.setStatus(name, 'active', null, null);
  await tell(ports, {
    type: 'account_enabled',
    pool: pool.name,
    account: name,
    data: { detail: 'by hand', was: status },
  });
  return done(true, `${name} is enabled`);
}

async function resetQuota(ports: HandPorts, name: string, pool: PoolConfig): Promise<AccountAnswer> {
  const now = ports.clock.now();
  const records = (await ports.shared.quota()).filter((record) => record.account === name && !isBlank(record));
  if (records.length === 0) return done(false, `nothing is known of the limits of ${name}`);
  for (const { window } of records)
    await ports.shared.mergeQuota(name, window, (current) => (current === null ? null : forgetQuota(current, now)));
  const windows = records.map(({ window, used, limitReached }) => ({ window, used, limitReached }));
  await tell(ports, {
    type: 'quota_reset_by_hand',
    pool: pool.name,
    account: name,
    data: { detail: 'by hand', windows },
  });
  return done(true, `${counted(records.length, 'record')} of ${name} forgotten; its next turn tells how it stands`);
}

export async function terminateSession(ports: HandPorts, name: string): Promise<TerminateAnswer | null> {
  const rows = (await ports.local.sessions()).filter((row) => isNamed(row, name));
  const now = ports.clock.now();
  const wanted = new Set([name, ...rows.map((row) => sessionName(ports.host, row.id))]);
  const sessions = new Set(
    (await ports.shared.leases(now)).map(({ session }) => session).filter((session) => wanted.has(session)),
  );
  if (rows.length === 0 && sessions.size === 0) return null;
  let released = 0;
  for (const session of sessions) released += await ports.shared.releaseLeases({ session }, 'terminated', now);
  const running = rows.filter(({ agentPid }) => agentPid !== null).map(({ label }) => label);
  const detail = `${counted(released, 'lease')} ended by hand`;
  await tell(ports, { type: 'session_terminated', session: rows[0]?.sessionName ?? name, data: { detail, running } });
  return { released, running };
}

/** By tmux session name, label or pane id. */
function isNamed(row: SessionRow, name: string): boolean {
  return row.sessionName === name || row.label === name || row.paneId === name;
}

async function statusOf(store: Pick<PoolStore, 'accounts'>, name: string): Promise<string> {
  return (await store.accounts()).find((row) => row.name === name)?.status ?? 'active';
}

async function tell(ports: Pick<HandPorts, 'local' | 'clock'>, event: NewEvent): Promise<void> {
  await ports.local.append([event], ports.clock.now());
}

function done(changed: boolean, detail: string): AccountAnswer {
  return { kind: 'done', changed, detail };
}

function refused(reason: string, detail: string): AccountAnswer {
  return { kind: 'refused', reason, detail };
}
