/** A logger that remembers what it was told. */
import type { Logger } from '../../src/ports.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Children write into the same lines, with their own fields added. */
export class RecordingLog implements Logger {
  readonly lines: LogLine[];
  readonly #always: Readonly<Record<string, unknown>>;

  constructor(lines: LogLine[] = [], always: Readonly<Record<string, unknown>> = {}) {
    this.lines = lines;
    this.#always = always;
  }

  /** The messages of one level, oldest first. */
  at(level: LogLine['level']): readonly string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  /** At which levels this message was written, oldest first. */
  levelsOf(message: string): readonly LogLine['level'][] {
    return this.lines.filter((line) => line.message === message).map((line) => line.level);
  }

  debug(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#write('debug', fields, message);
  }

  info(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#write('error', fields, message);
  }

  child(fields: Readonly<Record<string, unknown>>): Logger {
    return new RecordingLog(this.lines, { ...this.#always, ...fields });
  }

  #write(level: LogLine['level'], fields: Readonly<Record<string, unknown>>, message: string): void {
    this.lines.push({ level, fields: { ...this.#always, ...fields }, message });
  }
}
