/** Swaps that are asked for before any limit demands them. */
import { describe, expect, test } from 'vitest';
import { claude } from '../../src/core/agents/claude.ts';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import type { EarlyMemory } from '../../src/steps/act-early.ts';
import { actEarly, newEarlyMemory } from '../../src/steps/act-early.ts';
import { anIncident } from '../store/support/rows.ts';
import { aReading, aRecovery, aSwap, NOON } from '../support/builders.ts';
import type { QuotaBench } from '../support/quota-bench.ts';
import { aQuietPane, quotaBench } from '../support/quota-bench.ts';

const THRESHOLD = { auto_pause: { default_5h: 0.9 } };

async function look(bench: QuotaBench, memory: EarlyMemory, ...panes: readonly PaneFinding[]) {
  await actEarly(bench.ports as never, memory, bench.pool, await bench.view(), panes, null, bench.context());
  return bench.board.request(bench.pool.name);
}

const busy = (bench: QuotaBench) => aQuietPane(bench, { reading: aReading({ busy: true }) });

describe('the active account is over its threshold', () => {
  test('idle sessions are moved at once, with the reason in the request [R119]', async () => {
    const bench = await quotaBench({ quota: THRESHOLD });
    await bench.put({ account: 'a', used: 0.93 });
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).toMatchObject({
      wish: { kind: 'threshold' },
      reason: '93 % of its 5-hour window, threshold 90 %',
      hits: [],
    });
    expect((await bench.events()).at(-1)).toMatchObject({
      type: 'swap_requested',
      account: 'b',
      data: { by: 'threshold' },
    });
  });

  test('a session in the middle of a turn is waited for, but not longer than the grace [R119 R284]', async () => {
    const bench = await quotaBench({ quota: { ...THRESHOLD, threshold_grace: '10m' } });
    await bench.put({ account: 'a', used: 0.93 });
    const memory = newEarlyMemory();
    expect(await look(bench, memory, busy(bench), aQuietPane(bench))).toBeNull();
    await bench.clock.advance(10 * MINUTE - SECOND);
    expect(await look(bench, memory, busy(bench))).toBeNull();
    await bench.clock.advance(SECOND);
    expect(await look(bench, memory, busy(bench))).not.toBeNull();
  });

  test('a question to the user is part of a turn [R119]', async () => {
    const bench = await quotaBench({ quota: THRESHOLD });
    await bench.put({ account: 'a', used: 0.93 });
    const asking = aQuietPane(bench, {
      reading: aReading({ dialog: { kind: 'permission', text: 'Do you want to proceed?' } }),
    });
    expect(await look(bench, newEarlyMemory(), asking)).toBeNull();
  });

  test('swap_now waits for nobody, notify asks for nothing [R119]', async () => {
    const now = await quotaBench({ quota: { ...THRESHOLD, threshold_action: 'swap_now' } });
    await now.put({ account: 'a', used: 0.93 });
    expect(await look(now, newEarlyMemory(), busy(now))).not.toBeNull();
    const notify = await quotaBench({ quota: { ...THRESHOLD, threshold_action: 'notify' } });
    await notify.put({ account: 'a', used: 0.93 });
    expect(await look(notify, newEarlyMemory(), aQuietPane(notify))).toBeNull();
  });

  test('a stale figure, or one whose window was reset, moves nobody [R113 R115]', async () => {
    const bench = await quotaBench({ quota: THRESHOLD });
    await bench.put({ account: 'a', used: 0.99, updatedAt: NOON - 3 * HOUR });
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).toBeNull();
    await bench.put({ account: 'a', used: 0.99, resetAt: NOON });
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).toBeNull();
  });

  test('where no account is better that is said once, and nothing is swapped [R119]', async () => {
    const bench = await quotaBench({ quota: THRESHOLD });
    for (const account of ['a', 'b', 'c']) await bench.put({ account, used: 0.93 });
    const memory = newEarlyMemory();
    for (let poll = 0; poll < 5; poll++) {
      expect(await look(bench, memory, poll === 2 ? busy(bench) : aQuietPane(bench))).toBeNull();
    }
    const told = await bench.events();
    expect(told).toMatchObject([{ type: 'swap_refused', data: { reason: 'no_better_account', by: 'threshold' } }]);
  });

  test('within the cooldown nothing is asked for and nothing is said [R20 R119]', async () => {
    const bench = await quotaBench({ quota: THRESHOLD });
    await bench.put({ account: 'a', used: 0.93 });
    const swap = aSwap({ pool: 'default', from: 'b', to: 'a', flippedAt: NOON - MINUTE, finishedAt: NOON - MINUTE });
    await bench.store.local.createSwap(swap, anIncident(swap.id, { pool: 'default' }), []);
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).toBeNull();
    expect(await bench.events()).toEqual([]);
  });
});

describe('the pool prefers an account', () => {
  const away = async () => {
    const bench = await quotaBench({ pools: { default: { return_to: 'a' } } });
    bench.linkAt = 'b';
    await bench.store.local.recordActivation({ pool: 'default', account: 'b', since: NOON - 3 * HOUR, cause: 'swap' });
    return bench;
  };

  test('it is taken again when sessions are idle [R271]', async () => {
    const bench = await away();
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).toMatchObject({ wish: { kind: 'return', to: 'a' } });
  });

  test('it is not taken while one works, however long that lasts [R271]', async () => {
    const bench = await away();
    const memory = newEarlyMemory();
    expect(await look(bench, memory, busy(bench))).toBeNull();
    await bench.clock.advance(24 * HOUR);
    expect(await look(bench, memory, busy(bench))).toBeNull();
  });

  test('it is not taken before its limit was reset, and that is no news [R271]', async () => {
    const bench = await away();
    await bench.put({ account: 'a', used: 1, limitReached: true, resetAt: NOON + HOUR });
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).toBeNull();
    expect(await bench.events()).toEqual([]);
    await bench.clock.advance(HOUR + 2 * MINUTE);
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).not.toBeNull();
  });

  test('it is not taken over a link that somebody moved by hand [R271]', async () => {
    const bench = await away();
    await bench.store.local.recordActivation({ pool: 'default', account: 'b', since: NOON - HOUR, cause: 'external' });
    expect(await look(bench, newEarlyMemory(), aQuietPane(bench))).toBeNull();
  });
});

describe('the active account has a limit on record, and no pane shows it', () => {
  const limited = async () => {
    const bench = await quotaBench();
    await bench.put({ account: 'a', used: 1, limitReached: true, resetAt: NOON + 3 * HOUR });
    return bench;
  };
  const restingLook = async (bench: QuotaBench, memory: EarlyMemory, ...panes: readonly PaneFinding[]) => {
    expect(await look(bench, memory, ...panes)).toBeNull();
    await bench.clock.advance(30 * SECOND);
    return look(bench, memory, ...panes);
  };
  const aHit = { kind: 'hit', hit: {} } as never;

  test('it is left while nothing works, also when there is no session at all [R54]', async () => {
    for (const panes of [0, 1]) {
      const bench = await limited();
      expect(
        await restingLook(bench, newEarlyMemory(), ...Array.from({ length: panes }, () => aQuietPane(bench))),
      ).toMatchObject({
        wish: { kind: 'known_limit' },
        reason: '5-hour limit reached',
      });
      expect((await bench.events()).at(-1)).toMatchObject({ type: 'swap_requested', account: 'b' });
    }
  });

  test('a pane that works, asks or shows a limit is not passed over [R54]', async () => {
    const bench = await limited();
    const asking = aQuietPane(bench, { reading: aReading({ dialog: { kind: 'permission', text: 'Proceed?' } }) });
    for (const pane of [busy(bench), asking, aQuietPane(bench, { decision: aHit })])
      expect(await restingLook(bench, newEarlyMemory(), aQuietPane(bench), pane)).toBeNull();
    expect(await bench.events()).toEqual([]);
  });

  test('the rest is counted anew after anything has happened, and waits for panes that are brought back [R54]', async () => {
    const bench = await limited();
    const memory = newEarlyMemory();
    expect(await look(bench, memory, aQuietPane(bench))).toBeNull();
    await bench.clock.advance(20 * SECOND);
    expect(await look(bench, memory, busy(bench))).toBeNull();
    expect(await restingLook(bench, memory, aQuietPane(bench))).not.toBeNull();

    const other = await limited();
    const swap = aSwap({
      pool: 'default',
      from: 'a',
      to: 'b',
      phase: 'failed',
      flippedAt: null,
      startedAt: NOON - HOUR,
    });
    await other.store.local.createSwap(swap, anIncident(swap.id, { pool: 'default' }), []);
    await other.store.local.saveRecovery(aRecovery({ swapId: swap.id, state: 'relaunching' }), []);
    expect(await restingLook(other, newEarlyMemory(), aQuietPane(other))).toBeNull();
  });

  test('an agent that is not switched is not moved [R54]', async () => {
    const bench = await limited();
    const profiles = [{ ...claude, notSwitchable: 'its login is not moved' }];
    const ports = { ...bench.ports, profiles } as never;
    const memory = newEarlyMemory();
    for (let times = 0; times < 2; times++) {
      await actEarly(ports, memory, bench.pool, await bench.view(), [], null, bench.context());
      await bench.clock.advance(30 * SECOND);
    }
    expect(bench.board.request(bench.pool.name)).toBeNull();
  });

  test('a limit that ends within minutes, or has ended, moves nobody [R54]', async () => {
    const bench = await quotaBench();
    for (const resetAt of [NOON + 4 * MINUTE, NOON - MINUTE]) {
      await bench.put({ account: 'a', used: 1, limitReached: true, resetAt });
      expect(await restingLook(bench, newEarlyMemory(), aQuietPane(bench))).toBeNull();
    }
  });

  test('neither a swap by hand nor a link moved by hand is undone [R54 R57]', async () => {
    const forced = await limited();
    const flippedAt = NOON - 2 * HOUR;
    const swap = aSwap({ pool: 'default', from: 'b', to: 'a', trigger: 'manual', flippedAt, finishedAt: flippedAt });
    await forced.store.local.createSwap(swap, anIncident(swap.id, { pool: 'default' }), []);
    expect(await restingLook(forced, newEarlyMemory(), aQuietPane(forced))).toBeNull();
    expect(await forced.events()).toMatchObject([{ type: 'swap_refused', data: { reason: 'made_by_hand' } }]);

    const moved = await limited();
    await moved.store.local.recordActivation({ pool: 'default', account: 'a', since: NOON - HOUR, cause: 'external' });
    expect(await restingLook(moved, newEarlyMemory(), aQuietPane(moved))).toBeNull();
  });

  test('where no account is better that is said once, and nothing is swapped [R54]', async () => {
    const bench = await limited();
    for (const account of ['b', 'c']) await bench.put({ account, used: 1, limitReached: true, resetAt: NOON + HOUR });
    const memory = newEarlyMemory();
    for (let poll = 0; poll < 3; poll++) expect(await restingLook(bench, memory, aQuietPane(bench))).toBeNull();
    expect(await bench.events()).toMatchObject([
      { type: 'swap_refused', data: { reason: 'no_better_account', by: 'known_limit' } },
    ]);
  });
});
