/** The file that pauses everything: with an end it ends by itself, without one it never does. */
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createKillSwitch, type PauseFile } from '../../src/adapters/kill-switch.ts';
import { HOUR } from '../../src/core/time.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { FakeClock } from '../support/fake-clock.ts';

let stateDir: string;
let path: string;
let clock: FakeClock;
let killSwitch: PauseFile;

beforeEach(() => {
  stateDir = tempDir();
  path = join(stateDir, 'pause');
  clock = new FakeClock(new Date(Math.floor(Date.now() / 1000) * 1000).toISOString());
  killSwitch = createKillSwitch(stateDir, clock);
});

describe('a pause without an end [R285]', () => {
  test.each([
    ['made by touch', '', (file: string) => `the file ${file} exists`],
    ['with a reason', 'lunch\n', () => 'lunch'],
    ['with words on its second line', 'lunch\nuntil: tomorrow\n', () => 'lunch'],
    ['with an end on its first line', 'until: 2026-01-01T00:00:00.000Z\n', () => 'until: 2026-01-01T00:00:00.000Z'],
  ])('%s lasts for ever', async (_, text, reason) => {
    writeFileSync(path, text);
    await clock.advance(1000 * HOUR);
    expect(await killSwitch.reason()).toBe(reason(path));
    expect(await killSwitch.endIfOver()).toBeNull();
    expect(existsSync(path)).toBe(true);
  });

  test('a path that cannot be read counts as a pause', async () => {
    writeFileSync(join(stateDir, 'file'), '');
    expect(await createKillSwitch(join(stateDir, 'file'), clock).reason()).toContain('cannot be read');
  });
});

describe('a pause with an end', () => {
  test('holds until then, and not a moment longer, through restarts', async () => {
    const until = clock.now() + HOUR;
    expect(await killSwitch.pause('paused by ada', until)).toBe(true);
    await clock.advance(HOUR - 1);
    expect(await createKillSwitch(stateDir, clock).reason()).toBe(
      `paused by ada (until ${new Date(until).toISOString()})`,
    );
    expect(killSwitch.last()).toContain('paused by ada');
    expect(await killSwitch.endIfOver()).toBeNull();
    await clock.advance(1);
    expect(await killSwitch.reason()).toBeNull();
    expect(killSwitch.last()).toBeNull();
    expect(await killSwitch.endIfOver()).toBe('paused by ada');
    expect(existsSync(path)).toBe(false);
    expect(await killSwitch.endIfOver()).toBeNull();
  });

  test('a pause after it, by command or by touch, is one without an end [R285]', async () => {
    await killSwitch.pause('first', clock.now() + HOUR);
    await killSwitch.pause('second');
    await clock.advance(2 * HOUR);
    expect(await killSwitch.reason()).toBe('second');

    await killSwitch.pause('third', clock.now() + HOUR);
    await clock.advance(2 * HOUR);
    expect(await killSwitch.reason()).toBeNull();
    const touchedAt = clock.now() / 1000;
    utimesSync(path, touchedAt, touchedAt);
    expect(await killSwitch.reason()).toBe('third');
    expect(await killSwitch.endIfOver()).toBeNull();
  });

  test('a reason of several lines cannot write an end', async () => {
    await killSwitch.pause(`x\nuntil: ${new Date(clock.now()).toISOString()}`);
    await clock.advance(HOUR);
    expect(await killSwitch.reason()).not.toBeNull();
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(1);
  });

  test('resume ends it at once', async () => {
    await killSwitch.pause('x', clock.now() + HOUR);
    await killSwitch.resume();
    expect(await killSwitch.reason()).toBeNull();
    expect(existsSync(path)).toBe(false);
  });
});
