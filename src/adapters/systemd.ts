/**
 * Talks to systemd: ready, status, stopping, watchdog. Node has no datagram sockets for files, so the `systemd-notify`
 * program carries the message; it also waits until systemd has read it, which NotifyAccess=all needs.
 */
import { execFile } from 'node:child_process';
import { SECOND } from '../core/time.ts';
import type { Clock, Logger } from '../ports.ts';

export interface ServiceManager {
  /** Whether a service manager listens. When not, every call below does nothing. */
  readonly isPresent: boolean;
  /** How often the watchdog is fed; null: it is off. */
  readonly watchdogIntervalMs: number | null;
  ready(status: string): Promise<void>;
  status(text: string): Promise<void>;
  stopping(status: string): Promise<void>;
  /**
   * Feeds the watchdog at half its period while `isHealthy` says so, until `signal` aborts. When it says no, it is asked
   * again every second, so that a daemon that recovers in time is not killed.
   */
  feedWatchdog(isHealthy: () => boolean, signal: AbortSignal): Promise<void>;
}

export interface ServiceManagerOptions {
  /** The daemon's environment. NOTIFY_SOCKET should not be handed on to other children. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const ASK_AGAIN_MS = SECOND;
const NOTIFY_TIMEOUT_MS = 10 * SECOND;
const LONGEST_STATUS = 200;

export function createServiceManager({ env, pid, clock, log }: ServiceManagerOptions): ServiceManager {
  const socket = env.NOTIFY_SOCKET;
  const isPresent = socket !== undefined && socket !== '';
  const watchdogIntervalMs = isPresent ? watchdogInterval(env, pid) : null;
  let hasFailed = false;

  async function send(...assignments: readonly string[]): Promise<void> {
    if (!isPresent) return;
    try {
      await notify(socket, env.PATH, assignments);
      hasFailed = false;
    } catch (error) {
      const fields = { error, hint: 'systemd-notify must be in PATH; it comes with systemd' };
      log[hasFailed ? 'debug' : 'error'](fields, 'systemd could not be told');
      hasFailed = true;
    }
  }

  return {
    isPresent,
    watchdogIntervalMs,
    ready: (status) => send('READY=1', statusLine(status)),
    status: (text) => send(statusLine(text)),
    stopping: (status) => send('STOPPING=1', statusLine(status)),
    async feedWatchdog(isHealthy, signal) {
      if (watchdogIntervalMs === null) return;
      let wasHealthy = true;
      while (!signal.aborted) {
        const healthy = isHealthy();
        if (healthy) await send('WATCHDOG=1');
        if (healthy !== wasHealthy) {
          if (healthy) log.info({}, 'the watchdog is fed again');
          else log.error({}, 'the watchdog is not fed: a loop is late');
        }
        wasHealthy = healthy;
        await clock.sleep(healthy ? watchdogIntervalMs : Math.min(ASK_AGAIN_MS, watchdogIntervalMs), signal);
      }
    },
  };
}

/** Half of WATCHDOG_USEC, in ms; null when it is not set or meant for another process (sd_watchdog_enabled(3)). */
function watchdogInterval(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const periodUs = Number(env.WATCHDOG_USEC);
  if (!(periodUs > 0)) return null;
  if (env.WATCHDOG_PID !== undefined && Number(env.WATCHDOG_PID) !== pid) return null;
  return periodUs / 1000 / 2;
}

/** A status is one line; a line break in it would start another assignment. */
function statusLine(text: string): string {
  return `STATUS=${text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, LONGEST_STATUS)}`;
}

function notify(socket: string, path: string | undefined, assignments: readonly string[]): Promise<void> {
  const options = { env: { NOTIFY_SOCKET: socket, PATH: path ?? '/usr/bin:/bin' }, timeout: NOTIFY_TIMEOUT_MS };
  return new Promise((resolve, reject) => {
    execFile('systemd-notify', assignments, options, (error) => (error === null ? resolve() : reject(error)));
  });
}
