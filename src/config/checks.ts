/** What the schema cannot see: names and paths that contradict one another. */

import { counted } from '../core/counted.ts';
import { matchesGlob } from '../core/glob.ts';
import { isLoopback } from '../core/loopback.ts';
import { isWithin } from './expand-path.ts';
import { didYouMean, error, type Finding, type KeyPath, warning } from './finding.ts';
import { NAME } from './key-types.ts';
import type { AccountConfig, Config, SessionConfig } from './schema.ts';
import { checkTelegram } from './telegram-keys.ts';

/** An entry with its position in the file's list. */
type Listed<T> = T & { readonly at: number };

/** Longest path a unix socket can have on Linux: 108 bytes with the closing NUL (man 7 unix). */
const SOCKET_PATH_BYTES = 107;

/** All contradictions. A path that could not be expanded is empty here and takes no part. */
export function checkConfig(
  config: Omit<Config, 'warnings'>,
  accounts: readonly Listed<AccountConfig>[],
  sessions: readonly Listed<SessionConfig>[],
): readonly Finding[] {
  return [
    ...checkPools(config),
    ...checkAccounts(config, accounts),
    ...checkPlaces(config, accounts),
    ...checkSessions(config, sessions),
    ...checkAutonomous(config, sessions),
    ...checkHttp(config),
    ...checkDurations(config),
    ...checkTelegram(config.notifications.telegram),
  ];
}

function* checkPools(config: Omit<Config, 'warnings'>): Generator<Finding> {
  if (config.pools.length === 0)
    yield error(['pools'], 'must not be empty', 'leave the key out for one pool named default');
  const links = new Map<string, string>();
  for (const pool of config.pools) {
    if (!NAME.test(pool.name)) {
      const hint = '1 to 64 letters, digits, _ or -, beginning with a letter or digit';
      yield { ...error(['pools', pool.name], 'is no name for a pool', hint), part: 'key' };
    }
    const other = links.get(pool.link);
    if (other !== undefined && pool.link !== '') {
      yield error(
        ['pools', pool.name, 'link'],
        `is the link of pool ${other} too`,
        'each pool needs a link of its own',
      );
    }
    links.set(pool.link, pool.name);
    const isOfFiles = pool.mode === 'file_link';
    if (isOfFiles !== (pool.agent !== 'claude')) {
      const hint = isOfFiles ? 'Claude Code replaces a linked file at its next login' : 'its only mode is file_link';
      yield error(['pools', pool.name, 'mode'], `${pool.agent} accounts cannot be switched like this`, hint);
    }
    if (pool.returnTo !== null && !pool.accounts.some(({ name }) => name === pool.returnTo)) {
      const names = pool.accounts.map(({ name }) => name);
      const near = didYouMean(pool.returnTo.slice(0, 100), names);
      const hint = near === null ? `accounts of this pool: ${names.join(', ')}` : `did you mean ${near}?`;
      yield error(['pools', pool.name, 'return_to'], 'this pool has no such account', hint);
    }
    const enabled = pool.accounts.filter((account) => account.enabled).length;
    if (enabled < 2) {
      const hint = 'add a second account to it, or enable one';
      yield warning(
        ['pools', pool.name],
        `failover impossible: pool ${pool.name} has ${counted(enabled, 'enabled account')}`,
        hint,
      );
    }
  }
}

function* checkAccounts(
  config: Omit<Config, 'warnings'>,
  accounts: readonly Listed<AccountConfig>[],
): Generator<Finding> {
  yield* duplicates(accounts, (account) => account.name, 'name');
  yield* duplicates(accounts, (account) => account.home, 'home');
  for (const account of accounts) yield* unknownPool(config, account.pool, ['accounts', account.at, 'pool']);
  const priorities = new Map<string, string>();
  for (const account of accounts) {
    const key = `${account.pool} ${account.priority}`;
    const other = priorities.get(key);
    if (other !== undefined) {
      const message = `priority ${account.priority} is that of account ${other} too`;
      yield warning(['accounts', account.at, 'priority'], message, 'give each account of a pool its own priority');
    }
    priorities.set(key, account.name);
  }
}

function* duplicates(
  accounts: readonly Listed<AccountConfig>[],
  read: (account: AccountConfig) => string,
  key: 'name' | 'home',
): Generator<Finding> {
  const seen = new Map<string, number>();
  for (const account of accounts) {
    const first = seen.get(read(account));
    if (first === undefined) seen.set(read(account), account.at);
    else if (read(account) !== '') {
      yield error(
        ['accounts', account.at, key],
        `is the ${key} of accounts[${first}] too`,
        `each account needs its own ${key}`,
      );
    }
  }
}

/** Homes, links and shared roots must be apart: a flip must change what the link shows and nothing else. */
function* checkPlaces(
  config: Omit<Config, 'warnings'>,
  accounts: readonly Listed<AccountConfig>[],
): Generator<Finding> {
  const homes = accounts.filter((account) => account.home !== '');
  for (const inner of homes) {
    for (const outer of homes) {
      if (inner.home !== outer.home && isWithin(inner.home, outer.home)) {
        yield error(
          ['accounts', inner.at, 'home'],
          `lies inside the home of account ${outer.name}`,
          'move it beside that home',
        );
      }
    }
  }
  for (const pool of config.pools) {
    const at = (key: string): KeyPath => ['pools', pool.name, key];
    const shared = pool.mode === 'file_link' ? '' : pool.sharedRoot;
    if (pool.link !== '' && shared !== '') {
      if (isWithin(pool.link, shared)) yield error(at('link'), 'lies inside shared_root', 'move one of the two');
      else if (isWithin(shared, pool.link))
        yield error(at('shared_root'), 'lies behind the link', 'move it beside the link');
    }
    for (const { name, home, at: index } of homes) {
      if (pool.link !== '') {
        const hint = 'the link is a path of its own, beside the homes';
        if (isWithin(pool.link, home)) yield error(at('link'), `lies inside the home of account ${name}`, hint);
        else if (isWithin(home, pool.link))
          yield error(['accounts', index, 'home'], `lies behind the link of pool ${pool.name}`, hint);
      }
      if (shared !== '') {
        if (isWithin(shared, home))
          yield error(at('shared_root'), `lies inside the home of account ${name}`, 'move it out');
        else if (isWithin(home, shared)) {
          yield error(['accounts', index, 'home'], `lies inside the shared_root of pool ${pool.name}`, 'move it out');
        }
      }
    }
  }
}

function* checkSessions(
  config: Omit<Config, 'warnings'>,
  sessions: readonly Listed<SessionConfig>[],
): Generator<Finding> {
  const seen = new Map<string, number>();
  for (const session of sessions) {
    const path = ['sessions', 'dedicated', session.at];
    yield* unknownPool(config, session.pool, [...path, 'pool']);
    const first = seen.get(session.name);
    if (first === undefined) seen.set(session.name, session.at);
    else {
      const hint = 'a session belongs to one pool and is listed once';
      yield error([...path, 'name'], `is the name of sessions.dedicated[${first}] too`, hint);
    }
  }
}

function* checkAutonomous(
  config: Omit<Config, 'warnings'>,
  sessions: readonly Listed<SessionConfig>[],
): Generator<Finding> {
  const { autonomous } = config.sessions;
  const path = ['sessions', 'autonomous'];
  if (autonomous.max > 0) yield* unknownPool(config, autonomous.pool, [...path, 'pool']);
  if (autonomous.min > autonomous.max) {
    yield error([...path, 'min'], `is more than max (${autonomous.max})`, 'raise max, or lower min');
  }
  const own = new Set(autonomous.names);
  for (const session of sessions) {
    if (!own.has(session.name)) continue;
    const hint = 'choose another prefix or start_index for the autonomous ones';
    yield error(
      ['sessions', 'dedicated', session.at, 'name'],
      'is the name of an autonomous session too: it would be given tasks',
      hint,
    );
  }
  const hidden = [...own, ...sessions.map(({ name }) => name)].filter((name) =>
    config.watch.exclude.some((glob) => matchesGlob(glob, name)),
  );
  if (hidden.length > 0) {
    yield warning(['watch', 'exclude'], `hides ${hidden.slice(0, 5).join(', ')}: nothing is known of it`);
  }
}

function* checkHttp(config: Omit<Config, 'warnings'>): Generator<Finding> {
  const { socket, listen, enableTrigger } = config.http;
  const bytes = new TextEncoder().encode(socket).length;
  if (bytes > SOCKET_PATH_BYTES) {
    yield error(
      ['http', 'socket'],
      `is ${bytes} bytes long; a socket path has at most ${SOCKET_PATH_BYTES}`,
      'choose a shorter path',
    );
  }
  if (listen !== null && enableTrigger && !isLoopback(listen.host)) {
    yield warning(['http', 'enable_trigger'], 'whoever has the token can trigger swaps from another machine');
  }
}

function* checkDurations(config: Omit<Config, 'warnings'>): Generator<Finding> {
  const { retryBackoff, timeoutMs, verifyTimeoutMs } = config.switcher;
  if (retryBackoff.maxMs < retryBackoff.initialMs) {
    yield error(['switcher', 'retry_backoff', 'max'], 'is shorter than initial');
  }
  if (verifyTimeoutMs > timeoutMs) yield error(['switcher', 'verify_timeout'], 'is longer than switcher.timeout');
}

function* unknownPool(config: Omit<Config, 'warnings'>, name: string, path: KeyPath): Generator<Finding> {
  const pools = config.pools.map((pool) => pool.name);
  if (pools.includes(name)) return;
  const near = didYouMean(name.slice(0, 100), pools);
  yield error(path, 'there is no such pool', near === null ? `pools: ${pools.join(', ')}` : `did you mean ${near}?`);
}
