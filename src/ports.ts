/** The interfaces through which loops reach the world. Adapters and the store implement them; app.ts connects both. */

import type { Config } from './config/schema.ts';
import type { AccountRow, AccountStatus, HomeState, LinkState } from './core/accounts.ts';
import type { AgentProfile, QuotaWindow } from './core/agents/profile.ts';
import type { Message } from './core/alerts/message.ts';
import type { EventType, JournalEvent, NewEvent } from './core/events.ts';
import type { AgentProcess, PaneIdentity, PaneSnapshot, PaneView } from './core/panes.ts';
import type { QuotaRecord } from './core/quota/record.ts';
import type { AnswerKey } from './core/sessions/answer.ts';
import type { PoolView } from './core/status.ts';
import type { SwapRequest } from './core/swap/request.ts';
import type { Activation, HeldLock, Incident, IncidentStep, RecoveryRow, SwapRow } from './core/swap/swap.ts';
import type { EpochMs } from './core/time.ts';
import type { PaneFinding } from './core/verdict/pane-finding.ts';
import type { SessionSignals } from './core/verdict/signals.ts';
import type { LeaseStore } from './ports/leases.ts';

/** What one tick is given. The config is one frozen snapshot for the whole tick. */
export interface TickContext<C = Config> {
  readonly config: C;
  readonly now: EpochMs;
  /** Aborts when the daemon stops or the tick's deadline is over. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** A part of the daemon that does one bounded, idempotent pass at a time. */
export interface Loop<C = Config> {
  readonly name: string;
  /** The pause between the end of a tick and the start of the next; `Infinity`: only when woken. */
  intervalMs(config: C): number;
  /** Longest time a tick may take; 60 s when absent. */
  readonly deadlineMs?: number;
  tick(context: TickContext<C>): Promise<unknown>;
}

/** What the loops tell each other within one process. A wake is only a hint; the store and the panes are the truth. */
export interface Board {
  snapshot(): PaneSnapshot | null;
  postSnapshot(snapshot: PaneSnapshot): void;
  /** By pane key. */
  findings(): ReadonlyMap<string, PaneFinding>;
  postFindings(findings: ReadonlyMap<string, PaneFinding>): void;
  /** How often the panes have been judged since this process began. */
  judgements(): number;
  /** @returns false when a request of this pool is outstanding already: then this one is dropped */
  ask(request: SwapRequest): boolean;
  request(pool: string): SwapRequest | null;
  /** The request was dealt with. */
  answer(pool: string): void;
  pools(): ReadonlyMap<string, PoolView>;
  /** Taken before a view is read: of two views that were read at the same time, the one begun later is the newer. */
  ticket(): number;
  /**
   * Makes the view the current one, unless a newer one is there already or it names no account: then the current one stays.
   *
   * @returns whether it became the current one
   */
  postPool(view: PoolView, ticket: number): boolean;
  /** The account on which each session of this host holds its lease, by pane key. */
  leases(): ReadonlyMap<string, string>;
  postLeases(leases: ReadonlyMap<string, string>): void;
  wake(loop: string): void;
}

/** A copy of the state for people with a shell. */
export interface StateMirror {
  /** Replaces the copy in one step. */
  write(text: string): Promise<void>;
}

/** The one switch that works when all else is broken: a file in the state directory. */
export interface KillSwitch {
  /** Why everything is paused, for a person; null: it is not, or its end has come. */
  reason(): Promise<string | null>;
  /** Removes a pause whose end has come. @returns its reason; null: there was none */
  endIfOver(): Promise<string | null>;
}

/** The only source of time. */
export interface Clock {
  /** Wall clock. */
  now(): EpochMs;
  /** Milliseconds from an arbitrary start; never steps back, and stands still for no one. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A signal that aborts after `ms` or when `parent` aborts, whichever is first. `clear` frees the timer. */
  deadline(ms: number, parent?: AbortSignal): { readonly signal: AbortSignal; clear(): void };
  /** The IANA zone of this machine. */
  zone(): string;
}

/** Structured lines: a static message, and the facts in the fields. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** What the sweep must watch. */
export interface WatchScope {
  readonly sockets: readonly string[];
  /** Session-name globs. */
  readonly exclude: readonly string[];
  /** Sessions watched even before an agent is found in them. */
  readonly sessions: readonly string[];
}

/** Reads panes. Never throws for a missing, hung or restarted server: the snapshot says so. */
export interface Panes {
  /** One look at all servers: at most two spawns each. */
  sweep(scope: WatchScope, signal: AbortSignal): Promise<PaneSnapshot>;
  /** A fresh capture of one pane; null when that very pane is gone. @throws {TmuxError} the server did not answer */
  observe(pane: PaneIdentity, signal: AbortSignal): Promise<PaneView | null>;
}

/** `stale`: that very pane is not there any more, nothing was typed. `failed`: nothing is known to have been typed. */
export type KeyResult =
  | { readonly kind: 'sent' }
  | { readonly kind: 'stale'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Types into exactly one pane or none: pane pid and server start are checked in the same server step as the key. */
export interface Keys {
  /** Pastes text (control characters stripped); never sends Enter. */
  paste(pane: PaneIdentity, text: string, signal: AbortSignal): Promise<KeyResult>;
  /** @param whileShown a line of the screen must show this and nothing else: checked in that same step */
  press(
    pane: PaneIdentity,
    key: 'Escape' | 'C-c' | AnswerKey,
    signal: AbortSignal,
    whileShown?: string,
  ): Promise<KeyResult>;
}

export interface Processes {
  /**
   * The agent processes below each of these pids. One pass over /proc for all of them.
   *
   * @throws {TmuxError} the process table cannot be read: then nothing may be concluded
   */
  agentsUnder(panePids: readonly number[]): Promise<ReadonlyMap<number, AgentProcess | null>>;
  /** Whether this pane's own process is an interactive shell that waits for a command: what is typed reaches it. */
  shellInFront(panePid: number): Promise<boolean>;
  /** Whether that very process still runs. */
  isAlive(pid: number, startTicks: string): Promise<boolean>;
}

export interface Signals {
  /** What the CLI's own files say of the session in this process. Never throws; reading is incremental and bounded. */
  read(process: AgentProcess): Promise<SessionSignals>;
  /** The same for a session whose process is gone. */
  readSession(configDir: string, cwd: string, sessionId: string): Promise<SessionSignals>;
  /** When a hook of this session last told something, by this process's ear; null: never. Then the files are worth a look. */
  heardAt?(sessionId: string): EpochMs | null;
  /** When its status line last reported figures, by this process's ear; null: never. */
  figuresAt?(sessionId: string): EpochMs | null;
}

/** The first one is the credentials file; another that is missing counts as pointing where the first does. */
export type LinkedFiles = readonly [string, ...string[]];

/** Where an account link stands and which homes it may point at. */
export interface LinkPlace {
  readonly link: string;
  /** Names of files in the directory `link` each of which is a link; absent: `link` itself is one. */
  readonly files?: LinkedFiles;
  /** The configuration directory whose settings make the CLI read its credentials through the link, and the variable there. */
  readonly settings?: { readonly configDir: string; readonly variable: string };
  readonly homes: readonly { readonly account: string; readonly home: string }[];
}

export interface AccountLink {
  read(place: LinkPlace): Promise<LinkState>;
  /**
   * Points the link at `target` (its literal text): symlink to a name of its own, rename over the link, fsync the
   * directory. A reader sees the old or the new target at every instant.
   * @param options.allowMissing a missing link is made anew (only recovery does that)
   * @param options.files these files in the directory `link` are pointed at their namesakes in `target`, one after the other
   * @throws {LinkError} the path is not a symbolic link, or the system refused
   */
  point(
    link: string,
    target: string,
    options?: { readonly allowMissing?: boolean; readonly files?: LinkedFiles },
  ): Promise<void>;
  /** The text a link to this home gets. */
  targetFor(link: string, home: string, files?: LinkedFiles): string;
  /** Removes `<link>.tmp.<pid>.*` of dead processes. @returns how many */
  sweepLeftovers(link: string, files?: LinkedFiles): Promise<number>;
  /** The account whose home this directory is, through any links; null: none of these. */
  accountOf(
    configDir: string,
    place: LinkPlace,
  ): Promise<{ readonly throughLink: boolean; readonly account: string } | null>;
}

export type LockAttempt =
  | {
      readonly kind: 'held';
      readonly locks: readonly HeldLock[];
      release(): Promise<void>;
      compromised(): string | null;
    }
  | { readonly kind: 'contended'; readonly path: string; readonly ageMs: number };

/** The CLI's own locks on account homes. */
export interface CliLocks {
  /** All locks of all homes, in the CLI's order, or none. One try; the caller backs off. @throws {LinkError} */
  acquire(profile: AgentProfile, homes: readonly string[]): Promise<LockAttempt>;
  /** Removes locks that a killed daemon of ours left: only directories whose inode is the journaled one. */
  releaseLeftover(locks: readonly HeldLock[]): Promise<number>;
}

export interface AccountHomes {
  inspect(profile: AgentProfile, home: string): Promise<HomeState>;
  /** Paths of the files that killed writes of the CLI left there. They may hold tokens, and are never opened. */
  interruptedWrites(profile: AgentProfile, home: string): Promise<readonly string[]>;
  /**
   * Gives the home's credential files an mtime strictly above `floorMs` and above their own, so that a running CLI reads
   * them again. @returns the new mtime, epoch ms
   * @throws {LinkError} a file is missing or not ours
   */
  freshen(profile: AgentProfile, home: string, floorMs: number): Promise<number>;
}

export interface SharedEntryProblem {
  readonly home: string;
  readonly entry: string;
  readonly severity: 'fatal' | 'warning';
  /** The shared root has this entry and the home has another one of its own. */
  readonly diverges: boolean;
  readonly message: string;
  readonly remedy: string;
}

export interface SharedEntries {
  /** Makes the missing links of this home; refuses to touch anything that is already there. */
  ensure(profile: AgentProfile, home: string, sharedRoot: string): Promise<readonly SharedEntryProblem[]>;
  /** Looks at all homes, changes nothing. */
  validate(profile: AgentProfile, homes: readonly string[], sharedRoot: string): Promise<readonly SharedEntryProblem[]>;
}

export interface EventFilter {
  readonly types?: readonly EventType[];
  readonly sinceAt?: EpochMs;
  readonly pool?: string;
  readonly account?: string;
  readonly swap?: string;
  /** Newest first, at most this many. */
  readonly limit: number;
}

/** A hit that was already acted upon, by its fingerprint. */
export interface HitRow {
  readonly fingerprint: string;
  readonly pool: string;
  readonly pane: string;
  readonly account: string;
  readonly window: QuotaWindow;
  readonly firstSeenAt: EpochMs;
  readonly lastSeenAt: EpochMs;
  /** The swap that consumed it; null: none yet. */
  readonly swapId: string | null;
}

/** An agent session as last seen; repaired from tmux. */
export interface SessionRow {
  /** The pane key. */
  readonly id: string;
  readonly server: string;
  readonly sessionName: string;
  readonly label: string;
  readonly paneId: string;
  readonly panePid: number;
  readonly pool: string | null;
  readonly kind: 'dedicated' | 'autonomous' | 'adopted';
  readonly agent: string;
  readonly version: string | null;
  readonly cwd: string;
  /** The agent process for which `launchedUnder` holds. */
  readonly agentPid: number | null;
  readonly agentStartTicks: string | null;
  readonly sessionId: string | null;
  readonly launchedUnder: string | null;
  readonly launchConfidence: 'known' | 'assumed' | null;
  readonly state: 'idle' | 'working' | 'limited' | 'blocked' | 'missing' | 'not_switchable' | 'unknown';
  readonly stateReason: string | null;
  readonly stateSince: EpochMs;
  readonly lastSeenAt: EpochMs;
}

/** This host's own facts. Always SQLite here, so that a swap never waits for a network. */
export interface LocalStore {
  append(events: readonly NewEvent[], at: EpochMs): Promise<void>;
  events(filter: EventFilter): Promise<readonly JournalEvent[]>;

  /** Writes the plan and its incident in one transaction. */
  createSwap(swap: SwapRow, incident: Incident, events: readonly NewEvent[]): Promise<void>;
  /** Changes a swap and writes what follows from it in one transaction. @throws {StoreError} no such swap */
  updateSwap(
    id: string,
    change: Partial<Omit<SwapRow, 'id' | 'pool'>>,
    also: {
      readonly at: EpochMs;
      readonly steps?: readonly IncidentStep[];
      readonly result?: Readonly<Record<string, unknown>>;
      readonly events?: readonly NewEvent[];
      readonly activation?: Activation;
      readonly recoveries?: readonly RecoveryRow[];
    },
  ): Promise<SwapRow>;
  swap(id: string): Promise<SwapRow | null>;
  /** Newest first. */
  swaps(filter: {
    readonly pool?: string;
    readonly sinceAt?: EpochMs;
    readonly limit: number;
  }): Promise<readonly SwapRow[]>;
  unfinishedSwaps(): Promise<readonly SwapRow[]>;
  incident(swapId: string): Promise<Incident | null>;
  incidents(limit: number): Promise<readonly Incident[]>;

  saveRecovery(row: RecoveryRow, events?: readonly NewEvent[]): Promise<void>;
  openRecoveries(): Promise<readonly RecoveryRow[]>;
  recoveries(swapId: string): Promise<readonly RecoveryRow[]>;

  recordActivation(activation: Activation, events?: readonly NewEvent[]): Promise<void>;
  /** Newest first. */
  activations(pool: string, limit: number): Promise<readonly Activation[]>;

  saveHit(hit: HitRow): Promise<void>;
  hit(fingerprint: string): Promise<HitRow | null>;
  /** Forgets a fingerprint whose text was absent. */
  dropHit(fingerprint: string): Promise<void>;
  hits(pool: string): Promise<readonly HitRow[]>;

  saveSessions(rows: readonly SessionRow[]): Promise<void>;
  sessions(): Promise<readonly SessionRow[]>;
  removeSession(id: string): Promise<void>;

  meta(key: string): Promise<string | null>;
  setMeta(key: string, value: string | null): Promise<void>;
  /** Proves that a write goes through. @throws {StoreError} */
  probe(): Promise<void>;
}

/** What becomes of one record; a merge that answers with null or the same record writes nothing. */
export interface QuotaChange {
  readonly account: string;
  readonly window: QuotaWindow;
  readonly merge: (current: QuotaRecord | null) => QuotaRecord | null;
}

/** Facts about accounts that several hosts may share one day. */
export interface PoolStore extends LeaseStore {
  /** Adds configured accounts that are not there; removes none. One that was removed is back as it was. */
  ensureAccounts(accounts: readonly { readonly name: string; readonly pool: string }[]): Promise<void>;
  /** Hides accounts that no configuration names any more, and what is derived from them. @returns those that were there */
  removeAccounts(names: readonly string[], at: EpochMs): Promise<readonly string[]>;
  accounts(): Promise<readonly AccountRow[]>;
  setStatus(
    account: string,
    status: AccountStatus,
    reason: string | null,
    credentialsMtimeMs: number | null,
  ): Promise<void>;
  /** The same, but only while the status is `from`: of several that want it one does it. @returns false: it was another one */
  moveStatus(
    account: string,
    from: AccountStatus,
    to: AccountStatus,
    reason: string | null,
    credentialsMtimeMs: number | null,
  ): Promise<boolean>;
  setIdentity(account: string, identity: string): Promise<void>;
  /** `to` becomes active at `at`; `from` is marked as left then. */
  markActive(to: string, from: string | null, at: EpochMs): Promise<void>;
  quota(): Promise<readonly QuotaRecord[]>;
  /** Reads, merges and writes one record in one transaction. A merge that returns null or the same record writes nothing. */
  mergeQuota(
    account: string,
    window: QuotaWindow,
    merge: (current: QuotaRecord | null) => QuotaRecord | null,
  ): Promise<QuotaRecord | null>;
  /** The same for many records in one transaction. @returns in their order, the records as they stand afterwards */
  mergeQuotas(changes: readonly QuotaChange[]): Promise<readonly (QuotaRecord | null)[]>;
}

/** What a provider made of one message. Expected failures are values; a channel throws only when it is broken itself. */
export type SendResult =
  /** `ref`: how the provider calls the message, to be handed back as `previous`; empty: it has no name. */
  | { readonly kind: 'sent'; readonly ref: string }
  /** `afterMs`: how long the provider asks to be left alone; null: it did not say. */
  | { readonly kind: 'retry'; readonly afterMs: number | null; readonly reason: string }
  /** This message will never be taken. */
  | { readonly kind: 'gone'; readonly reason: string };

export interface SendOptions {
  /** Ref of the message of the same incident that this channel delivered last; null: this is the first. */
  readonly previous: string | null;
  /** `edit`: the previous message may be replaced in its place. `follow`: a new message that refers to it. */
  readonly mode: 'edit' | 'follow';
  /** The same for every try of one message with one content; at most 256 characters of printable ASCII. */
  readonly idempotencyKey: string;
  /** Aborts at the deadline of this one try. */
  readonly signal: AbortSignal;
}

/** One place where messages go: one chat, one list of addresses, one URL. */
export interface Channel {
  /** As `notifications.events.*.channels` and `notify test --channel` call it. */
  readonly kind: 'telegram' | 'email' | 'webhook';
  /** Unique: the kind, and with several places of one kind what tells them apart (`telegram:-1001234`). */
  readonly name: string;
  /** A sent message can be replaced: then a message goes out while its incident still develops. */
  readonly canEdit: boolean;
  /** The text of a reason never holds a secret. */
  send(message: Message, options: SendOptions): Promise<SendResult>;
}
