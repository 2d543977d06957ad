/** What the evidence says of a task under way: done, failed, to be put back, or still at work, and in which condition. */
import type { Reading } from '../screen/finding.ts';
import type { RecoveryRow } from '../swap/swap.ts';
import { OPEN_RECOVERY } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import { formatDuration } from '../time.ts';
import type { AssistantRow } from '../verdict/signals.ts';
import type { SignalReading } from './signal.ts';
import { readSignal } from './signal.ts';
import { stillness } from './still.ts';
import { errorSince, isRejected, toldByFiles, turnSince } from './turn-end.ts';
import type { AgentId, Judgement, JudgePolicy, PaneFacts, Seen, Watch, WorkFacts, WorkingTask } from './work.ts';
import { working } from './work.ts';

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
  return stillness(busy, pane, facts, now, policy);
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

function agentError(row: AssistantRow, also: readonly Seen[]): Judgement {
  const seen: Seen = { source: 'transcript', at: row.at, detail: `${row.kind}: ${row.text}` };
  const reason = `its turn ended with an error: ${row.text.slice(0, 200)}`;
  return { kind: 'failed', error: 'agent_error', completion: 'transcript', reason, seen: [seen, ...also] };
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

function screenSeen(reading: Reading, now: EpochMs, polls = 1): Seen {
  const line = reading.composer?.text === '' ? 'an empty input line and no turn' : 'no turn is running';
  return { source: 'screen', at: now, detail: polls === 1 ? line : `${line}, ${polls} looks in a row` };
}
