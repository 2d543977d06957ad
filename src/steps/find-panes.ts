/** Judges every pane of a snapshot: reading, evidence, decision, and the account that is charged. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import type { PaneSnapshot, PaneView } from '../core/panes.ts';
import { paneKey } from '../core/panes.ts';
import { applyLimitHit, isSameLimit } from '../core/quota/record.ts';
import { snippet } from '../core/redact.ts';
import type { Reading } from '../core/screen/finding.ts';
import type { ScreenReader } from '../core/screen/screen-reader.ts';
import type { Activation, SwapRow } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import { MINUTE, SECOND } from '../core/time.ts';
import { chargeTurn } from '../core/verdict/attribute.ts';
import type { Hit, PaneMemory } from '../core/verdict/confirm.ts';
import { FRESH_PANE, stepPane } from '../core/verdict/confirm.ts';
import { gatherEvidence } from '../core/verdict/evidence.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { SessionSignals } from '../core/verdict/signals.ts';
import type { Board, Clock, Signals, TickContext } from '../ports.ts';
import { isModelOnly, profileOf } from './config-policy.ts';
import type { PoolReaders } from './read-pool.ts';
import { placeOf, readAccount } from './read-pool.ts';
import { isHot } from './recover-panes.ts';
import { reportFinding } from './report-finding.ts';

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
  const rows = new Map((await sessionsOnce(ports, watched, snapshot)).map((row) => [row.id, row]));

  for (const view of snapshot.panes) {
    const key = paneKey(view.identity);
    const process = view.process;
    // Without an agent in front there is nothing to judge; and a poll that saw nothing neither confirms nor clears.
    if (process === null || !process.foreground || view.dead || view.screen === null) continue;
    const identity = `${process.pid}.${process.startTicks}`;
    let mine = watched.get(key);
    if (mine === undefined || mine.process !== identity) {
      const pool = await poolOf(ports, process.configDir, context.config);
      const row = rows.get(key);
      const known = row !== undefined && row.agentPid === process.pid && row.agentStartTicks === process.startTicks;
      mine = {
        // A restarted agent in the same pane keeps what its screen may still show from before.
        memory: mine?.memory ?? FRESH_PANE,
        hash: null,
        reading: null,
        signals: null,
        signalsAt: 0,
        signalsHash: null,
        version: null,
        pool: pool?.pool ?? null,
        process: identity,
        launchedUnder: known ? row.launchedUnder : (pool?.account ?? null),
        said: '',
      };
      watched.set(key, mine);
    }
    const last = before.get(key);
    if (!view.observed) {
      if (last !== undefined) findings.set(key, last);
      continue;
    }
    if (last !== undefined && standsStill(mine, last, view, ports.clock.now())) {
      const at = ports.clock.now();
      mine.memory = { ...mine.memory, lastObservedAt: at, lastClearAt: at };
      findings.set(key, { ...last, at, view });
      continue;
    }
    // A link that was broken when the pane was first seen may have been mended since.
    mine.pool ??= (await poolOf(ports, process.configDir, context.config))?.pool ?? null;
    try {
      const finding = await findOne(ports, mine, view, activations, context);
      findings.set(key, finding);
      mine.said = await reportFinding(ports.local, mine.said, finding, context);
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

/** The session rows are only needed when a pane is new. */
async function sessionsOnce(ports: FindPorts, watched: ReadonlyMap<string, WatchedPane>, snapshot: PaneSnapshot) {
  const isNew = snapshot.panes.some((view) => view.process !== null && !watched.has(paneKey(view.identity)));
  return isNew ? ports.local.sessions() : [];
}

async function findOne(
  ports: FindPorts,
  mine: WatchedPane,
  view: PaneView,
  activations: ReadonlyMap<string, readonly Activation[]>,
  context: TickContext,
): Promise<PaneFinding> {
  const now = ports.clock.now();
  const { screen, process } = view;
  if (screen === null || process === null) throw new Error('a pane without a screen or an agent cannot be judged');
  if (mine.reading === null || mine.hash !== screen.hash) {
    mine.reading = ports.readScreen(screen.text, now);
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
    (isNew && !reading.busy);
  const restMs = isNew ? SIGNALS_IDLE_MS : SIGNALS_QUIET_MS;
  if (interesting || Math.abs(now - mine.signalsAt) >= restMs) {
    const read = await ports.signals.read(process);
    mine.signals = { ...read, version: read.version ?? mine.version };
    mine.signalsAt = now;
    mine.signalsHash = screen.hash;
  }
  const evidence = gatherEvidence(reading, mine.signals, screen.capturedAt, now);
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
    notSwitchable: notSwitchable(mine, process.overriding),
    reading,
    signals: mine.signals,
    evidence,
    decision: stepped.decision,
    charge: null,
    launchedUnder: mine.launchedUnder,
    consumedBy: null,
  };
  return settleHit(ports, finding, stepped.memory.other?.since ?? now, activations, context);
}

/**
 * Charges the hit, keeps the account's record and finds out whether this very hit already caused a swap.
 *
 * @param otherSince  since when a wall of another class stands there
 */
async function settleHit(
  ports: FindPorts,
  finding: PaneFinding,
  otherSince: EpochMs,
  activations: ReadonlyMap<string, readonly Activation[]>,
  context: TickContext,
): Promise<PaneFinding> {
  const { decision, pool } = finding;
  const config = context.config.pools.find((candidate) => candidate.name === pool);
  if (config === undefined) return finding;
  if (decision.kind === 'clear') {
    await forgetHits(ports, finding, config.name);
    return finding;
  }
  const hit = 'hit' in decision ? decision.hit : null;
  const charge = chargeTurn({
    followsLink: isHot(finding, profileOf(ports.profiles, config)),
    turnAt: hit === null ? (decision.kind === 'other' ? decision.turnAt : null) : hit.turnAt,
    processStartedAt: finding.process.startedAt,
    firstSeenAt: hit?.firstSeenAt ?? otherSince,
    launchedUnder: finding.launchedUnder,
    activations: activations.get(config.name) ?? [],
  });
  if (charge === null) return finding;
  const charged = { ...finding, charge };
  if (decision.kind === 'other' && decision.class === 'auth') {
    // Seen for the first time: the file may tell more, and at once.
    if (otherSince === finding.at) ports.board.wake('credentials');
    if (decision.lasting) await benchForLogin(ports, charged, otherSince, config);
  }
  if (hit === null) return charged;

  const earlier = await ports.local.hit(hit.fingerprint);
  const swap = earlier?.swapId == null ? null : await ports.local.swap(earlier.swapId);
  const consumedBy = swap !== null && hasConsumed(swap, hit) ? swap.id : null;
  if (decision.kind === 'confirmed' && consumedBy === null && !isModelOnly(hit, context.config)) {
    await recordLimit(ports, hit, charge.account, context);
  }
  return { ...charged, consumedBy };
}

/** Whether this swap was the answer to this hit: not when it did not happen, and not to the same words said again later. */
function hasConsumed(swap: SwapRow, hit: Hit): boolean {
  const movedAt = swap.trigger === 'reset' ? swap.startedAt : swap.flippedAt;
  if (movedAt === null || swap.phase === 'failed' || swap.phase === 'partial') return false;
  if (swap.resetAt !== null && swap.resetAt <= hit.firstSeenAt) return false;
  return !(hit.turnSeen && (hit.turnAt ?? 0) > movedAt);
}

async function recordLimit(ports: FindPorts, hit: Hit, account: string, context: TickContext): Promise<void> {
  const now = ports.clock.now();
  const source = hit.structured ? 'transcript' : 'banner';
  await ports.shared.mergeQuota(account, hit.window, (current) => {
    const next = applyLimitHit(
      current,
      { account, window: hit.window, resetAt: hit.resetAt, source, at: hit.turnAt ?? hit.firstSeenAt },
      now,
      context.config.quota.unknownResetLockMs,
    );
    // The same limit seen again is no news.
    return isSameLimit(current, next) ? current : next;
  });
}

/** A pane whose text was absent for a poll may report the same words again. While it is being restarted it proves nothing. */
async function forgetHits(ports: FindPorts, finding: PaneFinding, pool: string): Promise<void> {
  if (finding.decision.kind !== 'clear' || !finding.decision.wasBanner) return;
  const key = paneKey(finding.view.identity);
  const open = await ports.local.openRecoveries();
  if (open.some((row) => paneKey(row.pane) === key)) return;
  for (const hit of await ports.local.hits(pool)) if (hit.pane === key) await ports.local.dropHit(hit.fingerprint);
}

/** A lasting login wall makes the account ineligible until its credentials file changes. */
async function benchForLogin(
  ports: FindPorts,
  finding: PaneFinding,
  since: EpochMs,
  config: PoolConfig,
): Promise<void> {
  const account = finding.charge?.account;
  if (account === undefined || !config.accounts.some(({ name }) => name === account)) return;
  // Read anew before it is judged: another process may have logged in, or renewed the login.
  const facts = await readAccount(ports, config, account, profileOf(ports.profiles, config), ports.clock.now());
  if (facts.row?.status !== 'active') return;
  // A wall that is older than the login proves nothing about it: somebody logged in since.
  const row = finding.signals?.transcript?.lastAssistant;
  const wallAt = row?.kind === 'auth' ? row.at : since;
  if ((facts.home?.credentialsMtimeMs ?? 0) > wallAt) return;
  const text = snippet(finding.evidence.text, 120);
  const mtimeMs = facts.home?.credentialsMtimeMs ?? null;
  if (!(await ports.shared.moveStatus(account, 'active', 'expired', text, mtimeMs))) return;
  await ports.local.append(
    [
      {
        type: 'login_needed',
        account,
        pane: finding.view.label,
        ...(finding.pool === null ? {} : { pool: finding.pool }),
        data: { detail: text, reason: 'a login is needed: log in to this account again' },
      },
    ],
    ports.clock.now(),
  );
}

function notSwitchable(mine: WatchedPane, overriding: readonly string[]): PaneFinding['notSwitchable'] {
  if (overriding.length > 0)
    return { reason: `its environment sets ${overriding.join(', ')}, which outranks the account link` };
  if (mine.pool === null) return { reason: "its configuration directory is no pool's link" };
  return null;
}

async function poolOf(
  ports: FindPorts,
  configDir: string,
  config: Config,
): Promise<{ pool: string; account: string } | null> {
  for (const pool of config.pools) {
    const found = await ports.link.accountOf(configDir, placeOf(pool));
    if (found?.throughLink === true) return { pool: pool.name, account: found.account };
  }
  return null;
}
