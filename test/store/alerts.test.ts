/** Alerts and the events that tell of them change together. */
import { expect, test } from 'vitest';
import type { Firing } from '../../src/core/alerts/alert.ts';
import { MINUTE } from '../../src/core/time.ts';
import { aFiring } from '../support/fake-records.ts';
import { openFor } from './support/open.ts';
import { NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';

const COOLDOWN_MS = 5 * MINUTE;

async function bench() {
  const stateDir = tempDir();
  const store = await openFor(stateDir);
  let minute = 0;
  const run = (...firings: readonly Firing[]) => store.alerts.run(firings, NOON + MINUTE * minute++, COOLDOWN_MS);
  const told = async () =>
    [...(await store.local.events({ limit: 100 }))].reverse().map(({ type, severity }) => `${type} ${severity}`);
  return { ...store, stateDir, run, told };
}

test('an alert is raised, made worse and resolved, each with its event [R159 R160]', async () => {
  const { alerts, run, told, local } = await bench();
  await run(aFiring());
  await run(aFiring({ value: 0.95 }));
  await run(aFiring({ severity: 'critical', value: 1.2, threshold: 1 }));
  await run();
  await run();
  await run();
  expect(await told()).toEqual(['alert_raised warning', 'alert_escalated critical', 'alert_resolved info']);
  expect(await alerts.list({ limit: 9 })).toMatchObject([
    { id: 1, status: 'resolved', severity: 'critical', value: 1.2, count: 3, endedAt: NOON + 4 * MINUTE },
  ]);
  const [resolved] = await local.events({ types: ['alert_resolved'], limit: 1 });
  expect(resolved).toMatchObject({
    account: 'work-1',
    pool: 'work',
    data: { fingerprint: 'quota_high:account:work-1' },
  });
});

test('what is open survives a restart, and is not told again [R159]', async () => {
  const first = await bench();
  await first.run(aFiring());
  await first.close();
  const { alerts, local } = await openFor(first.stateDir);
  const steps = await alerts.run([aFiring()], NOON + MINUTE, COOLDOWN_MS);
  expect(steps.map(({ event }) => event)).toEqual([null]);
  expect(await local.events({ types: ['alert_raised'], limit: 9 })).toHaveLength(1);
  expect(await alerts.countOpen()).toBe(1);
});

test('two alerts of one type about two accounts are two [R159]', async () => {
  const { run, alerts } = await bench();
  await run(aFiring(), aFiring({ subject: { kind: 'account', id: 'work-2' } }));
  expect((await alerts.list({ limit: 9 })).map(({ fingerprint }) => fingerprint)).toEqual([
    'quota_high:account:work-2',
    'quota_high:account:work-1',
  ]);
});

test('by hand: acknowledged, then dismissed, each recorded with who did it [R160]', async () => {
  const { run, alerts, told, local } = await bench();
  await run(aFiring());
  expect(await alerts.change(1, 'ack', 'ada', NOON)).toMatchObject({ status: 'acknowledged', changedBy: 'ada' });
  expect(await alerts.change(1, 'ack', 'ada', NOON)).toBe('ended');
  expect(await alerts.change(1, 'dismiss', 'ada', NOON)).toMatchObject({ status: 'dismissed' });
  expect(await alerts.change(1, 'resolve', 'ada', NOON)).toBe('ended');
  expect(await alerts.change(2, 'ack', 'ada', NOON)).toBe('unknown');
  expect(await told()).toEqual(['alert_raised warning', 'alert_acknowledged info', 'alert_dismissed info']);
  expect((await local.events({ limit: 1 }))[0]?.data.by).toBe('ada');
});

test('they are filtered by type, severity and status [R161]', async () => {
  const { run, alerts } = await bench();
  await run(aFiring(), aFiring({ type: 'disk_low', severity: 'critical', subject: { kind: 'daemon', id: 'all' } }));
  await alerts.change(1, 'resolve', 'ada', NOON);
  const types = async (filter: object) => (await alerts.list({ limit: 9, ...filter })).map(({ type }) => type);
  expect(await types({ types: ['disk_low'] })).toEqual(['disk_low']);
  expect(await types({ severities: ['warning'] })).toEqual(['quota_high']);
  expect(await types({ statuses: ['active', 'acknowledged'] })).toEqual(['disk_low']);
  expect(await types({ limit: 1 })).toEqual(['disk_low']);
  expect(await types({ types: ['swap_failed'] })).toEqual([]);
});

test('events of some types since a time come oldest first', async () => {
  const { alerts, local } = await bench();
  for (const [i, type] of (['throttled', 'swap_failed', 'paused', 'throttled'] as const).entries())
    await local.append([{ type }], NOON + i);
  const found = await alerts.eventsSince(['throttled', 'swap_failed'], NOON + 1);
  expect(found.map(({ type, at }) => [type, at - NOON])).toEqual([
    ['swap_failed', 1],
    ['throttled', 3],
  ]);
});
