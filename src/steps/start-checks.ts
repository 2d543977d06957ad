/** What must be in order before the daemon may act: links, homes, identities, shared entries. All problems at once. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { HomeState, LinkState } from '../core/accounts.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { FatalError } from '../core/errors.ts';
import { moveAside, shellWord } from '../core/shell.ts';
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
  const homes = await Promise.all(
    pool.accounts.map(async (account) => ({ account, state: await ports.homes.inspect(profile, account.home) })),
  );
  const state = await ports.link.read(placeOf(pool));
  // A link at no account, a dangling one or a loop makes the pool partial, it is shown there and can be mended at run time.
  if (STOPS.includes(state.kind))
    add(
      'fatal',
      'link',
      `the link ${linkWords(state, pool)}`,
      linkRemedy(
        state,
        pool,
        homes.map((home) => home.state),
      ),
    );

  for (const [index, { account, state: home }] of homes.entries()) {
    const isToBeMade = index === 0 && state.kind === 'directory' && home.problem === 'missing';
    const wrong = isToBeMade
      ? ([`the home of ${account.name} is not there yet`, 'the command that mends the link makes it'] as const)
      : homeProblem(account.name, home, profile);
    if (wrong !== null) add('warning', 'home', ...wrong);
    if (home.looseMode)
      add(
        'warning',
        'home',
        `the credentials of ${account.name} can be read by others`,
        `chmod 600 ${credentialFiles(home, profile)}`,
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
        `log in to ${account.name} with the other account: ${profile.configDir.env}=${shellWord(account.home)} ${profile.kind}`,
      );
  }
  const usable = homes.filter((home) => home.state.problem === null).map((home) => home.account.home);
  for (const problem of await ports.sharedEntries.validate(profile, usable, pool.sharedRoot)) {
    add(problem.severity, 'shared', problem.message, problem.remedy);
  }
  return problems;
}

const STOPS: readonly LinkState['kind'][] = ['directory', 'file', 'missing', 'unreadable'];

/** What stands at the link's path, with what must be so before it is mended. */
export function linkWords(state: LinkState, pool: PoolConfig): string {
  const adopt = state.kind === 'directory' ? '; it can become the home of an account while no agent runs in it' : '';
  return `${pool.link} is ${describeLink(state)}${adopt}`;
}

/** The command that makes the link one to an account, or what stands in its way. */
export function linkRemedy(state: LinkState, pool: PoolConfig, homes: readonly HomeState[]): string {
  const link = shellWord(pool.link);
  const [first] = pool.accounts;
  const usable = homes.find((home) => home.problem === null)?.home ?? first?.home ?? '<home>';
  const make = `ln -s ${shellWord(usable)} ${link}`;
  switch (state.kind) {
    case 'directory': {
      if (homes[0]?.problem !== 'missing')
        return `the directory cannot become ${first?.home}, which is there already: give ${first?.name} a home in the configuration that does not exist yet, then run: claude-failover doctor`;
      const home = shellWord(homes[0].home);
      return `test ! -e ${home} && mv ${link} ${home} && ln -s ${home} ${link}`;
    }
    case 'file':
      return `${moveAside(pool.link)} && ${make}`;
    case 'missing':
      return make;
    case 'unreadable':
      return `look at its owner and mode: ls -ld ${link}`;
    default:
      return `ln -sfn ${shellWord(usable)} ${link}`;
  }
}

/** What is wrong with the home or its login, and what mends it; null: nothing. */
function homeProblem(name: string, home: HomeState, profile: AgentProfile): readonly [string, string] | null {
  const where = `the home of ${name}, ${home.home},`;
  const path = shellWord(home.home);
  const login = `${profile.configDir.env}=${path} ${profile.kind}`;
  const own = '"$(id -u)"';
  switch (home.problem) {
    case 'missing':
      return [`${where} is missing`, `log in to it once: ${login}`];
    case 'not-a-directory':
      return [`${where} is not a directory`, `${moveAside(home.home)} && ${login}`];
    case 'foreign-owner':
      return [`${where} belongs to another user`, `sudo chown -R ${own} ${path}`];
    case 'unreadable':
      return [`${where} cannot be read`, `look at its owner and mode: ls -ld ${path}`];
  }
  const files = credentialFiles(home, profile);
  const credentials = `the credentials of ${name}`;
  switch (home.credentials) {
    case 'ok':
      return null;
    case 'missing':
      return [`${name} is not logged in`, `log in to it: ${login}`];
    case 'blanked':
      return [`the login of ${name} has ended`, `log in to it again: ${login}`];
    case 'corrupt':
      return [`${credentials} cannot be understood`, `log in to it again: ${login}`];
    case 'link': {
      const aside = profile.credentialFiles.map((file) => moveAside(`${home.home}/${file}`)).join(' && ');
      return [`${credentials} are a symbolic link, not a file of their own`, `${aside} && ${login}`];
    }
    case 'foreign':
      return [`${credentials} belong to another user`, `sudo chown ${own} ${files}`];
    case 'unreadable':
      return [`${credentials} cannot be read`, `look at owner and mode: ls -l ${files}`];
  }
}

function credentialFiles({ home }: HomeState, profile: AgentProfile): string {
  return profile.credentialFiles.map((file) => shellWord(`${home}/${file}`)).join(' ');
}
