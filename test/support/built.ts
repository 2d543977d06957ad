/** The built program, for tests that start it as its users do. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from './wait.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist', 'main.js');

/** Path of `dist/main.js`, built first when the sources are newer. */
export async function builtMain(): Promise<string> {
  if (isFresh()) return MAIN;
  // Test files run side by side: one builds, the others wait.
  const lock = join(tmpdir(), `cf-build-${statSync(ROOT).ino}`);
  await waitFor(() => isFresh() || take(lock), { timeoutMs: 60_000, everyMs: 100 });
  if (isFresh()) return MAIN;
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmdirSync(lock);
  }
  return MAIN;
}

function take(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    return false;
  }
}

function isFresh(): boolean {
  if (!existsSync(MAIN)) return false;
  const builtAt = statSync(MAIN).mtimeMs;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return sources.every((file) => statSync(join(ROOT, 'src', file)).mtimeMs <= builtAt);
}
