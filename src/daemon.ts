/** Runs the daemon in this process: from the configuration file to the last clean-up. */

import { systemClock } from './adapters/clock.ts';
import { createLogger } from './adapters/logger.ts';
import { createServiceManager } from './adapters/systemd.ts';
import type { App } from './app.ts';
import { createApp } from './app.ts';
import { LiveConfig } from './config/live.ts';
import { loadConfigFile } from './config/load.ts';
import type { FatalError } from './core/errors.ts';
import { VERSION } from './core/version.ts';

export interface RunOptions {
  /** Path of the configuration file; absent: the usual places. */
  readonly config?: string;
  /** One tick of every loop, then the end. */
  readonly once: boolean;
  readonly allowUnshared: boolean;
}

/** What the process lends: `main.ts` is the only file that touches it. */
export interface ProcessPart {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly isTTY: boolean;
  readonly pid: number;
  readonly uid: number;
  onSignal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): void;
}

/**
 * @returns the exit code: 0 after a clean stop, else that of the fatal error
 * @throws {ConfigError} the configuration cannot be used
 * @throws {FatalError|StoreError} the daemon cannot start
 */
export async function runDaemon(options: RunOptions, host: ProcessPart): Promise<number> {
  const clock = systemClock();
  const loaded = loadConfigFile({
    ...(options.config === undefined ? {} : { path: options.config }),
    env: host.env,
    home: host.home,
  });
  const { level, format } = loaded.config.daemon.log;
  const log = createLogger({ level, format, isTTY: host.isTTY });
  for (const warning of loaded.config.warnings)
    log.warn({ line: warning.line, path: warning.path, hint: warning.hint }, warning.message);
  const live = new LiveConfig({
    loaded,
    env: host.env,
    home: host.home,
    clock,
    onError: (err) => log.warn({ err }, 'the configuration cannot be watched'),
  });

  const stopping = new AbortController();
  // The watchdog is fed until the very end: a stop may take its 20 s.
  const ended = new AbortController();
  let exitCode = 0;
  const onFatal = (error: FatalError): void => {
    exitCode = error.exitCode;
    stopping.abort();
  };
  const app = await createApp({
    live,
    clock,
    log,
    pid: host.pid,
    env: host.env,
    ownUid: host.uid,
    allowUnshared: options.allowUnshared,
    onFatal,
  });
  if (options.once) {
    try {
      return (await app.runOnce()) ? 0 : 1;
    } finally {
      await app.stop();
    }
  }

  const service = createServiceManager({ env: host.env, pid: host.pid, clock, log });
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    host.onSignal(name, () => {
      log.info({ signal: name }, 'stopping');
      stopping.abort();
    });
  }
  host.onSignal('SIGHUP', () => void live.reload());
  try {
    await app.start();
    await live.watch(stopping.signal);
    log.info(
      {
        version: VERSION,
        pid: host.pid,
        config: live.current.file,
        socket: live.current.http.socket,
        mode: live.current.mode,
      },
      'started',
    );
    await service.ready(statusLine(app));
    void service.feedWatchdog(() => app.supervisor.isHealthy(), ended.signal);
    await aborted(stopping.signal);
    await service.stopping('stopping');
  } finally {
    stopping.abort();
    await app.stop();
    ended.abort();
  }
  log.info({ exitCode }, 'stopped');
  return exitCode;
}

function statusLine(app: App): string {
  return app.api
    .facts()
    .pools.map(({ pool }) => `${pool.pool}: ${pool.active ?? 'no account'}`)
    .join(', ');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
