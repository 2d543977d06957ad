/** Small stand-ins for what the tmux adapters are given, and a tmux client that keeps a record. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentProfile } from '../../src/core/agents/profile.ts';
import type { AgentProcess } from '../../src/core/panes.ts';
import type { Logger, Processes } from '../../src/ports.ts';

export const silentLog: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

/** The environment of the tmux clients. */
export const clientEnv: Readonly<Record<string, string>> = { PATH: process.env.PATH ?? '' };

export const testProfile: AgentProfile = {
  kind: 'claude',
  notSwitchable: null,
  process: { names: ['cf-agent'], script: /cf-agent\/cli\.js$|\/bin\/cf-agent$/ },
  hotSwapSince: '2.0.0',
  configDir: { env: 'CF_AGENT_DIR', underHome: '.cf-agent' },
  credentialFiles: ['credentials.json'],
  locks: [],
  modes: ['config_dir', 'env'],
  stopFirst: 'never',
  writerLocks: [],
  background: null,
  credentialsDir: null,
  overridingEnv: ['CF_AGENT_KEY', 'CF_AGENT_TOKEN'],
  sharedEntries: { required: [], optional: [] },
  resumeArgs: (sessionId) => ['--resume', sessionId],
  resumeFlags: {},
  continuePrompt: 'go on',
  exitCommand: '/exit',
};

/** Says that an agent runs in the panes with these pids (absent: in all). */
export function agentsIn(panePids?: readonly number[]): Processes {
  const agent = (pid: number): AgentProcess => ({
    agent: 'claude',
    pid,
    startTicks: '1',
    startedAt: 0,
    argv: ['cf-agent'],
    cwd: '/',
    configDir: '/nowhere',
    configDirIsSet: true,
    overriding: [],
    foreground: true,
  });
  return {
    agentsUnder: async (pids) =>
      new Map(pids.map((pid) => [pid, panePids === undefined || panePids.includes(pid) ? agent(pid) : null])),
    shellInFront: async () => false,
    isAlive: async () => true,
  };
}

export interface RecordedTmux {
  /** Path of a program that behaves like tmux. */
  readonly binary: string;
  /** The arguments of every client so far, one line each. */
  calls(): Promise<readonly string[]>;
  /** All that clients got from standard input so far. */
  inputs(): Promise<string>;
  /** Shell code to run before the next captures, once. */
  beforeCapture(code: string): Promise<void>;
}

export async function recordedTmux(dir: string): Promise<RecordedTmux> {
  const [binary, calls, inputs, before] = ['tmux-recorded', 'calls', 'inputs', 'before'].map((name) => join(dir, name));
  if (!binary || !calls || !inputs || !before) throw new Error('no paths');
  await writeFile(calls, '');
  await writeFile(inputs, '');
  const script = [
    '#!/bin/sh',
    `printf '%s\\n' "$*" >> ${calls}`,
    'case "$*" in',
    `*source-file*) if [ -e ${before} ]; then mv ${before} ${before}.done; . ${before}.done; fi`,
    `  tee -a ${inputs} | tmux "$@" ;;`,
    `*load-buffer*) tee -a ${inputs} | tmux "$@" ;;`,
    '*) exec tmux "$@" ;;',
    'esac',
    '',
  ];
  await writeFile(binary, script.join('\n'));
  await chmod(binary, 0o755);
  return {
    binary,
    calls: async () => (await readFile(calls, 'utf8')).split('\n').slice(0, -1),
    inputs: () => readFile(inputs, 'utf8'),
    beforeCapture: (code) => writeFile(before, `${code}\n`),
  };
}
