/** Judges the login of one account from what its home shows, without a token: ended, or there again. Renews nothing. */

import type { AgentProfile } from '../core/agents/profile.ts';
import { loginEnd } from '../core/alerts/rules.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import { forgetOldFigure } from '../core/quota/record.ts';
import type { EpochMs } from '../core/time.ts';
import { utcMinute } from '../core/time.ts';
import type { AccountHomes, Clock, LocalStore, Logger, PoolStore } from '../ports.ts';
import { loginCommandFor } from './remedies.ts';

export interface CredentialPorts {
  readonly local: Pick<LocalStore, 'append'>;
  readonly shared: Pick<PoolStore, 'moveStatus' | 'mergeQuotas'>;
  readonly homes: Pick<AccountHomes, 'inspect'>;
  readonly clock: Clock;
}

/**
 * Brings the account's mark in line with its credentials file.
 *
 * @returns what changed; null: nothing
 */
export async function checkCredentials(
  ports: CredentialPorts,
  account: AccountFacts,
  profile: AgentProfile,
  log: Logger,
): Promise<'expired' | 'restored' | null> {
  const { home, row, name } = account;
  if (home === null || row === null || home.problem !== null) return null;
  const now = ports.clock.now();
  const base = { pool: account.pool, account: name } as const;
  const over = reasonItIsOver(account, now);

  if (over !== null && row.status === 'active') {
    // The CLI may have renewed or replaced the login since the first look.
    const again = await ports.homes.inspect(profile, home.home);
    const reason = reasonItIsOver({ ...account, home: again }, now);
    if (reason === null) return null;
    if (!(await ports.shared.moveStatus(name, 'active', 'expired', reason, again.credentialsMtimeMs))) return null;
    const data = {
      detail: `the login of ${name} is dead: ${reason}`,
      remedy: `log in to it again: ${loginCommandFor(name)}`,
    };
    await ports.local.append([{ type: 'login_needed', ...base, data }], now);
    log.warn({ account: name, reason }, 'an account needs a login');
    return 'expired';
  }
  const isChanged = home.credentialsMtimeMs !== row.credentialsMtimeMs;
  if (over === null && home.credentials === 'ok' && row.status === 'expired' && isChanged) {
    if (!(await ports.shared.moveStatus(name, 'expired', 'active', null, home.credentialsMtimeMs))) return null;
    await forgetFigures(ports, account, now);
    const data = { detail: `${name} is logged in again` };
    await ports.local.append([{ type: 'account_recovered', ...base, data }], now);
    log.info({ account: name }, 'an account is logged in again');
    return 'restored';
  }
  return null;
}

/** What was known of the use belongs to the login before. */
async function forgetFigures(ports: CredentialPorts, { name, quota }: AccountFacts, now: EpochMs): Promise<void> {
  await ports.shared.mergeQuotas(
    quota.map(({ window }) => ({
      account: name,
      window,
      merge: (current) => (current === null ? null : forgetOldFigure(current, now)),
    })),
  );
}

/** An access token that ran out says nothing where the CLI can renew it. */
function reasonItIsOver(account: Pick<AccountFacts, 'home'>, now: EpochMs): string | null {
  if (account.home?.credentials === 'blanked') return 'the CLI emptied its tokens';
  const endedAt = account.home?.credentials === 'ok' ? loginEnd(account) : null;
  return endedAt !== null && endedAt <= now ? `it ended at ${utcMinute(endedAt)}` : null;
}
