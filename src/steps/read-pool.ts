/** Reads everything that is known of one pool: its link, its homes, its records, its swaps. */

import type { AccountConfig, PoolConfig } from '../config/schema.ts';
import type { AccountRow, HomeState } from '../core/accounts.ts';
import { CREDENTIALS_VARIABLE, LINKED_FILES } from '../core/agents/linked-files.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import type { PoolView } from '../core/status.ts';
import type { PoolSwitchState } from '../core/swap/machine.ts';
import type { SwapRow } from '../core/swap/swap.ts';
import { UNFINISHED_PHASES } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import type { AccountHomes, AccountLink, LinkPlace, LocalStore, PoolStore } from '../ports.ts';
import type { LeaseCounts } from './leases.ts';
import type { PoolFlags } from './pool-flags.ts';
import { readFlags } from './pool-flags.ts';

export interface PoolReaders {
  readonly local: LocalStore;
  readonly shared: PoolStore;
  readonly link: AccountLink;
  readonly homes: AccountHomes;
  readonly countLeases?: CountLeases;
  /** Why the agents that must end before the link moves cannot be ended now; absent: nobody asks. */
  readonly stopObstacle?: StopObstacle;
}

type StopObstacle = (config: PoolConfig, profile: AgentProfile) => Promise<string | null>;

/** How many sessions hold a lease, and what counts when the store cannot tell. Absent: the store is asked as it is. */
type CountLeases = (now: EpochMs) => Promise<LeaseCounts>;

/** The part of them that reading takes: the database may be open for reading only. */
export interface PoolSources {
  readonly local: Pick<LocalStore, 'meta' | 'swaps'>;
  readonly shared: Pick<PoolStore, 'accounts' | 'quota' | 'leaseCounts'>;
  readonly link: Pick<AccountLink, 'read'>;
  readonly homes: Pick<AccountHomes, 'inspect'>;
  readonly countLeases?: CountLeases;
  readonly stopObstacle?: StopObstacle;
}

/** More swaps than one hour can hold at any sensible cooldown. */
const RECENT_SWAPS = 50;

export async function readPool(
  from: PoolSources,
  config: PoolConfig,
  profile: AgentProfile,
  now: EpochMs,
): Promise<PoolView> {
  const [linkState, flags, swaps, rows, quota, leases, homes] = await Promise.all([
    from.link.read(placeOf(config)),
    readFlags(from.local, config.name),
    from.local.swaps({ pool: config.name, limit: RECENT_SWAPS }),
    from.shared.accounts(),
    from.shared.quota(),
    countLeases(from, now),
    Promise.all(config.accounts.map((account) => from.homes.inspect(profile, account.home))),
  ]);
  const accounts = config.accounts.map((account, index): AccountFacts => {
    const home = homes[index] ?? null;
    return {
      name: account.name,
      pool: config.name,
      priority: account.priority,
      enabled: account.enabled,
      autoPause: account.autoPause,
      row: rows.find((row) => row.name === account.name) ?? null,
      home,
      quota: quota.filter((record) => record.account === account.name),
      ...occupancy(account, leases),
      duplicateOf: duplicateOf(index, config, homes, rows),
    };
  });
  const unfinished = swaps.find((swap) => UNFINISHED_PHASES.includes(swap.phase)) ?? null;
  return {
    pool: {
      pool: config.name,
      strategy: config.strategy,
      accounts,
      active: linkState.kind === 'account' ? linkState.account : null,
      state: switchState(flags, unfinished),
      // While a swap is under way nobody asks for another one.
      stopObstacle: unfinished === null ? ((await from.stopObstacle?.(config, profile)) ?? null) : null,
      swaps,
      breakerOpenedAt: flags.breaker?.at ?? null,
      retryUntil: flags.backoff?.until ?? null,
      hold: flags.hold,
    },
    agent: config.agent,
    link: config.link,
    linkState,
    partialReason: flags.partial?.reason ?? null,
    swapStateSince: unfinished?.startedAt ?? flags.partial?.at ?? flags.exhausted?.since ?? null,
    asOf: now,
  };
}

/** One account as it is now, read without a look at the others. @throws {Error} the pool has no such account */
export async function readAccount(
  from: Pick<PoolSources, 'shared' | 'homes' | 'countLeases'>,
  config: PoolConfig,
  name: string,
  profile: AgentProfile,
  now: EpochMs,
): Promise<AccountFacts> {
  const account = config.accounts.find((candidate) => candidate.name === name);
  if (account === undefined) throw new Error(`pool ${config.name} has no account ${name}`);
  const [rows, quota, leases, home] = await Promise.all([
    from.shared.accounts(),
    from.shared.quota(),
    countLeases(from, now),
    from.homes.inspect(profile, account.home),
  ]);
  return {
    name,
    pool: config.name,
    priority: account.priority,
    enabled: account.enabled,
    autoPause: account.autoPause,
    row: rows.find((row) => row.name === name) ?? null,
    home,
    quota: quota.filter((record) => record.account === name),
    ...occupancy(account, leases),
    duplicateOf: null,
  };
}

function countLeases(from: Pick<PoolSources, 'shared' | 'countLeases'>, now: EpochMs): Promise<LeaseCounts> {
  return from.countLeases?.(now) ?? from.shared.leaseCounts(now);
}

function occupancy(
  { name, maxSessions }: AccountConfig,
  leases: LeaseCounts,
): { readonly leases: number; readonly maxSessions: number } {
  const count = leases === 'full' ? maxSessions : leases === 'empty' ? 0 : (leases.get(name) ?? 0);
  return { leases: count, maxSessions };
}

export function placeOf(config: PoolConfig): LinkPlace {
  return {
    link: config.link,
    ...filesOf(config),
    ...settingsOf(config),
    homes: config.accounts.map(({ name, home }) => ({ account: name, home })),
  };
}

function settingsOf({ mode, sharedRoot }: PoolConfig): Pick<LinkPlace, 'settings'> {
  return mode === 'secure_storage' ? { settings: { configDir: sharedRoot, variable: CREDENTIALS_VARIABLE } } : {};
}

/** The files that are links in this pool; none in a pool whose link is a directory. */
export function filesOf({ agent, mode }: PoolConfig): Pick<LinkPlace, 'files'> {
  const files = mode === 'file_link' ? LINKED_FILES[agent] : undefined;
  return files === undefined ? {} : { files };
}

function switchState(flags: PoolFlags, unfinished: SwapRow | null): PoolSwitchState {
  if (flags.partial !== null) return 'partial';
  switch (unfinished?.phase) {
    case 'prepared':
      return 'switching';
    case 'stopping':
      return 'stopping';
    case 'flipped':
    case 'recovering':
      return 'resuming';
    case 'rolling_back':
      return 'rolling_back';
    default:
      return flags.exhausted === null ? 'normal' : 'exhausted';
  }
}

/** The account whose login it always was keeps the identity, else the one that comes first; every other one is the duplicate. */
function duplicateOf(
  index: number,
  config: PoolConfig,
  homes: readonly HomeState[],
  rows: readonly AccountRow[],
): string | null {
  const own = homes[index];
  if (own === undefined) return null;
  const known = config.accounts.map(({ name }) => rows.find((row) => row.name === name)?.identity ?? null);
  const identity = own.identity ?? known[index] ?? null;
  const keeps = (at: number): boolean => identity !== null && known[at] === identity;
  const twin = homes.findIndex((home, at) => {
    if (at === index) return false;
    const isSameLogin = identity !== null && (home.identity ?? known[at]) === identity;
    const isSamePlace = home.realPath !== null && home.realPath === own.realPath;
    if (!isSameLogin && !isSamePlace) return false;
    return keeps(at) === keeps(index) ? at < index : keeps(at);
  });
  return config.accounts[twin]?.name ?? null;
}
