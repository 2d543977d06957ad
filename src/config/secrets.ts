/** The API's bearer token: read where it is needed, kept out of Config, logs and messages. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import { ConfigError } from '../core/errors.ts';
import type { Env } from './expand-path.ts';
import type { Config } from './schema.ts';

/** Name of the credential that systemd's LoadCredential= hands over. */
const SYSTEMD_CREDENTIAL = 'claude-failover-token';

/**
 * The token: from the variable `http.bearer_token_env` names, else from `http.bearer_token_file`, else from
 * `$CREDENTIALS_DIRECTORY/claude-failover-token`. null: there is none.
 *
 * @throws {ConfigError} the file cannot be read, others can read it, or what is there is no token
 */
export function resolveBearerToken(config: Config, env: Env): string | null {
  const { bearerTokenEnv, bearerTokenFile } = config.http;
  const fromEnv = env[bearerTokenEnv]?.trim();
  if (fromEnv) return checked(config, fromEnv, 'bearer_token_env', `$${bearerTokenEnv}`);
  if (bearerTokenFile !== null) {
    return checked(config, readPrivate(config, bearerTokenFile), 'bearer_token_file', bearerTokenFile);
  }
  const directory = env.CREDENTIALS_DIRECTORY;
  if (!directory) return null;
  const credential = readIfThere(config, join(directory, SYSTEMD_CREDENTIAL));
  return credential === null
    ? null
    : checked(config, credential, 'bearer_token_file', join(directory, SYSTEMD_CREDENTIAL));
}

function readPrivate(config: Config, file: string): string {
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw problem(
        config,
        'bearer_token_file',
        `${file} is open to others (mode ${octal})`,
        `chmod 600 ${quoted(file)}`,
      );
    }
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw cause instanceof ConfigError ? cause : unreadable(config, file, cause);
  }
}

function readIfThere(config: Config, file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null;
    throw unreadable(config, file, cause);
  }
}

/** A header can carry printable ASCII only; anything else would never match. */
function checked(config: Config, token: string, key: string, source: string): string {
  if (/^[\u0021-\u007e]+$/.test(token)) return token;
  throw problem(
    config,
    key,
    `${source} holds no token: one word of printable ASCII is expected`,
    'openssl rand -hex 32 makes one',
  );
}

function unreadable(config: Config, file: string, cause: unknown): ConfigError {
  return problem(
    config,
    'bearer_token_file',
    `${file} cannot be read: ${errorCode(cause)}`,
    'check the path, its owner and mode',
  );
}

function problem(config: Config, key: string, message: string, hint: string): ConfigError {
  return new ConfigError(config.file, [{ line: 1, column: 1, path: `http.${key}`, message, hint }]);
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
