/** Brings panes back after a swap: opens a recovery for each stopped pane and moves every open one up its ladder. */
import type { Config, PoolConfig, SwapPolicy } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { isHotSwappable, mustStopFirst } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import type { NewEvent } from '../core/events.ts';
import type { PaneIdentity, PaneView } from '../core/panes.ts';
import { paneKey } from '../core/panes.ts';
import type { ScreenReader } from '../core/screen/screen-reader.ts';
import { climb } from '../core/swap/ladder.ts';
import type { LadderAction, LadderPolicy, LadderView } from '../core/swap/ladder-step.ts';
import { belowCommand } from '../core/swap/resume-command.ts';
import { isFresh } from '../core/swap/stop.ts';
import type { RecoveryRow, SwapRow } from '../core/swap/swap.ts';
import { OPEN_RECOVERY } from '../core/swap/swap.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { wasRefused } from '../core/verdict/refused-login.ts';
import type { SessionSignals } from '../core/verdict/signals.ts';
import type { Clock, KeyResult, Keys, LocalStore, Panes, Signals, TickContext } from '../ports.ts';
import type { GuardPorts } from './guard-launch.ts';
import { guardResume } from './guard-launch.ts';

export interface RecoveryPorts extends GuardPorts {
  readonly local: LocalStore;
  readonly panes: Panes;
  readonly keys: Keys;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly readScreen: ScreenReader;
}

/** Whether the link of this recovery's swap has moved. */
type FlipOf = (row: RecoveryRow) => LadderPolicy['flip'];

/** Panes that are typed into at the same time. */
const AT_ONCE = 8;

/** Writes a recovery for each of these panes that has none in this swap yet. @returns how many were opened */
export async function openRecoveries(
  ports: Pick<RecoveryPorts, 'local' | 'clock'>,
  swap: SwapRow,
  stopped: readonly PaneFinding[],
  config: PoolConfig,
  profile: AgentProfile,
  context: TickContext,
): Promise<number> {
  if (stopped.length === 0) return 0;
  const known = new Set((await ports.local.recoveries(swap.id)).map((row) => row.id));
  // A pane that is still on a ladder is not put on a second one.
  const climbing = new Set((await ports.local.openRecoveries()).map((row) => paneKey(row.pane)));
  let opened = 0;
  for (const finding of stopped) {
    const row = newRecovery(swap, finding, stopped, config, profile, {
      config: context.config,
      now: ports.clock.now(),
    });
    if (known.has(row.id) || climbing.has(paneKey(row.pane))) continue;
    await consume(ports, swap, finding);
    await ports.local.saveRecovery(row, row.finishedAt === null ? [] : [endEvent(row, swap.pool)]);
    opened++;
  }
  return opened;
}

/** What a relaunched agent repaints is this pane's old limit, not one of the account it now runs under. */
export async function consume(
  ports: Pick<RecoveryPorts, 'local' | 'clock'>,
  swap: SwapRow,
  { view, decision, charge }: PaneFinding,
): Promise<void> {
  if (!('hit' in decision) || charge === null) return;
  const { fingerprint, window, firstSeenAt } = decision.hit;
  const pane = paneKey(view.identity);
  const { account } = charge;
  const lastSeenAt = ports.clock.now();
  await ports.local.saveHit({
    fingerprint,
    pool: swap.pool,
    pane,
    account,
    window,
    firstSeenAt,
    lastSeenAt,
    swapId: swap.id,
  });
}

/** One look at, and at most one key for, each open recovery. @returns how many are still open */
export async function climbAll(
  ports: RecoveryPorts,
  rows: readonly RecoveryRow[],
  pool: string,
  profile: AgentProfile,
  failing: Set<string>,
  flipOf: FlipOf,
  context: TickContext,
): Promise<number> {
  const ordered = [...rows].sort((a, b) => Number(failing.has(a.id)) - Number(failing.has(b.id)));
  const results = await Promise.all(
    ordered.slice(0, AT_ONCE).map(async (row) => {
      try {
        const isOpen = await climbOne(ports, row, pool, profile, flipOf(row), context);
        failing.delete(row.id);
        return isOpen;
      } catch (err) {
        if (err instanceof StoreError) throw err;
        if (!failing.has(row.id))
          context.log.warn({ pool, pane: row.label, swap: row.swapId, err }, 'pane recovery step failed');
        failing.add(row.id);
        return giveUpUnseen(ports, row, pool, context);
      }
    }),
  );
  return results.filter(Boolean).length + Math.max(0, rows.length - AT_ONCE);
}

/** A pane that cannot even be looked at is handed over in the end, so that its swap ends too. */
async function giveUpUnseen(
  ports: RecoveryPorts,
  row: RecoveryRow,
  pool: string,
  context: TickContext,
): Promise<boolean> {
  const now = ports.clock.now();
  if (now < row.startedAt + context.config.switcher.timeoutMs) return true;
  const reason = 'its tmux server does not answer';
  const ended: RecoveryRow = { ...row, state: 'handed_over', stateSince: now, finishedAt: now, reason };
  await ports.local.saveRecovery(ended, [endEvent(ended, pool)]);
  return false;
}

async function climbOne(
  ports: RecoveryPorts,
  row: RecoveryRow,
  pool: string,
  profile: AgentProfile,
  flip: LadderPolicy['flip'],
  context: TickContext,
): Promise<boolean> {
  const view = await ports.panes.observe(row.pane, context.signal);
  const now = ports.clock.now();
  const step = climb(row, await look(ports, row, view, profile), now, {
    verifyTimeoutMs: context.config.switcher.verifyTimeoutMs,
    exitGraceMs: context.config.switcher.exitGraceMs,
    submitDelayMs: context.config.tmux.submitDelayMs,
    deadlineAt: row.startedAt + context.config.switcher.timeoutMs,
    profile,
    flip,
  });
  if (context.signal.aborted) return true;
  if (step.row !== row) {
    const ended = step.row.finishedAt !== null;
    await ports.local.saveRecovery(step.row, ended ? [endEvent(step.row, pool)] : []);
    if (ended) {
      const { label, state, recoveredBy, reason } = step.row;
      context.log.info(
        { pool, pane: label, swap: row.swapId, state, recoveredBy, reason, afterMs: now - row.startedAt },
        'pane recovery ended',
      );
    }
  }
  const isRelaunched = step.row.state === 'relaunching' && row.state !== 'relaunching';
  if (isRelaunched && row.launch !== null && view !== null)
    await guardResume(ports, view.sessionName, row.launch, context);
  const result = await carryOut(ports.keys, row.pane, step.action, context.signal);
  if (result.kind !== 'sent')
    context.log.warn({ pool, pane: row.label, key: step.action.kind, reason: result.reason }, 'key was not sent');
  return OPEN_RECOVERY.includes(step.row.state);
}

async function carryOut(keys: Keys, pane: PaneIdentity, action: LadderAction, signal: AbortSignal): Promise<KeyResult> {
  switch (action.kind) {
    case 'none':
      return { kind: 'sent' };
    case 'paste':
      return keys.paste(pane, action.text, signal);
    case 'press':
      return keys.press(pane, action.key, signal);
  }
}

async function look(
  ports: RecoveryPorts,
  row: RecoveryRow,
  view: PaneView | null,
  profile: AgentProfile,
): Promise<LadderView> {
  const process = view?.process ?? null;
  let signals: SessionSignals | null = null;
  if (process !== null) signals = await ports.signals.read(process);
  else if (row.launch !== null && row.sessionId !== null) {
    const configDir = row.launch.configDir;
    if (configDir !== null) signals = await ports.signals.readSession(configDir, row.launch.cwd, row.sessionId);
  }
  const screen = process === null ? null : (view?.screen ?? null);
  return {
    present: view !== null && !view.dead,
    agent: process?.agent === profile.kind ? process : null,
    reading:
      screen === null
        ? null
        : ports.readScreen(belowCommand(screen.text, row, profile), ports.clock.now(), profile.kind),
    shellInFront: view?.shellInFront ?? false,
    screenText: view?.screen?.text ?? null,
    screenChangedAt: screen?.changedAt ?? null,
    inMode: view?.inMode ?? false,
    clientActivityAt: view?.clientActivityAt ?? null,
    transcript: signals?.transcript ?? signals?.rollout ?? null,
    isGuess: signals?.isGuess ?? false,
    cwd: view?.cwd ?? '',
  };
}

/** @param all  the panes that are brought back together: two of them may seem to have the same session */
export function newRecovery(
  swap: Pick<SwapRow, 'id' | 'from' | 'to' | 'trigger'>,
  finding: PaneFinding,
  all: readonly PaneFinding[],
  config: PoolConfig,
  profile: AgentProfile,
  { config: current, now }: Pick<TickContext, 'config' | 'now'>,
): RecoveryRow {
  const { view, process, signals } = finding;
  const policy = swapPolicyOf(view.sessionName, current);
  const version = signals?.version ?? null;
  const isIdle = !('hit' in finding.decision) && !goesOnElsewhere(finding, swap, current);
  const row: RecoveryRow = {
    id: `${swap.id}/${paneKey(view.identity)}`,
    swapId: swap.id,
    pane: view.identity,
    label: view.label,
    sessionId: claimedTwice(finding, all) ? null : (signals?.sessionId ?? null),
    version,
    launch: {
      argv: process.argv,
      ...(process.argumentsLost === true ? { argumentsLost: true } : {}),
      ...(mustStopFirst(profile, version) ? { stopFirst: true } : {}),
      ...(isIdle ? { wasIdle: true } : {}),
      ...(finding.reading.finding?.class === 'quota' ? { limitStood: true } : {}),
      ...(isFresh(finding) ? { isFresh: true } : {}),
      cwd: process.cwd,
      configDir: launchDirectory(finding, config, swap.to),
      pid: process.pid,
      startTicks: process.startTicks,
    },
    state: 'waiting',
    stateSince: now,
    startedAt: now,
    finishedAt: null,
    promptedAt: null,
    enters: 0,
    prompts: 0,
    recoveredBy: null,
    reason: null,
  };
  if (policy === 'resume') return row;
  return { ...row, state: 'handed_over', finishedAt: now, reason: `swap_policy: ${policy}` };
}

/**
 * Its login was refused, for which this swap left the account, and it is to be told to go on. Where tasks are done the queue
 * has seen the failure, and tries the task again by itself.
 */
export function goesOnElsewhere(
  finding: PaneFinding,
  swap: Pick<SwapRow, 'from' | 'trigger'>,
  config: Config,
): boolean {
  const { sessionName } = finding.view;
  const { autonomous, dedicated } = config.sessions;
  const isForTasks =
    autonomous.names.includes(sessionName) ||
    dedicated.some(({ name, acceptTasks }) => name === sessionName && acceptTasks);
  return !isForTasks && wasRefused(finding, swap);
}

/** What the variable of the configuration directory is set to for a new start; null: it is not set, as before. */
function launchDirectory({ process }: PaneFinding, config: PoolConfig, to: string): string | null {
  switch (config.mode) {
    case 'env':
      return config.accounts.find(({ name }) => name === to)?.home ?? null;
    // Only what the process itself had set: without the variable the CLI's default is the link already.
    case 'config_dir':
      return process.configDirIsSet ? config.link : null;
    case 'secure_storage':
    case 'file_link':
      return process.configDirIsSet ? process.configDir : null;
  }
}

/** Old versions keep no registry, so two panes in one directory may be given the same session: then neither is resumed by id. */
function claimedTwice(finding: PaneFinding, all: readonly PaneFinding[]): boolean {
  const id = finding.signals?.sessionId ?? null;
  return id !== null && all.some((other) => other !== finding && other.signals?.sessionId === id);
}

function swapPolicyOf(session: string, config: Config): SwapPolicy {
  if (config.sessions.autonomous.names.includes(session)) return 'resume';
  const configured = config.sessions.dedicated.find((candidate) => candidate.name === session);
  return configured?.swapPolicy ?? config.watch.adopted.swapPolicy;
}

/** Whether a stopped pane of this finding would go on by itself once the link has moved. */
export function isHot(finding: PaneFinding, profile: AgentProfile): boolean {
  return isHotSwappable(profile, finding.signals?.version ?? null);
}

function endEvent(row: RecoveryRow, pool: string): NewEvent {
  const type = row.state === 'recovered' ? 'session_recovered' : 'session_handed_over';
  return {
    type,
    pool,
    pane: row.label,
    swap: row.swapId,
    data: {
      by: row.recoveredBy,
      reason: row.reason,
      state: row.state,
      afterMs: (row.finishedAt ?? row.startedAt) - row.startedAt,
    },
  };
}

/** What the swap's summary says of a pane. */
export function paneResult(row: RecoveryRow): Readonly<Record<string, unknown>> {
  return {
    pane: row.label,
    state: row.state,
    recoveredBy: row.recoveredBy,
    afterMs: row.finishedAt === null ? null : row.finishedAt - row.startedAt,
    reason: row.reason,
  };
}
