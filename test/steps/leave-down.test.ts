/** When the account of a pool is left because its login is refused, and when rather not. */
import { describe, expect, test } from 'vitest';
import { claude } from '../../src/core/agents/claude.ts';
import { HOUR, MINUTE } from '../../src/core/time.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import type { Vote } from '../../src/core/verdict/votes.ts';
import { actEarly, newEarlyMemory } from '../../src/steps/act-early.ts';
import { goesOnElsewhere, newRecovery } from '../../src/steps/recover-panes.ts';
import { anIncident } from '../store/support/rows.ts';
import { aSwap, NOON, noEvidence } from '../support/builders.ts';
import type { QuotaBench } from '../support/quota-bench.ts';
import { aQuietPane, aRefusal, aRefusedPane, quotaBench, REFUSED } from '../support/quota-bench.ts';

const LEAVES = { quota: { swap_on_account_down: true } };

/** A bench whose active account is marked as in need of a login. */
async function downBench(more: Readonly<Record<string, unknown>> = LEAVES): Promise<QuotaBench> {
  const bench = await quotaBench(more);
  await bench.store.pool.moveStatus('a', 'active', 'expired', REFUSED, NOON - HOUR);
  bench.homes.set('a', { credentialsMtimeMs: NOON - HOUR });
  return bench;
}

const quiet = (bench: QuotaBench, n: number) => aQuietPane(bench, { evidence: noEvidence() }, `%${n}`);

async function look(bench: QuotaBench, panes: readonly PaneFinding[], memory = newEarlyMemory(), paused?: string) {
  await actEarly(bench.ports as never, memory, bench.pool, await bench.view(), panes, paused ?? null, bench.context());
  return bench.board.request(bench.pool.name);
}

test('two sessions whose login is refused: the account is left, with what they showed in the request [R156 R280]', async () => {
  const bench = await downBench();
  const request = await look(bench, [aRefusedPane(bench, 1), aRefusedPane(bench, 2), quiet(bench, 3)]);
  const reason = 'the login of a is refused in 2 of its 3 sessions';
  expect(request).toMatchObject({ wish: { kind: 'down' }, reason, triggerPane: 'p1:0.0', hits: [] });
  expect(request?.evidence).toMatchObject([
    { pane: 'p1:0.0', account: 'a', class: 'auth', votes: [{ says: 'auth' }] },
    { pane: 'p2:0.0' },
  ]);
  expect(request?.screen).not.toBeNull();
  expect((await bench.events()).at(-1)).toMatchObject({
    type: 'swap_requested',
    account: 'b',
    data: { by: 'down', from: 'a', to: 'b', reason },
  });
});

describe('nothing is asked for', () => {
  const two = (bench: QuotaBench, change: Partial<PaneFinding> = {}, vote: Partial<Vote> = {}) => [
    aRefusedPane(bench, 1, change, vote),
    aRefusedPane(bench, 2, change, vote),
  ];
  const throttled: Partial<PaneFinding> = {
    decision: { kind: 'other', class: 'throttle', lasting: true, turnAt: null, reason: '529' },
  };
  const early: Partial<PaneFinding> = {
    decision: { kind: 'other', class: 'auth', lasting: false, turnAt: null, reason: 'a login wall' },
  };

  test('unless the configuration says so: that is the default [R156]', async () => {
    const bench = await downBench({});
    expect(bench.config.quota.swapOnAccountDown).toBe(false);
    expect(await look(bench, two(bench))).toBeNull();
    expect(await bench.events()).toEqual([]);
  });

  const cases: Readonly<Record<string, (bench: QuotaBench) => readonly PaneFinding[]>> = {
    'where only one session is refused': (bench) => [aRefusedPane(bench, 1)],
    'for errors of the server': (bench) => two(bench, throttled),
    'where one is refused and another meets an error of the server': (bench) => [
      aRefusedPane(bench, 1),
      aRefusedPane(bench, 2, throttled),
    ],
    'where most sessions show nothing': (bench) => [...two(bench), ...[3, 4, 5].map((n) => quiet(bench, n))],
    'before the wall has lasted': (bench) => two(bench, early),
    'where only the screens say so': (bench) => two(bench, {}, { kind: 'screen', source: 'screen' }),
    'where the record may be that of another agent': (bench) => two(bench, {}, { isGuess: true }),
    'where the refusals are of another account': (bench) =>
      two(bench, { charge: { account: 'c', reason: 'active when its request was sent' } }),
    'where the refusals are older than the last switch': (bench) => two(bench, { switchedAt: NOON }),
    'where the refusals are older than the login': (bench) => two(bench, {}, { at: NOON - 2 * HOUR }),
    'where the last refusal is older than the window': (bench) => two(bench, {}, { at: NOON - 6 * MINUTE }),
    'where the panes were not seen for a while': (bench) => two(bench, { at: NOON - MINUTE }),
    'where the panes follow no link of ours': (bench) =>
      two(bench, { notSwitchable: { reason: 'a key of its own', ownLogin: true } }),
    'where another session was answered since': (bench) => [
      ...two(bench),
      aQuietPane(bench, { evidence: noEvidence({ votes: [aRefusal({ says: 'answer', at: NOON })] }) }, '%3'),
    ],
  };
  test.each(Object.keys(cases))('%s [R156]', async (name) => {
    const bench = await downBench();
    expect(await look(bench, cases[name]?.(bench) ?? [])).toBeNull();
    expect(await bench.events()).toEqual([]);
  });

  test('of an account whose login changed: it carries no mark any more [R156]', async () => {
    const bench = await downBench();
    await bench.store.pool.moveStatus('a', 'expired', 'active', null, NOON);
    expect(await look(bench, two(bench))).toBeNull();
  });

  test('while it is paused, and that is said once [R156]', async () => {
    const bench = await downBench();
    const memory = newEarlyMemory();
    for (let poll = 0; poll < 3; poll++) expect(await look(bench, two(bench), memory, 'lunch')).toBeNull();
    expect(await bench.events()).toMatchObject([
      { type: 'swap_refused', data: { reason: 'paused', by: 'down', detail: expect.stringContaining('lunch') } },
    ]);
  });

  test('where nobody can be gone to, with the reason for each account [R156]', async () => {
    const bench = await downBench();
    for (const account of ['b', 'c']) await bench.put({ account, used: 1, limitReached: true, resetAt: NOON + HOUR });
    expect(await look(bench, two(bench))).toBeNull();
    const [refusal] = await bench.events();
    expect(refusal?.data).toMatchObject({
      reason: 'no_better_account',
      passed_over: expect.arrayContaining([
        { account: 'b', reasons: [expect.objectContaining({ code: 'limit_reached' })] },
      ]),
    });
  });
});

test('a larger pool needs as many failures within the window as the alert does [R156]', async () => {
  const bench = await downBench();
  const panes = [aRefusedPane(bench, 1), aRefusedPane(bench, 2), aRefusedPane(bench, 3), quiet(bench, 4)];
  const fail = (count: number, at: number, account = 'a', kind = 'auth') =>
    bench.store.local.append(
      Array.from({ length: count }, () => ({ type: 'quota_suspected' as const, account, data: { class: kind } })),
      at,
    );
  await fail(9, NOON - MINUTE);
  await fail(5, NOON - 6 * MINUTE);
  await fail(5, NOON - MINUTE, 'b');
  await fail(5, NOON - MINUTE, 'a', 'quota');
  expect(await look(bench, panes)).toBeNull();
  await fail(1, NOON - MINUTE);
  expect(await look(bench, panes)).toMatchObject({ wish: { kind: 'down' } });
});

test('what was counted once stays wanted for as long as the sessions stand there: a cooldown may outlast the window [R20 R156]', async () => {
  const bench = await downBench({ quota: { ...LEAVES.quota, swap_cooldown: '10m' } });
  const flippedAt = NOON - MINUTE;
  const swap = aSwap({ pool: 'default', from: 'b', to: 'a', flippedAt, finishedAt: flippedAt });
  await bench.store.local.createSwap(swap, anIncident(swap.id, { pool: 'default' }), []);
  const memory = newEarlyMemory();
  const panes = () => [aRefusedPane(bench, 1), aRefusedPane(bench, 2)];
  expect(await look(bench, panes(), memory)).toBeNull();
  expect(await bench.events()).toMatchObject([{ type: 'swap_refused', data: { reason: 'cooldown', by: 'down' } }]);
  await bench.clock.advance(8 * MINUTE);
  expect(await look(bench, panes(), memory)).toBeNull();
  await bench.clock.advance(MINUTE);
  expect(await look(bench, panes(), newEarlyMemory())).toBeNull();
  expect(await look(bench, panes(), memory)).toMatchObject({ wish: { kind: 'down' } });
});

describe('after such a swap', () => {
  const swap = aSwap({ trigger: 'down', from: 'a', to: 'b' });
  const SESSIONS = {
    autonomous: { max: 1, prefix: 'auto-', start_index: 1 },
    dedicated: [{ name: 'helper', accept_tasks: true }],
  };

  test('a session that was refused goes on; any other, and what was met elsewhere, stays as it is [R156]', async () => {
    const bench = await downBench();
    const goesOn = (finding: PaneFinding, change: Partial<typeof swap> = {}) =>
      goesOnElsewhere(finding, { ...swap, ...change }, bench.config);
    expect(goesOn(aRefusedPane(bench, 1))).toBe(true);
    expect(goesOn(quiet(bench, 1))).toBe(false);
    expect(goesOn(aRefusedPane(bench, 1), { trigger: 'limit' })).toBe(false);
    expect(goesOn(aRefusedPane(bench, 1), { trigger: 'manual' })).toBe(false);
    expect(goesOn(aRefusedPane(bench, 1, { charge: { account: 'b', reason: 'its own' } }))).toBe(false);
  });

  test.each(['auto-1', 'helper'])(
    '%s does tasks: the queue tries them again, and nothing is typed there [R156]',
    async (sessionName) => {
      const bench = await downBench({ ...LEAVES, sessions: SESSIONS });
      const { config, pool, clock } = bench;
      const pane = aRefusedPane(bench, 1);
      const finding = { ...pane, view: { ...pane.view, sessionName } };
      expect(config.sessions.autonomous.names).toEqual(['auto-1']);
      expect(goesOnElsewhere(finding, swap, config)).toBe(false);
      const recover = (one: PaneFinding) =>
        newRecovery(swap, one, [one], pool, claude, { config, now: clock.now() }).launch?.wasIdle;
      expect([recover(finding), recover(pane)]).toEqual([true, undefined]);
    },
  );
});
