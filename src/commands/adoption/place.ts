/** Which pool and account an adoption is about: from the configuration, or from the file that will be written. */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { stringify } from 'yaml';
import { findConfig, searchPath } from '../../config/find.ts';
import type { AccountConfig, Config, PoolConfig } from '../../config/schema.ts';
import { toConfig } from '../../config/schema.ts';
import { PROFILES } from '../../core/agents/languages.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { FailoverError } from '../../core/errors.ts';
import { profileOf } from '../../steps/config-policy.ts';
import type { CommandIo, GlobalOptions } from '../io.ts';
import { loadOffline } from '../offline.ts';

export interface PlaceOptions extends GlobalOptions {
  readonly pool?: string;
  readonly account?: string;
  readonly home?: string;
}

export interface AdoptionSubject {
  readonly config: Config;
  /** The configuration file; `text`: it is not there yet and gets this text. */
  readonly file: { readonly path: string; readonly text: string | null };
  readonly pool: PoolConfig;
  readonly account: AccountConfig;
  readonly profile: AgentProfile;
}

/** Of the first account, when nobody named it. */
const FIRST_ACCOUNT = 'work-1';

/** @throws {ConfigError} @throws {FailoverError} the options name what is not there, or contradict the file */
export function findSubject(options: PlaceOptions, io: Pick<CommandIo, 'env' | 'home'>): AdoptionSubject {
  const path = findConfig({ path: options.config ?? null, env: io.env, home: io.home }) ?? searchPath(io.home)[0] ?? '';
  const isThere = existsSync(path);
  const made = isThere ? null : firstConfig(options, io);
  const config = made?.config ?? loadOffline(options, io).config;
  const pool = poolOf(config, options.pool);
  const account = accountOf(pool, options);
  if (isThere && options.home !== undefined && resolve(options.home) !== account.home)
    throw new FailoverError(
      'home_given',
      `the configuration says where the home of ${account.name} is: ${account.home}`,
      {
        hint: `change it in ${path}, and leave --home out`,
      },
    );
  return { config, file: { path, text: made?.text ?? null }, pool, account, profile: profileOf(PROFILES, pool) };
}

/** The pool that is meant. @throws {FailoverError} */
export function poolOf(config: Config, name: string | undefined): PoolConfig {
  const names = config.pools.map((pool) => pool.name).join(', ');
  const pool = name === undefined ? config.pools[0] : config.pools.find((candidate) => candidate.name === name);
  if (pool === undefined)
    throw new FailoverError('unknown_pool', `there is no pool ${name}`, { hint: `pools: ${names}` });
  if (name === undefined && config.pools.length > 1)
    throw new FailoverError('several_pools', 'there are several pools', { hint: `add --pool with one of: ${names}` });
  return pool;
}

function accountOf(pool: PoolConfig, { account: name }: PlaceOptions): AccountConfig {
  const account = name === undefined ? pool.accounts[0] : pool.accounts.find((candidate) => candidate.name === name);
  if (account !== undefined) return account;
  const names = pool.accounts.map((candidate) => candidate.name).join(', ');
  throw new FailoverError('unknown_account', `pool ${pool.name} has no account ${name ?? 'at all'}`, {
    hint: names === '' ? 'write the first one into the configuration: name and home' : `accounts: ${names}`,
  });
}

/** A configuration of one account around the directory that is there. @throws {ConfigError} */
function firstConfig(
  options: PlaceOptions,
  io: Pick<CommandIo, 'env' | 'home'>,
): { readonly config: Config; readonly text: string } {
  const [profile] = PROFILES;
  if (profile === undefined) throw new Error('no agent has a profile');
  const named = io.env[profile.configDir.env];
  const usual = `${io.home}/${profile.configDir.underHome}`;
  const link = named !== undefined && isAbsolute(named) ? resolve(named) : usual;
  const name = options.account ?? FIRST_ACCOUNT;
  const home = options.home === undefined ? `${link}-${name}` : resolve(options.home);
  const tilde = (path: string): string => (path.startsWith(`${io.home}/`) ? `~${path.slice(io.home.length)}` : path);
  const pool = options.pool ?? 'default';
  const pools = link === usual && pool === 'default' ? {} : { pools: { [pool]: { link: tilde(link) } } };
  const account = { name, ...(pool === 'default' ? {} : { pool }), home: tilde(home) };
  const values = { version: 1, ...pools, accounts: [account] };
  const config = toConfig(values, io.env, io.home);
  return { config, text: `# Every key: docs/configuration.md and config.example.yaml.\n${stringify(values)}` };
}
