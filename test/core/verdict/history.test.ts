/** Whole histories of panes: what the verdicts of many polls together may never lead to. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readScreen } from '../../../src/core/screen/reading.ts';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { FRESH_PANE, stepPane } from '../../../src/core/verdict/confirm.ts';
import { gatherEvidence } from '../../../src/core/verdict/evidence.ts';
import { CONFIRM, NOON, PROPERTY_TIMEOUT_MS, RUNS, SWAPPING } from '../../support/builders.ts';
import type { Outcome } from '../../support/world.ts';
import { World } from '../../support/world.ts';

const OUTCOMES: readonly Outcome[] = ['limit', 'limit', 'bare limit', 'answer', 'throttle'];
const pane = fc.nat(2);
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: SECOND, max: MINUTE }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: MINUTE, max: 3 * HOUR }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('begin' as const), pane }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('end' as const), pane, outcome: fc.constantFrom(...OUTCOMES) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('repaint' as const, 'relaunch' as const), pane }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;
const panes = fc.array(fc.record({ hot: fc.boolean(), hasTranscript: fc.boolean() }), { minLength: 1, maxLength: 3 });

function carryOut(world: World, one: Command): void {
  if (one.do === 'wait') world.now += one.ms;
  if (one.do === 'restart') world.restartDaemon();
  if (!('pane' in one)) return;
  const chosen = world.panes[one.pane % world.panes.length];
  if (chosen === undefined) return;
  if (one.do === 'end') world.endTurn(chosen, one.outcome);
  else if (one.do === 'begin') world.beginTurn(chosen);
  else if (one.do === 'repaint') world.repaint(chosen);
  else world.relaunch(chosen);
}

test(
  'over any history of panes two automatic swaps are never closer than the cooldown, no swap goes to an account that is refused, and a transcript never charges the wrong account [R17 R23 R55]',
  () => {
    let swaps = 0;
    let held = 0;
    const commands = fc.array(command, { minLength: 20, maxLength: 80 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), panes, commands, (accounts, kinds, list) => {
        const world = new World(accounts, kinds);
        for (const one of list) {
          carryOut(world, one);
          const fit = ['a0', 'a1', 'a2', 'a3'].filter((name) => world.isFit(name));
          const before = world.swaps.length;
          world.poll();
          world.now += SECOND;
          if (world.swaps.length === before) continue;
          const [last, previous] = world.swaps;
          expect(fit).toContain(last?.to);
          expect(last?.to).not.toBe(last?.from);
          const sinceMs = (last?.flippedAt ?? 0) - (previous?.finishedAt ?? 0);
          expect(sinceMs).toBeGreaterThanOrEqual(SWAPPING.swapCooldownMs);
        }
        for (const { charged, real, structured, hot } of world.charges)
          if (structured && hot) expect(charged).toBe(real);
        swaps += world.swaps.length;
        held += world.decisions.filter((decision) => decision.kind === 'hold' && decision.reason === 'cooldown').length;
      }),
      { numRuns: RUNS },
    );
    // Else the histories are too tame to prove anything.
    expect(swaps).toBeGreaterThan(RUNS);
    expect(held).toBeGreaterThan(RUNS / 10);
  },
  PROPERTY_TIMEOUT_MS,
);

/** One pane on `a0` that meets its limit at once, two accounts. */
function limitedWorld(hasTranscript: boolean, accounts = 2): World {
  const world = new World(accounts, [{ hot: true, hasTranscript }]);
  world.poll();
  for (const pane of world.panes) world.beginTurn(pane);
  world.now += 2 * SECOND;
  world.poll();
  for (const pane of world.panes) world.endTurn(pane, 'limit');
  world.now += 2 * SECOND;
  world.poll();
  return world;
}

describe.each([true, false])('with a transcript: %s', (hasTranscript) => {
  test('a pane that paints its old banner for an hour causes no second swap [R18]', () => {
    const world = limitedWorld(hasTranscript, 3);
    expect(world.swaps).toHaveLength(1);
    for (let second = 2; second < 3600; second += 2) {
      world.now += 2 * SECOND;
      world.poll();
    }
    expect(world.swaps).toHaveLength(1);
    expect(world.charges.filter(({ charged }) => charged !== 'a0')).toEqual([]);
  });

  test('a restart of the daemon does not make a new hit of it either [R18 R21]', () => {
    const world = limitedWorld(hasTranscript, 3);
    for (let minute = 0; minute < 60; minute++) {
      world.now += MINUTE;
      world.restartDaemon();
      world.poll();
    }
    expect(world.swaps).toHaveLength(1);
  });

  test('the new account hitting its own limit with the very same text causes one swap [R18]', () => {
    const world = limitedWorld(hasTranscript, 3);
    for (const pane of world.panes) world.beginTurn(pane);
    for (let minute = 0; minute < 6; minute++) {
      world.now += MINUTE;
      world.poll();
    }
    for (const pane of world.panes) world.endTurn(pane, 'limit');
    for (let second = 0; second < 600; second += 2) {
      world.now += 2 * SECOND;
      world.poll();
    }
    expect(world.swaps.map(({ from, to }) => `${from}>${to}`)).toEqual(['a1>a2', 'a0>a1']);
  });

  test('two accounts hit inside one cooldown: at most one swap, then exhausted [R55]', () => {
    const world = limitedWorld(hasTranscript);
    for (const pane of world.panes) world.beginTurn(pane);
    world.now += 2 * SECOND;
    world.poll();
    for (const pane of world.panes) world.endTurn(pane, 'limit');
    for (let second = 0; second < 900; second += 10) {
      world.now += 10 * SECOND;
      world.poll();
    }
    expect(world.swaps).toHaveLength(1);
    expect(world.decisions.at(-1)).toMatchObject({ kind: 'exhausted', earliest: 'a0' });
  });

  test('twenty panes that hit the same limit make one decision [R255]', () => {
    const world = new World(
      3,
      Array.from({ length: 20 }, () => ({ hot: true, hasTranscript })),
    );
    world.poll();
    for (const pane of world.panes) world.beginTurn(pane);
    world.now += 2 * SECOND;
    world.poll();
    for (const [i, pane] of world.panes.entries()) {
      world.endTurn(pane, 'limit');
      world.now += (i % 3) * SECOND;
      world.poll();
    }
    for (let second = 0; second < 1200; second += 2) {
      world.now += 2 * SECOND;
      world.poll();
    }
    expect(world.swaps).toHaveLength(1);
    expect(new Set(world.charges.map(({ charged }) => charged))).toEqual(new Set(['a0']));
  });
});

const capture = (file: string) => readFileSync(new URL(`../../screens/captures/${file}`, import.meta.url), 'utf8');
const screens: readonly (readonly [string, string])[] = [
  ['claude-latest-e500rl', capture('claude-latest-e500rl.txt')],
  ['claude-2.0.76-e500rl', capture('claude-2.0.76-e500rl.txt')],
  [
    'the incident',
    '> go on\n  ⎿  API Error: 500 {"type":"error","error":{"type":"api_error","message":"rate limit exceeded, usage limit reached"}}\n\n> \n',
  ],
];

test.each(screens)(
  'a 500 that speaks of a rate limit and stands there for 20 minutes gives no verdict: %s [R6 R7 R148]',
  (_, text) => {
    let memory = FRESH_PANE;
    for (let at = NOON; at <= NOON + 20 * MINUTE; at += 30 * SECOND) {
      const reading = readScreen(text, { now: at, zone: 'UTC' });
      const evidence = gatherEvidence(reading, null, at, at);
      const step = stepPane(memory, { paneKey: 'p', evidence, busy: reading.busy, at }, CONFIRM);
      memory = step.memory;
      expect(['clear', 'other']).toContain(step.decision.kind);
      expect(evidence.class).not.toBe('quota');
    }
  },
);

test('a real limit screen that stands there unchanged is confirmed once and is stale after its reset [R2 R33]', () => {
  const start = Date.parse('2026-11-20T09:34:40Z');
  const reading = readScreen(capture('claude-latest-q5h.txt'), { now: start, zone: 'UTC' });
  let memory = FRESH_PANE;
  const kinds: string[] = [];
  for (let at = start; at <= start + 3 * HOUR + 30 * SECOND; at += 30 * SECOND) {
    const evidence = gatherEvidence(reading, null, start, at);
    const step = stepPane(memory, { paneKey: 'p', evidence, busy: reading.busy, at }, CONFIRM);
    memory = step.memory;
    if (kinds.at(-1) !== step.decision.kind) kinds.push(step.decision.kind);
  }
  expect(kinds).toEqual(['confirmed', 'stale']);
});
