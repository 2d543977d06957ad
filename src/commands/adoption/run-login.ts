/** Runs the CLI's own login in the home of an account; it reads and writes its tokens itself. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { loginCommand } from '../../core/agents/login.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { FailoverError } from '../../core/errors.ts';
import { versionOf } from '../doctor/programs.ts';
import type { CommandIo } from '../io.ts';

/** @throws {FailoverError} the CLI is not there; what it makes of the login is seen in the home */
export async function runLogin(profile: AgentProfile, home: string, io: CommandIo): Promise<void> {
  const [program = profile.kind] = profile.process.names;
  const said = await versionOf(program, ['--version'], io.env);
  if (said === null)
    throw new FailoverError('agent_missing', `${program} is not in PATH, or does not tell its version`, {
      hint: `install it, then run the same command again`,
    });
  const { args, instruction, below } = loginCommand(profile, /\d+\.\d+\.\d+/.exec(said)?.[0] ?? null);
  if (instruction !== null) io.err(`${program} starts now: ${instruction}\n`);
  const scratch = below === null ? null : mkdtempSync(join(tmpdir(), 'cf-login-'));
  try {
    if (scratch !== null && below !== null) symlinkSync(home, join(scratch, below));
    await execa(program, [...args], {
      env: environment(profile, scratch ?? home, io),
      extendEnv: false,
      cwd: io.home,
      stdio: 'inherit',
      reject: false,
    });
  } finally {
    if (scratch !== null) rmSync(scratch, { recursive: true, force: true });
  }
}

/** Nothing that would send the login, or the CLI, to another account. */
function environment(profile: AgentProfile, directory: string, { env }: CommandIo): Record<string, string> {
  const dropped = new Set([
    ...profile.overridingEnv,
    ...(profile.credentialsDir === null ? [] : [profile.credentialsDir.env]),
    'CLAUDECODE',
  ]);
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !dropped.has(entry[0]),
  );
  return { ...Object.fromEntries(kept), [profile.configDir.env]: directory };
}
