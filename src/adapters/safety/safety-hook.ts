/** Puts the safety hook into projects, and tries it there as Claude Code would run it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { SafetyHook } from '../../ports/safety-hook.ts';
import { HookObstacle, putHook } from './hook-files.ts';

export interface SafetyHookOptions {
  readonly ownUid: number;
  /** Absolute path of the Node that runs the script. */
  readonly node: string;
  /** No session may write there. */
  readonly stateDir: string;
  /** But here, below it or not. */
  readonly signalDir: string;
}

const PATIENCE_MS = 30_000;
/** Every version of the script refuses it. */
const TRIAL = { tool_name: 'Bash', tool_input: { command: 'git push --force' } };
const REFUSED = 2;

export function createSafetyHook({ ownUid, node, stateDir, signalDir }: SafetyHookOptions): SafetyHook {
  return {
    async deploy(project, signal) {
      try {
        const source = readFileSync(new URL('./hook-script.mjs', import.meta.url), 'utf8');
        const script = source.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
        const command = putHook(project, ownUid, { script, node, words: [stateDir, signalDir] });
        const said = await tried(command, project, signal);
        return said === null ? null : `${project} has it, but it does not run: ${said}; try it: ${command}`;
      } catch (error) {
        if (error instanceof HookObstacle) return error.message;
        return `it could not be put into ${project}: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
  };
}

/** Null: it refused. */
function tried(command: string, project: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { cwd: project, env: {}, timeout: PATIENCE_MS, signal };
    const shell = execFile('/bin/sh', ['-c', command], options, (error, _, stderr) => {
      const code = error === null ? 0 : error.code;
      if (code === REFUSED && stderr.startsWith('claude-failover safety hook: refused: git push')) resolve(null);
      else resolve((stderr.trim().split('\n').at(-1) ?? '').slice(0, 200) || `it ended with ${code ?? 'a signal'}`);
    });
    shell.stdin?.on('error', () => undefined).end(JSON.stringify({ ...TRIAL, cwd: project }));
  });
}
