/** From the file's values (snake_case, text) to the program's (camelCase, milliseconds, absolute paths). */

import { checkConfig } from './checks.ts';
import { convertRecords } from './convert-records.ts';
import { convertDedicated, convertSessions } from './convert-sessions.ts';
import { type Env, expandPath } from './expand-path.ts';
import type { ConfigValues } from './file-schema.ts';
import { error, type Finding, type KeyPath } from './finding.ts';
import { ms } from './key-types.ts';
import { parseListen } from './listen.ts';
import { checkNotifications, toNotifications } from './notification-keys.ts';
import { convertPatterns } from './patterns.ts';
import { convertDispatcher } from './queue-keys.ts';
import type { Config, PoolConfig } from './schema.ts';
import { toTelegram } from './telegram-keys.ts';

export interface Surroundings {
  readonly env: Env;
  readonly home: string;
  readonly file: string;
  /** The place an entry of a list has in the file. */
  position(list: string, index: number): number;
}

/** The program's form of valid values. What is still wrong with them is added to `findings`. */
export function convert(
  values: ConfigValues,
  surroundings: Surroundings,
  findings: Finding[],
): Omit<Config, 'warnings'> {
  const { env, home, file, position } = surroundings;
  const places: Record<string, string> = {};
  const path = (text: string, at: KeyPath): string => {
    const expanded = expandPath(text, { env, home, places });
    if (expanded.ok) return expanded.path;
    findings.push(error(at, expanded.message, expanded.hint));
    return '';
  };
  const { daemon, http, tmux, quota, switcher } = values;

  const stateDir = path(daemon.state_dir, ['daemon', 'state_dir']);
  places.state_dir = stateDir;
  const runtimeDir =
    daemon.runtime_dir === null
      ? defaultRuntimeDir(env, stateDir)
      : path(daemon.runtime_dir, ['daemon', 'runtime_dir']);
  places.runtime_dir = runtimeDir;

  const listen = parseListen(http.listen);
  if (listen === null) findings.push(error(['http', 'listen'], 'expected host:port', 'such as 127.0.0.1:8765'));

  const accounts = values.accounts.map(({ auto_pause, max_sessions, ...account }, index) => {
    const at = position('accounts', index);
    return {
      ...account,
      priority: account.priority ?? (at + 1) * 10,
      home: path(account.home, ['accounts', at, 'home']),
      autoPause: auto_pause,
      maxSessions: max_sessions,
      at,
    };
  });
  const sessions = convertDedicated(values.sessions.dedicated, position, path);
  const { autonomous, ...sections } = convertSessions(values, path);
  const defaultDir = path(DEFAULT_DIR, ['pools']);
  const pools = Object.entries(values.pools).map(([name, pool]) => {
    const defaults = poolDefaults(name, pool, env);
    const link = path(pool.link ?? defaults.link, ['pools', name, 'link']);
    const ownRoot = defaults.mode === 'file_link' ? link : null;
    const sharedRoot = ownRoot ?? path(pool.shared_root ?? defaults.sharedRoot, ['pools', name, 'shared_root']);
    const configDir = defaults.mode === 'config_dir' ? link : defaults.mode === 'secure_storage' ? sharedRoot : null;
    return {
      name,
      agent: pool.agent,
      mode: defaults.mode,
      link,
      configDir: configDir === defaultDir ? null : configDir,
      sharedRoot,
      strategy: pool.strategy,
      returnTo: pool.return_to,
    };
  });
  const reactivateCooldownMs = ms(quota.reactivate_cooldown);

  const config: Omit<Config, 'warnings'> = {
    file,
    version: values.version,
    mode: values.mode,
    daemon: {
      stateDir,
      runtimeDir,
      log: { ...daemon.log },
      shutdownGraceMs: ms(daemon.shutdown_grace),
      circuitBreaker: { swapsPerHour: daemon.circuit_breaker.swaps_per_hour },
    },
    http: {
      listen: http.enabled ? listen : null,
      socket: path(http.socket, ['http', 'socket']),
      bearerTokenEnv: http.bearer_token_env,
      bearerTokenFile:
        http.bearer_token_file === null ? null : path(http.bearer_token_file, ['http', 'bearer_token_file']),
      enableTrigger: http.enable_trigger,
    },
    tmux: {
      binary: isPath(tmux.binary) ? path(tmux.binary, ['tmux', 'binary']) : tmux.binary,
      sockets: tmux.sockets.map((socket, i) => (isPath(socket) ? path(socket, ['tmux', 'sockets', i]) : socket)),
      commandTimeoutMs: ms(tmux.command_timeout),
      submitDelayMs: ms(tmux.submit_delay),
    },
    watch: { exclude: [...values.watch.exclude], adopted: { swapPolicy: values.watch.adopted.swap_policy } },
    pools: pools.map((pool) => ({
      ...pool,
      accounts: accounts
        .filter((account) => account.pool === pool.name)
        .map(({ at: _, ...account }) => account)
        .sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1)),
    })),
    sessions: { dedicated: sessions.map(({ at: _, ...session }) => session), autonomous },
    quota: {
      pollIntervalMs: ms(quota.poll_interval),
      confirmPolls: quota.confirm_polls,
      confirmMinAgeMs: ms(quota.confirm_min_age),
      reactivateCooldownMs,
      swapCooldownMs: quota.swap_cooldown === null ? reactivateCooldownMs : ms(quota.swap_cooldown),
      accountReactivateCooldownMs:
        quota.account_reactivate_cooldown === null ? reactivateCooldownMs : ms(quota.account_reactivate_cooldown),
      minDedicatedHits: quota.min_dedicated_hits,
      snippetChars: quota.snippet_chars,
      unknownResetLockMs: ms(quota.unknown_reset_lock),
      modelLimitSwaps: quota.model_limit_swaps,
      swapOnAccountDown: quota.swap_on_account_down,
      sampleStaleAfterMs: ms(quota.sample_stale_after),
      verifyWindowMs: ms(quota.verify_window),
      autoPause: { '5h': quota.auto_pause.default_5h, '7d': quota.auto_pause.default_7d },
      thresholdAction: quota.threshold_action,
      thresholdGraceMs: ms(quota.threshold_grace),
      warn: { '5h': ascending(quota.warn['5h']), '7d': ascending(quota.warn['7d']) },
      patterns: convertPatterns(quota.patterns, findings),
    },
    switcher: {
      timeoutMs: ms(switcher.timeout),
      exitGraceMs: ms(switcher.exit_grace),
      verifyTimeoutMs: ms(switcher.verify_timeout),
      retryBackoff: { initialMs: ms(switcher.retry_backoff.initial), maxMs: ms(switcher.retry_backoff.max) },
    },
    ...sections,
    dispatcher: convertDispatcher(values.dispatcher, path),
    leases: { ttlMs: ms(values.leases.ttl), onError: values.leases.on_error },
    ...convertRecords(values, env, findings),
    notifications: {
      ...toNotifications(values.notifications, path),
      telegram: toTelegram(values.notifications.telegram, path),
    },
  };
  findings.push(...checkNotifications(values.notifications));
  findings.push(...checkConfig(config, accounts, sessions));
  return config;
}

/** What Claude Code uses where no variable names another one. */
const DEFAULT_DIR = '~/.claude';

/** What a pool is where its keys are null. */
function poolDefaults(
  name: string,
  { agent, mode: asked }: ConfigValues['pools'][string],
  env: Env,
): Pick<PoolConfig, 'mode' | 'link' | 'sharedRoot'> {
  const mode = asked ?? (agent === 'claude' ? 'config_dir' : 'file_link');
  const isOwn = mode === 'secure_storage' || mode === 'env';
  const data = env.XDG_DATA_HOME?.startsWith('/') ? env.XDG_DATA_HOME : '~/.local/share';
  return {
    mode,
    link: isOwn ? `${data}/claude-failover/${name}/active` : `~/.${agent}`,
    sharedRoot: mode === 'secure_storage' ? '~/.claude' : '~/.claude-shared',
  };
}

/** XDG demands an absolute path and says to ignore any other. */
function defaultRuntimeDir(env: Env, stateDir: string): string {
  const base = env.XDG_RUNTIME_DIR;
  const expanded = base === undefined ? null : expandPath(`${base}/claude-failover`, { env: {}, home: '/' });
  return expanded?.ok === true && base?.startsWith('/') ? expanded.path : `${stateDir}/run`;
}

function isPath(text: string): boolean {
  return text.includes('/') || text.startsWith('~') || text.startsWith('$');
}

function ascending(fractions: readonly number[]): readonly number[] {
  return [...new Set(fractions)].sort((a, b) => a - b);
}
