/** What is wrong with a link or a home, in words, and the command that mends it. Nothing here does any of it. */
import type { PoolConfig } from '../config/schema.ts';
import type { HomeState, LinkState } from '../core/accounts.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { moveAside, shellWord } from '../core/shell.ts';
import { describeLink } from '../core/swap/recovery.ts';
import { filesOf } from './read-pool.ts';

/** What stands at the link's path, with what must be so before it is mended. */
export function linkWords(state: LinkState, pool: PoolConfig): string {
  const adopt = state.kind === 'directory' ? '; it can become the home of an account while no agent runs in it' : '';
  return `${linkPaths(pool)[0]?.link ?? pool.link} is ${describeLink(state)}${adopt}`;
}

/** The command that makes the link one to an account, or what stands in its way. */
export function linkRemedy(state: LinkState, pool: PoolConfig, homes: readonly HomeState[]): string {
  const [first] = pool.accounts;
  const usable = homes.find((home) => home.problem === null)?.home ?? null;
  const home = usable ?? first?.home ?? '<home>';
  const paths = linkPaths(pool).map(({ link, file }) => ({ link, target: file === null ? home : `${home}/${file}` }));
  const each = (command: (link: string, target: string) => string): string =>
    paths.map(({ link, target }) => command(shellWord(link), shellWord(target))).join(' && ');
  const make = each((link, target) => `ln -s ${target} ${link}`);
  switch (state.kind) {
    case 'directory':
      if (pool.mode === 'config_dir' && homes[0]?.problem === 'missing') return initCommand(pool);
      return `the directory cannot become ${first?.home}, which is there already: ${moveAside(paths[0]?.link ?? '')} && ${make}; or give ${first?.name} a home in the configuration that does not exist yet, then run: ${initCommand(pool)}`;
    case 'file':
      return pool.mode === 'file_link' ? initCommand(pool) : `${moveAside(pool.link)} && ${make}`;
    case 'missing':
      return pool.mode === 'config_dir' && usable !== null ? make : initCommand(pool);
    case 'unreadable':
      return `look at its owner and mode: ls -ld ${shellWord(paths[0]?.link ?? '')}`;
    default:
      return each((link, target) => `ln -sfn ${target} ${link}`);
  }
}

/** What is wrong with the home or its login, and what mends it; null: nothing. */
export function homeProblem(name: string, home: HomeState, profile: AgentProfile): readonly [string, string] | null {
  const where = `the home of ${name}, ${home.home},`;
  const path = shellWord(home.home);
  const login = loginCommandFor(name);
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
  const files = profile.credentialFiles.map((file) => shellWord(`${home.home}/${file}`)).join(' ');
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

/** What to do with files that killed writes of the CLI left; a newer login may be in one, so nothing is ever deleted. */
export function interruptedWords(name: string, paths: readonly string[]): readonly [string, string] {
  const files = paths.length === 1 ? 'a file' : `${paths.length} files`;
  return [
    `a write of the login of ${name} was interrupted and left ${files}: ${paths.join(', ')}`,
    `when sessions on ${name} answer, nothing needs ${paths.length === 1 ? 'it' : 'them'} any more: ${paths.map(moveAside).join(' && ')}`,
  ];
}

export function loginCommandFor(account: string): string {
  return `claude-failover accounts login ${shellWord(account)}`;
}

export function initCommand({ name }: PoolConfig): string {
  return `claude-failover init${name === 'default' ? '' : ` --pool ${shellWord(name)}`}`;
}

/** Each path that is a link, and for one file of several its name. */
function linkPaths(pool: PoolConfig): readonly { readonly link: string; readonly file: string | null }[] {
  const { files } = filesOf(pool);
  if (files === undefined) return [{ link: pool.link, file: null }];
  return files.map((file) => ({ link: `${pool.link}/${file}`, file }));
}
