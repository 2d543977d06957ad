/** Judges every pane of a snapshot: reading, evidence, decision, and the account that is charged. */
import type { Config } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import type { AgentProcess, PaneSnapshot, PaneView } from '../core/panes.ts';
import { paneKey } from '../core/panes.ts';
import type { Reading } from '../core/screen/finding.ts';
import type { ScreenReader } from '../core/screen/screen-reader.ts';
import type { UserPatterns } from '../core/screen/user-patterns.ts';
import type { Activation } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import { MINUTE, SECOND } from '../core/time.ts';
import { startedUnder } from '../core/verdict/attribute.ts';
import type { PaneMemory } from '../core/verdict/confirm.ts';
import { FRESH_PANE, stepPane } from '../core/verdict/confirm.ts';
import { gatherEvidence } from '../core/verdict/evidence.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { SessionSignals } from '../core/verdict/signals.ts';
import type { WallMemory } from '../core/verdict/unknown-wall.ts';
import type { Board, Clock, Signals, TickContext } from '../ports.ts';
import type { PoolReaders } from './read-pool.ts';
import { placeOf } from './read-pool.ts';
import { reportFinding } from './report-finding.ts';
import { settleHit } from './settle-hit.ts';
import { watchWall } from './watch-wall.ts';

export interface FindPorts extends PoolReaders {
  readonly board: Board;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly readScreen: ScreenReader;
  readonly profiles: readonly AgentProfile[];
}

/** What the monitor remembers of one pane between ticks. */
export interface WatchedPane {
  memory: PaneMemory;
  hash: string | null;
  reading: Reading | null;
  readAt: EpochMs;
  /** The user's patterns with which it was read. */
  patterns: UserPatterns | null;
  wall: WallMemory | null;
  signals: SessionSignals | null;
  signalsAt: EpochMs;
  /** The screen at that time. */
  signalsHash: string | null;
  /** As this process's own welcome line last told it. */
  version: string | null;
  pool: string | null;
  process: string;
  launchedUnder: string | null;
  said: string;
}

/** The files of a session that is at work are read again after this time. */
const SIGNALS_IDLE_MS = 30 * SECOND;
/** And those of one whose screen stands still, after this. */
const SIGNALS_QUIET_MS = 5 * MINUTE;
const MIN_GAP_MS = 30 * SECOND;
/** Its files are not read again sooner for figures: a status line may be drawn every second. */
const FIGURES_REST_MS = 5 * SECOND;

export async function findPanes(
  ports: FindPorts,
  watched: Map<string, WatchedPane>,
  snapshot: PaneSnapshot,
  context: TickContext,
): Promise<Map<string, PaneFinding>> {
  const findings = new Map<string, PaneFinding>();
  const before = ports.board.findings();
  const activations = new Map<string, readonly Activation[]>();
  for (const config of context.config.pools) {
    activations.set(config.name, await ports.local.activations(config.name, 50));
  }
  const neighbours = countNeighbours(snapshot);
  const rows = new Map((await sessionsOnce(ports, watched, snapshot)).map((row) => [row.id, row]));

  for (const view of snapshot.panes) {
    const key = paneKey(view.identity);
    const process = view.process;
    // Without an agent in front there is nothing to judge; and a poll that saw nothing neither confirms nor clears.
    if (process === null || !process.foreground || view.dead || view.screen === null) continue;
    const identity = `${process.pid}.${process.startTicks}`;
    let mine = watched.get(key);
    if (mine === undefined || mine.process !== identity) {
      const pool = await poolOf(ports, process, context.config);
      const row = rows.get(key);
      const known = row !== undefined && row.agentPid === process.pid && row.agentStartTicks === process.startTicks;
      mine = {
        // A restarted agent in the same pane keeps what its screen may still show from before.
        memory: mine?.memory ?? FRESH_PANE,
        hash: null,
        reading: null,
        readAt: 0,
        patterns: null,
        wall: null,
        signals: null,
        signalsAt: 0,
        signalsHash: null,
        version: null,
        pool: pool?.pool ?? null,
        process: identity,
        launchedUnder: known ? row.launchedUnder : launchOf(process, pool, activations),
        said: '',
      };
      watched.set(key, mine);
    }
    const last = before.get(key);
    if (!view.observed) {
      if (last !== undefined) findings.set(key, last);
      continue;
    }
    // Other patterns may read the same screen differently.
    if (mine.patterns !== context.config.quota.patterns) mine.hash = null;
    const isTold = isHeard(ports, mine) || hasNewFigures(ports, mine, ports.clock.now());
    const isStill = last !== undefined && !isTold && standsStill(mine, last, view, ports.clock.now());
    if (isStill) {
      const at = ports.clock.now();
      mine.memory = { ...mine.memory, lastObservedAt: at, lastClearAt: at };
      const finding = { ...last, at, view };
      findings.set(key, finding);
      await watchWall(ports, mine, finding, context);
      continue;
    }
    // A link that was broken when the pane was first seen may have been mended since.
    mine.pool ??= (await poolOf(ports, process, context.config))?.pool ?? null;
    try {
      const finding = await findOne(ports, mine, view, neighbours, activations, context);
      findings.set(key, finding);
      mine.said = await reportFinding(ports.local, mine.said, finding, context);
      await watchWall(ports, mine, finding, context);
    } catch (error) {
      // One pane must not hide the others; a store that fails would fail for all.
      if (error instanceof StoreError) throw error;
      context.log.warn({ pane: view.label, err: error }, 'a pane could not be judged');
      if (last !== undefined) findings.set(key, last);
    }
  }
  for (const key of watched.keys()) {
    if (
      !snapshot.panes.some((view) => paneKey(view.identity) === key) &&
      snapshot.servers.every((server) => server.state === 'ok' || server.state === 'absent')
    ) {
      watched.delete(key);
    }
  }
  return findings;
}

/** An idle pane that showed nothing and has not changed shows nothing still: of a hundred panes most are such. */
function standsStill(mine: WatchedPane, last: PaneFinding, view: PaneView, now: EpochMs): boolean {
  const isSame = mine.hash === view.screen?.hash && mine.signalsHash === mine.hash && mine.pool !== null;
  const isClear = last.decision.kind === 'clear' && !last.reading.busy && mine.memory.banner === null;
  const isFresh = Math.abs(now - mine.signalsAt) < SIGNALS_QUIET_MS && Math.abs(now - last.at) < MIN_GAP_MS;
  return isSame && isClear && isFresh && last.process === view.process;
}

/** A hook of this session told something since its files were read. */
function isHeard(ports: FindPorts, mine: WatchedPane): boolean {
  const session = mine.signals?.sessionId ?? null;
  const heardAt = session === null ? null : (ports.signals.heardAt?.(session) ?? null);
  return heardAt !== null && heardAt >= mine.signalsAt;
}

/** Its status line reported figures since its files were read: most write them a moment after the screen stood still. */
function hasNewFigures(ports: FindPorts, mine: WatchedPane, now: EpochMs): boolean {
  const session = mine.signals?.sessionId ?? null;
  const toldAt = session === null ? null : (ports.signals.figuresAt?.(session) ?? null);
  return toldAt !== null && toldAt >= mine.signalsAt && Math.abs(now - mine.signalsAt) >= FIGURES_REST_MS;
}

/** The session rows are only needed when a pane is new. */
async function sessionsOnce(ports: FindPorts, watched: ReadonlyMap<string, WatchedPane>, snapshot: PaneSnapshot) {
  const isNew = snapshot.panes.some((view) => view.process !== null && !watched.has(paneKey(view.identity)));
  return isNew ? ports.local.sessions() : [];
}

async function findOne(
  ports: FindPorts,
  mine: WatchedPane,
  view: PaneView,
  neighbours: (process: AgentProcess) => number,
  activations: ReadonlyMap<string, readonly Activation[]>,
  context: TickContext,
): Promise<PaneFinding> {
  const now = ports.clock.now();
  const { screen, process } = view;
  if (screen === null || process === null) throw new Error('a pane without a screen or an agent cannot be judged');
  if (mine.reading === null || mine.hash !== screen.hash) {
    mine.reading = ports.readScreen(screen.text, now, process.agent);
    mine.readAt = now;
    mine.patterns = context.config.quota.patterns;
    mine.version = mine.reading.version ?? mine.version;
    mine.hash = screen.hash;
  }
  const reading = mine.reading;
  const isNew = mine.signalsHash !== screen.hash;
  // A turn that has just ended may have ended at a wall whose words nobody knows yet.
  const interesting =
    reading.finding !== null ||
    mine.memory.banner !== null ||
    mine.memory.suspected !== null ||
    isHeard(ports, mine) ||
    (!reading.busy && (isNew || hasNewFigures(ports, mine, now)));
  const restMs = isNew ? SIGNALS_IDLE_MS : SIGNALS_QUIET_MS;
  if (interesting || Math.abs(now - mine.signalsAt) >= restMs) {
    const read = await ports.signals.read(process);
    mine.signals = { ...read, version: read.version ?? mine.version };
    mine.signalsAt = now;
    mine.signalsHash = screen.hash;
  }
  const switchedAt = lastSwitch(activations.get(mine.pool ?? '') ?? []);
  // The newest transcript of a directory is that of its only agent.
  const isGuess = mine.signals?.isGuess === true && neighbours(process) > 0;
  const known = mine.signals === null ? null : { ...mine.signals, isGuess };
  const evidence = gatherEvidence(reading, known, screen.capturedAt, now, switchedAt);
  const { quota } = context.config;
  const stepped = stepPane(
    mine.memory,
    { paneKey: paneKey(view.identity), evidence, busy: reading.busy, at: now },
    {
      confirmPolls: quota.confirmPolls,
      confirmMinAgeMs: quota.confirmMinAgeMs,
      maxGapMs: Math.max(3 * quota.pollIntervalMs, MIN_GAP_MS),
      unknownResetLockMs: quota.unknownResetLockMs,
    },
  );
  mine.memory = stepped.memory;
  const finding: PaneFinding = {
    at: now,
    view,
    process,
    pool: mine.pool,
    notSwitchable: notSwitchable(mine, process, ports.profiles, context.config),
    reading,
    readAt: mine.readAt,
    switchedAt,
    signals: mine.signals,
    evidence,
    decision: stepped.decision,
    charge: null,
    launchedUnder: mine.launchedUnder,
    consumedBy: null,
  };
  return settleHit(ports, finding, stepped.memory.other?.since ?? now, activations, context);
}

/** Tells how many other agents write their transcripts into the directory of this one. */
function countNeighbours({ panes }: PaneSnapshot): (process: AgentProcess) => number {
  const place = ({ configDir, cwd }: AgentProcess): string => `${configDir}\n${cwd}`;
  const counts = new Map<string, number>();
  for (const { process } of panes) {
    if (process !== null) counts.set(place(process), (counts.get(place(process)) ?? 0) + 1);
  }
  return (process) => (counts.get(place(process)) ?? 1) - 1;
}

/** The adoption at the first start moved nothing. */
function lastSwitch(activations: readonly Activation[]): EpochMs | null {
  return activations.find(({ cause }) => cause !== 'adopted')?.since ?? null;
}

function notSwitchable(
  mine: WatchedPane,
  { agent, overriding, credentialsDir }: AgentProcess,
  profiles: readonly AgentProfile[],
  config: Config,
): PaneFinding['notSwitchable'] {
  const reason = profiles.find(({ kind }) => kind === agent)?.notSwitchable ?? null;
  if (reason !== null) return { reason, ownLogin: false };
  if (overriding.length > 0)
    return { reason: `its environment sets ${overriding.join(', ')}, which outranks the account link`, ownLogin: true };
  if (mine.pool === null) return { reason: "its configuration directory is no pool's link", ownLogin: true };
  const mode = config.pools.find(({ name }) => name === mine.pool)?.mode;
  if (credentialsDir !== undefined && mode !== 'secure_storage')
    return {
      reason: 'its environment moves its credentials to another directory than the one that is linked',
      ownLogin: true,
    };
  return null;
}

function launchOf(
  { startedAt }: AgentProcess,
  place: PoolPlace | null,
  activations: ReadonlyMap<string, readonly Activation[]>,
): string | null {
  if (place?.throughLink !== true) return place?.account ?? null;
  return startedUnder(startedAt, activations.get(place.pool) ?? [], place.account);
}

interface PoolPlace {
  readonly pool: string;
  /** Where the session's directory leads now. */
  readonly account: string;
  readonly throughLink: boolean;
}

async function poolOf(ports: FindPorts, process: AgentProcess, config: Config): Promise<PoolPlace | null> {
  for (const pool of config.pools) {
    if (pool.agent !== process.agent) continue;
    const place = placeOf(pool);
    // What its own environment says of its credentials holds unless the settings say otherwise.
    const told = process.credentialsDir;
    const found =
      (await ports.link.accountOf(process.configDir, place)) ??
      (told === undefined || pool.mode !== 'secure_storage'
        ? null
        : await ports.link.accountOf(told, { link: place.link, homes: place.homes }));
    // In mode `env` a session has its account's own directory; the link is only for the next launch.
    if (found !== null && found.throughLink === (pool.mode !== 'env'))
      return { pool: pool.name, account: found.account, throughLink: found.throughLink };
  }
  return null;
}
