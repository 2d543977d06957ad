/** The secrets of channels: read where they are needed, kept out of logs, messages and the status. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import type { Env } from './expand-path.ts';
import type { Config, SecretPlace } from './schema.ts';

/** `missing` is no error: the channel stays silent, and that is said once. */
export type ChannelSecret =
  | { readonly kind: 'found'; readonly value: string }
  | { readonly kind: 'missing'; readonly reason: string };

/**
 * From the variable, else from the file, else from `$CREDENTIALS_DIRECTORY/<credential>` (systemd's LoadCredential=), else
 * from the configuration file itself if only its owner can read that. Never throws.
 */
export function resolveSecret(
  place: SecretPlace,
  credential: string,
  config: Pick<Config, 'file'>,
  env: Env,
): ChannelSecret {
  const fromEnv = env[place.env]?.trim();
  if (fromEnv) return checked(fromEnv, `$${place.env}`);
  if (place.file !== null) return fromFile(place.file, true);
  const directory = env.CREDENTIALS_DIRECTORY;
  const handed = directory ? fromFile(join(directory, credential), false) : null;
  if (handed?.kind === 'found') return handed;
  if (place.inline === null) return { kind: 'missing', reason: `neither $${place.env} nor a file holds its secret` };
  if (config.file !== '' && isOpen(config.file))
    return { kind: 'missing', reason: `it stands in ${config.file}, which others can read; chmod 600 it` };
  return checked(place.inline.trim(), config.file);
}

function fromFile(file: string, mustBePrivate: boolean): ChannelSecret {
  try {
    if (mustBePrivate && isOpen(file))
      return { kind: 'missing', reason: `${file} can be read by others; chmod 600 it` };
    return checked(readFileSync(file, 'utf8').trim(), file);
  } catch (error) {
    return { kind: 'missing', reason: `${file} cannot be read: ${errorCode(error)}` };
  }
}

function isOpen(file: string): boolean {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && (stats.mode & 0o077) !== 0;
}

/** A header can carry printable ASCII only. */
function checked(value: string, source: string): ChannelSecret {
  if (/^[\u0021-\u007e]+$/.test(value)) return { kind: 'found', value };
  return { kind: 'missing', reason: `${source} holds no secret: one word of printable ASCII is expected` };
}
