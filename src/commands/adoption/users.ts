/** Names every process that has to do with an agent's directory: agents, and editors, jobs and servers besides. */
import { realpathSync } from 'node:fs';
import { createAccountLink } from '../../adapters/accounts/link.ts';
import type { DirectoryUser } from '../../adapters/signals/directory-users.ts';
import { directoryUsers } from '../../adapters/signals/directory-users.ts';
import { createProcesses } from '../../adapters/signals/processes.ts';
import type { PoolConfig } from '../../config/schema.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { FailoverError } from '../../core/errors.ts';
import type { AgentProcess } from '../../core/panes.ts';
import type { Clock } from '../../ports.ts';
import { placeOf } from '../../steps/read-pool.ts';
import type { CommandIo } from '../io.ts';
import { NO_LOG } from '../offline.ts';
import { clean } from '../text.ts';

export interface Users {
  /** Agents whose own configuration directory it is. */
  readonly agents: readonly AgentProcess[];
  readonly others: readonly DirectoryUser[];
}

/**
 * @param directories as the configuration writes them: the link, and homes behind it
 * @throws {TmuxError} the process table cannot be read
 */
async function usersOf(
  directories: readonly string[],
  profile: AgentProfile,
  clock: Clock,
  procRoot = '/proc',
): Promise<Users> {
  const ownUid = process.getuid?.() ?? 0;
  const meant = new Set(directories.flatMap((directory) => [directory, realPath(directory)]));
  const processes = createProcesses({ profiles: [profile], ownUid, clock, log: NO_LOG, procRoot });
  const agents = (await processes.everyAgent()).filter(
    ({ configDir }) => meant.has(configDir) || meant.has(realPath(configDir)),
  );
  const known = new Set(agents.map(({ pid }) => pid));
  const options = { procRoot, ownUid, ownPid: process.pid, variable: profile.configDir.env };
  const others = directoryUsers([...meant], options).filter(({ pid }) => !known.has(pid));
  return { agents, others };
}

/** A line for each process that will be on another account when the link of the pool moves. */
export async function affectedBy(pool: PoolConfig, profile: AgentProfile, clock: Clock): Promise<readonly string[]> {
  // Nothing reads that link.
  if (pool.mode === 'env') return [];
  const users = await usersOf(
    pool.mode === 'secure_storage' ? [pool.link, pool.sharedRoot] : [pool.link],
    profile,
    clock,
  );
  if (pool.mode !== 'config_dir') return describeUsers(users);
  const link = createAccountLink({ log: NO_LOG });
  const place = placeOf(pool);
  const agents: AgentProcess[] = [];
  for (const agent of users.agents)
    if ((await link.accountOf(agent.configDir, place))?.throughLink === true) agents.push(agent);
  return describeUsers({ ...users, agents });
}

/** Prints a line for each process that has to do with these places. @returns them */
export async function tellUsers(
  directories: readonly string[],
  profile: AgentProfile,
  io: CommandIo,
  how: 'aloud' | 'quiet' = 'aloud',
): Promise<Users> {
  const users = await usersOf(directories, profile, io.clock);
  if (how === 'quiet') return users;
  const lines = describeUsers(users);
  if (lines.length === 0) io.out('  no process uses it now\n');
  for (const line of lines) io.out(`  affected: ${line}\n`);
  return users;
}

/** @throws {FailoverError} an agent runs there */
export function demandNoAgents({ agents }: Users, place: string): void {
  const [first] = agents;
  if (first === undefined) return;
  const all = agents.map(({ agent, pid }) => `${agent} (pid ${pid})`).join(', ');
  throw new FailoverError('agent_running', `agents run in ${place}: ${all}`, {
    hint: `leave them (${agents.length === 1 ? `kill -TERM ${first.pid}` : 'type /exit in each'}), then run the same command again; their sessions can be resumed`,
  });
}

/** A line for each. */
function describeUsers({ agents, others }: Users): readonly string[] {
  return [
    ...agents.map(({ pid, agent, cwd, overriding }) => {
      const apart = overriding.length === 0 ? '' : ` (not affected: it has ${overriding.join(', ')})`;
      return `${agent}, pid ${pid}, in ${clean(cwd)}${apart}`;
    }),
    ...others.map(({ pid, name, how }) => `${clean(name)}, pid ${pid}: ${WORDS[how]}`),
  ];
}

const WORDS: Readonly<Record<DirectoryUser['how'], string>> = {
  'open file': 'has a file open there',
  'working directory': 'works in that directory',
  told: 'its environment names that directory',
};

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
