/** What must be in order before the daemon may act: links, homes, identities, shared entries. All problems at once. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { LinkState } from '../core/accounts.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { FatalError } from '../core/errors.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { Logger } from '../ports.ts';
import { profileOf } from './config-policy.ts';
import { placeOf } from './read-pool.ts';
import type { SwapPorts } from './swap-effects.ts';

export interface StartProblem {
  readonly severity: 'fatal' | 'warning';
  /** `shared`: an entry that all homes should share. */
  readonly kind: 'link' | 'home' | 'shared';
  readonly pool: string;
  readonly message: string;
  readonly remedy: string;
}

/** Looks at every pool; changes nothing. */
export async function checkPools(
  ports: Pick<SwapPorts, 'link' | 'homes' | 'sharedEntries'>,
  config: Config,
  profiles: readonly AgentProfile[],
): Promise<readonly StartProblem[]> {
  const all = await Promise.all(config.pools.map((pool) => checkPool(ports, pool, profileOf(profiles, pool))));
  return all.flat();
}

/** @throws {FatalError} with every fatal problem and its remedy */
export function refuseToStart(problems: readonly StartProblem[], log: Logger): void {
  for (const { pool, message, remedy } of problems.filter((problem) => problem.severity === 'warning'))
    log.warn({ pool, remedy }, message);
  const fatal = problems.filter((problem) => problem.severity === 'fatal');
  if (fatal.length === 0) return;
  const lines = fatal.map(({ pool, message, remedy }) => `pool ${pool}: ${message}\n    ${remedy}`);
  throw new FatalError('start_refused', `cannot start:\n  ${lines.join('\n  ')}`, {
    hint: 'mend this, then start again; claude-failover doctor shows all checks',
  });
}

async function checkPool(
  ports: Pick<SwapPorts, 'link' | 'homes' | 'sharedEntries'>,
  pool: PoolConfig,
  profile: AgentProfile,
): Promise<StartProblem[]> {
  const problems: StartProblem[] = [];
  const add = (
    severity: StartProblem['severity'],
    kind: StartProblem['kind'],
    message: string,
    remedy: string,
  ): void => {
    problems.push({ severity, kind, pool: pool.name, message, remedy });
  };
  const state = await ports.link.read(placeOf(pool));
  // A link at no account, a dangling one or a loop makes the pool partial, it is shown there and can be mended at run time.
  const remedy = linkRemedy(state, pool);
  if (remedy !== null) add('fatal', 'link', `the link ${pool.link} is ${describeLink(state)}`, remedy);

  const homes = await Promise.all(
    pool.accounts.map(async (account) => ({ account, state: await ports.homes.inspect(profile, account.home) })),
  );
  for (const [index, { account, state: home }] of homes.entries()) {
    if (home.problem !== null)
      add(
        'warning',
        'home',
        `the home of ${account.name}, ${account.home}, is ${home.problem}`,
        `log in to it once: ${profile.configDir.env}=${account.home} ${profile.kind}`,
      );
    else if (home.credentials !== 'ok')
      add(
        'warning',
        'home',
        `the credentials of ${account.name} are ${home.credentials}`,
        `log in to it: ${profile.configDir.env}=${account.home} ${profile.kind}`,
      );
    if (home.looseMode)
      add(
        'warning',
        'home',
        `the credentials of ${account.name} can be read by others`,
        `chmod 600 ${profile.credentialFiles.map((file) => `${account.home}/${file}`).join(' ')}`,
      );
    const twin = homes
      .slice(0, index)
      .find(
        (other) =>
          (home.identity !== null && other.state.identity === home.identity) ||
          (home.realPath !== null && other.state.realPath === home.realPath),
      );
    if (twin !== undefined)
      add(
        'fatal',
        'home',
        `${account.name} and ${twin.account.name} are the same login`,
        `log in to ${account.name} with the other account: ${profile.configDir.env}=${account.home} ${profile.kind}`,
      );
  }
  const usable = homes.filter((home) => home.state.problem === null).map((home) => home.account.home);
  for (const problem of await ports.sharedEntries.validate(profile, usable, pool.sharedRoot)) {
    add(problem.severity, 'shared', `${problem.home}/${problem.entry}: ${problem.message}`, problem.remedy);
  }
  return problems;
}

function linkRemedy(state: LinkState, pool: PoolConfig): string | null {
  const [first] = pool.accounts;
  const home = first?.home ?? '<home of the account>';
  switch (state.kind) {
    case 'directory':
      return `with no agent running, make it the home of its account: mv ${pool.link} ${home} && ln -s ${home} ${pool.link}`;
    case 'file':
      return `move the file aside, then: ln -s ${home} ${pool.link}`;
    case 'missing':
      return `point it at an account: ln -s ${home} ${pool.link}`;
    case 'unreadable':
      return `check owner and mode of ${pool.link} and its directory`;
    default:
      return null;
  }
}
