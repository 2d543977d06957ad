/** What the daemon must know of an agent CLI: how its screen reads, where it keeps its account, how it goes on. */

/** The agent CLIs that have a profile. */
export type AgentKind = 'claude' | 'codex' | 'gemini' | 'opencode';

/** What a message of the CLI means for us. Only `quota` can lead to a swap. */
export type FindingClass = 'quota' | 'throttle' | 'auth' | 'billing' | 'warning';

/** The limit that was reached. `unknown`: the text does not say. */
export type QuotaWindow = '5h' | '7d' | 'model' | 'daily' | 'monthly' | 'unknown';

/** A directory lock that the CLI itself takes before it writes its credentials (proper-lockfile conventions). */
export interface CliLock {
  /** Where the lock directory stands: inside the real home, or beside it (`<realpath>.lock`). */
  readonly path: { readonly inside: string } | { readonly beside: string };
  /** Age of the lock directory's mtime after which the CLI itself would take it over. */
  readonly staleMs: number;
}

/**
 * What the link of a pool is. `config_dir`: the CLI's whole configuration directory. `secure_storage`: only the directory of
 * its credentials. `env`: nothing that the CLI reads; each session is launched under its account's own directory, and the link
 * names the account for the next launch. `file_link`: the credential files in the CLI's own directory are links.
 */
export type PoolMode = 'config_dir' | 'secure_storage' | 'env' | 'file_link';

/** A part of the CLI that outlives its panes and keeps the account in memory. */
export interface Background {
  /** Matched against the arguments after the program, joined by blanks. */
  readonly argv: RegExp;
  /** Matched in the same way: a helper of it that reads no account. */
  readonly harmless: RegExp;
  /** Arguments with which the CLI itself ends it. */
  readonly stopArgs: readonly string[];
}

/** The setting by which a CLI uses its login whatever keys stand in its environment. */
export interface LoginChoice {
  readonly outranks: readonly string[];
  /** In the configuration directory; in the project's own one, which goes first, too. */
  readonly file: string;
  /** Where it may stand in that file, the newer name first. */
  readonly keys: readonly (readonly string[])[];
  readonly value: string;
}

/** How an agent keeps its account, and how it is brought back. Pure data; the screen part is in the agent's own file. */
export interface AgentProfile {
  readonly kind: AgentKind;
  /** Why the daemon reads this agent's panes but does not move them to another account; null: it does. */
  readonly notSwitchable: string | null;
  /** How the CLI is recognised in a pane's process tree. */
  readonly process: {
    /** Basenames of argv[0] or of the executable. */
    readonly names: readonly string[];
    /** Matched against argv[1] of a script run by an interpreter. */
    readonly script: RegExp;
  };
  /** First version that adopts a flipped link at its next request; null: never. */
  readonly hotSwapSince: string | null;
  /** The environment variable that names its configuration directory, and the default below the user's home. */
  readonly configDir: {
    readonly env: string;
    readonly underHome: string;
    /** The variable names the directory in which this one lies; absent: the configuration directory itself. */
    readonly within?: string;
  };
  /** Credential files inside the configuration directory. */
  readonly credentialFiles: readonly string[];
  /** Names beside them that a write leaves behind when it is killed; absent: the CLI writes in place. */
  readonly interruptedWrites?: RegExp;
  /** How its account can be switched; the first is the default, none: it is not. */
  readonly modes: readonly PoolMode[];
  /** In the order in which the CLI takes them. */
  readonly locks: readonly CliLock[];
  /**
   * Whose processes must have ended before the link moves, because a write of theirs could reach the wrong account: every
   * one, none, or those of a version below the first that takes `locks`.
   */
  readonly stopFirst: 'always' | 'never' | { readonly before: string };
  /** Files below the configuration directory that the CLI holds locked (flock) while it writes; `*` is any name. */
  readonly writerLocks: readonly string[];
  readonly background: Background | null;
  /** The variable that moves only its credentials, and the first version that knows it; null: there is none. */
  readonly credentialsDir: { readonly env: string; readonly since: string } | null;
  /** Names of environment variables that outrank the link: a pane that has one, not empty, cannot be switched. */
  readonly overridingEnv: readonly string[];
  /** Where its settings choose the login, these of `overridingEnv` outrank it no more; absent: no setting does that. */
  readonly loginChoice?: LoginChoice;
  /** Entries every home shares through links, so that a session can be resumed under another account. */
  readonly sharedEntries: { readonly required: readonly string[]; readonly optional: readonly string[] };
  /** Appended to the original argv to resume a session by id. */
  readonly resumeArgs: (sessionId: string) => readonly string[];
  /** Flags (and whether a value follows) that are dropped from the original argv before `resumeArgs`. */
  readonly resumeFlags: Readonly<Record<string, boolean>>;
  /**
   * Set when the CLI takes a prompt as an argument, which must not be given again: the flags that take no value, and those
   * that take several. Any other flag is taken to have one.
   */
  readonly promptArgument?: { readonly bareFlags: readonly string[]; readonly listFlags: readonly string[] };
  /** For this long after its start the CLI may lose what is typed, though its input line is shown; absent: it loses nothing. */
  readonly settleMs?: number;
  /** What is typed to make a stopped session go on. */
  readonly continuePrompt: string;
  /** What is typed to leave the CLI. */
  readonly exitCommand: string;
}

/** Whether this version picks up a flipped link without a restart. An unknown version counts as one that does not. */
export function isHotSwappable(profile: AgentProfile, version: string | null): boolean {
  if (profile.hotSwapSince === null || version === null) return false;
  return compareVersions(version, profile.hotSwapSince) >= 0;
}

/**
 * Whether a process of this version must have ended before the link moves. A version that nothing tells counts as one that
 * locks: before its first turn it renews no login, and after it its transcript tells.
 */
export function mustStopFirst({ stopFirst }: AgentProfile, version: string | null): boolean {
  if (typeof stopFirst === 'string') return stopFirst === 'always';
  return version !== null && compareVersions(version, stopFirst.before) < 0;
}

/** Orders dotted versions by their numbers; a missing part counts as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const right = b.split('.').map((part) => Number.parseInt(part, 10) || 0);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
