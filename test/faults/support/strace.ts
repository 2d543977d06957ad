/** Runs a program under strace, to list its system calls or to let one of them fail or kill it. */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Which calls are looked at; without paths, on whatever file. */
export interface Watch {
  readonly calls: readonly string[];
  readonly paths: readonly string[];
}

/** The `nth` such call of every thread is not made: the program is killed instead, or told this error. */
export interface Fault {
  readonly call: string;
  readonly nth: number;
  /** All later ones too. */
  readonly isLasting?: boolean;
  readonly how: 'kill' | 'EIO' | 'ENOSPC' | 'EACCES';
}

export interface TracedCall {
  readonly thread: string;
  readonly call: string;
  /** Its arguments as strace prints them, with the paths behind descriptors. */
  readonly text: string;
  /** The fault met this one. */
  readonly isHit: boolean;
}

export interface TracedRun {
  /** Null: killed. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly TracedCall[];
}

export interface Program {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Why no fault can be put into a program here; null: it can. */
export function straceLack(): string | null {
  const tried = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=chdir:error=EIO', 'true'], {
    encoding: 'utf8',
  });
  if (tried.error !== undefined) return `strace does not run: ${tried.error.message}`;
  return tried.status === 0 ? null : `strace cannot trace: ${tried.stderr.trim() || `exit ${tried.status}`}`;
}

export async function runTraced(program: Program, watch: Watch, fault: Fault | null = null): Promise<TracedRun> {
  const trace = join(tmpdir(), `cf-strace-${randomUUID()}`);
  const inject =
    fault === null
      ? []
      : ['-e', `inject=${fault.call}:${howOf(fault)}:when=${fault.nth}${fault.isLasting === true ? '+' : ''}`];
  const { calls, paths } = watch;
  const options = ['-f', '-qq', '-y', '-o', trace, '-e', `trace=${calls.join(',')}`, ...inject];
  const args = [...options, ...paths.flatMap((path) => ['-P', path]), '--', ...program.argv];
  try {
    const child = spawn('strace', args, { env: program.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (text: string) => {
        said[stream] += text;
      });
    }
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    return { exitCode, ...said, calls: readTrace(readFileSync(trace, 'utf8')) };
  } finally {
    rmSync(trace, { force: true });
  }
}

function howOf({ how }: Fault): string {
  return how === 'kill' ? 'signal=SIGKILL' : `error=${how}`;
}

function readTrace(text: string): readonly TracedCall[] {
  const calls: TracedCall[] = [];
  for (const line of text.split('\n')) {
    const [, thread, call, rest] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? [];
    if (thread === undefined || call === undefined || rest === undefined) {
      // A call that another thread interrupted says how it ended in a line of its own; so does a killed one.
      const last = calls.at(-1);
      if (last !== undefined && /\(INJECTED\)|\+\+\+ killed by SIGKILL/.test(line))
        calls.push({ ...last, isHit: true });
      continue;
    }
    calls.push({ thread, call, text: rest, isHit: /\(INJECTED\)/.test(rest) });
  }
  return calls;
}
