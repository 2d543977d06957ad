/** What a command may touch of its surroundings, and the exit codes they all share. */
import { systemClock } from '../adapters/clock.ts';
import type { Env } from '../config/expand-path.ts';
import type { Clock } from '../ports.ts';

export interface CommandIo {
  /** Data, to standard output. */
  out(text: string): void;
  /** Talk, to standard error. */
  err(text: string): void;
  readonly env: Env;
  /** The user's home directory. */
  readonly home: string;
  /** Standard output is a terminal. */
  readonly isTTY: boolean;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
  readonly clock: Clock;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Version of this program. */
  readonly version: string;
}

/** Options that every command has. */
export interface GlobalOptions {
  /** The value of `--config`. */
  readonly config?: string;
}

export interface JsonOption extends GlobalOptions {
  readonly json?: boolean;
}

/** 78 is EX_CONFIG of sysexits.h. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  unhealthy: 3,
  noEligibleAccount: 3,
  notRunning: 4,
  refused: 5,
  config: 78,
} as const;

/** The time of this machine, for the io that `main.ts` makes. */
export function machineClock(): Clock {
  return systemClock();
}

/** Colours only where somebody sees them and did not say no (no-color.org). */
export function wantsColour(io: Pick<CommandIo, 'isTTY' | 'env'>): boolean {
  return io.isTTY && !io.env.NO_COLOR && io.env.TERM !== 'dumb';
}
