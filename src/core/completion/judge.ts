/** What the evidence says of a task under way: done, failed, to be put back, or still at work, and in which condition. */
import type { TaskCompletion } from '../queue/task.ts';
import type { Reading } from '../screen/finding.ts';
import type { RecoveryRow } from '../swap/swap.ts';
import { OPEN_RECOVERY } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import { formatDuration, MINUTE } from '../time.ts';
import type { AssistantRow, SessionSignals } from '../verdict/signals.ts';
import type { SignalFile, SignalledTask, SignalReading } from './signal.ts';
import { readSignal } from './signal.ts';

export interface WorkingTask extends SignalledTask {
  readonly timeoutMs: number;
  /** The agent that was given the task. */
  readonly agent: AgentId;
}

interface AgentId {
  readonly pid: number;
  readonly startTicks: string;
}

/** What is remembered of a task under way between two looks, and survives a restart. */
export interface Watch {
  /** Looks in a row that found it idle. */
  readonly idlePolls: number;
  readonly polledAt: EpochMs | null;
  /** What its screen showed, without what moves by itself; and since when. */
  readonly stillKey: string | null;
  readonly stillSince: EpochMs;
  /** Since when it stands at a limit or is on its way to another account; null: it does not. */
  readonly heldSince: EpochMs | null;
  /** Time it stood so before: it does not count for the time-out. */
  readonly heldMs: number;
  /** The agent that works on it now, when a swap started it anew. */
  readonly agent: AgentId | null;
}

export interface WorkFacts {
  readonly signal: SignalFile | null;
  /** Where the task's file was found when it is not where the claim put it. */
  readonly moved: 'done' | 'failed' | null;
  /** The session's pane; null: it is known to be gone. `unseen`: its server did not answer, nothing is known. */
  readonly pane: PaneFacts | 'unseen' | null;
  /** What the swaps did with this pane since the task was typed; newest first. */
  readonly recoveries: readonly RecoveryRow[];
  /** When the agent last gave a sign of life in `status.json`; null: never. */
  readonly heartbeatAt: EpochMs | null;
}

export interface PaneFacts {
  /** The agent in the pane; null: none runs. */
  readonly agent: AgentId | null;
  readonly reading: Reading | null;
  readonly signals: SessionSignals | null;
  /** A limit is confirmed or suspected there; `model`: one that no swap helps. */
  readonly limit: 'account' | 'model' | null;
  readonly screenText: string;
}

export interface JudgePolicy {
  /** Between two looks that count. */
  readonly intervalMs: number;
  readonly idlePolls: number;
  readonly minRuntimeMs: number;
  readonly stallAfterMs: number;
  readonly stallKillAfterMs: number;
}

/** One thing that was seen, for the record. */
export interface Seen {
  readonly source: 'signal' | 'file' | 'hook' | 'transcript' | 'screen' | 'clock' | 'process' | 'swap';
  readonly at: EpochMs | null;
  readonly detail: string;
}

export type Judgement =
  | {
      readonly kind: 'working';
      readonly condition: 'working' | 'held' | 'blocked' | 'stalled';
      readonly detail: string | null;
      readonly watch: Watch;
    }
  | {
      readonly kind: 'done';
      readonly completion: TaskCompletion;
      readonly summary: string | null;
      readonly seen: readonly Seen[];
    }
  | {
      readonly kind: 'failed';
      readonly error: 'agent_error' | 'timeout' | 'session_died';
      readonly completion: TaskCompletion | null;
      readonly reason: string;
      readonly seen: readonly Seen[];
    }
  /** Put back without using up an attempt: the session was stopped for a swap and did not come back. */
  | { readonly kind: 'requeue'; readonly reason: string; readonly seen: readonly Seen[] };

export function newWatch(now: EpochMs): Watch {
  return { idlePolls: 0, polledAt: null, stillKey: null, stillSince: now, heldSince: null, heldMs: 0, agent: null };
}

/** Better evidence first: what the agent says itself, what its own files say, what its screen shows, the clock. */
export function judge(task: WorkingTask, watch: Watch, facts: WorkFacts, now: EpochMs, policy: JudgePolicy): Judgement {
  const { pane } = facts;
  const signal = facts.signal === null ? null : readSignal(facts.signal, task);
  const told = ended(task, signal, facts);
  if (told !== null) return withCoinciding(told, task, facts, now);
  if (pane === 'unseen') return working(watch, 'working', 'its tmux server does not answer');

  const recovery = facts.recoveries[0] ?? null;
  if (recovery !== null && OPEN_RECOVERY.includes(recovery.state)) {
    return working(hold(watch, now), 'held', 'its session is being brought back after a swap');
  }
  if (pane === null) return gone(recovery, 'its session is gone');
  const current = agentOf(task, watch, recovery, pane);
  if (pane.agent === null || !isSame(pane.agent, current)) {
    return gone(recovery, pane.agent === null ? 'its agent has ended' : 'another agent runs in its pane');
  }
  const mine = { ...watch, agent: isSame(current, task.agent) ? null : current };
  if (pane.limit === 'model') {
    const seen: Seen = { source: 'screen', at: now, detail: pane.reading?.finding?.text ?? 'a limit of its model' };
    const reason = 'its model has reached a limit that no other account helps';
    return { kind: 'failed', error: 'agent_error', completion: null, reason, seen: [seen] };
  }
  if (pane.limit !== null || isRejected(pane.signals, turnSince(task, facts))) {
    if (recovery !== null && recovery.state !== 'recovered')
      return requeue(recovery, `its session was handed over: ${recovery.reason ?? 'no reason given'}`);
    return working(hold(mine, now), 'held', 'it stands at a limit');
  }
  const released = letGo(mine, now);
  return atWork(task, released, pane, facts, now, policy);
}

function atWork(
  task: WorkingTask,
  watch: Watch,
  pane: PaneFacts,
  facts: WorkFacts,
  now: EpochMs,
  policy: JudgePolicy,
): Judgement {
  const { reading, signals } = pane;
  const since = turnSince(task, facts);
  const isIdle = reading !== null && !reading.busy && reading.dialog === null && reading.composer?.text === '';
  const ranMs = now - since;
  if (isIdle) {
    const failure = errorSince(signals, since);
    // An error row may be followed by the CLI's own next try: it must have stood there for a look or two.
    const looked = look(watch, now, policy);
    const isSettled = looked.idlePolls >= policy.idlePolls;
    if (failure !== null && isSettled) return agentError(failure, [screenSeen(reading, now)]);
    if (failure === null) {
      const told = toldByFiles(signals, since);
      if (told !== null) {
        return {
          kind: 'done',
          completion: told.completion,
          summary: null,
          seen: [told.seen, screenSeen(reading, now)],
        };
      }
      // Words of a limit that nothing confirms are still no end of work.
      if (isSettled && ranMs >= policy.minRuntimeMs && reading.finding?.class !== 'quota')
        return {
          kind: 'done',
          completion: 'inferred',
          summary: null,
          seen: [screenSeen(reading, now, looked.idlePolls)],
        };
    }
    return overtime(task, looked, now) ?? working(looked, 'working', null);
  }
  const busy = { ...watch, idlePolls: 0, polledAt: null };
  const late = overtime(task, busy, now);
  if (late !== null) return late;
  if (reading?.dialog != null) return working(busy, 'blocked', reading.dialog.text);
  return stalled(busy, pane, facts, now, policy);
}

/** The agent itself says that it has ended. */
function ended(task: WorkingTask, signal: SignalReading | null, facts: WorkFacts): Judgement | null {
  if (signal?.kind === 'signal') {
    const seen: Seen = {
      source: 'signal',
      at: facts.signal?.at ?? null,
      detail: `${signal.status}: ${signal.summary ?? ''}`,
    };
    if (signal.status === 'done') return { kind: 'done', completion: 'signal', summary: signal.summary, seen: [seen] };
    const reason = signal.summary ?? 'the agent said that it cannot be done';
    return { kind: 'failed', error: 'agent_error', completion: 'signal', reason, seen: [seen] };
  }
  if (facts.moved === null) return null;
  const seen: Seen = { source: 'file', at: null, detail: `${task.taskId} was moved to ${facts.moved}/` };
  if (facts.moved === 'done') return { kind: 'done', completion: 'agent_moved', summary: null, seen: [seen] };
  const reason = 'the agent moved the task to failed/';
  return { kind: 'failed', error: 'agent_error', completion: 'agent_moved', reason, seen: [seen] };
}

/** What else says the same at that moment is written down too; it is delivered once. */
function withCoinciding(judgement: Judgement, task: WorkingTask, facts: WorkFacts, now: EpochMs): Judgement {
  if (judgement.kind === 'working' || facts.pane === null || facts.pane === 'unseen') return judgement;
  const also = toldByFiles(facts.pane.signals, turnSince(task, facts));
  const idle = facts.pane.reading !== null && !facts.pane.reading.busy ? [screenSeen(facts.pane.reading, now)] : [];
  const seen = [...judgement.seen, ...(also === null ? [] : [also.seen]), ...idle];
  return { ...judgement, seen };
}

/** The CLI's hook or its transcript says that the turn has ended well. */
function toldByFiles(
  signals: SessionSignals | null,
  since: EpochMs,
): { readonly completion: 'hook' | 'transcript'; readonly seen: Seen } | null {
  const hook = signals?.hook ?? null;
  if (hook !== null && hook.event === 'Stop' && hook.at > since)
    return { completion: 'hook', seen: { source: 'hook', at: hook.at, detail: hook.id } };
  const last = lastRow(signals);
  const entry = signals?.entry ?? null;
  // The registry says idle, and has said so only since the last answer was written.
  const isIdle = entry?.status === 'idle' && (entry.updatedAt ?? 0) >= (last?.at ?? 0) - CLOCKS_MS;
  if (last === null || last.kind !== 'answer' || last.at <= since || !isIdle) return null;
  const prompts = signals?.transcript?.prompts ?? [];
  // A prompt that nothing has answered yet: the turn goes on.
  if (prompts.some((prompt) => prompt.at > last.at)) return null;
  return { completion: 'transcript', seen: { source: 'transcript', at: last.at, detail: last.id } };
}

/** Rows and registry are written by one program, but not in one step. */
const CLOCKS_MS = 1000;

/** The turn ended with an error that is no limit. */
function errorSince(signals: SessionSignals | null, since: EpochMs): AssistantRow | null {
  const last = lastRow(signals);
  return last !== null && last.at > since && last.kind !== 'answer' && last.kind !== 'rejected' ? last : null;
}

function isRejected(signals: SessionSignals | null, since: EpochMs): boolean {
  const last = lastRow(signals);
  return last !== null && last.at > since && last.kind === 'rejected';
}

function lastRow(signals: SessionSignals | null): AssistantRow | null {
  if (signals === null || signals.isGuess) return null;
  return (signals.transcript ?? signals.rollout ?? null)?.lastAssistant ?? null;
}

function agentError(row: AssistantRow, also: readonly Seen[]): Judgement {
  const seen: Seen = { source: 'transcript', at: row.at, detail: `${row.kind}: ${row.text}` };
  const reason = `its turn ended with an error: ${row.text.slice(0, 200)}`;
  return { kind: 'failed', error: 'agent_error', completion: 'transcript', reason, seen: [seen, ...also] };
}

/** Work that a swap interrupted began again when its session was brought back. */
function turnSince(task: WorkingTask, { recoveries }: WorkFacts): EpochMs {
  const back = recoveries.find(({ state, promptedAt }) => state === 'recovered' && promptedAt !== null);
  return Math.max(task.startedAt, back?.promptedAt ?? 0);
}

/** Counts one look at an idle pane; looks that follow too soon upon each other are one. */
function look(watch: Watch, now: EpochMs, policy: JudgePolicy): Watch {
  const { polledAt } = watch;
  if (polledAt !== null && Math.abs(now - polledAt) < policy.intervalMs) return watch;
  return { ...watch, idlePolls: watch.idlePolls + 1, polledAt: now };
}

function overtime(task: WorkingTask, watch: Watch, now: EpochMs): Judgement | null {
  const workedMs = now - task.startedAt - watch.heldMs;
  if (workedMs < task.timeoutMs) return null;
  const reason = `it did not end within ${formatDuration(task.timeoutMs)}`;
  const seen: Seen = { source: 'clock', at: now, detail: `worked for ${formatDuration(workedMs)}` };
  return { kind: 'failed', error: 'timeout', completion: 'timeout', reason, seen: [seen] };
}

/** Nothing moved on its screen and in its heartbeat. */
function stalled(watch: Watch, pane: PaneFacts, facts: WorkFacts, now: EpochMs, policy: JudgePolicy): Judgement {
  const key = stillKey(pane.screenText);
  const heartbeatAt = facts.heartbeatAt !== null && facts.heartbeatAt <= now + MINUTE ? facts.heartbeatAt : 0;
  const isStill = key === watch.stillKey && watch.stillSince <= now;
  const since = isStill ? Math.max(watch.stillSince, heartbeatAt) : now;
  const next = { ...watch, stillKey: key, stillSince: since };
  const stillMs = now - since;
  if (stillMs < policy.stallAfterMs) return working(next, 'working', null);
  const detail = `nothing has moved for ${formatDuration(stillMs)}`;
  if (stillMs < policy.stallAfterMs + policy.stallKillAfterMs) return working(next, 'stalled', detail);
  const seen: Seen = { source: 'screen', at: since, detail };
  return {
    kind: 'failed',
    error: 'session_died',
    completion: null,
    reason: `${detail}; its session is started anew`,
    seen: [seen],
  };
}

/** What a screen shows, but for the figures and marks that move while nothing happens. */
export function stillKey(text: string): string {
  let hash = 0x811c9dc5;
  for (const sign of text.replace(/[\d·✢✳✶✻✽∗*⠀-⣿]+/g, '').replace(/\s+/g, ' ')) {
    hash = Math.imul(hash ^ (sign.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16);
}

/** A swap that stopped it has to answer for what became of it; else it died. */
function gone(recovery: RecoveryRow | null, what: string): Judgement {
  if (recovery !== null && recovery.state !== 'recovered') return requeue(recovery, what);
  const seen: Seen = { source: 'process', at: null, detail: what };
  return { kind: 'failed', error: 'session_died', completion: null, reason: what, seen: [seen] };
}

function requeue(recovery: RecoveryRow, reason: string): Judgement {
  const seen: Seen = {
    source: 'swap',
    at: recovery.finishedAt,
    detail: `${recovery.id}: ${recovery.state}, ${recovery.reason ?? ''}`,
  };
  return { kind: 'requeue', reason, seen: [seen] };
}

/** A session that a swap restarted has a new agent, which goes on with the same task. */
function agentOf(task: WorkingTask, watch: Watch, recovery: RecoveryRow | null, pane: PaneFacts): AgentId {
  const known = watch.agent ?? task.agent;
  const isRestarted = recovery?.state === 'recovered' && recovery.recoveredBy === 'restart';
  const wasItsOwn =
    isRestarted && recovery.launch?.pid === known.pid && recovery.launch.startTicks === known.startTicks;
  return wasItsOwn && pane.agent !== null ? pane.agent : known;
}

function isSame(a: AgentId, b: AgentId): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks;
}

function hold(watch: Watch, now: EpochMs): Watch {
  return { ...watch, idlePolls: 0, polledAt: null, stillKey: null, stillSince: now, heldSince: watch.heldSince ?? now };
}

function letGo(watch: Watch, now: EpochMs): Watch {
  if (watch.heldSince === null) return watch;
  return { ...watch, heldSince: null, heldMs: watch.heldMs + Math.max(0, now - watch.heldSince) };
}

function working(
  watch: Watch,
  condition: 'working' | 'held' | 'blocked' | 'stalled',
  detail: string | null,
): Judgement {
  return { kind: 'working', condition, detail, watch };
}

function screenSeen(reading: Reading, now: EpochMs, polls = 1): Seen {
  const line = reading.composer?.text === '' ? 'an empty input line and no turn' : 'no turn is running';
  return { source: 'screen', at: now, detail: polls === 1 ? line : `${line}, ${polls} looks in a row` };
}
