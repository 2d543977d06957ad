import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { hook } from '../../src/commands/hook.ts';
import { readPayload } from '../../src/commands/hook-payload.ts';
import type { Clock } from '../../src/ports.ts';
import { temporaryDirectory } from '../support/account-homes.ts';
import { builtMain } from '../support/built.ts';
import { commandIo } from '../support/command-io.ts';
import { captured, SESSION } from '../support/session-files.ts';

let home: string;

beforeEach(() => {
  home = temporaryDirectory();
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

const stateDir = () => join(home, '.local/state/claude-failover');
const record = () => join(stateDir(), 'hooks', `${SESSION}.jsonl`);
const payload = JSON.stringify(
  JSON.parse(captured('claude-latest-q5h.hooks.jsonl').trim().split('\n').at(-1) ?? '').hook,
);

async function* pieces(...parts: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function run(...parts: readonly (string | Buffer)[]) {
  const io = commandIo({ home, stdin: pieces(...parts) });
  const code = await hook({}, io);
  return { code, talk: io.stdout + io.stderr };
}

const QUIET = { code: 0, talk: '' };

describe('hook', () => {
  test('keeps what the payload tells, and says nothing [R248]', async () => {
    expect(await run(payload.slice(0, 50), payload.slice(50))).toEqual(QUIET);
    expect(JSON.parse(readFileSync(record(), 'utf8'))).toEqual({
      event: 'StopFailure',
      session_id: SESSION,
      cwd: '/home/me/proj-latestq5h',
      transcript_path: expect.stringMatching(/\.jsonl$/),
      error: 'rate_limit',
      error_details: null,
      last_assistant_message: "You've hit your 5-hour limit · resets 12:34pm (UTC)",
      at: Date.parse('2026-01-05T12:00:00Z'),
    });
  });

  test('writes where the configuration says', async () => {
    const config = join(home, 'c.yaml');
    writeFileSync(config, `version: 1\ndaemon:\n  state_dir: ${home}/elsewhere\n`);
    const io = commandIo({ home, stdin: pieces(payload) });
    expect(await hook({ config }, io)).toBe(0);
    expect(readdirSync(join(home, 'elsewhere/hooks'))).toEqual([`${SESSION}.jsonl`]);
  });

  test.each([
    ['nothing', ['']],
    ['no JSON', ['{"session_id":']],
    ['no object', ['[1, 2]']],
    ['bytes that are no text', [Buffer.from([0, 255, 254, 10])]],
    ['an id that leads elsewhere', [payload.replace(SESSION, '../../x')]],
    ['a payload of five megabytes', [payload.slice(0, -1), `,"x":"${'x'.repeat(5 * 1024 * 1024)}"}`]],
  ])('keeps nothing of %s, and says nothing', async (_what, parts) => {
    expect(await run(...parts)).toEqual(QUIET);
    expect(existsSync(stateDir())).toBe(false);
    expect(readdirSync(home)).toEqual([]);
  });

  test('does not mind a state directory that cannot be written, nor an input that breaks off', async () => {
    mkdirSync(join(home, '.local/state'), { recursive: true });
    writeFileSync(stateDir(), 'a file');
    expect(await run(payload)).toEqual(QUIET);
    const broken = (async function* () {
      yield Buffer.from(payload);
      throw new Error('EIO');
    })();
    const io = commandIo({ home, stdin: broken });
    expect(await hook({}, io)).toBe(0);
    expect(await hook({}, commandIo({ home }))).toBe(0);
  });

  test('hears what has long been written when its process stood still until its patience was over', async () => {
    const stdin = (async function* () {
      await new Promise((turn) => setImmediate(turn));
      yield Buffer.from(payload);
    })();
    const late: Clock = { ...systemClock(), sleep: async () => undefined };
    expect(await readPayload(stdin, late, { maxBytes: 4096, patienceMs: 2000 })).toEqual(JSON.parse(payload));
  });

  test('gives up on a writer that holds its input open', async () => {
    const io = commandIo({
      home,
      stdin: (async function* () {
        yield Buffer.from(payload);
        await new Promise(() => undefined);
      })(),
    });
    const ended = hook({}, io);
    while (io.clock.pending === 0) await new Promise((turn) => setImmediate(turn));
    // Its first piece is in, the end is not.
    for (let i = 0; i < 5; i++) await new Promise((turn) => setImmediate(turn));
    await io.clock.advance(2000);
    expect(await ended).toBe(0);
    expect(JSON.parse(readFileSync(record(), 'utf8')).event).toBe('StopFailure');
  });
});

describe('the built program as a hook', () => {
  const start = async (args: readonly string[], input: string | Buffer) =>
    spawnSync(process.execPath, [builtMain(), 'hook', ...args], {
      input,
      env: { HOME: home, PATH: process.env.PATH },
      encoding: 'utf8',
    });

  test('ends with 0 and says nothing, whatever it is given', async () => {
    for (const [args, input] of [
      [[], payload],
      [['--unknown', 'word', 'another'], payload],
      [[], ''],
      [['--config', '/nowhere'], 'x'],
      [[], Buffer.alloc(50 * 1024 * 1024, 'x')],
    ] as const) {
      expect(await start(args, input)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    }
    expect(readFileSync(record(), 'utf8').trim().split('\n')).toHaveLength(2);
    expect(statSync(record()).mode & 0o777).toBe(0o600);
  });

  test('ends by itself when its input is never closed', async () => {
    const child = spawn(process.execPath, [builtMain(), 'hook'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { HOME: home, PATH: process.env.PATH },
    });
    child.stdin.write(payload);
    expect(await new Promise((end) => child.once('exit', end))).toBe(0);
    child.stdin.destroy();
  });
});
