/** Which pool and account an adoption is about: from the configuration, or from the file that will be written. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
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
  /** The agent and the mode of the pool; only while there is no configuration. */
  readonly agent?: string;
  readonly mode?: string;
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
  if (isThere) demandNoContradiction(options, pool, account, path);
  return { config, file: { path, text: made?.text ?? null }, pool, account, profile: profileOf(PROFILES, pool) };
}

/** What the file says is not said again on the command line, unless it is the same. */
function demandNoContradiction(options: PlaceOptions, pool: PoolConfig, account: AccountConfig, path: string): void {
  const said = [
    ['--home', options.home === undefined ? undefined : resolve(options.home), account.home],
    ['--agent', options.agent, pool.agent],
    ['--mode', options.mode, pool.mode],
  ] as const;
  for (const [option, asked, is] of said)
    if (asked !== undefined && asked !== is)
      throw new FailoverError('contradiction', `the configuration says ${is}, ${option} says ${asked}`, {
        hint: `change it in ${path}, or leave ${option} out`,
      });
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

/** A configuration of one account around the directory that is there. @throws {ConfigError} @throws {FailoverError} */
function firstConfig(
  options: PlaceOptions,
  io: Pick<CommandIo, 'env' | 'home'>,
): { readonly config: Config; readonly text: string } {
  const agent = options.agent ?? 'claude';
  const profile = PROFILES.find(({ kind }) => kind === agent);
  if (profile === undefined) {
    const hint = `agents: ${PROFILES.map(({ kind }) => kind).join(', ')}`;
    throw new FailoverError('unknown_agent', `there is no agent ${agent}`, { hint });
  }
  const usual = `${io.home}/${profile.configDir.underHome}`;
  const named = agent === 'gemini' ? undefined : io.env[profile.configDir.env];
  const own = named !== undefined && isAbsolute(named) ? resolve(named) : usual;
  const name = options.account ?? FIRST_ACCOUNT;
  const pool = options.pool ?? 'default';
  const tilde = (path: string): string => (path.startsWith(`${io.home}/`) ? `~${path.slice(io.home.length)}` : path);
  const { mode } = options;
  const place = own === usual ? {} : { [mode === 'secure_storage' ? 'shared_root' : 'link']: tilde(own) };
  const keys = {
    ...(agent === 'claude' ? {} : { agent }),
    ...(mode === undefined ? {} : { mode }),
    ...(mode === 'env' ? {} : place),
  };
  const pools = Object.keys(keys).length === 0 && pool === 'default' ? {} : { pools: { [pool]: keys } };
  const valuesWith = (home: string): object => ({
    version: 1,
    ...pools,
    accounts: [{ name, ...(pool === 'default' ? {} : { pool }), home: tilde(home) }],
  });
  const beside = `${own}-${name}`;
  const { link } = poolOf(toConfig(valuesWith(beside), io.env, io.home), pool);
  const usualHome = mode === 'env' ? own : mode === 'secure_storage' ? join(dirname(link), name) : beside;
  const values = valuesWith(options.home === undefined ? usualHome : resolve(options.home));
  const config = toConfig(values, io.env, io.home);
  return { config, text: `# Every key: docs/configuration.md and config.example.yaml.\n${stringify(values)}` };
}
