/** The configuration file: where it is looked for, and how it becomes a Config or a list of all that is wrong with it. */

import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { errorCode } from '../core/error-code.ts';
import { ConfigError, type ConfigProblem } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import type { Env } from './expand-path.ts';
import type { ConfigValues } from './file-schema.ts';
import { findConfig, searchPath } from './find.ts';
import { type Config, toConfig, toValues } from './schema.ts';
import { resolveBearerToken } from './secrets.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export interface LoadOptions {
  /** As given by `--config`; null or absent: searched for. */
  readonly path?: string | null;
  readonly env: Env;
  /** The user's home directory. */
  readonly home: string;
  /**
   * false: the bearer token is not looked at. For commands that only need to find the daemon and run without its
   * environment. Default true.
   */
  readonly checkToken?: boolean;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file's own form, every default filled in. */
  readonly values: ConfigValues;
  /** SHA-256 of the file. */
  readonly hash: string;
}

/** Longer than any real configuration by three orders of magnitude. */
const MAX_BYTES = 1024 * 1024;

/**
 * Finds, reads and validates the configuration.
 *
 * @throws {ConfigError} no file, unreadable, or invalid: with every problem at its line and column
 */
export function loadConfig(options: LoadOptions): Config {
  return loadConfigFile(options).config;
}

/** As `loadConfig`, with the values and the hash. @throws {ConfigError} */
export function loadConfigFile(options: LoadOptions): LoadedConfig {
  const file = findConfig(options);
  if (file === null) {
    const hint = `let claude-failover init write it for the directory that you have, or name a file with --config; looked in ${searchPath(options.home).join(' and ')}`;
    throw fileError('claude-failover', 'there is no configuration file', hint);
  }
  return parseConfig(file, readConfigFile(file), options);
}

/** The bytes of the file. @throws {ConfigError} missing, unreadable, no regular file, or larger than 1 MiB */
export function readConfigFile(file: string): Buffer {
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw fileError(file, 'is a directory', 'name the file in it');
    if (!found.isFile()) throw fileError(file, 'is not a regular file');
    const bytes = found.size > MAX_BYTES ? null : readFileSync(file);
    if (bytes === null || bytes.length > MAX_BYTES)
      throw fileError(file, 'is larger than 1 MiB', 'is this the right file?');
    return bytes;
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const code = errorCode(cause);
    if (code === 'ELOOP') throw fileError(file, 'is a link that leads back to itself', 'make it a file');
    if (code === 'ENOENT') {
      const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
      throw fileError(file, isLink ? 'is a link to a file that does not exist' : 'does not exist', 'check the path');
    }
    if (code === 'EACCES') throw fileError(file, 'cannot be read: permission denied', 'check its owner and mode');
    throw fileError(file, `cannot be read: ${code}`);
  }
}

/** Validates the text of a file. @throws {ConfigError} */
export function parseConfig(file: string, bytes: Uint8Array, options: Omit<LoadOptions, 'path'>): LoadedConfig {
  const text = decode(file, bytes);
  const source = readYaml(text);
  if (source.isReadable && source.value === null) {
    throw fileError(file, 'is empty', 'two accounts are enough: see config.example.yaml');
  }
  const found: ConfigProblem[] = [];
  const origin = { file, at: source.at };
  const config = source.isReadable
    ? collect(found, () => toConfig(source.value, options.env, options.home, origin))
    : null;
  // What cannot be read counts as absent; that it is then missing need not be said as well.
  const identify = ({ line, column, path }: ConfigProblem) => `${line}:${column} ${path}`;
  const unread = new Set(source.problems.map(identify));
  const problems = [...source.problems, ...found.filter((problem) => !unread.has(identify(problem)))];
  if (config !== null && options.checkToken !== false) problems.push(...tokenProblems(config, options.env, source));
  if (config === null || problems.length > 0) {
    throw new ConfigError(
      file,
      problems.sort((a, b) => a.line - b.line || a.column - b.column),
    );
  }
  return { config, values: toValues(source.value), hash: createHash('sha256').update(bytes).digest('hex') };
}

function collect<T>(problems: ConfigProblem[], attempt: () => T): T | null {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}

function tokenProblems(config: Config, env: Env, source: YamlSource): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  const token = collect(found, () => resolveBearerToken(config, env));
  if (token === null && found.length === 0 && config.http.listen !== null && !isLoopback(config.http.listen.host)) {
    const message = 'other machines can reach this address, and there is no token';
    const hint = `listen on 127.0.0.1, set $${config.http.bearerTokenEnv}, or name a bearer_token_file`;
    found.push({ line: 1, column: 1, path: 'http.listen', message, hint });
  }
  return found.map((problem) => ({ ...problem, ...source.at(problem.path.split('.'), 'value') }));
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fileError(file, 'is not UTF-8 text', 'save it as UTF-8');
  }
}

function fileError(file: string, message: string, hint: string | null = null): ConfigError {
  return new ConfigError(file, [{ line: 0, column: 0, path: '', message, hint }]);
}
