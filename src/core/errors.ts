/** The errors a user can meet: one class per reaction, each with its cause and the next step. */
import { counted } from './counted.ts';

export interface ErrorDetails {
  /** What to do next, in one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The base of every error this program throws on purpose. */
export class FailoverError extends Error {
  readonly code: string;
  readonly hint: string | null;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint ?? null;
  }
}

/** One thing wrong with the configuration file. Lines and columns start at 1; both are 0 for the file as a whole. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  /** Dotted key path, for example `accounts[0].home`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint: string | null;
}

/** One problem as a line: `c.yaml:3:5 quota.poll_interval: must be from 200ms to 1h (hint)`. */
export function problemLine(file: string, { line, column, path, message, hint }: ConfigProblem): string {
  const where = line === 0 ? `${file}:` : `${file}:${line}:${column}`;
  return [where, ...(path === '' ? [] : [`${path}:`]), message, ...(hint === null ? [] : [`(${hint})`])]
    .join(' ')
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** The configuration cannot be used. Reaction: keep the old one, or exit 78 at start. */
export class ConfigError extends FailoverError {
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super('config_invalid', `${file}: ${counted(problems.length, 'problem')} in the configuration`, {
      hint: 'mend the lines above, then run: claude-failover config check',
    });
    this.file = file;
    this.problems = problems;
  }
}

/** A tmux server did not answer as expected. Reaction: try again at the next tick. */
export class TmuxError extends FailoverError {}

/** The database cannot be used. Reaction: look and tell, but begin no swap. */
export class StoreError extends FailoverError {}

/** The account link or a home is not what it should be. Reaction: leave everything as found and report. */
export class LinkError extends FailoverError {}

/** The process cannot go on. Reaction: stop all loops and exit with `exitCode`. */
export class FatalError extends FailoverError {
  readonly exitCode: number;

  constructor(code: string, message: string, details: ErrorDetails & { readonly exitCode?: number } = {}) {
    super(code, message, details);
    this.exitCode = details.exitCode ?? 1;
  }
}

/** The files of a task queue cannot be read or written. Reaction: leave the task where it is and try again. */
export class QueueError extends FailoverError {}
