import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { statusline } from '../../src/commands/statusline.ts';
import { temporaryDirectory } from '../support/account-homes.ts';
import { builtMain } from '../support/built.ts';
import { commandIo } from '../support/command-io.ts';
import { captured, SESSION } from '../support/session-files.ts';
import { waitFor } from '../support/wait.ts';

let home: string;

beforeEach(() => {
  home = temporaryDirectory();
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

const payload = JSON.stringify(JSON.parse(captured('claude-latest-q5h.statusline.json')).sl);
const sample = () =>
  JSON.parse(readFileSync(join(home, '.local/state/claude-failover/quota', `${SESSION}.json`), 'utf8'));

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

describe('statusline', () => {
  test('keeps the figures, whose they are, and prints a short line of its own [R130]', async () => {
    mkdirSync(join(home, '.claude-a'));
    symlinkSync('.claude-a', join(home, '.claude'));
    const io = commandIo({ home, stdin: once(payload) });
    expect(await statusline([], {}, io)).toBe(0);
    expect(io.stdout).toBe('Opus 5.5 · 5h 100% · 7d 34%\n');
    const now = Date.parse('2026-01-05T12:00:00Z');
    expect(sample()).toEqual({
      session: SESSION,
      config_dir: join(home, '.claude'),
      home: join(home, '.claude-a'),
      transcript_path: expect.stringMatching(/\.jsonl$/),
      rate_limits: {
        five_hour: { used_percentage: 100, resets_at: 1_795_178_067 },
        seven_day: { used_percentage: 34, resets_at: 1_795_512_867 },
      },
      model: 'Opus 5.5',
      version: '2.1.328',
      at: now,
      since: now,
    });
  });

  test('takes the configuration directory from its environment', async () => {
    const io = commandIo({ home, stdin: once(payload), env: { CLAUDE_CONFIG_DIR: join(home, 'work') } });
    await statusline([], {}, io);
    expect(sample()).toMatchObject({ config_dir: join(home, 'work'), home: null });
  });

  test.each([
    ['', ''],
    ['no JSON', ''],
    ['{}', ''],
    [payload.replace(SESSION, '../../x'), ''],
  ])('ends with 0 and prints nothing for an input that is none: %.20s', async (input, line) => {
    const io = commandIo({ home, stdin: once(input) });
    expect(await statusline([], {}, io)).toBe(0);
    expect(io.stdout + io.stderr).toBe(line);
  });

  test('prints its line also where nothing can be kept', async () => {
    mkdirSync(join(home, '.local/state'), { recursive: true });
    writeFileSync(join(home, '.local/state/claude-failover'), 'a file');
    const io = commandIo({ home, stdin: once(payload) });
    expect(await statusline([], {}, io)).toBe(0);
    expect(io.stdout).toContain('5h 100%');
  });
});

describe('the built program as a status line', () => {
  const start = async (args: readonly string[], input: string | Buffer = payload) =>
    spawnSync(process.execPath, [builtMain(), 'statusline', ...args], {
      input,
      env: { HOME: home, PATH: process.env.PATH },
    });

  test('gives the wrapped command the same input and passes its output through byte for byte [R130]', async () => {
    const { status, stdout } = await start(['--wrap', `cat; printf '\\033[31m\\377\\000end'`]);
    expect(status).toBe(0);
    expect(stdout).toEqual(
      Buffer.concat([Buffer.from(`${payload}\x1b[31m`), Buffer.from([0xff, 0x00]), Buffer.from('end')]),
    );
    expect(sample().version).toBe('2.1.328');
  });

  test('takes the wrapped command in several words too', async () => {
    const { stdout } = await start(['--wrap', 'echo', 'one', '-x', 'two']);
    expect(stdout.toString()).toBe('one -x two\n');
  });

  test('never fails: whatever the wrapped command does, and whatever comes in [R130]', async () => {
    for (const [command, output] of [
      ['exit 7', ''],
      ['/no/such/program', ''],
      ['printf x; kill -9 $$', 'x'],
      ['exec 0<&-; printf y', 'y'],
    ] as const) {
      const { status, stdout } = await start(['--wrap', command]);
      expect([command, status, stdout.toString()]).toEqual([command, 0, output]);
    }
    const long = await start(['--wrap', 'wc -c'], Buffer.alloc(20 * 1024 * 1024, 'x'));
    expect([long.status, long.stdout.toString().trim()]).toEqual([0, String(20 * 1024 * 1024)]);
    expect((await start(['--wrap', 'true'], Buffer.alloc(20 * 1024 * 1024, 'x'))).status).toBe(0);
    expect((await start(['--bogus'])).status).toBe(0);
  });

  test('ends its wrapped command when it is told to end', async () => {
    const child = spawn(process.execPath, [builtMain(), 'statusline', '--wrap', 'echo $$; exec sleep 1000'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { HOME: home, PATH: process.env.PATH },
    });
    let pid = '';
    child.stdout.on('data', (data: Buffer) => {
      pid += data.toString();
    });
    child.stdin.end(payload);
    await waitFor(() => pid.endsWith('\n'));
    child.kill('SIGTERM');
    expect(await new Promise((end) => child.once('exit', end))).toBe(0);
    await waitFor(() => !isRunning(Number(pid)));
  });
});

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
