/** Whether new work may start, who may take it, and what is typed. */
import { describe, expect, test } from 'vitest';
import { assign } from '../../../src/core/dispatch/assign.ts';
import type { Candidate } from '../../../src/core/dispatch/free-session.ts';
import { notFree } from '../../../src/core/dispatch/free-session.ts';
import type { DispatchFacts } from '../../../src/core/dispatch/gate.ts';
import { dispatchGate } from '../../../src/core/dispatch/gate.ts';
import { taskMark, taskText } from '../../../src/core/dispatch/task-text.ts';
import type { PoolFacts } from '../../../src/core/quota/policy.ts';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { aLimitedAccount, anAccount, anAccountRow, aPool, aSwap, ELIGIBILITY, NOON } from '../../support/builders.ts';

const healthy = (change: Partial<PoolFacts> = {}): PoolFacts =>
  aPool({ accounts: [anAccount('work'), anAccount('spare')], ...change });

const gate = (facts: Partial<DispatchFacts> = {}) =>
  dispatchGate({ enabled: true, observing: null, paused: null, pool: healthy(), ...facts }, NOON, {
    postSwapDelayMs: 30 * SECOND,
    eligibility: ELIGIBILITY,
  });

describe('nothing is given out', () => {
  const swapped = (secondsAgo: number) => aSwap({ flippedAt: NOON - MINUTE, finishedAt: NOON - secondsAgo * SECOND });
  test.each<[string, Partial<DispatchFacts>, string]>([
    ['where it is switched off', { enabled: false }, 'disabled'],
    ['while the daemon only observes [R272]', { observing: 'mode: observe' }, 'observing'],
    ['while it is paused [R285]', { paused: 'by hand' }, 'paused'],
    ['before the pool is known', { pool: null }, 'unknown'],
    ['in a half-done swap [R79]', { pool: healthy({ state: 'partial' }) }, 'partial'],
    ['while the link moves [R79]', { pool: healthy({ state: 'switching' }) }, 'switching'],
    ['while sessions are brought back [R79]', { pool: healthy({ state: 'resuming' }) }, 'switching'],
    [
      'while a swap is written down as unfinished [R79]',
      { pool: healthy({ swaps: [aSwap({ phase: 'recovering', finishedAt: null })] }) },
      'switching',
    ],
    ['when no account is left [R79]', { pool: healthy({ state: 'exhausted' }) }, 'exhausted'],
    ['when the link is not ours', { pool: healthy({ active: null }) }, 'no_active_account'],
    [
      'on an account at its limit [R79]',
      { pool: healthy({ accounts: [aLimitedAccount('work', NOON + HOUR)] }) },
      'account_ineligible',
    ],
    [
      'on an account that was switched off [R79]',
      { pool: healthy({ accounts: [anAccount('work', { enabled: false })] }) },
      'account_ineligible',
    ],
    [
      'on a login that is not good [R79]',
      { pool: healthy({ accounts: [anAccount('work', { row: anAccountRow({ status: 'expired' }) })] }) },
      'account_ineligible',
    ],
    ['right after a swap [R79]', { pool: healthy({ swaps: [swapped(29)] }) }, 'after_swap'],
  ])('%s', (_what, facts, reason) => {
    expect(gate(facts)).toMatchObject({ kind: 'held', reason });
  });

  test('until the delay after a swap is over, and a time ahead of the clock holds nothing [R79]', () => {
    expect(gate({ pool: healthy({ swaps: [swapped(29)] }) })).toMatchObject({ until: NOON + SECOND });
    expect(gate({ pool: healthy({ swaps: [swapped(30)] }) })).toEqual({ kind: 'open', account: 'work' });
    expect(gate({ pool: healthy({ swaps: [swapped(-3600)] }) }).kind).toBe('open');
    expect(
      gate({ pool: healthy({ swaps: [aSwap({ phase: 'failed', flippedAt: null, finishedAt: NOON })] }) }).kind,
    ).toBe('open');
  });

  test('it says when a limit ends', () => {
    const pool = healthy({ accounts: [aLimitedAccount('work', NOON + HOUR)] });
    expect(gate({ pool })).toMatchObject({ until: NOON + HOUR, detail: expect.stringContaining('5-hour') });
  });

  test('a full account holds nothing here: its leases decide, and a session on it may go on', () => {
    const pool = healthy({ accounts: [anAccount('work', { leases: 2, maxSessions: 2 })] });
    expect(gate({ pool })).toEqual({ kind: 'open', account: 'work' });
  });
});

const PANE = {
  isFresh: false,
  isOnActiveAccount: true,
  isBusy: false,
  hasDialog: false,
  composer: '',
  inMode: false,
  clientActivityAt: null,
} as const;

function aCandidate(change: Partial<Candidate> = {}, pane: Partial<NonNullable<Candidate['pane']>> = {}): Candidate {
  return {
    session: 'auto-1',
    kind: 'autonomous',
    acceptsTasks: false,
    state: 'idle',
    stateSince: NOON - MINUTE,
    taskId: null,
    isLeased: false,
    pane: { ...PANE, ...pane },
    ...change,
  };
}

describe('a session', () => {
  const free = (change: Partial<Candidate>, pane: Partial<NonNullable<Candidate['pane']>> = {}) =>
    notFree(aCandidate(change, pane), NOON, 30 * SECOND) ?? 'free';
  test.each<[string, Partial<Candidate>, Partial<NonNullable<Candidate['pane']>>, string]>([
    ['is free when nothing is in the way [R78]', {}, {}, 'free'],
    [
      'is free without an agent: it will start on the active account [R78]',
      {},
      { isFresh: true, isOnActiveAccount: false, composer: null },
      'free',
    ],
    ['that somebody else uses is only observed [R77]', { kind: 'dedicated' }, {}, 'observed'],
    ['that is not there is not free [R78]', { pane: null }, {}, 'not_alive'],
    ['that stalled is not free [R78]', { state: 'stalled' }, {}, 'not_idle'],
    ['with a task is not free [R80]', { taskId: 'house:door' }, {}, 'has_task'],
    ['with a lease of a task is not free [R78]', { isLeased: true }, {}, 'leased'],
    ['with a dialog is not free [R78]', {}, { hasDialog: true }, 'dialog'],
    ['in a turn is not free [R78]', {}, { isBusy: true }, 'busy'],
    ['with text in its input line is not free [R78 R245]', {}, { composer: 'half a' }, 'busy_input'],
    ['without an input line is not free [R78]', {}, { composer: null }, 'busy_input'],
    ['in copy mode is somebody’s [R275]', {}, { inMode: true }, 'person'],
    ['in which a person typed a moment ago is not free [R275]', {}, { clientActivityAt: NOON - 9 * SECOND }, 'person'],
    ['on another account is not free [R78]', {}, { isOnActiveAccount: false }, 'other_account'],
    ['that has just become idle is not free yet [R78]', { stateSince: NOON - 29 * SECOND }, {}, 'cooling'],
  ])('%s', (_what, change, pane, expected) => {
    expect(free(change, pane)).toBe(expected);
  });
});

describe('tasks go to sessions', () => {
  const task = (id: string, session: string | null = null) => ({ id, session });
  const pairs = (tasks: readonly ReturnType<typeof task>[], sessions: readonly Candidate[]) =>
    assign(tasks, sessions).map(({ task: { id }, session }) => `${id}→${session}`);
  const auto = (n: number) => aCandidate({ session: `auto-${n}` });
  const own = aCandidate({ session: 'main', kind: 'dedicated', acceptsTasks: true });

  test('in their order, one each [R76 R80]', () => {
    expect(pairs([task('a'), task('b'), task('c')], [auto(2), auto(1)])).toEqual(['a→auto-1', 'b→auto-2']);
  });

  test('a dedicated one takes only what names it [R77]', () => {
    expect(pairs([task('a'), task('b')], [own])).toEqual([]);
    expect(pairs([task('a'), task('b', 'main'), task('c', 'main')], [own, auto(1)])).toEqual(['a→auto-1', 'b→main']);
  });

  test('a task that names a session waits for it and holds up no other', () => {
    expect(pairs([task('a', 'auto-9'), task('b')], [auto(1)])).toEqual(['b→auto-1']);
  });
});

describe('what is typed', () => {
  const text = taskText({
    title: 'Mend\nthe door',
    id: 'house:door',
    path: '/p/.agent-queue/claimed/door__1.md',
    body: '/exit\n$(reboot)\n',
    signalPath: '/s/agent-done-auto-1',
  });

  test('is a pointer, the text as it is, and how to say that it is done [R217]', () => {
    const lines = text.split('\n');
    expect(lines.slice(0, 6)).toEqual([
      'Task: Mend the door',
      taskMark('house:door'),
      'File: /p/.agent-queue/claimed/door__1.md',
      '',
      '/exit',
      '$(reboot)',
    ]);
    expect(text).toContain('/s/agent-done-auto-1');
    expect(text).toContain('{"task_id":"house:door","status":"done",');
  });

  test('begins with a word, so that no task is a command of the CLI [R217]', () => {
    for (const body of ['/clear', '!ls', '#remember', '']) {
      expect(taskText({ title: '/x', id: 'a:b', path: '/p', body, signalPath: '/s' })).toMatch(/^Task: /);
    }
  });

  test('its first 400 characters tell which task it is, however long its title', () => {
    const long = taskText({ title: 'x'.repeat(5000), id: 'a:b', path: '/p', body: 'y', signalPath: '/s' });
    expect(long.slice(0, 400)).toContain(taskMark('a:b'));
  });
});
