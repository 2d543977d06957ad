/** Gets an official CLI from the registry, once a machine: into a cache beside the installed packages. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Installed =
  | { readonly kind: 'installed'; readonly program: string; readonly version: string }
  | { readonly kind: 'absent'; readonly reason: string };

const CACHE =
  process.env.CF_AGENTS_CACHE ?? fileURLToPath(new URL('../../node_modules/.cache/agents', import.meta.url));

/** @param spec for example `@anthropic-ai/claude-code@2.0.76` @param bin the name of its program */
export function installAgent(spec: string, bin: string): Installed {
  const folder = join(CACHE, spec.replaceAll(/[@/]/g, '_'));
  const program = join(folder, 'node_modules', '.bin', bin);
  // npm needs what this machine says of its registry and its certificates; the agent itself needs nothing of it.
  const npm = { ...process.env, HOME: folder, npm_config_cache: join(CACHE, 'npm') };
  try {
    if (!existsSync(join(folder, 'whole'))) {
      mkdirSync(folder, { recursive: true });
      execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', spec], {
        env: npm,
        stdio: 'pipe',
        timeout: 280_000,
      });
      writeFileSync(join(folder, 'whole'), '');
    }
    const env = { HOME: folder, PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` };
    const said = execFileSync(program, ['--version'], { env, timeout: 30_000 }).toString();
    return { kind: 'installed', program, version: /\d+\.\d+\.\d+/.exec(said)?.[0] ?? '' };
  } catch (error) {
    return { kind: 'absent', reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}
