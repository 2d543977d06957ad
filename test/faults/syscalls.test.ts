/**
 * A swap of which one system call fails, or never happens because the process is killed at it: each call that changes
 * something, and the calls that read. Whatever it was, the next start finds the link whole and the logins untouched, and
 * has put everything in order when each loop has ticked once.
 */
import {
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { createApp } from '../../src/app.ts';
import { LiveConfig } from '../../src/config/live.ts';
import { loadConfigFile } from '../../src/config/load.ts';
import type { Clock } from '../../src/ports.ts';
import { builtMain } from '../support/built.ts';
import { BY_HAND } from '../support/daemon.ts';
import { writeConfig } from '../support/daemon-config.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { isLong, myPart, spread } from './support/campaign.ts';
import { type Fault, runTraced, straceLack, type TracedRun } from './support/strace.ts';

/** Of the short form, for each kind of fault. */
const SHORT = 2;
const LANES = isLong ? 2 : 1;

const CHANGES =
  'rename renameat renameat2 symlink symlinkat link linkat unlink unlinkat rmdir mkdir mkdirat utimensat chmod fchmod fchmodat fsync fdatasync ftruncate pwrite64'.split(
    ' ',
  );
const READS = 'openat pread64 read mmap statx newfstatat stat lstat readlink readlinkat getdents64 fcntl'.split(' ');
/** SQLite asks for its file locks all the time, one call like the other. */
const EVERY: Readonly<Record<string, number>> = { fcntl: 16, newfstatat: 4 };

const lack = straceLack();
if (lack !== null) console.log(`faults at system calls are skipped: ${lack}`);

type Place = 'anywhere' | 'link directory' | 'database' | 'homes' | 'own files';

interface Point extends Fault {
  readonly place: Place;
}

/** A world with a database that has seen a start, and the daemon that swaps there once. */
class Lane {
  readonly world = new StandInWorld();
  readonly config = writeConfig(this.world, { socket: join(this.world.root, 'no-tmux') });
  readonly state = join(this.world.root, 'state');
  readonly before = join(this.world.root, 'state-before');
  readonly logins = this.world.homes.map(({ credentials }) => readFileSync(credentials, 'utf8'));

  paths(place: Place): readonly string[] {
    const { link, homes, root } = this.world;
    const inState = (...names: string[]): string[] => names.map((name) => join(this.state, name));
    return {
      anywhere: [],
      'link directory': [dirname(link)],
      database: inState('state.db', 'state.db-wal', 'state.db-shm'),
      homes: [
        link,
        dirname(link),
        join(root, 'accounts'),
        ...homes.flatMap(({ home, credentials }) => [home, credentials, join(home, '.claude.json')]),
      ],
      'own files': [this.state, `${link}.failover.lock`, ...inState('daemon.lock', 'state.json')],
    }[place];
  }

  /** Back to a daemon that was stopped, with the link at the first account. */
  reset(): void {
    const { link, root, homes } = this.world;
    rmSync(link, { force: true });
    symlinkSync(this.world.home().home, link);
    rmSync(this.state, { recursive: true, force: true });
    cpSync(this.before, this.state, { recursive: true });
    for (const folder of [dirname(link), join(root, 'accounts'), ...homes.map(({ home }) => home)])
      for (const name of readdirSync(folder).filter((each) => /\.lock$|\.tmp\./.test(each)))
        rmSync(join(folder, name), { recursive: true });
  }

  /** The daemon swaps to the second account. */
  swap(calls: readonly string[], place: Place, fault: Fault | null = null): Promise<TracedRun> {
    const swapper = join(import.meta.dirname, 'support', 'swapper.mjs');
    const argv = [process.execPath, swapper, dirname(builtMain()), this.config, this.world.user, 'work-2'];
    // One worker thread, so that the calls of asynchronous file operations come in one order.
    const env = { PATH: process.env.PATH ?? '', UV_THREADPOOL_SIZE: '1' };
    return runTraced({ argv, env }, { calls, paths: this.paths(place) }, fault);
  }

  /** Starts the daemon again some minutes later, and lets every loop tick once. */
  async open(): Promise<Awaited<ReturnType<typeof createApp>>> {
    const loaded = loadConfigFile({ path: this.config, env: {}, home: this.world.user });
    const app = await createApp({
      live: new LiveConfig({ loaded, env: {}, home: this.world.user, clock: LATER }),
      clock: LATER,
      log: new RecordingLog(),
      pid: process.pid,
      env: { PATH: process.env.PATH },
      ownUid: process.getuid?.() ?? 0,
      allowUnshared: false,
      onFatal(error) {
        throw error;
      },
    });
    await app.runOnce();
    return app;
  }

  /** What the CLI's locks and flips leave beside homes and link. */
  leftovers(): readonly string[] {
    const { link, root, homes } = this.world;
    return [dirname(link), join(root, 'accounts'), ...homes.map(({ home }) => home)].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /\.lock$|\.tmp\./.test(name))
        .map((name) => join(folder, name)),
    );
  }
}

const real = systemClock();
const LATER: Clock = { ...real, now: () => real.now() + 600_000 };

let lanes: readonly Lane[] = [];

beforeAll(async () => {
  if (lack !== null) return;
  lanes = Array.from({ length: LANES }, () => new Lane());
  for (const lane of lanes) {
    await (await lane.open()).stop();
    cpSync(lane.state, lane.before, { recursive: true });
  }
});

afterAll(() => {
  for (const { world } of lanes) world.remove();
});

/** Every fault there is to be tried, from the calls of a swap in which nothing fails. */
async function allFaults(
  lane: Lane,
): Promise<{ readonly changes: readonly Point[]; readonly reads: readonly Point[] }> {
  const pointsOf = async (
    calls: readonly string[],
    places: readonly Place[],
  ): Promise<readonly Omit<Point, 'how'>[]> => {
    const points: Omit<Point, 'how'>[] = [];
    for (const place of places) {
      lane.reset();
      const run = await lane.swap(calls, place);
      expect(run, run.stderr).toMatchObject({ exitCode: 0, stdout: '{"answer":"accepted","isWell":true}\n' });
      const perThread = new Map<string, number>();
      for (const { thread, call } of run.calls) {
        const key = `${thread} ${call}`;
        perThread.set(key, (perThread.get(key) ?? 0) + 1);
      }
      for (const call of calls) {
        const most = Math.max(0, ...[...perThread].filter(([key]) => key.endsWith(` ${call}`)).map(([, n]) => n));
        for (let nth = 1; nth <= most; nth += EVERY[call] ?? 1) points.push({ call, nth, place });
      }
    }
    return points;
  };
  // The link's directory is synced by another thread than the database: it has a count of its own.
  const changes = [...(await pointsOf(CHANGES, ['anywhere'])), ...(await pointsOf(['fsync'], ['link directory']))];
  const errors = ['EIO', 'EACCES'] as const;
  return {
    changes: changes.flatMap((point) =>
      (['kill', 'EIO', 'ENOSPC', 'EACCES'] as const).map((how) => ({ ...point, how })),
    ),
    reads: (await pointsOf(READS, isLong ? ['database', 'homes', 'own files'] : ['homes'])).map((point, i) => ({
      ...point,
      how: errors[i % errors.length] ?? 'EIO',
    })),
  };
}

interface Tally {
  hits: number;
  missed: number;
  flipped: number;
  keptLocks: number;
  refusedStarts: number;
}

async function tryFault(lane: Lane, fault: Point, tally: Tally): Promise<void> {
  const { world } = lane;
  lane.reset();
  const run = await lane.swap([fault.call], fault.place, fault);
  const said = (): string => `${JSON.stringify(fault)}\nexit ${run.exitCode}\n${run.stdout}${run.stderr}`;
  const isHit = fault.how === 'kill' ? run.exitCode !== 0 : run.calls.some((call) => call.isHit);
  if (!isHit) tally.missed++;
  else tally.hits++;
  if (fault.how !== 'kill') {
    // It ends by itself, and where it could not do its work it says why.
    expect([0, 1], said()).toContain(run.exitCode);
    if (run.exitCode === 1) {
      tally.refusedStarts++;
      expect(run.stderr, said()).toMatch(/^\w+: .+/m);
    }
  }

  // The very moment after: one link, to one of the homes, and both logins as they were.
  expect(lstatSync(world.link).isSymbolicLink(), said()).toBe(true);
  const active = world.activeAccount();
  expect(
    world.homes.map(({ home }) => home),
    said(),
  ).toContain(readlinkSync(world.link));
  for (const [i, { credentials }] of world.homes.entries())
    expect(readFileSync(credentials, 'utf8'), said()).toBe(lane.logins[i]);
  if (active === 'work-2') tally.flipped++;

  // One tick after the next start: link and database agree, nothing is half done, and the daemon may act.
  let app = await lane.open();
  const pool = app.api.facts().pools[0]?.pool;
  expect(world.activeAccount(), said()).toBe(active);
  expect(pool?.active, said()).toBe(active);
  expect(app.api.facts().observeReason, said()).toBeNull();
  expect(
    (await app.api.swaps(10)).map(({ phase, to }) => [phase, to]),
    said(),
  ).toEqual((await app.api.swaps(10)).map(() => [active === 'work-2' ? 'done' : 'failed', 'work-2']));
  await app.stop();

  // What is left is what nobody could know to be ours: it goes stale, as the CLI's own would.
  const left = lane.leftovers();
  if (left.length > 0) tally.keptLocks++;
  expect(
    left.filter((path) => !path.endsWith('.lock')),
    said(),
  ).toEqual([]);
  if (fault.how !== 'kill') expect(left.length, `${said()}${left}`).toBeLessThanOrEqual(1);
  for (const path of left) utimesSync(path, 0, 0);
  app = await lane.open();
  const to = active === 'work-1' ? 'work-2' : 'work-1';
  expect(await app.api.swap({ ...BY_HAND, force: true, to }), said()).toMatchObject({ kind: 'accepted' });
  await app.runOnce();
  expect(world.activeAccount(), said()).toBe(to);
  await app.stop();
  expect(lane.leftovers(), said()).toEqual([]);
}

test.skipIf(lack !== null)(
  'a swap killed or failed at any system call on its files: the link is whole, no login is lost, and one tick after the next start all is in order [R47 R205 R259 R260]',
  { timeout: isLong ? 7_200_000 : 600_000 },
  async () => {
    const [first] = lanes;
    if (first === undefined) throw new Error('no lane');
    const all = await allFaults(first);
    const faults = isLong
      ? myPart([...all.changes, ...all.reads])
      : [
          ...(['kill', 'EIO', 'ENOSPC', 'EACCES'] as const).flatMap((how, i) =>
            spread(all.changes.filter((fault) => fault.how === how).slice(i), SHORT),
          ),
          ...spread(all.reads, SHORT),
        ];
    const tally: Tally = { hits: 0, missed: 0, flipped: 0, keptLocks: 0, refusedStarts: 0 };
    const waiting = [...faults];
    const failures: string[] = [];
    await Promise.all(
      lanes.map(async (lane) => {
        for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
          await tryFault(lane, fault, tally).catch((error: unknown) => failures.push(String(error)));
        }
      }),
    );
    console.log(
      `${faults.length} of ${all.changes.length + all.reads.length} faults at system calls: ${JSON.stringify(tally)}`,
    );
    expect(failures.slice(0, 5).join('\n\n'), `${failures.length} of them`).toBe('');
    expect(tally.missed).toBeLessThanOrEqual(faults.length / 20);
  },
);

test.skipIf(lack !== null).each([
  ['once', false],
  ['from then on', true],
] as const)(
  'a disk that does not give a page of the database %s is no damage: nothing is moved',
  { timeout: 300_000 },
  async (_, isLasting) => {
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no lane');
    for (const nth of [4, 6, 16]) {
      lane.reset();
      const call = isLasting ? 'pread64,read' : 'pread64';
      const run = await lane.swap(call.split(','), 'database', { call, nth, how: 'EIO', isLasting });
      expect(existsSync(join(lane.state, 'quarantine')), `${nth}: ${run.stderr}`).toBe(false);
      if (isLasting) expect(run.stderr).toMatch(/^store_io: .*state\.db.*: reading or writing failed/m);
      else expect(run, run.stderr).toMatchObject({ exitCode: 0 });
    }
  },
);
