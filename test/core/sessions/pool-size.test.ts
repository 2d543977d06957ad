/** How many autonomous sessions there are, how a server is started for them, and what is kept of their work. */
import { describe, expect, it, test } from 'vitest';
import { contextOf, keptLines } from '../../../src/core/sessions/checkpoint.ts';
import type { LifecycleRow, LifecycleState } from '../../../src/core/sessions/lifecycle.ts';
import { lookalikes, planPool, SHRINK_AFTER_MS } from '../../../src/core/sessions/pool-size.ts';
import { serverStarter } from '../../../src/core/sessions/server-start.ts';
import { MINUTE } from '../../../src/core/time.ts';
import { NOON } from '../../support/builders.ts';
import { aSession } from '../../support/kept.ts';

const NAMES = ['w-1', 'w-2', 'w-3', 'w-4'];

function rows(...states: readonly LifecycleState[]): readonly LifecycleRow[] {
  return states.map((state, i) =>
    aSession({
      session: NAMES[i] ?? '',
      state,
      idleSince: state === 'idle' ? NOON : null,
      taskId: state === 'working' ? 'p:t' : null,
    }),
  );
}
const plan = (
  have: readonly LifecycleRow[],
  {
    min = 0,
    max = 4,
    queued = 0,
    now = NOON,
    mayEnd = () => true,
  }: Partial<{ min: number; max: number; queued: number; now: number; mayEnd: (row: LifecycleRow) => boolean }>,
) => planPool({ names: NAMES.slice(0, max), min, max }, have, queued, mayEnd, now);

describe('the pool [R221]', () => {
  it('has its least number, and grows with the queue to its greatest', () => {
    expect(plan([], { min: 2 }).make).toEqual(['w-1', 'w-2']);
    expect(plan([], { queued: 1 }).make).toEqual(['w-1']);
    expect(plan(rows('working', 'idle'), { queued: 2 }).make).toEqual(['w-3']);
    expect(plan(rows('working', 'working'), { queued: 1000 }).make).toEqual(['w-3', 'w-4']);
    expect(plan(rows('working'), { queued: 9, max: 1 }).make).toEqual([]);
  });

  it('takes the first free names', () => {
    expect(plan(rows('missing', 'working'), { queued: 1 }).make).toEqual(['w-1']);
  });

  it('shrinks by those that have rested ten minutes, the last names first, down to its least number', () => {
    const later = NOON + SHRINK_AFTER_MS;
    expect(plan(rows('idle', 'idle', 'idle'), { min: 1, now: later }).end).toEqual(['w-3', 'w-2']);
    expect(plan(rows('idle', 'idle', 'idle'), { min: 1, now: later - 1 }).end).toEqual([]);
    expect(plan(rows('idle', 'idle'), { queued: 2, now: later }).end).toEqual([]);
    expect(plan(rows('working', 'stalled', 'idle'), { now: later }).end).toEqual(['w-3']);
  });

  it('ends none that the daemon did not make, and none that somebody looks at [R244]', () => {
    const later = NOON + SHRINK_AFTER_MS;
    const adopted = rows('idle').map((row) => ({ ...row, isOurs: false }));
    expect(plan(adopted, { now: later }).end).toEqual([]);
    expect(plan(rows('idle'), { now: later, mayEnd: () => false }).end).toEqual([]);
  });

  it('does not make a second one for one that failed and is left alone', () => {
    expect(plan(rows('failed'), { min: 1 }).make).toEqual([]);
  });
});

test.each([
  ['ccl-auto', ['ccl-auto0'], ['ccl-auto-11', 'ccl-auto-12', 'other'], ['ccl-auto-11', 'ccl-auto-12']],
  ['ccl-auto-', ['ccl-auto-0'], ['ccl-auto-11'], ['ccl-auto-11']],
  ['ccl-auto-', ['ccl-auto-11'], ['ccl-auto-11', 'ccl-auto-99'], []],
  ['ccl-auto-', ['ccl-auto-11'], ['ccl-3', 'main'], []],
  ['ccl-auto-', ['ccl-auto-11'], [], []],
])('names %s… %j beside %j: %j look alike [R62]', (prefix, names, live, expected) => {
  expect(lookalikes(prefix, names, live)).toEqual(expected);
});

describe('a tmux server that must be started [R276]', () => {
  it.each<[string, string | null, string]>([
    ['in a login', '0::/user.slice/user-1000.slice/session-3.scope\n', 'plain'],
    ['in a terminal of a desktop', '0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-1.scope\n', 'plain'],
    ['in a container', '0::/\n', 'plain'],
    ['where nothing is told', null, 'plain'],
    [
      'by a service of the user',
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/claude-failover.service\n',
      'unit',
    ],
    ['by a system service', '0::/system.slice/claude-failover.service\n', 'refused'],
    ['by a system service of old', '1:name=systemd:/system.slice/claude-failover.service\n0::/\n', 'refused'],
  ])('%s', (_, cgroup, kind) => {
    expect(serverStarter(cgroup, null).kind).toBe(kind);
  });

  it('is told where its socket lies', () => {
    const cgroup = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/claude-failover.service\n';
    expect(serverStarter(cgroup, '/run/t')).toMatchObject({
      args: expect.arrayContaining(['--setenv=TMUX_TMPDIR=/run/t', '--']),
    });
  });
});

describe('what is kept of work [R222]', () => {
  it('are the last lines, without secrets and controls', () => {
    const text = `one\ntwo \x1b[31mred\x1b[0m\nkey sk-ant-api03-${'x'.repeat(30)}\nfour  \n\n\n`;
    expect(keptLines(text, 3)).toBe('two red\nkey [masked]\nfour');
    expect(keptLines('\n\n', 3)).toBe('');
    expect(keptLines('y'.repeat(200_000), 5).length).toBeLessThanOrEqual(64_000);
  });

  it('is handed on without blank lines, and not where there is none', () => {
    const checkpoint = { session: 'w-1', at: NOON - MINUTE, taskId: 'p:t', cwd: '/p', hash: 'h' };
    expect(contextOf({ ...checkpoint, lines: 'a\n\nb\nc' }, 2)).toBe('b\nc');
    expect(contextOf({ ...checkpoint, lines: ' \n' }, 2)).toBeNull();
  });
});
