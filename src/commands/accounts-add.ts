/** `accounts add` and `accounts login`: a home for one more account, and the CLI's own login in it. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createAccountHomes } from '../adapters/accounts/homes.ts';
import { createMoves } from '../adapters/accounts/moves.ts';
import { createSharedEntries } from '../adapters/accounts/shared-links.ts';
import { replaceFile } from '../adapters/replace-file.ts';
import { parseConfig, readConfigFile } from '../config/load.ts';
import type { Config, PoolConfig } from '../config/schema.ts';
import type { HomeState } from '../core/accounts.ts';
import { PROFILES } from '../core/agents/languages.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { ConfigError, FailoverError } from '../core/errors.ts';
import { profileOf } from '../steps/config-policy.ts';
import type { AccountEntry } from './adoption/config-entry.ts';
import { entryLine, withAccount } from './adoption/config-entry.ts';
import { poolOf } from './adoption/place.ts';
import { runLogin } from './adoption/run-login.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { loadOffline, NO_LOG, withStore } from './offline.ts';
import { clean } from './text.ts';

export interface AddOptions extends GlobalOptions {
  readonly pool?: string;
  readonly home?: string;
}

/**
 * @returns 0, or 1 when the home holds no usable login of its own afterwards: then the configuration is as it was
 * @throws {ConfigError} @throws {FailoverError} the name or the home is taken, or the CLI is not there
 */
export async function addAccount(name: string, options: AddOptions, io: CommandIo): Promise<number> {
  const { config } = loadOffline(options, io);
  const pool = poolOf(config, options.pool);
  const profile = profileOf(PROFILES, pool);
  const home = options.home === undefined ? usualHome(pool, name) : resolve(options.home);
  const tilde = home.startsWith(`${io.home}/`) ? `~${home.slice(io.home.length)}` : home;
  const entry: AccountEntry = { name, ...(pool.name === 'default' ? {} : { pool: pool.name }), home: tilde };
  // Before anything is made or anybody logs in.
  const planned = plannedConfig(entry, config, io);

  await makeHome(home);
  const ownUid = process.getuid?.() ?? 0;
  if (pool.mode === 'config_dir' || pool.mode === 'env')
    for (const problem of await createSharedEntries({ ownUid, log: NO_LOG }).ensure(profile, home, pool.sharedRoot))
      io.err(`claude-failover: ${clean(problem.message)}\nnext: ${problem.remedy}\n`);
  const before = await look(profile, home, io);
  if (before.credentials !== 'ok' || (await twinOf(name, before, config, pool, profile, io)) !== null)
    await runLogin(profile, home, io);
  const problem = await loginProblem(name, home, config, pool, profile, io);
  if (problem !== null) {
    io.err(`claude-failover: ${clean(problem)}; the configuration is as it was\n`);
    io.err('next: run the same command again and log in with the other account\n');
    return EXIT.error;
  }
  if (planned === null) {
    io.out(`${clean(name)} is logged in; add this line to accounts: in ${clean(config.file)}\n  ${entryLine(entry)}\n`);
    return EXIT.ok;
  }
  replaceFile(config.file, planned, statSync(config.file));
  io.out(`added ${clean(name)} to ${clean(config.file)}: ${clean(home)}\n`);
  io.out('a daemon that runs reads the file again by itself\n');
  return EXIT.ok;
}

/**
 * @returns 0, or 1 when the home holds no usable login, or one of somebody else, afterwards
 * @throws {ConfigError} @throws {FailoverError} there is no such account, or the CLI is not there
 */
export async function loginAccount(name: string, options: GlobalOptions, io: CommandIo): Promise<number> {
  const { config } = loadOffline(options, io);
  const pool = config.pools.find(({ accounts }) => accounts.some((account) => account.name === name));
  const account = pool?.accounts.find((candidate) => candidate.name === name);
  if (pool === undefined || account === undefined)
    throw new FailoverError('unknown_account', `there is no account ${name}`, {
      hint: 'claude-failover accounts names them',
    });
  const profile = profileOf(PROFILES, pool);
  const known = (await keptIdentities(options, io)).get(name) ?? (await look(profile, account.home, io)).identity;
  await makeHome(account.home);
  await runLogin(profile, account.home, io);
  const problem = await loginProblem(name, account.home, config, pool, profile, io);
  const after = await look(profile, account.home, io);
  const isOther = known !== null && after.identity !== null && known !== after.identity;
  const words = problem ?? (isOther ? `the home of ${name} now holds the login of somebody else than before` : null);
  if (words === null) {
    io.out(`${clean(name)} is logged in\n`);
    return EXIT.ok;
  }
  io.err(`claude-failover: ${clean(words)}; it is not used like this\n`);
  const again = `claude-failover accounts login ${name}, as the account it was before`;
  io.err(
    `next: ${isOther ? `${again}; the other one gets a home of its own by claude-failover accounts add` : again}\n`,
  );
  return EXIT.error;
}

/** Beside the link, or where the link of its own kind keeps them. */
function usualHome({ mode, link }: PoolConfig, name: string): string {
  return mode === 'config_dir' || mode === 'file_link' ? `${link}-${name}` : join(dirname(link), name);
}

/** The text with the account in it; null: it must be written by hand. @throws {FailoverError} it would be no valid configuration */
function plannedConfig(entry: AccountEntry, config: Config, io: CommandIo): string | null {
  const text = readConfigFile(config.file).toString('utf8');
  const edited = withAccount(text, entry);
  if (config.pools.some(({ accounts }) => accounts.some(({ name }) => name === entry.name)))
    throw new FailoverError('account_there', `there is an account ${entry.name} already`, {
      hint: `claude-failover accounts login ${entry.name} logs in to it again`,
    });
  if (edited === null) return null;
  try {
    parseConfig(config.file, Buffer.from(edited), { env: io.env, home: io.home, checkToken: false });
    return edited;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    throw new FailoverError(
      'account_refused',
      `${entry.name} cannot be added: ${first?.path ?? ''} ${first?.message ?? ''}`,
      {
        hint: first?.hint ?? 'choose another name or another --home',
      },
    );
  }
}

/** @throws {FailoverError} something else stands there */
async function makeHome(home: string): Promise<void> {
  const moves = createMoves();
  const place = await moves.look(home);
  if (place.kind === 'nothing') for (const path of [...place.missingParents, home]) await moves.makeDirectory(path);
  else if (place.kind !== 'directory')
    throw new FailoverError('home_taken', `${home} is no directory`, { hint: 'choose another --home' });
}

function look(profile: AgentProfile, home: string, { clock }: CommandIo): Promise<HomeState> {
  return createAccountHomes({ ownUid: process.getuid?.() ?? 0, clock, log: NO_LOG }).inspect(profile, home);
}

async function loginProblem(
  name: string,
  home: string,
  config: Config,
  pool: PoolConfig,
  profile: AgentProfile,
  io: CommandIo,
): Promise<string | null> {
  const state = await look(profile, home, io);
  if (state.problem !== null) return `the home ${home} is ${state.problem}`;
  if (state.credentials !== 'ok') return `${name} is not logged in: its credentials are ${state.credentials}`;
  const twin = await twinOf(name, state, config, pool, profile, io);
  return twin === null ? null : `${name} holds the login of ${twin} once more`;
}

/** Another account of the pool with the same login; null: none. */
async function twinOf(
  name: string,
  { identity }: HomeState,
  config: Config,
  pool: PoolConfig,
  profile: AgentProfile,
  io: CommandIo,
): Promise<string | null> {
  if (identity === null) return null;
  const kept = await keptIdentities({ config: config.file }, io);
  for (const other of pool.accounts.filter((account) => account.name !== name)) {
    const { identity: theirs } = await look(profile, other.home, io);
    if ((theirs ?? kept.get(other.name) ?? null) === identity) return other.name;
  }
  return null;
}

/** What is known of each account from before, by name. */
async function keptIdentities(options: GlobalOptions, io: CommandIo): Promise<ReadonlyMap<string, string>> {
  const found = await withStore(loadOffline(options, io), async (store) => ({
    kind: 'read' as const,
    rows: await store.pool.accounts(),
  }));
  const rows = found.kind === 'read' ? found.rows : [];
  return new Map(rows.flatMap(({ name, identity }) => (identity === null ? [] : [[name, identity] as const])));
}
