/** Finds the agent that runs in a pane by walking the pane's process tree in /proc. */
import { readFileSync } from 'node:fs';
import { readFile, readlink, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type Candidate, isRuntime, paneAgent, profileOf } from '../../core/agents/process-match.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { TmuxError } from '../../core/errors.ts';
import type { AgentProcess } from '../../core/panes.ts';
import type { Clock, Logger, Processes } from '../../ports.ts';
import { outranking } from './login-choice.ts';
import { createProcTable, type ProcStat } from './proc-table.ts';

export interface ProcessesOptions {
  readonly profiles: readonly AgentProfile[];
  /** Default `/proc`. */
  readonly procRoot?: string;
  /** Processes of other users are never agents: neither their environment nor their files are ours. */
  readonly ownUid: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A process may still be the shell that is about to become the agent, so for so long its name is read at each look. */
const SETTLE_MS = 3000;
/** A process can become another program under the same name; so seldom that this is soon enough. */
const REJUDGE_MS = 60_000;
/** No agent is searched beyond so many processes in one pane. */
const MAX_TREE = 1000;
/** USER_HZ: the unit of start times in /proc, 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

interface Judged {
  readonly startTicks: string;
  readonly comm: string;
  readonly firstSeenAt: number;
  readonly judgedAt: number;
  /** `/proc/<pid>/cmdline`; null: not readable. */
  readonly commandLine: string | null;
  readonly agent: AgentProcess | null;
}

interface Found extends Candidate {
  readonly agent: AgentProcess;
}

/** Also looks at all agents of this user, wherever they run. */
export interface AllProcesses extends Processes {
  /** Those that another one of the same kind started are its parts and left out. @throws {TmuxError} the process table cannot be read */
  everyAgent(): Promise<readonly AgentProcess[]>;
}

export function createProcesses(options: ProcessesOptions): AllProcesses {
  const root = options.procRoot ?? '/proc';
  const table = createProcTable(root);
  const judged = new Map<number, Judged>();
  let readWholeAt = Number.NEGATIVE_INFINITY;

  function updateTable(): void {
    const now = options.clock.monotonic();
    const whole = now - readWholeAt >= REJUDGE_MS;
    table.update(whole);
    if (!whole) return;
    readWholeAt = now;
    for (const pid of judged.keys()) if (!table.has(pid)) judged.delete(pid);
  }

  /** Does not look below an agent: one that runs inside another is that one's tool. */
  async function agentUnder(panePid: number): Promise<AgentProcess | null> {
    const found: Found[] = [];
    let level: readonly { readonly pid: number; readonly parent: number | null }[] = [{ pid: panePid, parent: null }];
    let visited = 0;
    for (let depth = 0; level.length > 0 && visited < MAX_TREE; depth++) {
      const next: { readonly pid: number; readonly parent: number }[] = [];
      for (const { pid, parent } of level.slice(0, MAX_TREE - visited)) {
        visited++;
        const process = table.refresh(pid);
        if (process === null || (parent !== null && process.ppid !== parent)) continue;
        const known = judgement(process);
        const agent = known === undefined ? await judge(process) : known;
        if (agent === null) {
          for (const child of table.childrenOf(pid)) next.push({ pid: child, parent: pid });
        } else {
          // Before its command ran, the shell had not given it the terminal.
          const { pgrp, tpgid } = known === undefined ? (table.refresh(pid) ?? process) : process;
          const foreground = pgrp === tpgid;
          found.push({ foreground, startTicks: Number(process.startTicks), depth, agent: { ...agent, foreground } });
        }
      }
      level = next;
    }
    return paneAgent(found)?.agent ?? null;
  }

  /** What is still known of this process; undefined: it must be judged. */
  function judgement(process: ProcStat): AgentProcess | null | undefined {
    const known = judged.get(process.pid);
    if (known === undefined || known.startTicks !== process.startTicks || known.comm !== process.comm) return undefined;
    const settled = known.judgedAt - known.firstSeenAt >= SETTLE_MS;
    return settled && options.clock.monotonic() - known.judgedAt < REJUDGE_MS ? known.agent : undefined;
  }

  /** With its start, name and command line unchanged it is the program it was, in the environment it had. */
  async function judge(process: ProcStat): Promise<AgentProcess | null> {
    const { pid, comm, startTicks } = process;
    const known = judged.get(pid);
    const before = known?.startTicks === startTicks ? known : null;
    const commandLine = await readFile(join(root, String(pid), 'cmdline'), 'utf8').catch(() => null);
    const isSame = before !== null && before.comm === comm && before.commandLine === commandLine;
    const found = isSame && before.agent !== null ? before.agent : await describe(process, commandLine);
    const isTitled = found?.argumentsLost === true && before?.agent != null && before.agent.argumentsLost !== true;
    const agent = isTitled ? { ...withoutLoss(found), argv: before.agent.argv } : found;
    const judgedAt = options.clock.monotonic();
    judged.set(pid, { startTicks, comm, firstSeenAt: before?.firstSeenAt ?? judgedAt, judgedAt, commandLine, agent });
    return agent;
  }

  /** Null: not an agent, not ours, or gone meanwhile. */
  async function describe({ pid, startTicks }: ProcStat, commandLine: string | null): Promise<AgentProcess | null> {
    if (commandLine === null) return null;
    const directory = join(root, String(pid));
    const argv = commandLine.replace(/\0+$/, '').split('\0');
    try {
      const exe = await readlink(join(directory, 'exe')).catch(() => null);
      const profile = profileOf({ argv, exe }, options.profiles);
      if (profile === null || (await stat(directory)).uid !== options.ownUid) return null;
      const cwd = await readlink(join(directory, 'cwd'));
      const environment = readEnvironment(await readFile(join(directory, 'environ')), profile);
      const startedAt = startInstant(startTicks);
      if (table.refresh(pid)?.startTicks !== startTicks) return null;
      const home = environment.home ?? userInfo().homedir;
      const configDir =
        environment.configDir === null
          ? join(home, profile.configDir.underHome)
          : resolve(cwd, environment.configDir, profile.configDir.within ?? '.');
      return {
        agent: profile.kind,
        pid,
        startTicks,
        startedAt,
        ...(isTitle(argv, exe)
          ? { argv: startedAs(environment.command, profile), argumentsLost: true }
          : { argv: asTyped(argv, environment.command, profile) }),
        cwd,
        configDir,
        configDirIsSet: environment.configDir !== null,
        ...(environment.credentialsDir === null ? {} : { credentialsDir: resolve(cwd, environment.credentialsDir) }),
        overriding: await outranking(environment.overriding, { project: cwd, configDir }, profile),
        foreground: false,
      };
    } catch (error) {
      options.log.debug({ pid, code: (error as NodeJS.ErrnoException).code ?? null }, 'process not readable');
      return null;
    }
  }

  /** In one go: what the loop does between the two would make the process younger, and charge its limits to another account. */
  function startInstant(startTicks: string): number {
    const uptimeS = Number(readFileSync(join(root, 'uptime'), 'utf8').split(' ')[0]);
    const ageMs = uptimeS * 1000 - Number(startTicks) * MS_PER_TICK;
    return Math.round(options.clock.now() - Math.max(0, ageMs));
  }

  function demandTable(): void {
    try {
      updateTable();
    } catch (error) {
      throw new TmuxError('process_table', `process table ${root} is not readable`, { cause: error });
    }
  }

  return {
    async everyAgent() {
      demandTable();
      const agents = new Map<number, AgentProcess>();
      const parents = new Map<number, number>();
      for (const pid of table.pids()) {
        const process = table.refresh(pid);
        if (process === null) continue;
        parents.set(pid, process.ppid);
        const agent = await judge(process);
        if (agent !== null) agents.set(pid, agent);
      }
      const isWithin = ({ pid, agent }: AgentProcess): boolean => {
        for (let above = parents.get(pid); above !== undefined; above = parents.get(above))
          if (agents.get(above)?.agent === agent) return true;
        return false;
      };
      return [...agents.values()].filter((agent) => !isWithin(agent));
    },
    async agentsUnder(panePids) {
      demandTable();
      const agents = panePids.map(async (pid) => [pid, await agentUnder(pid)] as const);
      return new Map(await Promise.all(agents));
    },
    async shellInFront(panePid) {
      const shell = table.refresh(panePid);
      if (shell === null || shell.pgrp !== panePid || shell.tpgid !== panePid || !SHELLS.has(shell.comm)) return false;
      const commandLine = await readFile(join(root, String(panePid), 'cmdline'), 'utf8').catch(() => null);
      return commandLine !== null && isInteractive(commandLine.replace(/\0+$/, '').split('\0').slice(1));
    },
    isAlive: async (pid, startTicks) => table.refresh(pid)?.startTicks === startTicks,
  };
}

/** A program in a runtime has a script beside it: a single word is a title that was written over the arguments. */
function isTitle(argv: readonly string[], exe: string | null): boolean {
  return argv.length === 1 && exe !== null && isRuntime(exe);
}

/** Shells tell a program the path by which they found it (`_`); another agent's or a wrapper's path is not the program. */
function startedAs(command: string | null, profile: AgentProfile): readonly string[] {
  return command?.startsWith('/') && profile.process.names.includes(basename(command)) ? [command] : [];
}

/**
 * The kernel puts the runtime in front of a script; without it the words are those that the shell was given, and `_` of a
 * process that is started by them names the script again.
 */
function asTyped(argv: readonly string[], command: string | null, profile: AgentProfile): readonly string[] {
  return argv[1] !== undefined && argv[1] === startedAs(command, profile)[0] ? argv.slice(1) : argv;
}

function withoutLoss(process: AgentProcess): AgentProcess {
  const { argumentsLost: _, ...rest } = process;
  return rest;
}

const SHELLS: ReadonlySet<string> = new Set(['bash', 'zsh', 'fish', 'sh', 'dash', 'ksh']);

/** A shell that runs a script or a given command keeps its children in its own group, so it seems to be in front itself. */
function isInteractive(options: readonly string[]): boolean {
  if (options.some((word) => /^-\w*c/.test(word))) return false;
  return options.every((word) => word.startsWith('-')) || options.some((word) => /^-\w*i/.test(word));
}

interface Environment {
  readonly home: string | null;
  readonly configDir: string | null;
  readonly credentialsDir: string | null;
  /** `_`: what the shell that started it called it. */
  readonly command: string | null;
  readonly overriding: readonly string[];
}

/** Reads names; of values only the four paths ever become a string. */
function readEnvironment(environ: Buffer, profile: AgentProfile): Environment {
  let home: string | null = null;
  let configDir: string | null = null;
  let credentialsDir: string | null = null;
  let command: string | null = null;
  const overriding = new Set<string>();
  for (let start = 0; start < environ.length; ) {
    const zero = environ.indexOf(0, start);
    const end = zero === -1 ? environ.length : zero;
    const equals = environ.subarray(start, end).indexOf('=');
    if (equals > 0) {
      const name = environ.toString('utf8', start, start + equals);
      const value = (): string | null => environ.toString('utf8', start + equals + 1, end) || null;
      if (name === 'HOME') home = value();
      if (name === '_') command = value();
      if (name === profile.configDir.env) configDir = value();
      if (name === profile.credentialsDir?.env) credentialsDir = value();
      if (profile.overridingEnv.includes(name) && start + equals + 1 < end) overriding.add(name);
    }
    start = end + 1;
  }
  return { home, configDir, credentialsDir, command, overriding: [...overriding] };
}
