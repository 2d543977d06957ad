/** The detector: facts of the board, the journal and the disk become alerts, by the thresholds of the tick's configuration. */
import { describe, expect, test } from 'vitest';
import { CHATTER_KEY } from '../../src/core/alerts/rules.ts';
import { paneKey } from '../../src/core/panes.ts';
import { readScreen } from '../../src/core/screen/reading.ts';
import { HOUR, MINUTE } from '../../src/core/time.ts';
import { FRESH_PANE, stepPane } from '../../src/core/verdict/confirm.ts';
import { gatherEvidence } from '../../src/core/verdict/evidence.ts';
import { unexplainedWall } from '../../src/core/verdict/unknown-wall.ts';
import { createAlerts } from '../../src/loops/alerts.ts';
import type { TickContext } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { openFor } from '../store/support/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { CONFIRM } from '../support/builders.ts';
import { account, paneRecord, poolView, quota } from '../support/daemon-facts.ts';
import { Desk, FakeChannel } from '../support/desk.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const RULE = '─'.repeat(80);
const ALERTS = {
  intervalMs: 60_000,
  errorWindowMs: 300_000,
  errorRate: 0.1,
  errorRateCritical: 0.5,
  errorMinSamples: 10,
  accountDownRate: 0.5,
  accountDownMin: 10,
  dedupeCooldownMs: 300_000,
  quotaInfo: 0.8,
  quotaWarning: 0.9,
  quotaCritical: 1,
  spike: { swapsPerHour: 4, dispatchesPerMinute: 20, dispatchesPerDay: 1000, notificationsPerHour: 6, queueDepth: 100 },
};

async function bench() {
  const clock = new FakeClock();
  const store = await openFor(tempDir(), { now: clock.now() });
  const board = createBoard(() => undefined);
  const log = new RecordingLog();
  const state = { freeBytes: (10 ** 12) as number | null, rejected: null as string | null, quotaWarning: 0.9 };
  const loop = createAlerts({
    alerts: store.alerts,
    board,
    lifecycles: store.lifecycles,
    tasks: store.tasks,
    outbox: store.outbox,
    disk: { freeBytes: async () => state.freeBytes },
    configRejected: () => state.rejected,
  });
  const config = () =>
    ({
      daemon: { stateDir: '/state' },
      pools: [{ name: 'work' }],
      alerts: { ...ALERTS, quotaWarning: state.quotaWarning },
      janitor: { minFreeDiskBytes: 500 * 2 ** 20 },
      credentials: { expiryWarnMs: 86_400_000 },
    }) as unknown as TickContext['config'];
  const tick = async () => {
    await loop.tick({ config: config(), now: clock.now(), log, signal: new AbortController().signal });
    await clock.advance(60_000);
  };
  const show = (used = 0.1) =>
    board.postPool(poolView({ accounts: [account('work-1', { quota: [quota('work-1', { used })] })] }), board.ticket());
  const open = async () => (await store.alerts.list({ statuses: ['active'], limit: 9 })).map(({ type }) => type);
  return { ...store, store, board, clock, loop, log, state, config, tick, show, open };
}

describe('the detector', () => {
  test('runs every minute and needs nothing but what is stored [R152]', async () => {
    const { loop, config, tick, show, open } = await bench();
    expect(loop.intervalMs(config())).toBe(60_000);
    show();
    await tick();
    expect(await open()).toEqual([]);
    expect(loop.open()).toBe(0);
  });

  test('a window that fills up is told, told again when it is full, and its end is told [R155 R160]', async () => {
    const { tick, show, local, loop, log } = await bench();
    for (const used of [0.95, 0.96, 1, 1, 0.2, 0.2, 0.2]) {
      show(used);
      await tick();
    }
    const events = [...(await local.events({ limit: 9 }))].reverse();
    expect(events.map(({ type, severity }) => [type, severity])).toEqual([
      ['alert_raised', 'warning'],
      ['alert_escalated', 'critical'],
      ['alert_resolved', 'info'],
    ]);
    expect(log.lines.map(({ message }) => message)).toEqual(['alert raised', 'alert became worse', 'alert resolved']);
    expect(loop.open()).toBe(0);
  });

  test('a changed threshold counts at the next run [R161]', async () => {
    const { tick, show, open, state } = await bench();
    show(0.75);
    await tick();
    expect(await open()).toEqual([]);
    state.quotaWarning = 0.7;
    await tick();
    expect(await open()).toEqual(['quota_high']);
  });

  test('unusually many incidents are one alert, told once, that neither it nor what gathers others adds to [R157]', async () => {
    const { tick, show, open, store, clock, local, log } = await bench();
    const channel = new FakeChannel('webhook', clock);
    const desk = new Desk(store, clock, [channel], { perHour: 3 });
    const told = async (except: string) =>
      (await store.outbox.toldSince(clock.now() - HOUR, except)).get('webhook') ?? 0;
    const happens = async (account: string) => {
      await desk.happens({ type: 'account_not_usable', account, data: { detail: 'gone' } });
      await desk.tick();
      show();
      await tick();
    };
    for (const account of ['a', 'b', 'c', 'd', 'e']) {
      await happens(account);
      await clock.advance(MINUTE);
    }
    expect(await open()).toEqual([]);
    // What was told goes on in the same incident.
    await desk.happens({ type: 'drift_ended', account: 'a', data: { detail: 'back' } });
    await desk.tick();
    await tick();
    expect(await open()).toEqual([]);
    await happens('f');
    expect(await open()).toEqual(['activity_spike']);
    const [raised] = await local.events({ types: ['alert_raised'], limit: 9 });
    expect(raised).toMatchObject({ severity: 'warning', data: { metric: 'notifications', value: 6, threshold: 6 } });

    for (let minute = 0; minute < 40; minute++) {
      await desk.tick();
      await tick();
    }
    expect([await told(CHATTER_KEY), await told('')]).toEqual([6, 7]);
    expect(channel.sent).toHaveLength(3);
    for (let minute = 0; minute < 30; minute++) {
      await desk.tick();
      await tick();
    }
    expect(await open()).toEqual([]);
    expect(log.lines.map(({ message }) => message)).toEqual(['alert raised', 'alert resolved']);
    await desk.tick();
    expect(channel.sent.map(({ message }) => message.event)).toContain('digest');
    expect(await told(CHATTER_KEY)).toBe(0);
  });

  test('while a pool was not looked at nothing is concluded', async () => {
    const { tick, show, open, board, local } = await bench();
    await tick();
    expect(board.pools().size).toBe(0);
    show(0.95);
    await tick();
    expect(await open()).toEqual(['quota_high']);
    expect(await local.events({ limit: 9 })).toHaveLength(1);
  });

  test('disk, configuration and panes are looked at as well', async () => {
    const { tick, show, open, state, board } = await bench();
    show();
    state.freeBytes = 1;
    state.rejected = 'line 3';
    const { finding } = paneRecord();
    const view = { ...finding.view, failures: 9 };
    board.postSnapshot({ takenAt: 0, servers: [], panes: [view] });
    board.postFindings(new Map([[paneKey(view.identity), { ...finding, view }]]));
    await tick();
    expect([...(await open())].sort()).toEqual(['config_reload_failed', 'disk_low', 'session_unreachable']);
    state.freeBytes = null;
    state.rejected = null;
    await tick();
    await tick();
    expect(await open()).toEqual(['session_unreachable']);
  });

  test('a wall that was told is an alert for as long as it stands there', async () => {
    const { tick, show, open, board, local, clock } = await bench();
    show();
    const text = 'Your allotment limit is used up for now';
    const stands = (screen: string) => {
      const at = clock.now();
      const reading = readScreen(`${screen}\n${RULE}\n❯ \n${RULE}`, { now: at, zone: 'UTC' });
      const evidence = gatherEvidence(reading, null, at, at);
      const { decision } = stepPane(FRESH_PANE, { paneKey: 'p', evidence, busy: reading.busy, at }, CONFIRM);
      const { finding } = paneRecord();
      const view = {
        ...finding.view,
        failures: 0,
        screen: { text: `${screen}\n${RULE}\n❯ \n${RULE}`, hash: 'h', capturedAt: at, changedAt: at },
      };
      const shown = { ...finding, view, reading, evidence, decision, signals: null };
      board.postFindings(new Map([[paneKey(view.identity), shown]]));
      board.postSnapshot({ takenAt: 0, servers: [], panes: [view] });
      return unexplainedWall(shown)?.wording;
    };
    const wording = stands(`❯ go\n  ⎿  ${text}\n`);
    expect(wording).toBeDefined();
    await tick();
    expect(await open()).toEqual([]);
    await local.append([{ type: 'unknown_wall', data: { wording } }], clock.now());
    await clock.advance(2 * 86_400_000);
    await tick();
    expect(await open()).toEqual(['unknown_wall']);
    stands('● Done.\n');
    await tick();
    await tick();
    expect(await open()).toEqual([]);
  });

  test('what is written in the journal counts', async () => {
    const { tick, show, open, local, clock } = await bench();
    show();
    await local.append(
      Array.from({ length: 4 }, () => ({ type: 'swap_flipped', pool: 'work' }) as const),
      clock.now(),
    );
    await local.append([{ type: 'swap_failed', pool: 'work', data: { error: 'x' } }], clock.now());
    await tick();
    expect([...(await open())].sort()).toEqual(['activity_spike', 'swap_failed']);
  });
});
