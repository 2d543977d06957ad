/** Whose login lies in a directory that is to be taken over, without one word of its tokens. */
import { join } from 'node:path';
import { createAccountHomes, identityInState } from '../../adapters/accounts/homes.ts';
import type { Config } from '../../config/schema.ts';
import type { AdoptionRecord } from '../../core/adoption/step.ts';
import { toIso } from '../../core/time.ts';
import type { CommandIo } from '../io.ts';
import { NO_LOG } from '../offline.ts';
import { loginDirectory } from './facts.ts';
import type { AdoptionSubject } from './place.ts';

export interface LoginFacts {
  /** `<account uuid>/<organisation uuid>`; null: its files do not tell. */
  readonly identity: string | null;
  /** The other account of the configuration that has the same login; null: none. */
  readonly twin: string | null;
  /** For a person. */
  readonly words: string;
}

export async function loginAt(subject: AdoptionSubject, io: Pick<CommandIo, 'clock' | 'home'>): Promise<LoginFacts> {
  const { pool, account, profile } = subject;
  const ownUid = process.getuid?.() ?? 0;
  const homes = createAccountHomes({ ownUid, clock: io.clock, log: NO_LOG });
  const directory = loginDirectory(subject);
  const found = await homes.inspect(profile, directory);
  if (found.problem === 'missing') return { identity: null, twin: null, words: 'there is no login yet' };
  // Without the variable Claude Code keeps its account's name in the user's home, beside its directory.
  const isUsual = pool.agent === 'claude' && directory === join(io.home, profile.configDir.underHome);
  const identity = found.identity ?? (isUsual ? await identityInState(io.home, ownUid) : null);
  let twin: string | null = null;
  for (const other of pool.accounts) {
    if (other.name === account.name && pool.mode !== 'file_link') continue;
    const state = await homes.inspect(profile, other.home);
    if (identity !== null && state.identity === identity) twin = other.name;
  }
  const ends = found.loginEndsAt === null ? '' : `, it ends ${toIso(found.loginEndsAt)}`;
  const whose = identity === null ? 'its files do not tell whose it is' : 'whose it is will be kept';
  const words =
    found.credentials === 'ok'
      ? `a login is there; ${whose}${ends}`
      : `its credentials are ${found.credentials}: log in again afterwards (claude-failover accounts login ${account.name})`;
  return { identity: found.credentials === 'ok' ? identity : null, twin, words };
}

/** Where the home itself does not tell whose login it holds, it is known from now on all the same. */
export async function keepIdentity(
  { account, identity }: Pick<AdoptionRecord, 'account' | 'identity'>,
  config: Config,
  io: Pick<CommandIo, 'clock'>,
): Promise<void> {
  if (identity === null) return;
  const { openStore } = await import('../../store/open.ts');
  const store = await openStore({ stateDir: config.daemon.stateDir, now: io.clock.now() });
  try {
    for (const pool of config.pools)
      await store.pool.ensureAccounts(pool.accounts.map(({ name }) => ({ name, pool: pool.name })));
    await store.pool.setIdentity(account, identity);
  } finally {
    await store.close();
  }
}
