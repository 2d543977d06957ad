/** Panes as the daemon sees them: who they are, what runs in them, what they show. */
import type { AgentKind } from './agents/profile.ts';
import type { EpochMs } from './time.ts';

/** Names one pane for its whole life. tmux reuses `%0` after a restart, so the id alone is not enough. */
export interface PaneIdentity {
  /** The tmux socket as `tmux.sockets` names it. */
  readonly server: string;
  readonly serverPid: number;
  /** tmux `#{start_time}`, epoch seconds. */
  readonly serverStartedAtS: number;
  /** tmux pane id, for example `%12`. */
  readonly paneId: string;
  readonly panePid: number;
}

/** The agent program found in a pane's process tree. Never holds the value of an environment variable but the paths below. */
export interface AgentProcess {
  readonly agent: AgentKind;
  readonly pid: number;
  /** `/proc/<pid>/stat` field 22: with the pid it names the process for good. */
  readonly startTicks: string;
  readonly startedAt: EpochMs;
  /** Empty: not even the program is known. */
  readonly argv: readonly string[];
  /** The program has written its title over its arguments: `argv` is at most the program itself, as its shell named it. */
  readonly argumentsLost?: boolean;
  readonly cwd: string;
  /** The process's own configuration directory, unresolved (its variable, else the default below its HOME). */
  readonly configDir: string;
  /** Whether the configuration directory was named by the variable and not by default. */
  readonly configDirIsSet: boolean;
  /** Where its environment says its credentials are, unresolved; absent: it does not say. */
  readonly credentialsDir?: string;
  /** Names of variables in its environment that outrank the account link. */
  readonly overriding: readonly string[];
  /** The process belongs to the terminal's foreground group: it is what the screen shows. */
  readonly foreground: boolean;
}

export interface Screen {
  readonly text: string;
  /** Content hash; equal hash = equal text. */
  readonly hash: string;
  readonly capturedAt: EpochMs;
  /** When this text was first captured. */
  readonly changedAt: EpochMs;
}

export interface PaneView {
  readonly identity: PaneIdentity;
  readonly sessionName: string;
  /** `session:window.pane`, for people. */
  readonly label: string;
  readonly tty: string;
  /** Working directory of the pane's foreground program; only `observe` asks for it, null in a sweep. */
  readonly cwd: string | null;
  readonly width: number;
  readonly height: number;
  /** The pane is in copy mode or another tmux mode. */
  readonly inMode: boolean;
  readonly dead: boolean;
  /** Last key of a client attached to this session; null when nobody is attached. */
  readonly clientActivityAt: EpochMs | null;
  readonly process: AgentProcess | null;
  /** The pane's own process is an interactive shell with nothing in front of it; only `observe` asks, null in a sweep. */
  readonly shellInFront: boolean | null;
  /** Null until the first successful capture. */
  readonly screen: Screen | null;
  /** This sweep captured the pane, or proved its screen unchanged since the last capture. */
  readonly observed: boolean;
  /** Consecutive failed captures. */
  readonly failures: number;
}

/** `absent`: no server listens. `hung`: it did not answer in time. */
export type ServerState = 'ok' | 'absent' | 'hung' | 'error';

export interface ServerView {
  readonly server: string;
  readonly state: ServerState;
  /** What tmux or the system said; null when ok. */
  readonly reason: string | null;
  readonly pid: number | null;
}

/** One look at all tmux servers. Only panes that run a known agent or belong to a configured session are in it. */
export interface PaneSnapshot {
  readonly takenAt: EpochMs;
  readonly servers: readonly ServerView[];
  readonly panes: readonly PaneView[];
}

/** A key for maps and rows: equal for the same pane, different after a server restart or a new process in the pane. */
export function paneKey(pane: PaneIdentity): string {
  return `${pane.server} ${pane.serverPid}.${pane.serverStartedAtS} ${pane.paneId} ${pane.panePid}`;
}
