import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTranscriptReader, type TranscriptReader } from '../../../src/adapters/signals/transcript.ts';
import { temporaryDirectory } from '../../support/account-homes.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { append, rejection, row, SESSION, setMtime } from '../../support/session-files.ts';

const MIB = 1024 * 1024;

let directory: string;
let path: string;
let log: RecordingLog;
let clock: FakeClock;
let reader: TranscriptReader;

beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory, `${SESSION}.jsonl`);
  log = new RecordingLog();
  clock = new FakeClock('2026-11-20T10:00:00Z');
  reader = createTranscriptReader({ clock, log, classifyText: () => null });
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const read = () => reader.read(path, SESSION);
const lastText = async () => (await read())?.lastAssistant?.text;
const skipped = () => log.lines.map((line) => line.fields.skippedLines).at(-1) ?? 0;

/** One valid row whose line is about so long. */
const longRow = (second: number, bytes: number) => row('user', second, 'pasted', { toolUseResult: 'x'.repeat(bytes) });

describe('the tail of a transcript [R249]', () => {
  it('tells the latest assistant row, the prompts and the version', async () => {
    writeFileSync(path, row('user', 1, 'hello') + row('assistant', 2, 'hi') + row('user', 3, 'go on') + rejection(4));
    expect(await read()).toEqual({
      path,
      sessionId: SESSION,
      lastAssistant: {
        id: 'row-assistant-4',
        at: Date.parse('2026-11-20T09:35:04Z'),
        kind: 'rejected',
        text: "You've hit your limit",
        window: '5h',
        resetAt: 1_795_178_067_000,
      },
      prompts: [
        { id: 'row-user-1', at: Date.parse('2026-11-20T09:35:01Z'), text: 'hello', isMeta: false },
        { id: 'row-user-3', at: Date.parse('2026-11-20T09:35:03Z'), text: 'go on', isMeta: false },
      ],
      requestAt: Date.parse('2026-11-20T09:35:03Z'),
      version: '2.1.328',
    });
  });

  it('dates the request of the latest assistant row by the last user row before it, results of tools included [R256]', async () => {
    const result = (second: number, more = {}) =>
      row('user', second, '', { message: { content: [{ type: 'tool_result', content: 'ok' }] }, ...more });
    writeFileSync(path, row('user', 1, 'a long task') + row('assistant', 2, 'on A') + result(8) + result(5));
    expect(await read()).toMatchObject({ requestAt: Date.parse('2026-11-20T09:35:01Z') });
    append(path, result(9, { isSidechain: true }) + rejection(10) + row('user', 12, '/rate-limit-options'));
    expect(await read()).toMatchObject({ requestAt: Date.parse('2026-11-20T09:35:08Z'), prompts: [{}, {}] });
  });

  it('takes a row that is written after the clock was set back for the latest', async () => {
    clock.set('2026-11-20T15:00:00Z');
    writeFileSync(path, rejection(4 * 3600));
    expect(await read()).toMatchObject({ lastAssistant: { kind: 'rejected' } });
    clock.set('2026-11-20T09:37:00Z');
    append(path, row('assistant', 100, 'after the clock was set back'));
    expect(await lastText()).toBe('after the clock was set back');
  });

  it('goes by the time of the rows and not by their place [R252]', async () => {
    writeFileSync(path, rejection(9) + row('user', 8, 'the rejected prompt') + row('assistant', 3, 'an old answer'));
    expect(await read()).toMatchObject({ lastAssistant: { kind: 'rejected' } });
    append(path, row('assistant', 10, 'on B'));
    expect(await read()).toMatchObject({ lastAssistant: { kind: 'answer', text: 'on B' } });
  });

  it.each([
    ['seconds', 1_795_178_067, 1_795_178_067_000],
    ['milliseconds', 1_795_178_067_000, 1_795_178_067_000],
    ['ISO 8601', '2026-11-20T12:34:27Z', 1_795_178_067_000],
    ['a number of no century of ours', 12, null],
    ['no number', {}, null],
  ])('takes the reset of a rejection in %s', async (_unit, resetsAt, resetAt) => {
    const quotaLimits = { status: 'rejected', resetsAt, rateLimitType: 'five_hour' };
    writeFileSync(path, row('assistant', 1, 'a limit', { isApiErrorMessage: true, quotaLimits }));
    expect(await read()).toMatchObject({ lastAssistant: { kind: 'rejected', window: '5h', resetAt } });
  });

  it('passes over sidechains [R252]', async () => {
    writeFileSync(path, rejection(1) + row('assistant', 5, 'of a helper', { isSidechain: true, version: '9.9.9' }));
    expect(await read()).toMatchObject({ lastAssistant: { kind: 'rejected' }, version: '2.1.328' });
  });

  it('keeps the newest 20 prompts', async () => {
    writeFileSync(path, Array.from({ length: 30 }, (_, second) => row('user', second, `prompt ${second}`)).join(''));
    const prompts = (await read())?.prompts ?? [];
    expect(prompts).toHaveLength(20);
    expect(prompts.at(0)?.text).toBe('prompt 10');
    expect(prompts.at(-1)?.text).toBe('prompt 29');
  });

  it('does not let a row from the future stay the latest', async () => {
    writeFileSync(path, row('assistant', 3 * 3600, 'from a clock that ran ahead'));
    setMtime(path, '2026-11-20T09:36:00Z');
    const future = await read();
    expect(future?.lastAssistant).toMatchObject({ at: Date.parse('2026-11-20T09:36:00Z') });
    append(path, row('assistant', 120, 'after the clock was set'));
    expect(await lastText()).toBe('after the clock was set');
  });
});

describe('reading on', () => {
  it('waits for the end of a line that is half written, even inside a letter', async () => {
    writeFileSync(path, row('assistant', 1, 'first'));
    expect(await lastText()).toBe('first');
    const next = Buffer.from(row('assistant', 2, 'zweite Größe'));
    const cut = next.indexOf('ö') + 1;
    append(path, next.subarray(0, cut));
    expect(await lastText()).toBe('first');
    expect(await lastText()).toBe('first');
    append(path, next.subarray(cut));
    expect(await lastText()).toBe('zweite Größe');
    expect(skipped()).toBe(0);
  });

  it('passes over lines that are no JSON, and counts them', async () => {
    writeFileSync(path, `${row('assistant', 1, 'first')}{"half":\n\n not json\n${row('assistant', 2, 'second')}`);
    expect(await lastText()).toBe('second');
    expect(skipped()).toBe(2);
  });

  it('passes over a line longer than a mebibyte, and counts it', async () => {
    writeFileSync(path, row('assistant', 1, 'first'));
    expect(await lastText()).toBe('first');
    append(path, longRow(2, 2 * MIB) + row('assistant', 3, 'third'));
    for (let look = 0; look < 3; look++) await read();
    expect(await lastText()).toBe('third');
    expect(skipped()).toBe(1);
  });

  it('reads at most a mebibyte at a look, and keeps what it knew until it has caught up', async () => {
    writeFileSync(path, row('assistant', 1, 'first'));
    expect(await lastText()).toBe('first');
    append(path, longRow(2, MIB / 4).repeat(14) + row('assistant', 3, 'third'));
    const seen: unknown[] = [];
    while (seen.at(-1) !== 'third' && seen.length < 9) seen.push(await lastText());
    expect(new Set(seen)).toEqual(new Set(['first', 'third']));
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen.at(-1)).toBe('third');
  });

  it('begins with the last mebibyte of a long file', async () => {
    writeFileSync(path, row('assistant', 1, 'far back') + longRow(2, 3 * MIB) + row('user', 3, 'hello'));
    expect(await read()).toMatchObject({ lastAssistant: null, prompts: [{ text: 'hello' }] });
    append(path, rejection(4));
    expect(await read()).toMatchObject({ lastAssistant: { kind: 'rejected' } });
  });

  it('begins again at the tail when it is far behind', async () => {
    writeFileSync(path, row('assistant', 1, 'first'));
    await read();
    append(path, longRow(2, MIB / 2).repeat(20) + row('assistant', 3, 'third'));
    expect(await lastText()).toBe('third');
  });

  it('passes over a line of fifty megabytes in bounded memory, and finds what comes after it', async () => {
    writeFileSync(path, row('assistant', 1, 'first'));
    expect(await lastText()).toBe('first');
    const before = process.memoryUsage().rss;
    append(path, longRow(2, 50 * MIB).slice(0, -2));
    const cpuMs = await cpuMsOf(async () => {
      for (let look = 0; look < 10; look++) await read();
    });
    expect(cpuMs).toBeLessThan(5_000);
    append(path, `}\n${row('assistant', 3, 'third')}`);
    expect(await lastText()).toBe('third');
    // The test itself holds the line a few times.
    expect(process.memoryUsage().rss - before).toBeLessThan(600 * MIB);
  });

  it('has nothing to say of a file of another user, and says why', async () => {
    writeFileSync(path, row('assistant', 1, 'not mine'));
    const ownUid = (process.getuid?.() ?? 0) + 1;
    const stranger = createTranscriptReader({ clock, log, classifyText: () => null, ownUid });
    expect(await stranger.read(path, SESSION)).toBeNull();
    expect(stranger.skipped(path)).toEqual({ foreign_owner: 1 });
  });

  it('takes in a sparse file of two gigabytes without reading it', async () => {
    const file = openSync(path, 'w');
    ftruncateSync(file, 2 * 1024 * MIB);
    closeSync(file);
    const cpuMs = await cpuMsOf(async () => {
      expect(await read()).toMatchObject({ lastAssistant: null });
      append(path, `\n${row('assistant', 1, 'after the hole')}`);
      expect(await lastText()).toBe('after the hole');
    });
    expect(cpuMs).toBeLessThan(1_000);
  });

  it('begins again when the file was cut off, replaced or written anew', async () => {
    writeFileSync(path, row('assistant', 5, 'one') + row('user', 6, 'hello there'));
    expect(await lastText()).toBe('one');

    truncateSync(path, 0);
    expect(await read()).toMatchObject({ lastAssistant: null, prompts: [] });
    append(path, row('assistant', 1, 'two'));
    expect(await lastText()).toBe('two');

    writeFileSync(`${path}.new`, row('assistant', 1, 'three') + row('user', 6, 'x'.repeat(500)));
    renameSync(`${path}.new`, path);
    expect(await lastText()).toBe('three');

    // The same inode, longer than before: only the bytes before the offset give it away.
    writeFileSync(path, row('assistant', 1, 'four') + row('user', 6, 'y'.repeat(900)));
    expect(await lastText()).toBe('four');
  });

  it('follows a link, and begins again when it leads elsewhere', async () => {
    writeFileSync(join(directory, 'one'), row('assistant', 5, 'one'));
    writeFileSync(join(directory, 'two'), row('assistant', 1, 'two'));
    symlinkSync('one', path);
    expect(await lastText()).toBe('one');
    rmSync(path);
    symlinkSync('two', path);
    expect(await lastText()).toBe('two');
  });

  it('has nothing to say of a file that is gone, a directory, a pipe or a device', async () => {
    expect(await read()).toBeNull();
    expect(await reader.read(directory, SESSION)).toBeNull();
    execFileSync('mkfifo', [path]);
    expect(await read()).toBeNull();
    expect(await reader.read('/dev/zero', SESSION)).toBeNull();
    rmSync(path);
    writeFileSync(path, row('assistant', 1, 'back'));
    expect(await lastText()).toBe('back');
    rmSync(path);
    expect(await read()).toBeNull();
  });

  it('lets several panes look at one file at once, and reads it once', async () => {
    writeFileSync(path, row('assistant', 1, 'first'));
    await read();
    for (let round = 1; round <= 50; round++) {
      append(path, `no row\n${row('assistant', round, `answer ${round}`)}`);
      for (const look of await Promise.all([read(), read(), read()])) {
        expect(look).toMatchObject({ lastAssistant: { text: `answer ${round}` } });
      }
    }
    expect(skipped()).toBe(50);
    expect(log.lines).toHaveLength(50);
  });

  it('forgets files it has not read for long, and still reads them right', async () => {
    writeFileSync(path, row('assistant', 1, 'first'));
    await read();
    for (let index = 0; index < 300; index++) {
      const other = join(directory, `${index}.jsonl`);
      writeFileSync(other, row('assistant', 1, `${index}`));
      expect((await reader.read(other, SESSION))?.lastAssistant?.text).toBe(`${index}`);
    }
    append(path, row('assistant', 2, 'second'));
    expect(await lastText()).toBe('second');
  });
});
