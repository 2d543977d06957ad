import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hookLine, writeHookLine } from '../../../src/adapters/signals/hook-record.ts';
import { watchFigures, watchHooks } from '../../../src/adapters/signals/hook-watch.ts';
import { createHookReader, type HookReader } from '../../../src/adapters/signals/hooks.ts';
import { ROTATE_BYTES } from '../../../src/adapters/signals/own-records.ts';
import { sampleOf, writeSample } from '../../../src/adapters/signals/statusline-sample.ts';
import { temporaryDirectory } from '../../support/account-homes.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { captured, OTHER_SESSION, SESSION } from '../../support/session-files.ts';
import { waitFor } from '../../support/wait.ts';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const OWN_UID = process.getuid?.() ?? 0;

let stateDir: string;
let clock: FakeClock;
let reader: HookReader;

beforeEach(() => {
  stateDir = temporaryDirectory();
  clock = new FakeClock('2026-11-20T10:00:00Z');
  reader = createHookReader({ stateDir, ownUid: OWN_UID, clock, log: new RecordingLog() });
});

afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const file = (name = `${SESSION}.jsonl`) => join(stateDir, 'hooks', name);
const payloads = (name: string): readonly Record<string, unknown>[] =>
  captured(name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).hook);
const failure = (more: object = {}) => ({
  session_id: SESSION,
  hook_event_name: 'StopFailure',
  error: 'rate_limit',
  last_assistant_message: "You've hit your limit",
  ...more,
});

function write(payload: unknown, at = NOW): void {
  const line = hookLine(payload, at);
  if (line === null) throw new Error('no payload of a hook');
  writeHookLine(stateDir, line, clock);
}

/** Puts text into the file as another program would. */
function plant(text: string, name?: string): void {
  mkdirSync(join(stateDir, 'hooks'), { recursive: true });
  writeFileSync(file(name), text);
}

const raw = (event: string, at: unknown, more: object = {}) =>
  `${JSON.stringify({ event, session_id: SESSION, at, ...more })}\n`;

describe('a payload of a hook', () => {
  it.each([
    [
      'claude-latest-q5h.hooks.jsonl',
      'StopFailure',
      'rate_limit',
      "You've hit your 5-hour limit · resets 12:34pm (UTC)",
    ],
    [
      'claude-latest-r429bare.hooks.jsonl',
      'StopFailure',
      'rate_limit',
      'API Error: Server is temporarily limiting requests (not your usage limit) · Error',
    ],
    ['claude-latest-e401.hooks.jsonl', 'StopFailure', 'authentication_failed', expect.stringContaining('/login')],
    ['claude-2.0.76-q5h.hooks.jsonl', 'Stop', null, null],
  ])('of the real CLI is kept and read again: %s [R248]', async (name, event, error, text) => {
    const all = payloads(name);
    for (const [i, payload] of all.entries()) write(payload, NOW - 1000 + i);
    const sessionId = String(all[0]?.session_id);
    const at = NOW - 1000 + all.findLastIndex((payload) => payload.hook_event_name === event);
    expect((await reader.read(sessionId)).record).toEqual({
      id: `${event}@${at}`,
      event,
      at,
      sessionId,
      error,
      details: null,
      text,
    });
    expect(readFileSync(file(`${sessionId}.jsonl`), 'utf8')).not.toContain('scenario q5h');
  });

  it('is bounded and masked before it is kept, and what was typed is left out', () => {
    const secret = 'sk-ant-oat01-abcdefghijklmnop';
    const line = hookLine(
      failure({
        error_details: `key ${secret}`,
        last_assistant_message: `${secret} ${'x'.repeat(9000)}`,
        prompt: 'typed',
      }),
      NOW,
    );
    expect(line?.error_details).toBe('key [masked]');
    expect(line?.last_assistant_message?.length).toBe(400);
    expect(JSON.stringify(line)).not.toMatch(/oat01|typed/);
  });

  it.each([
    ['no object', 'text'],
    ['null', null],
    ['a list', []],
    ['no session', { hook_event_name: 'Stop' }],
    ['an id that is a path', failure({ session_id: '../../x' })],
    ['an id that is a number', failure({ session_id: 5 })],
    ['an event that is a path', failure({ hook_event_name: '../Stop' })],
  ])('is no payload: %s', (_what, payload) => {
    expect(hookLine(payload, NOW)).toBeNull();
  });
});

describe('the file of a session', () => {
  it('is private, and grows by whole lines however many write at once', async () => {
    write(failure());
    expect(statSync(join(stateDir, 'hooks')).mode & 0o777).toBe(0o700);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const script = `
      const { hookLine, writeHookLine } = await import(${JSON.stringify(new URL('../../../src/adapters/signals/hook-record.ts', import.meta.url).href)});
      const clock = { now: () => ${NOW} };
      for (let i = 0; i < 20; i++) writeHookLine(${JSON.stringify(stateDir)}, hookLine({ session_id: ${JSON.stringify(SESSION)}, hook_event_name: 'Stop', last_assistant_message: process.pid + 'x'.repeat(300) }, ${NOW}), clock);
    `;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'inherit' }),
    );
    for (const [code] of await Promise.all(children.map((child) => once(child, 'exit')))) expect(code).toBe(0);
    const text = readFileSync(file(), 'utf8');
    // A writer that looked while another one's line was half there begins a new line: a blank one stays between.
    const lines = text.trim().split(/\n+/);
    for (const line of lines) expect(JSON.parse(line).session_id).toBe(SESSION);
    expect(lines).toHaveLength(81);
  });

  it('is set aside when it has grown long, and nothing of the present is lost', async () => {
    for (let i = 0; i < 400; i++) write(failure({ last_assistant_message: `${i} ${'x'.repeat(390)}` }), NOW - 1000 + i);
    expect(readdirSync(join(stateDir, 'hooks')).sort()).toEqual([`${SESSION}.jsonl`, `${SESSION}.jsonl.1`]);
    for (const name of readdirSync(join(stateDir, 'hooks')))
      expect(statSync(file(name)).size).toBeLessThan(ROTATE_BYTES + 2000);
    expect((await reader.read(SESSION)).record).toMatchObject({ at: NOW - 601 });
    rmSync(file());
    expect((await reader.read(SESSION)).record).not.toBeNull();
  });

  it('gives a line of its own after one that was cut off', async () => {
    plant('{"event":"Stop","session');
    write(failure());
    const look = await reader.read(SESSION);
    expect(look.record).toMatchObject({ event: 'StopFailure' });
    expect(look.skipped).toEqual({ bad_json: 1 });
  });

  it('takes those of sessions that have long been silent away, at the first record of a new one', () => {
    write(failure());
    write(failure({ session_id: OTHER_SESSION }));
    const longAgoS = NOW / 1000 - 20 * 24 * 3600;
    utimesSync(file(`${OTHER_SESSION}.jsonl`), longAgoS, longAgoS);
    write(failure());
    expect(existsSync(file(`${OTHER_SESSION}.jsonl`))).toBe(true);
    write(failure({ session_id: '019a0d3c-3008-45c2-87a6-2c5c75f0e50e' }));
    expect(existsSync(file(`${OTHER_SESSION}.jsonl`))).toBe(false);
    expect(existsSync(file())).toBe(true);
  });

  it('is never written through a link, nor into a pipe', () => {
    mkdirSync(join(stateDir, 'hooks'));
    symlinkSync(join(stateDir, 'elsewhere'), file());
    expect(() => write(failure())).toThrow();
    expect(existsSync(join(stateDir, 'elsewhere'))).toBe(false);
  });
});

describe('how a turn stands', () => {
  it('is told by the newest record of a begin or an end, in whatever order they were written', async () => {
    plant(raw('StopFailure', NOW - 5000, { error: 'rate_limit' }) + raw('Notification', NOW - 100));
    expect((await reader.read(SESSION)).record).toMatchObject({ event: 'StopFailure', error: 'rate_limit' });
    write({ session_id: SESSION, hook_event_name: 'UserPromptSubmit' }, NOW - 3000);
    expect((await reader.read(SESSION)).record).toMatchObject({ event: 'UserPromptSubmit' });
    write({ session_id: SESSION, hook_event_name: 'Stop' }, NOW - 4000);
    expect((await reader.read(SESSION)).record).toMatchObject({ event: 'UserPromptSubmit' });
  });

  it('is not known of a session without records', async () => {
    expect(await reader.read(SESSION)).toEqual({ record: null, skipped: {} });
  });

  it.each([
    ['seconds', (NOW - 1000) / 1000],
    ['milliseconds', NOW - 1000],
    ['ISO 8601', new Date(NOW - 1000).toISOString()],
  ])('may be dated in %s', async (_unit, at) => {
    plant(raw('Stop', at));
    expect((await reader.read(SESSION)).record).toMatchObject({ at: NOW - 1000 });
  });

  it('is not told for ever by a record of a clock that ran ahead', async () => {
    plant(raw('StopFailure', NOW + 5 * 3600 * 1000));
    utimesSync(file(), NOW / 1000 - 60, NOW / 1000 - 60);
    expect((await reader.read(SESSION)).record).toMatchObject({ event: 'StopFailure', at: NOW - 60_000 });
    write({ session_id: SESSION, hook_event_name: 'Stop' }, NOW);
    expect((await reader.read(SESSION)).record).toMatchObject({ event: 'Stop' });
  });

  it('passes over what is no record, and counts it', async () => {
    plant(`[]\n5\nnonsense\n{"event":"Stop"}\n${raw('Stop', 'never')}${raw('Stop', 1)}${raw('Stop', NOW)}`);
    const look = await reader.read(SESSION);
    expect(look.record).toMatchObject({ at: NOW });
    expect(look.skipped).toEqual({ bad_record: 5, bad_json: 1 });
  });

  it('is not told by records of another session in this file', async () => {
    plant(raw('Stop', NOW, { session_id: OTHER_SESSION }));
    expect((await reader.read(SESSION)).record).toBeNull();
  });

  it('is not told by a link, a directory or a file of another user', async () => {
    plant(raw('Stop', NOW), 'real');
    symlinkSync(file('real'), file());
    expect(await reader.read(SESSION)).toEqual({ record: null, skipped: { link: 1 } });
    rmSync(file());
    mkdirSync(file());
    expect(await reader.read(SESSION)).toEqual({ record: null, skipped: { not_a_file: 1 } });
    rmSync(file(), { recursive: true });
    plant(raw('Stop', NOW));
    const stranger = createHookReader({ stateDir, ownUid: OWN_UID + 1, clock, log: new RecordingLog() });
    expect(await stranger.read(SESSION)).toEqual({ record: null, skipped: { foreign_owner: 1 } });
    if (OWN_UID === 0) {
      chownSync(file(), 12_345, 12_345);
      expect(await reader.read(SESSION)).toEqual({ record: null, skipped: { foreign_owner: 1 } });
    }
  });
});

describe('the ear for new records', () => {
  it('hears of each session that has one, and of nothing else', async () => {
    const heard: string[] = [];
    const ear = watchHooks({ stateDir, onRecord: (id) => heard.push(id), clock, log: new RecordingLog() });
    try {
      plant('x', 'notes.txt');
      write(failure());
      await waitFor(() => heard.includes(SESSION));
      write(failure({ session_id: OTHER_SESSION }));
      await waitFor(() => heard.includes(OTHER_SESSION));
      expect(new Set(heard)).toEqual(new Set([SESSION, OTHER_SESSION]));
      // What the hook told of may be written a moment later.
      heard.length = 0;
      await clock.advance(1000);
      await waitFor(() => heard.includes(SESSION) && heard.includes(OTHER_SESSION));
    } finally {
      ear.close();
    }
  });

  it('hears of the figures that a status line reported, once they are whole', async () => {
    const heard: string[] = [];
    const ear = watchFigures(stateDir, (id) => heard.push(id), new RecordingLog());
    try {
      for (const session_id of [SESSION, OTHER_SESSION]) {
        const sample = sampleOf({ session_id }, stateDir, NOW);
        if (sample === null) throw new Error('no sample');
        writeSample(stateDir, sample, clock);
        await waitFor(() => heard.includes(session_id));
      }
      // Of what is written first under another name nothing is heard.
      expect(heard).toEqual([SESSION, OTHER_SESSION]);
    } finally {
      ear.close();
    }
  });

  it('is silent where the directory cannot be watched: the poll is the net', () => {
    writeFileSync(join(stateDir, 'hooks'), 'a file');
    const log = new RecordingLog();
    const ear = watchHooks({ stateDir, onRecord: () => undefined, clock, log });
    ear.close();
    expect(log.lines).toHaveLength(1);
  });
});
