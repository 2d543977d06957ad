import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REAL, throwAwayHome } from './support/guard.ts';
import { bareTmux, changesBetween, guardedPaths, marksOf } from './support/guard-rules.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Files whose subject is the forbidden itself. */
const EXEMPT = new Set(['guard.test.ts', 'guard-rules.ts']);

function sourcesUnder(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|sh)$/.test(entry.name) && !EXEMPT.has(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('every test', () => {
  test('lives in a throw-away home [R59]', () => {
    expect(homedir()).toBe(throwAwayHome);
    for (const home of REAL.homes) expect(homedir()).not.toBe(home);
    const variables = [
      'XDG_CONFIG_HOME',
      'XDG_STATE_HOME',
      'XDG_DATA_HOME',
      'XDG_RUNTIME_DIR',
      'TMUX_TMPDIR',
      'CLAUDE_FAILOVER_CONFIG',
    ];
    for (const name of variables) expect(process.env[name], name).toMatch(new RegExp(`^${throwAwayHome}/`));
    for (const name of ['TMUX', 'CLAUDE_CONFIG_DIR', 'ANTHROPIC_API_KEY'])
      expect(process.env[name], name).toBeUndefined();
  });

  test('and the demo name their own tmux socket [R59]', () => {
    const found = ['test', 'demo', 'bench', 'scripts']
      .flatMap(sourcesUnder)
      .flatMap((path) => bareTmux(readFileSync(path, 'utf8')).map((place) => `${path.slice(ROOT.length)} ${place}`));
    expect(found).toEqual([]);
  });
});

describe('the look at sources', () => {
  test.each([
    [`await execa('tmux', ['list-panes', '-a']);`],
    [`execFileSync("tmux", ["kill-server"]);`],
    ["await exec('tmux', [\n  '-f', '/dev/null',\n  'new-session',\n]);"],
    ['const script = `tmux new-session -d`;'],
    ['echo hi\ntmux kill-server\n'],
    ['tmux -2 ls'],
    ['cd / && exec tmux attach'],
    ['pid=$(tmux display-message -p x)'],
    [`const socket = '/tmp/tmux-1000/default';`],
  ])('finds %j', (source) => {
    expect(bareTmux(source)).toHaveLength(1);
  });

  test.each([
    [`await execa('tmux', ['-S', socket, 'list-panes', '-a']);`],
    [`await exec('tmux', ['-u', '-L', 'cf-test', '-f', '/dev/null', ...args], { env });`],
    [`execFileSync('tmux', ['-V']);`],
    ['// says what tmux kill-server does'],
    [`test('a pane survives when the tmux server restarts', () => {});`],
    ['tmux -S "$socket" kill-server'],
    ['const screen = `● Bash(tmux capture-pane -p -t 3)`;'],
  ])('leaves %j alone', (source) => {
    expect(bareTmux(source)).toEqual([]);
  });
});

describe('the look at real places', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'cf-victim-'));
    symlinkSync('/somewhere', join(home, '.claude'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  test('sees a link that was replaced, even by an equal one, and a directory that was made', () => {
    const paths = guardedPaths([home], 4242);
    const before = marksOf(paths);
    expect(changesBetween(before, marksOf(paths))).toEqual([]);
    rmSync(join(home, '.claude'));
    symlinkSync('/somewhere', join(home, '.claude'));
    mkdirSync(join(home, '.codex'));
    expect(changesBetween(before, marksOf(paths))).toEqual([
      expect.stringMatching(/\.claude changed: before link to \/somewhere, .*; now link to \/somewhere/),
      expect.stringMatching(/\.codex changed: before absent; now directory/),
    ]);
  });

  test('watches the socket of the default tmux server of this user', () => {
    expect(guardedPaths(['/home/me'], 1000)).toContain(join('/tmp', 'tmux-1000', 'default'));
  });

  test.each([
    ['nothing', true, /3 passed|1 passed/],
    ['link', false, /a test touched what is not its own: .*\.claude changed/],
    ['create', false, /a test touched what is not its own: .*claude-failover changed/],
  ])('fails a test file that does: %s [R59]', async (deed, isFine, says) => {
    const { code, output } = await runTrespass(home, deed);
    expect(output).toMatch(says);
    expect(code === 0).toBe(isFine);
  });
});

/** Runs the trespass in a child whose real home is `victim`. */
function runTrespass(victim: string, deed: string): Promise<{ readonly code: number; readonly output: string }> {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(ROOT, 'test', 'support', 'guard-fixture', 'vitest.config.ts');
  const { CF_GUARD_REAL_HOME: _, VITEST: __, ...env } = process.env;
  const child = { ...env, HOME: victim, CF_GUARD_VICTIM: victim, CF_GUARD_DEED: deed, NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [vitest, 'run', '--config', config],
      { cwd: ROOT, env: child },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr });
      },
    );
  });
}
