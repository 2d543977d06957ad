/** The files by which sessions say that a task has ended: which count, and that they are taken once. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDoneSignals } from '../../../src/adapters/signals/done-signals.ts';
import type { DoneSignals } from '../../../src/ports/dispatch.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { waitFor } from '../../support/wait.ts';

let root: string;
let log: RecordingLog;
let signals: DoneSignals;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cf-signals-'));
  log = new RecordingLog();
  signals = createDoneSignals({ directory: join(root, 'signals'), ownUid: process.getuid?.() ?? 0, log });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a file is read with the time it was written, and is consumed once [R65]', async () => {
  expect(await signals.read('auto-1')).toBeNull();
  const path = signals.pathOf('auto-1');
  writeFileSync(path, '{"status":"done"}');
  utimesSync(path, 1_767_614_400, 1_767_614_400);
  expect(await signals.read('auto-1')).toEqual({ at: 1_767_614_400_000, text: '{"status":"done"}' });
  expect(await signals.consume('auto-1')).toBe(true);
  expect(existsSync(path)).toBe(false);
  expect(await signals.consume('auto-1')).toBe(false);
});

test('its directory is for the daemon and its sessions alone [R65]', () => {
  expect(statSync(join(root, 'signals')).mode & 0o777).toBe(0o700);
});

test('links, pipes, directories and huge files are passed over, told once, and hold nothing up', async () => {
  const secret = join(root, 'secret');
  writeFileSync(secret, 'not yours');
  symlinkSync(secret, signals.pathOf('a'));
  execFileSync('mkfifo', [signals.pathOf('b')]);
  mkdirSync(signals.pathOf('c'));
  writeFileSync(signals.pathOf('d'), 'x'.repeat(65 * 1024));
  for (const session of ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']) expect(await signals.read(session)).toBeNull();
  expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(4);
});

test('a name that is no session name becomes no path', () => {
  for (const name of ['../x', 'a/b', '', '.', 'a\nb']) expect(() => signals.pathOf(name)).toThrow('not a session');
});

test('a new file is heard of [R65]', async () => {
  let heard = 0;
  const watcher = await signals.watch(() => heard++);
  try {
    let count = 0;
    await waitFor(() => {
      // The watch begins at some moment after it was asked for.
      writeFileSync(signals.pathOf(`s${count++}`), '');
      return heard > 0;
    });
  } finally {
    await watcher.close();
  }
});
