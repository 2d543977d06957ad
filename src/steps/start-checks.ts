/** What must be in order before the daemon may act: links, homes, identities, shared entries. All problems at once. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { LinkState } from '../core/accounts.ts';
import { CREDENTIALS_VARIABLE } from '../core/agents/linked-files.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { FatalError } from '../core/errors.ts';
import { shellWord } from '../core/shell.ts';
import type { Logger } from '../ports.ts';
import { profileOf } from './config-policy.ts';
import { placeOf } from './read-pool.ts';
import { homeProblem, initCommand, interruptedWords, linkRemedy, linkWords, loginCommandFor } from './remedies.ts';
import type { SwapPorts } from './swap-ports.ts';

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

  if (pool.mode === 'secure_storage') {
    const found = await ports.link.accountOf(pool.sharedRoot, placeOf(pool));
    const missing = `the settings in ${pool.sharedRoot} do not name the link ${pool.link} as ${CREDENTIALS_VARIABLE}`;
    if (state.kind === 'account' && found?.throughLink !== true) add('fatal', 'link', missing, initCommand(pool));
  }

  for (const [index, { account, state: home }] of homes.entries()) {
    const isToBeMade = index === 0 && state.kind === 'directory' && home.problem === 'missing';
    const wrong = isToBeMade
      ? ([`the home of ${account.name} is not there yet`, 'the command that mends the link makes it'] as const)
      : homeProblem(account.name, home, profile);
    if (wrong !== null) add('warning', 'home', ...wrong);
    const interrupted = await ports.homes.interruptedWrites(profile, account.home);
    if (interrupted.length > 0) add('warning', 'home', ...interruptedWords(account.name, interrupted));
    if (home.looseMode)
      add(
        'warning',
        'home',
        `the credentials of ${account.name} can be read by others`,
        `chmod 600 ${profile.credentialFiles.map((file) => shellWord(`${home.home}/${file}`)).join(' ')}`,
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
        `log in to ${account.name} with the other account: ${loginCommandFor(account.name)}`,
      );
  }
  const usable = homes.filter((home) => home.state.problem === null).map((home) => home.account.home);
  const validated = isShared(profile) ? await ports.sharedEntries.validate(profile, usable, pool.sharedRoot) : [];
  for (const problem of validated) {
    add(problem.severity, 'shared', problem.message, problem.remedy);
  }
  return problems;
}

const STOPS: readonly LinkState['kind'][] = ['directory', 'file', 'missing', 'unreadable'];

/** Where only the credentials are linked, nothing has to be shared. */
function isShared({ sharedEntries }: AgentProfile): boolean {
  return sharedEntries.required.length > 0 || sharedEntries.optional.length > 0;
}
