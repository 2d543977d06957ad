/** Checks of each pool: its link, the homes of its accounts, and what they share. */

import { createAccountHomes } from '../../adapters/accounts/homes.ts';
import { createAccountLink } from '../../adapters/accounts/link.ts';
import { createSharedEntries } from '../../adapters/accounts/shared-links.ts';
import type { Config, PoolConfig } from '../../config/schema.ts';
import type { HomeState, LinkState } from '../../core/accounts.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { counted } from '../../core/counted.ts';
import { DAY, formatDuration } from '../../core/time.ts';
import type { Clock } from '../../ports.ts';
import { profileOf } from '../../steps/config-policy.ts';
import { placeOf } from '../../steps/read-pool.ts';
import { linkRemedy, linkWords, loginCommandFor } from '../../steps/remedies.ts';
import { checkPools } from '../../steps/start-checks.ts';
import { NO_LOG } from '../offline.ts';
import type { Check } from './check.ts';
import { failed, passed, warned } from './check.ts';

const SOON_MS = 3 * DAY;

export async function checkAccounts(
  config: Config,
  profiles: readonly AgentProfile[],
  ownUid: number,
  clock: Clock,
): Promise<readonly Check[]> {
  const ports = {
    link: createAccountLink({ log: NO_LOG }),
    homes: createAccountHomes({ ownUid, clock, log: NO_LOG }),
    sharedEntries: createSharedEntries({ ownUid, log: NO_LOG }),
  };
  const problems = await checkPools(ports, config, profiles);
  const checks: Check[] = [];
  for (const pool of config.pools) {
    const profile = profileOf(profiles, pool);
    const homes = await Promise.all(pool.accounts.map(({ home }) => ports.homes.inspect(profile, home)));
    checks.push(checkLink(await ports.link.read(placeOf(pool)), pool, homes));
    const own = problems.filter((problem) => problem.pool === pool.name && problem.kind !== 'link');
    for (const { kind, severity, message, remedy } of own) {
      checks.push(
        (severity === 'fatal' ? failed : warned)(
          `pool ${pool.name}: ${kind === 'home' ? 'homes' : 'shared entries'}`,
          message,
          remedy,
        ),
      );
    }
    for (const [index, account] of pool.accounts.entries()) {
      const home = homes[index];
      if (home !== undefined && home.loginEndsAt !== null && home.loginEndsAt < clock.now() + SOON_MS) {
        const leftMs = home.loginEndsAt - clock.now();
        const words = leftMs <= 0 ? 'has ended' : `ends in ${formatDuration(leftMs)}`;
        checks.push(
          warned(
            `pool ${pool.name}: login`,
            `the login of ${account.name} ${words}`,
            `log in again: ${loginCommandFor(account.name)}`,
          ),
        );
      }
    }
    if (!own.some(({ kind }) => kind === 'home'))
      checks.push(
        passed(`pool ${pool.name}: homes`, `${counted(pool.accounts.length, 'account')}, each with a login of its own`),
      );
    if (profile.sharedEntries.required.length > 0 && !own.some(({ kind }) => kind === 'shared'))
      checks.push(passed(`pool ${pool.name}: shared entries`, `every home shares them through ${pool.sharedRoot}`));
  }
  return checks;
}

/** A link that is wrong is mended by hand: nothing here moves what a user has. */
function checkLink(state: LinkState, pool: PoolConfig, homes: readonly HomeState[]): Check {
  const name = `pool ${pool.name}: link`;
  const words = linkWords(state, pool);
  return state.kind === 'account' ? passed(name, words) : failed(name, words, linkRemedy(state, pool, homes));
}
