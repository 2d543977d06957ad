/** Adoptions along their record on real files: whatever fails or is cut short, everything is as it was or as it should be. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCliLocks } from '../../src/adapters/accounts/cli-locks.ts';
import { createMoves } from '../../src/adapters/accounts/moves.ts';
import { createAdoptionJournal } from '../../src/adapters/adoption-journal.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { settingsVariables } from '../../src/commands/adoption/variables.ts';
import { takenBack } from '../../src/commands/init.ts';
import type { AdoptionRecord, AdoptionStep } from '../../src/core/adoption/step.ts';
import { LinkError } from '../../src/core/errors.ts';
import type { Moves } from '../../src/ports/adoption.ts';
import { type AdoptionPorts, carryOut } from '../../src/steps/adopt.ts';
import { accountProfile } from '../support/account-homes.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { UserHome } from '../support/user-home.ts';
import { waitFor } from '../support/wait.ts';

let user: UserHome;
let ports: AdoptionPorts;
let waited: string[];

beforeEach(() => {
  user = new UserHome();
  waited = [];
  const clock = systemClock();
  ports = {
    moves: createMoves(),
    variables: settingsVariables,
    journal: createAdoptionJournal(join(user.home, '.local', 'state')),
    locks: createCliLocks({ clock, log: new RecordingLog() }),
    clock,
    onWait: (lock) => waited.push(lock),
  };
});

afterEach(() => user.remove());

function aRecord(change: Partial<AdoptionRecord> = {}): AdoptionRecord {
  const [link, home, shared] = [user.claude, join(user.home, '.claude-a'), join(user.home, '.claude-shared')];
  const steps: readonly AdoptionStep[] = [
    { kind: 'make_directory', path: shared },
    { kind: 'move', from: join(link, 'projects'), to: join(shared, 'projects') },
    { kind: 'link', path: join(link, 'projects'), target: join(shared, 'projects') },
    { kind: 'make_directory', path: join(shared, 'sessions') },
    { kind: 'link', path: join(link, 'sessions'), target: join(shared, 'sessions') },
    { kind: 'move', from: link, to: home },
    { kind: 'link', path: link, target: home },
    { kind: 'set_variable', file: join(home, 'settings.json'), name: 'X_DIR', value: '/somewhere' },
  ];
  return {
    version: 1,
    pool: 'default',
    agent: 'claude',
    account: 'a',
    home,
    link,
    startedAt: 0,
    direction: 'adopt',
    steps,
    done: 0,
    isComplete: false,
    locks: [],
    identity: null,
    ...change,
  };
}

/** Fails at the nth change, before or after it was made. */
function failingAt(nth: number, when: 'before' | 'after'): Moves {
  let changes = 0;
  const fail = (): void => {
    throw new LinkError('made_up', `change ${nth} fails`);
  };
  const guarded =
    <A extends readonly unknown[], R>(act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      changes += 1;
      if (changes === nth && when === 'before') fail();
      const result = await act(...args);
      if (changes === nth) fail();
      return result;
    };
  const { moves } = ports;
  return {
    ...moves,
    makeDirectory: guarded(moves.makeDirectory),
    removeDirectory: guarded(moves.removeDirectory),
    move: guarded(moves.move),
    link: guarded(moves.link),
    unlink: guarded(moves.unlink),
  };
}

describe('an adoption', () => {
  test('done and taken back leaves every path, mode, inode and byte as it was [R242]', async () => {
    const before = user.picture();
    const { record } = await carryOut(ports, aRecord(), accountProfile, [user.claude]);
    expect(record).toMatchObject({ isComplete: true, done: 8, locks: [] });
    expect(readFileSync(join(user.claude, 'projects', '-home-ada-work', 'a.jsonl'), 'utf8')).toContain('user');
    expect(readFileSync(join(user.claude, 'settings.json'), 'utf8')).toContain('X_DIR');
    expect(await ports.journal.read('default')).toEqual(record);

    const undo = { ...record, direction: 'undo', isComplete: false } as const;
    const { left } = await carryOut(ports, undo, accountProfile, [record.home]);
    expect(left).toEqual([]);
    // A kill before the record is removed must not make it look like an adoption that stands.
    expect(await ports.journal.read('default')).toMatchObject({ direction: 'undo', done: 0, isComplete: false });
    const after = user.picture();
    const settings = '.claude/settings.json';
    expect({ ...after, [settings]: '' }).toEqual({ ...before, [settings]: '' });
    expect(readFileSync(join(user.claude, 'settings.json'), 'utf8')).toBe('{ "model": "opus" }\n');
  });

  test('cut short anywhere, before or after a change, goes on forward or back from its record [R242]', async () => {
    const choice = fc.record({
      nth: fc.integer({ min: 1, max: 7 }),
      when: fc.constantFrom('before' as const, 'after' as const),
      way: fc.constantFrom('forward' as const, 'back' as const),
    });
    await fc.assert(
      fc.asyncProperty(choice, async ({ nth, when, way }) => {
        user.remove();
        user = new UserHome();
        ports = { ...ports, journal: createAdoptionJournal(join(user.home, '.local', 'state')) };
        const before = user.picture();
        const failing = { ...ports, moves: failingAt(nth, when) };
        await expect(carryOut(failing, aRecord(), accountProfile, [user.claude])).rejects.toThrow('fails');
        const half = await ports.journal.read('default');
        if (half === null) throw new Error('no record');
        if (way === 'forward') {
          const { record } = await carryOut(ports, half, accountProfile, []);
          const undo = { ...record, direction: 'undo', isComplete: false } as const;
          await carryOut(ports, undo, accountProfile, [record.home]);
        } else await carryOut(ports, takenBack(half), accountProfile, []);
        const settings = { '.claude/settings.json': '' };
        expect({ ...user.picture(), ...settings }).toEqual({ ...before, ...settings });
      }),
      { numRuns: 40 },
    );
  });

  test('never renames over what appeared meanwhile: it stops, and both stay [R260]', async () => {
    const record = aRecord();
    mkdirSync(record.home);
    writeFileSync(join(record.home, 'precious'), 'x');
    await expect(carryOut(ports, record, accountProfile, [user.claude])).rejects.toThrow(
      `${record.home} is there already`,
    );
    expect(readFileSync(join(record.home, 'precious'), 'utf8')).toBe('x');
    const half = await ports.journal.read('default');
    expect(half).toMatchObject({ done: 5, isComplete: false });
    rmSync(record.home, { recursive: true });
    await carryOut(ports, half ?? record, accountProfile, [user.claude]);
    expect(readdirSync(record.home)).toContain('.credentials.json');
  });

  test('leaves a directory that somebody put something into, and says so [R242]', async () => {
    const { record } = await carryOut(ports, aRecord(), accountProfile, [user.claude]);
    writeFileSync(join(user.home, '.claude-shared', 'mine'), 'x');
    const undo = { ...record, direction: 'undo', isComplete: false } as const;
    const { left } = await carryOut(ports, undo, accountProfile, [record.home]);
    expect(left).toEqual([join(user.home, '.claude-shared')]);
  });

  test('waits for the CLI to finish a renewal of its login, and holds its locks meanwhile [R259]', async () => {
    const lock = join(user.claude, '.oauth_refresh.lock');
    mkdirSync(lock);
    const running = carryOut(ports, aRecord(), accountProfile, [user.claude]);
    await waitFor(() => waited.length > 0);
    expect(waited).toEqual([lock]);
    expect(readdirSync(user.home)).not.toContain('.claude-shared');
    rmSync(lock, { recursive: true });
    const { record } = await running;
    expect(readdirSync(record.home)).not.toContain('.oauth_refresh.lock');
    expect(readdirSync(user.home).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  test('a record that cannot be understood stops everything, and is shown by its path alone', async () => {
    const { journal } = ports;
    await journal.write(aRecord());
    for (const text of ['', '{', '{"version":1,"pool":"default"}', JSON.stringify({ ...aRecord(), done: 99 })]) {
      writeFileSync(join(user.home, '.local', 'state', 'adoptions', 'default.json'), text);
      await expect(journal.read('default')).rejects.toThrow('default.json cannot be understood');
    }
    expect(await journal.read('other')).toBeNull();
  });
});
