/** Which process in a pane's tree is its agent. */
import type { AgentProfile } from './profile.ts';

/** What a process was started as. */
export interface Started {
  readonly argv: readonly string[];
  /** The executable's path; null when it cannot be read. */
  readonly exe: string | null;
}

/** JavaScript runtimes. A shell that runs a script named like the agent is a wrapper around it, not the agent. */
const RUNTIMES = new Set(['node', 'nodejs', 'bun', 'deno']);
/** Options of these runtimes whose value is the next argument. */
const OPTIONS_WITH_VALUE = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
]);
const EVALUATES = new Set(['-e', '--eval', '-p', '--print', '-pe']);

/** The profile whose agent this process is, if any. */
export function profileOf(started: Started, profiles: readonly AgentProfile[]): AgentProfile | null {
  const names = namesOf(started);
  const script = names.some((name) => RUNTIMES.has(name)) ? scriptOf(started.argv) : null;
  for (const profile of profiles) {
    if (names.some((name) => profile.process.names.includes(name))) return profile;
    if (script !== null && profile.process.script.test(script)) return profile;
  }
  return null;
}

/** The words of a command line up to the agent's own, and what follows them. Without its word: the first one. */
export function splitCommand(
  argv: readonly string[],
  { process }: AgentProfile,
): { readonly program: readonly string[]; readonly args: readonly string[]; readonly isFound: boolean } {
  const own = argv.findIndex((word) => process.names.includes(baseName(word)) || process.script.test(word));
  const end = Math.max(own, 0) + 1;
  return { program: argv.slice(0, end), args: argv.slice(end), isFound: own >= 0 };
}

/** Whether this executable is a JavaScript runtime. */
export function isRuntime(exe: string): boolean {
  return RUNTIMES.has(programOf(exe));
}

function namesOf(started: Started): readonly string[] {
  const first = started.argv[0] ?? '';
  const names = [baseName(first)];
  // A program that sets its title leaves one argument: the whole title.
  if (started.argv.length === 1) names.push(baseName(first.split(' ')[0] ?? ''));
  if (started.exe !== null) names.push(programOf(started.exe));
  return names;
}

/** The script that a runtime was asked to run; null: none. */
function scriptOf(argv: readonly string[]): string | null {
  for (let i = 1; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (EVALUATES.has(word)) return null;
    if (OPTIONS_WITH_VALUE.has(word)) i++;
    else if (!word.startsWith('-') && !(i === 1 && word === 'run')) return word;
  }
  return null;
}

/** An upgrade replaces the file of a running program; the kernel then adds this mark to the name. */
function programOf(exe: string): string {
  return baseName(exe.replace(/ \(deleted\)$/, ''));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** An agent found in a pane's tree, with no agent above it. */
export interface Candidate {
  readonly foreground: boolean;
  /** Clock ticks since boot. */
  readonly startTicks: number;
  /** Generations below the pane's own process. */
  readonly depth: number;
}

/** The pane's agent: in the terminal's foreground before the background, then the newest, then the deepest. */
export function paneAgent<T extends Candidate>(candidates: readonly T[]): T | null {
  const [first] = [...candidates].sort(
    (a, b) => Number(b.foreground) - Number(a.foreground) || b.startTicks - a.startTicks || b.depth - a.depth,
  );
  return first ?? null;
}
