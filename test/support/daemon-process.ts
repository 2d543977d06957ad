/** The daemon as a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { builtMain } from './built.ts';
import type { StandInWorld } from './stand-in/index.ts';
import { waitFor } from './wait.ts';

export interface DaemonProcess {
  readonly child: ChildProcess;
  /** A GET on its socket; null: no answer, or not 200. */
  get<T>(path: string): Promise<T | null>;
  /** The same, as it came. */
  text(path: string): Promise<string | null>;
  /** Ends it with this signal and waits until it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Its last log lines, without those of each look. */
  log(): string;
}

/**
 * Starts it and waits until its socket answers.
 *
 * @param options `preload`: a script that runs in it first
 */
export async function startDaemonProcess(
  world: StandInWorld,
  config: string,
  options: { readonly path?: string; readonly preload?: string } = {},
): Promise<DaemonProcess> {
  const main = builtMain();
  const logFile = join(world.root, 'daemon.log');
  const out = openSync(logFile, 'a', 0o600);
  const preload =
    options.preload === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(options.preload)}`];
  const child = spawn(process.execPath, [...preload, main, 'run', '--config', config], {
    env: { PATH: options.path ?? process.env.PATH, HOME: world.user, LANG: 'C.UTF-8', TZ: 'UTC' },
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const daemon: DaemonProcess = {
    child,
    text: (path) => get(join(world.root, 'run', 'api.sock'), path),
    async get<T>(path: string) {
      const text = await daemon.text(path);
      return text === null ? null : (JSON.parse(text) as T);
    },
    async end(signal) {
      if (!hasEnded()) child.kill(signal);
      await waitFor(hasEnded);
    },
    log: () => readFileSync(logFile, 'utf8').trimEnd().split('\n').filter(isTelling).slice(-60).join('\n'),
  };
  await waitFor(
    async () => {
      if (hasEnded()) throw new Error(`the daemon ended:\n${daemon.log()}`);
      return (await daemon.get('/livez')) !== null;
    },
    { everyMs: 50 },
  );
  return daemon;
}

function get(socketPath: string, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, timeout: 30_000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve(answer.statusCode === 200 ? text : null);
      });
      // A daemon that is killed in the middle of an answer: then there is no end, and no error either.
      answer.on('close', () => resolve(null));
    });
    call.on('error', () => resolve(null));
    call.on('timeout', () => call.destroy());
    call.end();
  });
}

function isTelling(line: string): boolean {
  return !line.includes('"msg":"swept"');
}
