/** What a credentials file tells without its tokens: whether a login is in it, until when, and whose it is. */
import type { CredentialState } from '../../core/accounts.ts';
import type { AgentKind } from '../../core/agents/profile.ts';
import { parseObject } from '../../core/json.ts';
import { SECOND } from '../../core/time.ts';
import type { Clock } from '../../ports.ts';
import { type Login, loginOf } from './logins.ts';
import { readOwnFile } from './own-file.ts';

/** Facts of one credentials file. */
export interface CredentialFacts extends Omit<Login, 'state'> {
  readonly state: CredentialState;
  readonly looseMode: boolean;
  /** Whole milliseconds. */
  readonly mtimeMs: number | null;
}

const MAX_BYTES = 1024 * 1024;
const READS = 3;
const BETWEEN_READS_MS = SECOND / 2;

/**
 * Reads a credentials file. Older CLIs write it in place, so one that is no JSON is read three times over a second before
 * it is called corrupt. The tokens are gone when this returns.
 */
export async function readCredentials(
  agent: AgentKind,
  path: string,
  ownUid: number,
  clock: Clock,
): Promise<CredentialFacts> {
  let facts = await readOnce(agent, path, ownUid);
  for (let read = 1; read < READS && facts.state === 'corrupt'; read++) {
    await clock.sleep(BETWEEN_READS_MS);
    facts = await readOnce(agent, path, ownUid);
  }
  return facts;
}

async function readOnce(agent: AgentKind, path: string, ownUid: number): Promise<CredentialFacts> {
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
  return content === null ? { ...base, state: 'corrupt' } : { ...base, ...loginOf(agent, content) };
}
