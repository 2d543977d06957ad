/** The configuration the program runs on: frozen, camelCase, durations in ms, paths absolute. Every loop reads it. */

import type { AutoAnswer } from '../core/agents/dialog-answers.ts';
import type { AgentKind, PoolMode } from '../core/agents/profile.ts';
import { ConfigError, type ConfigProblem } from '../core/errors.ts';
import type { EventType } from '../core/events.ts';
import type { AutoPauseRules, PausedWindow } from '../core/quota/auto-pause.ts';
import type { UserPatterns } from '../core/screen/user-patterns.ts';
import { convert } from './convert.ts';
import type { Env } from './expand-path.ts';
import { ConfigFile, type ConfigValues } from './file-schema.ts';
import { type Finding, findingsOf, type KeyPath } from './finding.ts';
import { acceptFormerKeys } from './former-keys.ts';
import { formatPath } from './key-docs.ts';
import type { ListenAddress } from './listen.ts';
import { salvage } from './salvage.ts';

/** After a swap: resume the session's work, leave it alone, or tell the user only. */
export type SwapPolicy = 'resume' | 'leave' | 'notify';

export type SelectionStrategy = 'priority' | 'most_headroom' | 'earliest_reset';

/** When the active account crosses its threshold. */
export type ThresholdAction = 'swap_when_idle' | 'swap_now' | 'notify';

export interface AccountConfig {
  /** Unique in the whole file. */
  readonly name: string;
  readonly pool: string;
  /** The account's own configuration directory. Not resolved: it may be a link itself. */
  readonly home: string;
  /** Lower is taken first. */
  readonly priority: number;
  /** false: never a target; the link may still point there. */
  readonly enabled: boolean;
  /** 0: any number. */
  readonly maxSessions: number;
  /** Its own thresholds; what is null there comes from `quota.autoPause`. */
  readonly autoPause: AutoPauseRules;
}

export interface PoolConfig {
  readonly name: string;
  readonly agent: AgentKind;
  readonly mode: PoolMode;
  /** The symbolic link that is flipped; with `file_link` the directory in which the credential files are links. */
  readonly link: string;
  /** What an agent is told to be its configuration directory when it is started; null: it finds it by itself, or by its account. */
  readonly configDir: string | null;
  /** What the homes share; with `secure_storage` the CLI's configuration directory, with `file_link` the same as `link`. */
  readonly sharedRoot: string;
  readonly strategy: SelectionStrategy;
  /** The account that is taken again when it can be; null: none. */
  readonly returnTo: string | null;
  /** Sorted by priority, then name; the disabled ones are among them. */
  readonly accounts: readonly AccountConfig[];
}

export interface SessionConfig {
  /** Name of the tmux session; unique. */
  readonly name: string;
  readonly pool: string;
  readonly swapPolicy: SwapPolicy;
  /** Where the session is made when tmux does not have it; null: it is only watched. */
  readonly project: string | null;
  readonly agent: AgentKind;
  /** It takes tasks that name it. */
  readonly acceptTasks: boolean;
}

export interface AutonomousConfig {
  readonly prefix: string;
  readonly startIndex: number;
  /** At most `max`. */
  readonly min: number;
  /** 0: none. */
  readonly max: number;
  /** All names that the prefix and the numbers make, `max` of them. */
  readonly names: readonly string[];
  readonly workdir: string;
  readonly agent: AgentKind;
  readonly pool: string;
}

/** How an agent is started. */
export interface AgentConfig {
  /** A bare name or an absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  /** By priority of the task. */
  readonly models: Readonly<Record<'critical' | 'high' | 'default' | 'low', string>>;
}

/** The task queue. */
export interface DispatcherConfig {
  /** false: tasks are listed, and none is given out. */
  readonly enabled: boolean;
  /** Its subdirectories are projects; null: there is no queue. */
  readonly projectsDir: string | null;
  readonly scanIntervalMs: number;
  readonly sessionCooldownMs: number;
  readonly postSwapDelayMs: number;
  readonly promptTimeoutMs: number;
  readonly maxAttempts: number;
  /** After the first failed attempt, the second …; at least one. */
  readonly retryBackoffMs: readonly number[];
  readonly blockedTimeoutMs: number;
  readonly maxTaskBytes: number;
  /** Besides the daemon's own. */
  readonly trustedUids: readonly number[];
  /** An inbox that everybody can write is refused. */
  readonly strict: boolean;
  /** No agent that skips permissions is started for a task in a project without the hook. */
  readonly safetyHook: boolean;
}

export interface TelegramConfig {
  readonly enabled: boolean;
  readonly token: SecretPlace;
  readonly chatIds: readonly number[];
  readonly allowedUsers: readonly number[];
  readonly minSeverity: 'info' | 'warning' | 'critical';
  /** Buttons and commands are followed. */
  readonly commands: boolean;
  /** Without a slash at its end. */
  readonly apiBase: string;
}

/** Where a secret is looked for: the variable, then the file, then the configuration itself. */
export interface SecretPlace {
  /** Name of the variable. */
  readonly env: string;
  readonly file: string | null;
  readonly inline: string | null;
}

type ToldSeverity = 'info' | 'warning' | 'critical';

export interface NotificationsConfig {
  readonly minSeverity: ToldSeverity;
  readonly showIdentities: boolean;
  readonly quietHours: {
    readonly enabled: boolean;
    /** `HH:MM`. */
    readonly from: string;
    readonly to: string;
    /** IANA name, or `local`. */
    readonly timezone: string;
    readonly allow: readonly ToldSeverity[];
  };
  readonly rateLimit: { readonly perHour: number };
  readonly telegram: TelegramConfig;
  readonly email: {
    readonly enabled: boolean;
    readonly apiKey: SecretPlace;
    readonly from: string;
    readonly to: readonly string[];
    readonly minSeverity: ToldSeverity;
    /** Without a slash at its end. */
    readonly apiBase: string;
  };
  readonly webhook: {
    readonly enabled: boolean;
    /** Empty: none. It may hold a secret itself. */
    readonly url: string;
    readonly secret: SecretPlace;
    readonly minSeverity: ToldSeverity;
  };
  /** It may hold a secret. */
  readonly heartbeatUrl: string | null;
  readonly events: Readonly<
    Partial<Record<EventType, { readonly severity: ToldSeverity | null; readonly channels: readonly string[] | null }>>
  >;
}

/** Config is deep-frozen. A new one replaces it as a whole; a tick keeps the one it was given. */
export interface Config {
  /** Absolute path of the file; empty when it was made from values. */
  readonly file: string;
  readonly version: 1;
  /** `observe`: record what would be done, type nothing, flip nothing. */
  readonly mode: 'act' | 'observe';
  readonly daemon: {
    readonly stateDir: string;
    readonly runtimeDir: string;
    readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'auto' | 'json' | 'pretty' };
    readonly shutdownGraceMs: number;
    readonly circuitBreaker: { readonly swapsPerHour: number };
  };
  readonly http: {
    /** null: the TCP door stays shut; the socket is open all the same. */
    readonly listen: ListenAddress | null;
    readonly socket: string;
    /** Name of the variable, not the token; see `resolveBearerToken`. */
    readonly bearerTokenEnv: string;
    readonly bearerTokenFile: string | null;
    readonly enableTrigger: boolean;
  };
  readonly tmux: {
    /** A bare name (found through PATH) or an absolute path. */
    readonly binary: string;
    /** Names (`tmux -L`) or absolute paths (`tmux -S`): a path contains a slash, a name does not. */
    readonly sockets: readonly string[];
    readonly commandTimeoutMs: number;
    readonly submitDelayMs: number;
  };
  readonly watch: {
    /** Globs of session names. */
    readonly exclude: readonly string[];
    readonly adopted: { readonly swapPolicy: SwapPolicy };
  };
  /** In the order of the file; at least one. */
  readonly pools: readonly PoolConfig[];
  readonly agents: Readonly<Partial<Record<AgentKind, AgentConfig>>>;
  readonly sessions: { readonly dedicated: readonly SessionConfig[]; readonly autonomous: AutonomousConfig };
  readonly quota: {
    readonly pollIntervalMs: number;
    /** Consecutive polls, 2 to 10. */
    readonly confirmPolls: number;
    readonly confirmMinAgeMs: number;
    readonly reactivateCooldownMs: number;
    /** null in the file is resolved to `reactivateCooldownMs` here. */
    readonly swapCooldownMs: number;
    /** null in the file is resolved to `reactivateCooldownMs` here. */
    readonly accountReactivateCooldownMs: number;
    readonly minDedicatedHits: number;
    /** At most 120. */
    readonly snippetChars: number;
    readonly unknownResetLockMs: number;
    readonly modelLimitSwaps: boolean;
    readonly swapOnAccountDown: boolean;
    readonly sampleStaleAfterMs: number;
    readonly verifyWindowMs: number;
    /** Fractions for accounts without their own; null: no pause. */
    readonly autoPause: Readonly<Record<PausedWindow, number | null>>;
    readonly thresholdAction: ThresholdAction;
    readonly thresholdGraceMs: number;
    /** Fractions, ascending. */
    readonly warn: Readonly<Record<PausedWindow, readonly number[]>>;
    /** Compiled, and proven not to run away. */
    readonly patterns: UserPatterns;
  };
  readonly switcher: {
    readonly timeoutMs: number;
    readonly exitGraceMs: number;
    readonly verifyTimeoutMs: number;
    readonly retryBackoff: { readonly initialMs: number; readonly maxMs: number };
  };
  readonly lifecycle: {
    readonly reconcileIntervalMs: number;
    readonly recreate: boolean;
    readonly launchTimeoutMs: number;
    readonly maxRestartsPerHour: number;
  };
  readonly watcher: {
    readonly intervalMs: number;
    readonly idleTimeoutMs: number;
    readonly idlePolls: number;
    readonly minRuntimeMs: number;
    readonly stallAfterMs: number;
    /** Counted from when it stalled. */
    readonly stallKillAfterMs: number;
    /** Dialogs that are answered in autonomous sessions at a task. */
    readonly autoAnswers: readonly AutoAnswer[];
    readonly doneSignalDir: string;
  };
  readonly checkpoint: {
    readonly enabled: boolean;
    readonly intervalMs: number;
    readonly keep: number;
    readonly lines: number;
  };
  readonly dispatcher: DispatcherConfig;
  /** A `ttlMs` of 0 stands for 5 minutes. */
  readonly leases: { readonly ttlMs: number; readonly onError: 'deny' | 'allow' };
  readonly credentials: { readonly checkIntervalMs: number; readonly expiryWarnMs: number };
  /** Shares are 0 … 1. */
  readonly alerts: {
    readonly intervalMs: number;
    readonly errorWindowMs: number;
    readonly errorRate: number;
    readonly errorRateCritical: number;
    readonly errorMinSamples: number;
    readonly accountDownRate: number;
    readonly accountDownMin: number;
    readonly dedupeCooldownMs: number;
    readonly quotaInfo: number;
    readonly quotaWarning: number;
    readonly quotaCritical: number;
    readonly spike: {
      readonly swapsPerHour: number;
      readonly dispatchesPerMinute: number;
      readonly dispatchesPerDay: number;
      readonly notificationsPerHour: number;
      readonly queueDepth: number;
    };
  };
  readonly stats: {
    /** After midnight, UTC. */
    readonly dailyAtMs: number;
  };
  readonly janitor: {
    readonly intervalMs: number;
    /** 0: for ever. */
    readonly logRetentionDays: number;
    /** 0: any number. */
    readonly logMaxRecords: number;
    readonly minFreeDiskBytes: number;
    readonly claimedStaleAfterMs: number;
    readonly doneArchiveAfterMs: number;
    readonly failedKeepMs: number;
    readonly archiveDeleteAfterMs: number;
    readonly signalTtlMs: number;
    readonly tmpTtlMs: number;
  };
  readonly notifications: NotificationsConfig;
  /** Things that do not stop the program but should be read. */
  readonly warnings: readonly ConfigProblem[];
}

/** Where the values came from, so that a problem can name its place. */
export interface ConfigOrigin {
  /** Absolute path; empty: no file. */
  readonly file: string;
  at(path: KeyPath, part: 'key' | 'value'): { readonly line: number; readonly column: number };
}

const NO_FILE: ConfigOrigin = { file: '', at: () => ({ line: 1, column: 1 }) };

/**
 * Validates what a configuration file says and turns it into the program's form.
 *
 * @param input  the file as plain values, snake_case; missing keys take their defaults
 * @param env    for `${NAME}` in paths, and XDG_RUNTIME_DIR
 * @param home   the user's home directory, for `~`
 * @throws {ConfigError} with every problem there is
 * @example toConfig({ accounts: [{ name: 'a', home: '~/a' }, { name: 'b', home: '~/b' }] }, {}, '/home/ada')
 */
export function toConfig(input: unknown, env: Env, home: string, origin: ConfigOrigin = NO_FILE): Config {
  const { value, findings: former, originalPath } = acceptFormerKeys(input);
  const parsed = ConfigFile.safeParse(value);
  const findings: Finding[] = [...former, ...(parsed.success ? [] : findingsOf(parsed.error.issues, value))];
  const usable = parsed.success ? { values: parsed.data, position: null } : salvage(value, parsed.error.issues);

  const problems = (severity: Finding['severity']): ConfigProblem[] =>
    findings
      .filter((finding) => finding.severity === severity)
      .map((finding) => {
        const path = originalPath(finding.path);
        const place = origin.at(path, finding.part);
        return { ...place, path: formatPath(path), message: finding.message, hint: finding.hint };
      })
      .sort((a, b) => a.line - b.line || a.column - b.column);

  let config: Omit<Config, 'warnings'> | null = null;
  if (usable !== null) {
    const position = usable.position ?? ((_list: string, index: number) => index);
    config = convert(usable.values, { env, home, file: origin.file, position }, findings);
  }
  const errors = problems('error');
  if (errors.length > 0 || config === null) throw new ConfigError(origin.file, errors);
  return deepFreeze({ ...config, warnings: problems('warning') });
}

/** The file's values with all defaults. @throws {z.ZodError} when `toConfig` would have thrown for the same input */
export function toValues(input: unknown): ConfigValues {
  return ConfigFile.parse(acceptFormerKeys(input).value);
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
