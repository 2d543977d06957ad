/** What a credentials file tells without its tokens: whether a login is in it, until when, and whose it is. */
import type { CredentialState } from '../../core/accounts.ts';
import type { EpochMs } from '../../core/time.ts';
import { SECOND } from '../../core/time.ts';
import type { Clock } from '../../ports.ts';
import { asObject, parseObject, readOwnFile } from './own-file.ts';

/** Facts of one credentials file. */
export interface CredentialFacts {
  readonly state: CredentialState;
  readonly looseMode: boolean;
  /** Whole milliseconds. */
  readonly mtimeMs: number | null;
  readonly expiresAt: EpochMs | null;
  readonly loginEndsAt: EpochMs | null;
  /** There is a refresh token. */
  readonly renewable: boolean;
  readonly identity: string | null;
}

const MAX_BYTES = 1024 * 1024;
const READS = 3;
const BETWEEN_READS_MS = SECOND / 2;

/**
 * Reads a credentials file. Older CLIs write it in place, so one that is no JSON is read three times over a second before
 * it is called corrupt. The tokens are gone when this returns.
 */
export async function readCredentials(path: string, ownUid: number, clock: Clock): Promise<CredentialFacts> {
  let facts = await readOnce(path, ownUid);
  for (let read = 1; read < READS && facts.state === 'corrupt'; read++) {
    await clock.sleep(BETWEEN_READS_MS);
    facts = await readOnce(path, ownUid);
  }
  return facts;
}

async function readOnce(path: string, ownUid: number): Promise<CredentialFacts> {
  const file = await readOwnFile(path, ownUid, MAX_BYTES);
  const stats = 'stats' in file ? file.stats : null;
  const base: CredentialFacts = {
    state: 'ok',
    looseMode: stats !== null && (stats.mode & 0o077) !== 0,
    mtimeMs: stats === null ? null : Math.floor(stats.mtimeMs),
    expiresAt: null,
    loginEndsAt: null,
    renewable: false,
    identity: null,
  };
  if (file.kind !== 'file') return { ...base, state: file.kind };
  const content = parseObject(file.text);
  return content === null ? { ...base, state: 'corrupt' } : { ...base, ...loginOf(content) };
}

/** The login of Claude Code: `claudeAiOauth`, whose tokens the CLI sets to `""` and whose expiry to 0 when it is over. */
function loginOf(content: Readonly<Record<string, unknown>>): Partial<CredentialFacts> {
  const login = asObject(content.claudeAiOauth);
  if (login === null) return { state: 'blanked' };
  const hasAccess = typeof login.accessToken === 'string' && login.accessToken !== '';
  const isBlanked = !hasAccess || login.refreshToken === '' || login.expiresAt === 0;
  return {
    state: isBlanked ? 'blanked' : 'ok',
    expiresAt: instant(login.expiresAt),
    loginEndsAt: instant(login.refreshTokenExpiresAt),
    renewable: typeof login.refreshToken === 'string' && login.refreshToken !== '',
    identity: identityOf(login),
  };
}

function instant(value: unknown): EpochMs | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `<accountUuid>/<organizationUuid>` of an object that has both; null otherwise. */
export function identityOf(holder: Readonly<Record<string, unknown>>): string | null {
  const { accountUuid, organizationUuid } = holder;
  if (typeof accountUuid !== 'string' || !UUID.test(accountUuid)) return null;
  if (typeof organizationUuid !== 'string' || !UUID.test(organizationUuid)) return null;
  return `${accountUuid}/${organizationUuid}`;
}
