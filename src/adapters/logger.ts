/** The log: one JSON line per fact, or readable lines on a terminal. */
import { createRequire } from 'node:module';
import { type DestinationStream, destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino';
import type { Logger } from '../ports.ts';
import { LONGEST_LINE_BYTES, maskAndCut, printable } from './log-fields.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `auto`: readable lines on a terminal, JSON everywhere else. */
  readonly format: 'auto' | 'json' | 'pretty';
  readonly isTTY: boolean;
  /** Where the lines go; by default standard output, written at once so that the last line before an exit is not lost. */
  readonly stream?: DestinationStream;
}

/** Room for time, level and message, so that the whole line stays within its limit. */
const ENVELOPE_BYTES = 1200;
const LONGEST_MESSAGE = 300;

/** Makes the root logger. `setLevel` also reaches every child. */
export function createLogger(options: LoggerOptions): Logger & { setLevel(level: LogLevel): void } {
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && options.isTTY);
  const stream = options.stream ?? destination({ dest: 1, sync: true });
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isPretty ? prettyStream(stream, options.isTTY) : stream,
  );
  return {
    ...bound(root, {}),
    setLevel: (level) => {
      root.level = level;
    },
  };
}

/** Children carry their fields here and not in pino, so that one place sees and measures the whole line. */
function bound(root: Pino, always: Readonly<Record<string, unknown>>): Logger {
  const write = (level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): void => {
    if (!root.isLevelEnabled(level)) return;
    const line = printable({ ...always, ...fields }, LONGEST_LINE_BYTES - ENVELOPE_BYTES);
    for (const reserved of ['time', 'level', 'msg']) {
      if (reserved in line) {
        line[`${reserved}_`] = line[reserved];
        delete line[reserved];
      }
    }
    root[level](line, maskAndCut(message, LONGEST_MESSAGE));
  };
  return {
    debug: (fields, message) => write('debug', fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    child: (fields) => bound(root, { ...always, ...fields }),
  };
}

/** Loaded only when it is needed: a daemon under systemd never pays for it. */
function prettyStream(stream: DestinationStream, colour: boolean): DestinationStream {
  const load = createRequire(import.meta.url);
  const { prettyFactory } = load('pino-pretty') as typeof import('pino-pretty');
  const prettify = prettyFactory({ colorize: colour, translateTime: 'SYS:HH:MM:ss' });
  return { write: (line) => stream.write(String(prettify(line))) };
}
