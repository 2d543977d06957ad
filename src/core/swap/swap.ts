/** A swap and the recovery of its panes, as they are written down. */
import type { PaneIdentity } from '../panes.ts';
import type { EpochMs } from '../time.ts';

/**
 * `prepared`: planned, nothing touched. `stopping`: the agents that must not run while the link moves are being ended; the
 * link is untouched. `flipped`: the link points at the new account. `recovering`: panes are being
 * brought back. `rolling_back`: the link is being put back. The other three are ends; `partial` is sticky.
 */
export type SwapPhase =
  | 'prepared'
  | 'stopping'
  | 'flipped'
  | 'recovering'
  | 'rolling_back'
  | 'done'
  | 'failed'
  | 'partial';

export const UNFINISHED_PHASES: readonly SwapPhase[] = [
  'prepared',
  'stopping',
  'flipped',
  'recovering',
  'rolling_back',
];

/**
 * `reset`: nothing is flipped, panes that waited for the active account's own reset are brought back. `threshold`: the active
 * account was left before its limit. `down`: its login was refused. `return`: back to the account that the pool prefers.
 */
export type SwapTrigger = 'limit' | 'manual' | 'reset' | 'threshold' | 'down' | 'known_limit' | 'return';

/** A lock directory of the CLI that we made, so that a restart can remove it. */
export interface HeldLock {
  readonly path: string;
  /** Inode and device of the directory we made. */
  readonly inode: string;
}

export interface SwapRow {
  readonly id: string;
  readonly pool: string;
  readonly from: string;
  readonly to: string;
  readonly trigger: SwapTrigger;
  /** Label of the pane whose hit asked for it; null for a swap by hand. */
  readonly triggerPane: string | null;
  /** Id of the pattern or record that confirmed the limit, or the reason given by hand. */
  readonly reason: string;
  readonly resetAt: EpochMs | null;
  readonly phase: SwapPhase;
  readonly requestedAt: EpochMs;
  readonly startedAt: EpochMs;
  readonly flippedAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
  /** Why it ended as it did; null while it runs and when it went well. */
  readonly error: string | null;
  /** The link's exact text before the flip, so that a rollback restores it letter for letter. */
  readonly fromTarget: string;
  readonly toTarget: string;
  readonly locks: readonly HeldLock[];
}

/** The ladder's step that brought a pane back. */
export type RecoveredBy = 'hot' | 'restart' | 'self';

/**
 * Where a pane stands on the ladder. Every state is written before the keys that belong to it are sent.
 * `waiting`: nothing sent yet. `menu`: Escape sent. `prompted`: the prompt is (being) typed. `exiting`: the exit command is
 * (being) typed. `interrupting`: Ctrl-C sent. `stopped`: the agent has ended, its shell waits for the link to move.
 * `relaunching`: the resume command is (being) typed. `reprompted`: the prompt is
 * (being) typed into the relaunched agent.
 */
export type RecoveryState =
  | 'waiting'
  | 'menu'
  | 'prompted'
  | 'exiting'
  | 'interrupting'
  | 'stopped'
  | 'relaunching'
  | 'reprompted'
  | 'recovered'
  | 'handed_over'
  | 'gone';

export interface RecoveryRow {
  readonly id: string;
  readonly swapId: string;
  readonly pane: PaneIdentity;
  readonly label: string;
  readonly sessionId: string | null;
  readonly version: string | null;
  /** What is needed to start the agent again in its pane. */
  readonly launch: {
    readonly argv: readonly string[];
    /** `argv` is the program alone: what it was started with is not known. */
    readonly argumentsLost?: boolean;
    readonly cwd: string;
    readonly configDir: string | null;
    /** The agent must have ended before the link moves. */
    readonly stopFirst?: boolean;
    /** It met no limit: started again, it is not told to go on. */
    readonly wasIdle?: boolean;
    /** A limit stood on its screen, and was none to go on from. */
    readonly limitStood?: boolean;
    /** It had no session yet: it is started as it was, without one. */
    readonly isFresh?: boolean;
    /** Characters that were on the screen, without blanks, before the command that starts it again was typed. */
    readonly screenSize?: number;
    /** That command was typed a second time. */
    readonly retyped?: boolean;
    readonly pid: number;
    readonly startTicks: string;
  } | null;
  readonly state: RecoveryState;
  /** When this state began or its last key was sent. */
  readonly stateSince: EpochMs;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs | null;
  /** When the prompt of the present step was first typed; the proof that it is never typed again blindly. */
  readonly promptedAt: EpochMs | null;
  /** Keys Enter sent in the present state. */
  readonly enters: number;
  readonly prompts: number;
  readonly recoveredBy: RecoveredBy | null;
  readonly reason: string | null;
}

export const OPEN_RECOVERY: readonly RecoveryState[] = [
  'waiting',
  'menu',
  'prompted',
  'exiting',
  'interrupting',
  'stopped',
  'relaunching',
  'reprompted',
];

/** From when on an account was the active one of its pool. */
export interface Activation {
  readonly pool: string;
  readonly account: string;
  readonly since: EpochMs;
  readonly cause: 'swap' | 'rollback' | 'external' | 'adopted' | 'recover';
}

/** The record that explains one swap. Sections are written as they become known. */
export interface Incident {
  readonly id: string;
  readonly swapId: string;
  readonly pool: string;
  readonly at: EpochMs;
  /** The trigger pane's screen at the moment of the verdict, secrets masked; null for a swap by hand. */
  readonly screen: string | null;
  readonly evidence: readonly Readonly<Record<string, unknown>>[];
  readonly decision: Readonly<Record<string, unknown>>;
  readonly steps: readonly IncidentStep[];
  readonly result: Readonly<Record<string, unknown>> | null;
}

export interface IncidentStep {
  readonly at: EpochMs;
  readonly step: string;
  readonly durationMs: number | null;
  readonly detail: Readonly<Record<string, unknown>>;
}
