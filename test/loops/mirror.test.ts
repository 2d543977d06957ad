/** `state.json`: for shell users, whole at every instant, written only when something changed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStateMirror } from '../../src/adapters/state-mirror.ts';
import { buildStatus } from '../../src/core/status.ts';
import { createMirror } from '../../src/loops/mirror.ts';
import { statusFacts } from '../support/daemon-facts.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const NOW = Date.parse('2026-01-05T12:00:00Z');

test('state.json mirrors pools, accounts and sessions, for its owner alone [R206]', async () => {
  const facts = statusFacts();
  await tickOnce(createMirror({ mirror: createStateMirror(dir), status: () => buildStatus(facts, NOW) }));
  const mirrored = JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8'));
  const status = buildStatus(facts, NOW);
  expect(mirrored.pools[0].active_account).toBe(status.pools[0]?.active_account);
  expect(mirrored.accounts.map((account: { name: string }) => account.name)).toEqual(
    status.accounts.map(({ name }) => name),
  );
  expect(statSync(join(dir, 'state.json')).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['state.json']);
});

test('time that passes is no change: the file is written once until something happens [R206]', async () => {
  let now = NOW;
  let facts = statusFacts();
  const written: string[] = [];
  const mirror = createMirror({
    mirror: { write: async (text) => void written.push(text) },
    status: () => buildStatus(facts, now),
  });
  for (let i = 0; i < 5; i++) {
    await tickOnce(mirror);
    now += 2000;
  }
  expect(written).toHaveLength(1);
  facts = { ...facts, paused: 'by hand' };
  await tickOnce(mirror);
  expect(written).toHaveLength(2);
  expect(written[1]).toContain('by hand');
});

test('a copy that could not be written is tried again at the next tick', async () => {
  const facts = statusFacts();
  let calls = 0;
  const write = async (): Promise<void> => {
    if (++calls === 1) throw new Error('no space left');
  };
  const mirror = createMirror({ mirror: { write }, status: () => buildStatus(facts, NOW) });
  await expect(tickOnce(mirror)).rejects.toThrow('no space left');
  await tickOnce(mirror);
  expect(calls).toBe(2);
});

function tickOnce(loop: ReturnType<typeof createMirror>): Promise<unknown> {
  // The mirror uses nothing of its context.
  return loop.tick(undefined as never);
}
