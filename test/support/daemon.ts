/** The whole daemon in this process, over a stand-in world and a tmux server of its own. */
import { systemClock } from '../../src/adapters/clock.ts';
import type { App, AppOptions } from '../../src/app.ts';
import { createApp } from '../../src/app.ts';
import { LiveConfig } from '../../src/config/live.ts';
import { loadConfigFile } from '../../src/config/load.ts';
import type { FatalError } from '../../src/core/errors.ts';
import type { EventType, JournalEvent } from '../../src/core/events.ts';
import type { HealthView, StatusView } from '../../src/core/status.ts';
import { buildHealth, buildStatus } from '../../src/core/status.ts';
import type { ManualSwap, SwapRecord } from '../../src/ports/daemon.ts';
import type { Clock } from '../../src/ports.ts';
import { type ConfigChanges, mergeSections, writeConfig } from './daemon-config.ts';
import { RecordingLog } from './recording-log.ts';
import type { StandInPane, StandInWorld } from './stand-in/index.ts';
import type { TestTmux } from './tmux.ts';
import { waitFor } from './wait.ts';

export interface TestDaemon {
  readonly app: App;
  readonly log: RecordingLog;
  readonly configFile: string;
  /** Waits until the newest swap of all has ended, or this one, and returns its record. */
  swapDone(limitMs?: number, id?: string): Promise<SwapRecord>;
  /** Events of these types, oldest first. */
  events(...types: readonly EventType[]): Promise<readonly JournalEvent[]>;
  /** Waits for the first event of this type. */
  told(type: EventType, limitMs?: number): Promise<JournalEvent>;
  /** Waits until the daemon has looked at all panes this many more times, and has judged what it saw. */
  polls(count: number): Promise<void>;
  /** Says this in each of the panes, and lets none be acted upon before all were seen at their limit: a late one would meet none. */
  meetLimit(panes: readonly StandInPane[], text: string): Promise<void>;
  health(): HealthView;
  status(): StatusView;
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly changes?: ConfigChanges;
  readonly clock?: Clock;
  readonly allowUnshared?: boolean;
  readonly adapters?: AppOptions['adapters'];
  readonly configFile?: string;
  /** Only these loops run, one after another, over and over: what the others would do is the test's part. */
  readonly loops?: readonly string[];
}

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A wish by hand; the daemon chooses the account. */
export const BY_HAND: ManualSwap = { pool: null, to: null, force: false, reason: 'by hand', dryRun: false };

/** Short waits, so that a scenario takes seconds; but what takes long on a busy machine is no failure. */
const QUICK: ConfigChanges = {
  quota: { poll_interval: '200ms', confirm_min_age: '500ms' },
  tmux: { submit_delay: '200ms', command_timeout: '20s' },
  switcher: { verify_timeout: '30s', exit_grace: '20s', retry_backoff: { initial: '1s', max: '2s' } },
  lifecycle: { reconcile_interval: '1s' },
};

const ENDS = ['done', 'failed', 'partial'];

export async function startDaemon(
  world: StandInWorld,
  tmux: TestTmux,
  options: DaemonOptions = {},
): Promise<TestDaemon> {
  const file = writeConfig(world, tmux, mergeSections(QUICK, options.changes ?? {}), options.configFile);
  const clock = options.clock ?? systemClock();
  const log = new RecordingLog();
  const home = world.user;
  const loaded = loadConfigFile({ path: file, env: {}, home });
  const live = new LiveConfig({ loaded, env: {}, home, clock });
  const onFatal = (error: FatalError): void => {
    throw error;
  };
  const app = await createApp({
    live,
    clock,
    log,
    pid: process.pid,
    env: {},
    ownUid: process.getuid?.() ?? 0,
    allowUnshared: options.allowUnshared ?? false,
    onFatal,
    ...(options.adapters === undefined ? {} : { adapters: options.adapters }),
  });
  const ticking = options.loops === undefined ? null : tickOnly(app, options.loops);
  if (ticking === null) await app.start();
  const { api } = app;

  async function events(...types: readonly EventType[]): Promise<readonly JournalEvent[]> {
    return [...(await api.events({ types, limit: 1000 }))].reverse();
  }

  return {
    app,
    log,
    configFile: file,
    events,
    swapDone: (limitMs = 90_000, id = 'last') =>
      waitFor(
        async () => {
          const record = await api.swapRecord(id);
          return record !== null && ENDS.includes(record.swap.phase) ? record : null;
        },
        { timeoutMs: limitMs },
      ),
    told: (type, limitMs = 90_000) =>
      waitFor(
        async () => {
          const [first] = await events(type);
          if (first !== undefined) return first;
          throw new Error(`no event ${type} within ${limitMs} ms`);
        },
        { timeoutMs: limitMs },
      ),
    async polls(count) {
      const looks = (): number => log.lines.filter((line) => line.message === 'swept').length;
      const enough = looks() + count;
      await waitFor(() => looks() >= enough, { timeoutMs: 60_000 + count * 1500 });
      const judging = () => app.supervisor.jobs().find(({ name }) => name === 'quota-monitor');
      // The tick under way may judge what was seen before.
      const next = (judging()?.runs ?? 0) + 1;
      await waitFor(() => {
        const { runs = 0, state } = judging() ?? {};
        return runs > next || (runs === next && state !== 'running' && state !== 'late');
      });
    },
    async meetLimit(panes, text) {
      await api.pause('until every pane has met the limit');
      const before = (await events('quota_hit')).length;
      for (const pane of panes) await pane.say(text);
      await waitFor(async () => (await events('quota_hit')).length >= before + panes.length);
      await api.resume();
    },
    health: () => buildHealth(api.facts(), clock.now()),
    status: () => buildStatus(api.facts(), clock.now()),
    async stop() {
      await ticking?.();
      await app.stop();
    },
  };
}

/** @returns what ends it, once the tick under way is over */
function tickOnly(app: App, loops: readonly string[]): () => Promise<void> {
  let isOver = false;
  const over = (async () => {
    while (!isOver) {
      for (const loop of loops) await app.supervisor.runOnce(loop);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return async () => {
    isOver = true;
    await over;
  };
}
