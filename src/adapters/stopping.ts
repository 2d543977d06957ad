/** Who still uses what a link leads to, by /proc, and the end of an agent's background part by its own command. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { isRuntime, splitCommand } from '../core/agents/process-match.ts';
import { LinkError } from '../core/errors.ts';
import type { AgentProcess } from '../core/panes.ts';
import { SECOND } from '../core/time.ts';
import type { Stopping } from '../ports/stopping.ts';
import type { Clock, Processes } from '../ports.ts';

export interface StoppingOptions {
  readonly processes: Pick<Stopping, 'everyAgent'> & Pick<Processes, 'isAlive'>;
  readonly clock: Clock;
  /** Of this program: PATH and HOME are handed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default `/proc`. */
  readonly procRoot?: string;
}

const COMMAND_MS = 20 * SECOND;
const GONE_MS = 10 * SECOND;
const LOOK_AGAIN_MS = 100;

export function createStopping({ processes, clock, env, procRoot = '/proc' }: StoppingOptions): Stopping {
  let last: { readonly atMs: number; readonly agents: readonly AgentProcess[] } | null = null;
  return {
    async everyAgent(maxAgeMs = 0) {
      const atMs = clock.monotonic();
      if (last === null || atMs - last.atMs >= maxAgeMs) last = { atMs, agents: await processes.everyAgent() };
      return last.agents;
    },

    async heldWriterLocks(profile, configDir) {
      const paths = (await Promise.all(profile.writerLocks.map((pattern) => filesLike(configDir, pattern)))).flat();
      if (paths.length === 0) return [];
      const locked = await lockedInodes(procRoot);
      const held: string[] = [];
      for (const path of paths) {
        const found = await stat(path).catch(() => null);
        if (found !== null && locked.has(String(found.ino))) held.push(path);
      }
      return held;
    },

    async stopBackground(profile, process) {
      // The first word may be a bare name; what really runs is known to the kernel.
      const program = await readlink(join(procRoot, String(process.pid), 'exe')).catch(() => '');
      const words = splitCommand(process.argv, profile).program;
      const script = isRuntime(program) && !isRuntime(words[0] ?? '') ? words : words.slice(1);
      const args = profile.background?.stopArgs ?? [];
      const hint = `end it by hand: ${profile.kind} ${args.join(' ')}`;
      const failed = (why: string): LinkError =>
        new LinkError('background_runs', `process ${process.pid} of ${profile.kind} keeps its account: ${why}`, {
          hint,
        });
      if (!isAbsolute(program) || args.length === 0) throw failed('its program is not known');
      const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/' } = env;
      const value = profile.configDir.within === undefined ? process.configDir : dirname(process.configDir);
      const variables = { PATH, HOME, [profile.configDir.env]: value };
      await promisify(execFile)(program, [...script, ...args], { env: variables, timeout: COMMAND_MS, cwd: '/' }).catch(
        () => {
          // Whether it worked is seen by the process itself; what the command says may hold more than is good to keep.
        },
      );
      for (let waitedMs = 0; await processes.isAlive(process.pid, process.startTicks); waitedMs += LOOK_AGAIN_MS) {
        if (waitedMs >= GONE_MS) throw failed('its own command did not end it');
        await clock.sleep(LOOK_AGAIN_MS);
      }
    },
  };
}

/** The files below a directory that a pattern of two parts at most names. */
async function filesLike(directory: string, pattern: string): Promise<readonly string[]> {
  const folder = join(directory, dirname(pattern));
  const name = pattern.slice(pattern.lastIndexOf('/') + 1);
  if (!name.startsWith('*')) return [join(folder, name)];
  const names = await readdir(folder).catch(() => []);
  return names.filter((candidate) => candidate.endsWith(name.slice(1))).map((candidate) => join(folder, candidate));
}

/** Inode numbers of all files on which a lock is held; one on another file system with the same number only costs a wait. */
async function lockedInodes(procRoot: string): Promise<ReadonlySet<string>> {
  const lines = (await readFile(join(procRoot, 'locks'), 'utf8')).split('\n');
  return new Set(lines.flatMap((line) => /\s[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line)?.[1] ?? []));
}
