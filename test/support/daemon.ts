/** The whole daemon in this process, over a stand-in world and a tmux server of its own. */
import { systemClock } from '../../src/adapters/clock.ts';
import type { App } from '../../src/app.ts';
import { createApp } from '../../src/app.ts';
import { LiveConfig } from '../../src/config/live.ts';
import { loadConfigFile } from '../../src/config/load.ts';
import type { FatalError } from '../../src/core/errors.ts';
import type { Clock, SwapRecord } from '../../src/ports.ts';

import { writeConfig } from './daemon-config.ts';
import { RecordingLog } from './recording-log.ts';
import type { StandInWorld } from './stand-in/index.ts';
import type { TestTmux } from './tmux.ts';
import { waitFor } from './wait.ts';

export interface TestDaemon {
  readonly app: App;
  readonly log: RecordingLog;
  readonly configFile: string;
  /** Waits for a finished swap and returns its record. */
  swapDone(limitMs?: number): Promise<SwapRecord>;
  stop(): Promise<void>;
}

export async function startDaemon(
  world: StandInWorld,
  tmux: TestTmux,
  options: { readonly changes?: Readonly<Record<string, object>>; readonly clock?: Clock } = {},
): Promise<TestDaemon> {
  const file = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms' },
    tmux: { submit_delay: '200ms' },
    ...options.changes,
  });
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
    allowUnshared: false,
    onFatal,
  });
  await app.start();
  return {
    app,
    log,
    configFile: file,
    swapDone: (limitMs = 15_000) =>
      waitFor(
        async () => {
          const record = await app.api.swapRecord('last');
          return record !== null && ['done', 'failed', 'partial'].includes(record.swap.phase) ? record : null;
        },
        { timeoutMs: limitMs },
      ),
    stop: () => app.stop(),
  };
}
