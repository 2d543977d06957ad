/** The built program, for tests that start it as its users do. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist', 'main.js');

/** Before any test file begins: they run side by side, and none may meet a half-built program. */
export const setup = (): void => void builtMain();

/** Path of `dist/main.js`, built first when the sources are newer. */
export function builtMain(): string {
  if (!isFresh()) {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return MAIN;
}

function isFresh(): boolean {
  if (!existsSync(MAIN)) return false;
  const builtAt = statSync(MAIN).mtimeMs;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return sources.every((file) => statSync(join(ROOT, 'src', file)).mtimeMs <= builtAt);
}
