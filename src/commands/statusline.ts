/** `statusline`: keeps the quota figures that Claude Code hands to its status line, and prints the user's own line unchanged. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { Sample } from '../adapters/signals/statusline-sample.ts';
import { sampleOf, writeSample } from '../adapters/signals/statusline-sample.ts';
import { readPayload } from './hook-payload.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';

export interface StatuslineOptions extends GlobalOptions {
  /** A shell command: the user's own status line. */
  readonly wrap?: string;
}

const LIMITS = { maxBytes: 4 * 1024 * 1024, patienceMs: 5000 };

/**
 * @param words more words of the wrapped command
 * @returns 0 whatever happens: a status line that fails disappears
 */
export async function statusline(words: readonly string[], options: StatuslineOptions, io: CommandIo): Promise<number> {
  const now = io.clock.now();
  const child = options.wrap === undefined ? null : start([options.wrap, ...words].join(' '), io.signal);
  const pass = (piece: Uint8Array): Promise<void> => child?.pass(piece) ?? done();
  const payload = io.stdin === undefined ? null : await readPayload(io.stdin, io.clock, LIMITS, pass);
  child?.end();
  const sample = sampleOf(payload, configDirOf(io), now);
  try {
    if (sample !== null) writeSample((await locate(options, io)).stateDir, sample, io.clock);
  } catch {
    // The line is what the user sees; that the figures could not be kept, `doctor` tells.
  }
  if (child === null && sample !== null) io.out(`${lineOf(sample)}\n`);
  await child?.closed;
  return EXIT.ok;
}

interface Wrapped {
  pass(piece: Uint8Array): Promise<void>;
  end(): void;
  readonly closed: Promise<void>;
}

/** Its output goes where ours would go, so nothing can be changed on the way. */
function start(command: string, signal: AbortSignal): Wrapped {
  const child: ChildProcess = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'], signal });
  const closed = new Promise<void>((end) => {
    child.once('close', () => end());
    child.once('error', () => end());
  });
  // A command that does not read its input may end before we have written it.
  child.stdin?.on('error', () => undefined);
  return {
    async pass(piece) {
      const { stdin } = child;
      if (stdin === null || !stdin.writable || stdin.write(piece)) return;
      await Promise.race([once(stdin, 'drain').catch(() => undefined), closed]);
    },
    end: () => void child.stdin?.end(),
    closed,
  };
}

/** As the CLI finds it: its hooks and status line run in its own environment. */
function configDirOf({ env, home }: CommandIo): string {
  const named = env.CLAUDE_CONFIG_DIR;
  return named ? resolve(named) : join(home, '.claude');
}

const SHORT: Readonly<Record<string, string>> = { five_hour: '5h', seven_day: '7d' };

function lineOf({ model, rate_limits }: Sample): string {
  const figures = Object.entries(rate_limits ?? {}).map(
    ([name, window]) => `${SHORT[name] ?? name.replaceAll('_', ' ')} ${Math.round(window.used_percentage)}%`,
  );
  return [model ?? 'claude', ...figures].join(' · ');
}

async function done(): Promise<void> {}
