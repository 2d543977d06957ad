/** What becomes of a task under way: which evidence ends it, what holds it, and that a coincidence ends it once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge } from '../../../src/core/completion/judge.ts';
import { stillKey } from '../../../src/core/completion/still.ts';
import type {
  Judgement,
  JudgePolicy,
  PaneFacts,
  Watch,
  WorkFacts,
  WorkingTask,
} from '../../../src/core/completion/work.ts';
import { newWatch } from '../../../src/core/completion/work.ts';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import type { HookRecord, SessionEntry, SessionSignals } from '../../../src/core/verdict/signals.ts';
import {
  aFinding,
  aPrompt,
  aReading,
  aRecovery,
  aRejection,
  aRow,
  aTranscript,
  NOON,
  PROPERTY_TIMEOUT_MS,
  RUNS,
  SESSION_ID,
  signalsOf,
} from '../../support/builders.ts';

const AGENT = { pid: 30, startTicks: '300' };
const TASK: WorkingTask = { id: 'house:door', taskId: 'door', startedAt: NOON, timeoutMs: HOUR, agent: AGENT };
const POLICY: JudgePolicy = {
  intervalMs: 30 * SECOND,
  idlePolls: 2,
  minRuntimeMs: 20 * SECOND,
  stallAfterMs: 10 * MINUTE,
  stallKillAfterMs: 20 * MINUTE,
};
const BUSY = aReading({ busy: true });

function aPane(change: Partial<PaneFacts> = {}): PaneFacts {
  return { agent: AGENT, reading: aReading(), signals: null, limit: null, screenText: 'work 1', ...change };
}

function facts(pane: WorkFacts['pane'], change: Partial<WorkFacts> = {}): WorkFacts {
  return { signal: null, moved: null, pane, recoveries: [], heartbeatAt: null, ...change };
}

function look(pane: WorkFacts['pane'], change: Partial<WorkFacts> = {}, seconds = 60, watch: Partial<Watch> = {}) {
  return judge(TASK, { ...newWatch(NOON), ...watch }, facts(pane, change), NOON + seconds * SECOND, POLICY);
}

const told = (judgement: Judgement): string => {
  if (judgement.kind === 'working') return judgement.condition;
  if (judgement.kind === 'failed') return judgement.error;
  return judgement.kind === 'done' ? `done by ${judgement.completion}` : judgement.kind;
};

const signalled = (text: string, at = NOON + MINUTE) => ({ signal: { at, text } });
const hooked = (event: HookRecord['event'], at: number): SessionSignals => ({
  ...signalsOf(null),
  hook: { id: `${event}@${at}`, event, at, sessionId: SESSION_ID, error: null, details: null, text: null },
});
const entry = (status: SessionEntry['status'], updatedAt = NOON + 31 * SECOND): SessionEntry => ({
  pid: 30,
  sessionId: SESSION_ID,
  cwd: '/p',
  version: '2.1.328',
  status,
  updatedAt,
});
const answered = aTranscript({ lastAssistant: aRow({ at: NOON + 30 * SECOND }), prompts: [aPrompt(NOON)] });
const written = (
  transcript: SessionSignals['transcript'],
  status: SessionEntry['status'] = 'idle',
): SessionSignals => ({
  ...signalsOf(transcript),
  entry: entry(status),
});
/** One look at an idle pane came before. */
const looked = { idlePolls: 1, polledAt: NOON + 30 * SECOND } as const;

describe('a task is done', () => {
  test.each<[string, WorkFacts['pane'], Partial<WorkFacts>, string]>([
    ['by its signal file, even an empty one [R65]', aPane({ reading: BUSY }), signalled(''), 'done by signal'],
    ['by a signal that names it [R65]', aPane(), signalled('{"task_id":"door"}'), 'done by signal'],
    ['by a signal with its whole id', aPane(), signalled('{"task_id":"house:door"}'), 'done by signal'],
    ['by a signal even when its session is gone [R65]', null, signalled(''), 'done by signal'],
    ['by a signal that says that it failed [R65]', aPane(), signalled('{"status":"failed"}'), 'agent_error'],
    ['not by a signal older than its start [R65]', aPane({ reading: BUSY }), signalled('', NOON - MINUTE), 'working'],
    ['not by the signal of another task [R65]', aPane({ reading: BUSY }), signalled('{"task_id":"x"}'), 'working'],
    ['when the agent moves its file to done/ [R213 R214]', aPane(), { moved: 'done' }, 'done by agent_moved'],
    ['and failed when it moves it to failed/ [R214]', aPane(), { moved: 'failed' }, 'agent_error'],
    [
      'when the hook says so and the prompt is back',
      aPane({ signals: hooked('Stop', NOON + MINUTE) }),
      {},
      'done by hook',
    ],
    ['not by the hook of the turn before', aPane({ signals: hooked('Stop', NOON - 1) }), {}, 'working'],
    [
      'not while its hook says that a prompt runs',
      aPane({ signals: hooked('UserPromptSubmit', NOON + 1) }),
      {},
      'working',
    ],
    ['not by a hook while a turn runs', aPane({ signals: hooked('Stop', NOON + 1), reading: BUSY }), {}, 'working'],
    [
      'by an answer in its transcript and an idle registry',
      aPane({ signals: written(answered) }),
      {},
      'done by transcript',
    ],
    ['not while the registry says busy', aPane({ signals: written(answered, 'busy') }), {}, 'working'],
  ])('%s', (_what, pane, change, expected) => {
    expect(told(look(pane, change))).toBe(expected);
  });

  test('not while a later prompt has no answer', () => {
    const again = { ...answered, prompts: [aPrompt(NOON), aPrompt(NOON + 40 * SECOND)] };
    expect(told(look(aPane({ signals: written(again) })))).toBe('working');
  });

  test('by an idle prompt alone only on two looks, and not before its least run [R66]', () => {
    const first = look(aPane(), {}, 15);
    expect(first).toMatchObject({ kind: 'working', watch: { idlePolls: 1 } });
    if (first.kind !== 'working') return;
    expect(told(look(aPane(), {}, 16, first.watch))).toBe('working');
    expect(told(look(aPane(), {}, 45, first.watch))).toBe('done by inferred');
    expect(told(judge(TASK, { ...newWatch(NOON), idlePolls: 5 }, facts(aPane()), NOON + 19 * SECOND, POLICY))).toBe(
      'working',
    );
  });

  test.each<[string, Partial<PaneFacts>]>([
    ['a turn [R66]', { reading: BUSY }],
    ['a person’s text', { reading: aReading({ composer: { text: 'me' } }) }],
    ['no input line', { reading: aReading({ composer: null }) }],
  ])('looks are counted anew after %s', (_what, change) => {
    const judgement = look(aPane(change), {}, 60, looked);
    expect(judgement).toMatchObject({ kind: 'working', watch: { idlePolls: 0 } });
  });

  test('words of a limit that nothing confirms are no end of work', () => {
    expect(told(look(aPane({ reading: aReading({ finding: aFinding() }) }), {}, 60, looked))).toBe('working');
  });

  test('once, with all that coincided as its evidence [R70 R213]', () => {
    const signals = { ...written(answered), ...hooked('Stop', NOON + 35 * SECOND), entry: entry('idle') };
    const judgement = look(aPane({ signals }), { ...signalled('{"summary":"oiled"}'), moved: 'done' }, 7200, looked);
    expect(judgement).toMatchObject({ kind: 'done', completion: 'signal', summary: 'oiled' });
    expect('seen' in judgement && judgement.seen.map(({ source }) => source)).toEqual(['signal', 'hook', 'screen']);
  });
});

describe('a task fails', () => {
  const throttled = aTranscript({
    lastAssistant: aRow({ at: NOON + 30 * SECOND, kind: 'throttle', text: 'API Error: 529' }),
  });
  test.each<[string, WorkFacts['pane'], Partial<WorkFacts>, number, Partial<Watch>, string]>([
    ['when its time is over [R67]', aPane({ reading: BUSY }), {}, 3600, {}, 'timeout'],
    ['time at a limit does not count', aPane({ reading: BUSY }), {}, 3600, { heldMs: MINUTE }, 'working'],
    ['when a dialog outlasts it', aPane({ reading: aReading({ composer: null }) }), {}, 3600, {}, 'timeout'],
    ['when its session is gone', null, {}, 60, {}, 'session_died'],
    ['when its agent has ended', aPane({ agent: null }), {}, 60, {}, 'session_died'],
    ['when another agent runs in its pane', aPane({ agent: { pid: 31, startTicks: '1' } }), {}, 60, {}, 'session_died'],
    ['when its turn ended with an error', aPane({ signals: signalsOf(throttled) }), {}, 60, looked, 'agent_error'],
    ['but not at first sight of one', aPane({ signals: signalsOf(throttled) }), {}, 60, {}, 'working'],
    ['when its model is at a limit of its own', aPane({ limit: 'model' }), {}, 60, {}, 'agent_error'],
  ])('%s', (_what, pane, change, seconds, watch, expected) => {
    expect(told(look(pane, change, seconds, watch))).toBe(expected);
  });

  test('nothing is concluded from a server that does not answer', () => {
    expect(told(look('unseen', {}, 7200))).toBe('working');
  });
});

describe('its condition', () => {
  test('a dialog blocks it, and is nobody’s idle prompt [R69]', () => {
    const dialog = { kind: 'permission', text: 'Do you want to proceed?' } as const;
    const judgement = look(aPane({ reading: aReading({ composer: null, dialog }) }), {}, 120, looked);
    expect(judgement).toMatchObject({ kind: 'working', condition: 'blocked', detail: dialog.text });
  });

  test('a screen on which only the figures of its spinner move is still; later it is given up [R68]', () => {
    const at = (seconds: number, screenText: string, watch: Partial<Watch> = {}, more: Partial<WorkFacts> = {}) =>
      judge(
        { ...TASK, timeoutMs: 24 * HOUR },
        { ...newWatch(NOON), ...watch },
        facts(aPane({ reading: BUSY, screenText }), more),
        NOON + seconds * SECOND,
        POLICY,
      );
    const first = at(0, '✻ Pondering… (1s · esc to interrupt)');
    if (first.kind !== 'working') throw new Error(told(first));
    expect(told(at(599, '✳ Pondering… (599s · esc to interrupt)', first.watch))).toBe('working');
    const still = at(600, '✢ Pondering… (600s · esc to interrupt)', first.watch);
    expect(still).toMatchObject({ condition: 'stalled', detail: 'nothing has moved for 10 m' });
    expect(told(at(1799, '✢ Pondering… (1799s · esc to interrupt)', first.watch))).toBe('stalled');
    expect(told(at(1800, '✢ Pondering… (1800s · esc to interrupt)', first.watch))).toBe('session_died');
    expect(told(at(1800, '● Read 3 files', first.watch))).toBe('working');
    expect(told(at(1800, '✢ Pondering… (1800s)', first.watch, { heartbeatAt: NOON + 1700 * SECOND }))).toBe('working');
  });

  test('what moves by itself is left out of what a screen shows', () => {
    expect(stillKey('✻ Baking… (12s · ↑ 3 tokens)')).toBe(stillKey('✳ Baking… (9s · ↑ 411 tokens)'));
    expect(stillKey('⠋ Baking')).toBe(stillKey('⠙ Baking'));
    expect(stillKey('Baking')).not.toBe(stillKey('Boiling'));
  });
});

describe('a swap', () => {
  const limited = { limit: 'account', reading: aReading({ finding: aFinding() }) } as const;
  const rejected = aTranscript({ lastAssistant: aRejection({ at: NOON + 30 * SECOND }) });
  const open = aRecovery({ state: 'exiting', startedAt: NOON + 30 * SECOND });
  const handedOver = { ...open, state: 'handed_over', finishedAt: NOON + MINUTE, reason: 'it does not end' } as const;
  const restarted = { ...open, state: 'recovered', recoveredBy: 'restart', promptedAt: NOON + MINUTE } as const;
  const later = { pid: 99, startTicks: '900' };

  test.each<[string, WorkFacts['pane'], Partial<WorkFacts>, string]>([
    ['a task at a limit waits [R52]', aPane(limited), {}, 'held'],
    ['also before the limit is confirmed', aPane({ signals: signalsOf(rejected) }), {}, 'held'],
    [
      'and for as long as its session is being brought back [R52]',
      aPane({ agent: null }),
      { recoveries: [open] },
      'held',
    ],
    ['even while there is no pane to be seen', null, { recoveries: [open] }, 'held'],
    ['it is put back when its session was handed over [R52]', aPane(limited), { recoveries: [handedOver] }, 'requeue'],
    ['or did not start again [R52]', aPane({ agent: null }), { recoveries: [handedOver] }, 'requeue'],
    ['or is gone with its pane [R52]', null, { recoveries: [{ ...handedOver, state: 'gone' }] }, 'requeue'],
    [
      'it goes on with the agent that was started again [R52]',
      aPane({ agent: later, reading: BUSY }),
      { recoveries: [restarted] },
      'working',
    ],
    [
      'a person who goes on with it meanwhile is not disturbed',
      aPane({ reading: BUSY }),
      { recoveries: [handedOver] },
      'working',
    ],
  ])('%s', (_what, pane, change, expected) => {
    expect(told(look(pane, change))).toBe(expected);
  });

  test('what was answered before the swap does not end the turn that followed it [R52]', () => {
    const signals = written(aTranscript({ lastAssistant: aRow({ at: NOON + 50 * SECOND }), prompts: [aPrompt(NOON)] }));
    expect(told(look(aPane({ agent: later, signals }), { recoveries: [restarted] }))).toBe('working');
    const after = written(aTranscript({ lastAssistant: aRow({ at: NOON + 70 * SECOND }), prompts: [aPrompt(NOON)] }));
    const late = { ...after, entry: entry('idle', NOON + 71 * SECOND) };
    expect(told(look(aPane({ agent: later, signals: late }), { recoveries: [restarted] }, 80))).toBe(
      'done by transcript',
    );
  });

  test('a third agent in the pane of a restarted one is not the one that works on it', () => {
    const judgement = look(aPane({ agent: later, reading: BUSY }), { recoveries: [restarted] });
    if (judgement.kind !== 'working') throw new Error(told(judgement));
    const third = { pid: 100, startTicks: '901' };
    expect(told(look(aPane({ agent: third, reading: BUSY }), { recoveries: [restarted] }, 90, judgement.watch))).toBe(
      'session_died',
    );
    expect(told(look(aPane({ agent: later, reading: BUSY }), { recoveries: [restarted] }, 90, judgement.watch))).toBe(
      'working',
    );
  });

  test('the time it stood does not count for its time-out', () => {
    const held = look(aPane(limited), {}, 1800);
    if (held.kind !== 'working') throw new Error(told(held));
    const back = look(aPane({ reading: BUSY }), {}, 3000, held.watch);
    expect(back).toMatchObject({ condition: 'working', watch: { heldSince: null, heldMs: 1200 * SECOND } });
  });
});

test(
  'whatever is seen, in whatever order, a task ends once or goes on, and every end has its evidence [R70 R219]',
  () => {
    const pane = fc.constantFrom<WorkFacts['pane']>(
      null,
      'unseen',
      aPane(),
      aPane({ reading: BUSY }),
      aPane({ reading: null }),
      aPane({ agent: null }),
      aPane({ limit: 'account' }),
      aPane({ signals: hooked('Stop', NOON + MINUTE) }),
      aPane({ signals: written(answered) }),
      aPane({ reading: aReading({ composer: null, dialog: { kind: 'trust', text: 'trust?' } }) }),
    );
    const happening = fc.record({
      pane,
      signal: fc.constantFrom(null, { at: NOON + 1, text: '' }, { at: NOON - MINUTE, text: '' }),
      moved: fc.constantFrom<WorkFacts['moved']>(null, null, null, 'done', 'failed'),
      recoveries: fc.constantFrom([], [aRecovery()], [aRecovery({ state: 'handed_over' })]),
      stepMs: fc.integer({ min: -HOUR, max: HOUR }),
    });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), (happenings) => {
        let now = NOON;
        let watch = newWatch(now);
        for (const { stepMs, ...seen } of happenings) {
          now += stepMs;
          const judgement = judge(TASK, watch, { ...seen, heartbeatAt: null }, now, POLICY);
          if (judgement.kind !== 'working') {
            expect(judgement.seen.length).toBeGreaterThan(0);
            return;
          }
          watch = judgement.watch;
          expect(watch.heldMs).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);
