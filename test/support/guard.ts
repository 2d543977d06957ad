/**
 * Keeps every test away from the real home, the real `~/.claude` and the default tmux server: the whole process lives in
 * a throw-away home, and the real places are compared before and after each test file.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { changesBetween, guardedPaths, marksOf } from './guard-rules.ts';

const REAL_HOME_VARIABLE = 'CF_GUARD_REAL_HOME';

/** The places that are off limits. */
export const REAL = Object.freeze({
  homes: Object.freeze([process.env[REAL_HOME_VARIABLE] ?? process.env.HOME ?? userInfo().homedir, userInfo().homedir]),
  uid: userInfo().uid,
});

/** The home of this test file; removed afterwards. */
export const throwAwayHome = mkdtempSync(join(tmpdir(), 'cf-home-'));

const before = marksOf(guardedPaths(REAL.homes, REAL.uid));
moveIn(throwAwayHome);
if (homedir() !== throwAwayHome)
  throw new Error(`the home directory is still ${homedir()}: tests would reach the real one`);

afterAll(() => {
  const changes = changesBetween(before, marksOf([...before.keys()]));
  rmSync(throwAwayHome, { recursive: true, force: true });
  if (changes.length > 0) throw new Error(`a test touched what is not its own: ${changes.join(' | ')}`);
});

/** Points every variable that leads to a user's own files into `home`, and forgets those that would outrank them. */
function moveIn(home: string): void {
  process.env[REAL_HOME_VARIABLE] = REAL.homes[0];
  for (const name of Object.keys(process.env)) {
    if (/^(ANTHROPIC|CLAUDE|CODEX|GEMINI|OPENAI|TMUX|XDG|CF_LOG)(_|$)|^(NOTIFY_SOCKET|WATCHDOG_)/.test(name)) {
      delete process.env[name];
    }
  }
  const folders = {
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_STATE_HOME: join(home, '.local', 'state'),
    XDG_DATA_HOME: join(home, '.local', 'share'),
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    TMUX_TMPDIR: join(home, 'tmux'),
  };
  for (const [name, folder] of Object.entries(folders)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    process.env[name] = folder;
  }
  process.env.CLAUDE_FAILOVER_CONFIG = join(home, '.config', 'claude-failover', 'config.yaml');
}
