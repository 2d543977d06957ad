/** The janitor over real directories and a real database: what it tidies up, what it leaves, and that twice is once. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHousekeeping } from '../../src/adapters/queue/housekeeping.ts';
import { createQueueDir } from '../../src/adapters/queue/queue-dir.ts';
import type { Config } from '../../src/config/schema.ts';
import { toConfig } from '../../src/config/schema.ts';
import { readYaml } from '../../src/config/yaml-source.ts';
import { DAY, HOUR, MINUTE } from '../../src/core/time.ts';
import { createJanitor } from '../../src/loops/janitor.ts';
import type { JanitorNote } from '../../src/ports/janitor.ts';
import { tidyUp } from '../../src/steps/tidy-up.ts';
import { type OpenedStore, openStore } from '../../src/store/open.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { silentLog } from '../support/panes.ts';
import { RecordingLog } from '../support/recording-log.ts';

const never = new AbortController().signal;
const OWN = 'daemon-own';
let dir: string;
let store: OpenedStore;
let config: Config;
let clock: FakeClock;
let queue: string;

beforeEach(async () => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'cf-')));
  queue = join(dir, 'projects', 'web', '.agent-queue');
  for (const part of ['inbox', 'claimed', 'done', 'failed']) mkdirSync(join(queue, part), { recursive: true });
  const input = {
    accounts: [
      { name: 'a', home: join(dir, 'a') },
      { name: 'b', home: join(dir, 'b') },
    ],
    daemon: { state_dir: join(dir, 'state') },
    pools: { default: { link: join(dir, 'link') } },
    dispatcher: { projects_dir: join(dir, 'projects') },
  };
  config = toConfig(input, {}, dir);
  clock = new FakeClock(new Date().toISOString());
  store = await openStore({ stateDir: config.daemon.stateDir, now: clock.now() });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function ports() {
  const ownUid = process.getuid?.() ?? 0;
  return {
    house: createHousekeeping({ owners: () => ({ ownUid, trustedUids: [] }), stateDir: config.daemon.stateDir }),
    queueDir: createQueueDir({ terms: () => config.dispatcher, ownUid, readYaml, log: silentLog }),
    tasks: store.tasks,
    lifecycles: store.lifecycles,
    link: { sweepLeftovers: async () => 0 },
    local: store.local,
    clock,
    profiles: [],
    daemonId: async () => OWN,
    killSwitch: { reason: async () => null as string | null },
    observing: () => null as string | null,
  };
}

async function tidy(dryRun = false): Promise<readonly JanitorNote[]> {
  return (await tidyUp(ports(), config, dryRun, never, silentLog)).notes;
}

/** A file of the queue, or of any other place, of this age in the time of the fake clock. */
function put(path: string, text = 'x'): string {
  const at = path.startsWith('/') ? path : join(queue, path);
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, text);
  return at;
}

function files(root = queue): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => !lstatSync(join(root, name)).isDirectory())
    .sort();
}

/** Files have the time at which they were really made, so the clock goes on instead. */
const later = (ms: number): void => clock.set(new Date(Date.now() + ms).toISOString());
const short = (notes: readonly JanitorNote[]): readonly string[] =>
  notes.map(({ action, path, project }) => `${action} ${project === null ? path : path.slice(queue.length + 1)}`);
const month = (): string => new Date().toISOString().slice(0, 7);

describe('the files of a queue', () => {
  test('what is half-written or has lost its task goes after an hour, and not before [R226]', async () => {
    for (const name of [
      'inbox/.tmp-1',
      'done/.tmp-2',
      'claimed/t__c1.json',
      'done/t.result.json',
      'inbox/t.md.blocked',
    ])
      put(name);
    later(59 * MINUTE);
    expect(await tidy()).toEqual([]);
    later(61 * MINUTE);
    expect([...short(await tidy())].sort()).toEqual([
      'delete claimed/t__c1.json',
      'delete done/.tmp-2',
      'delete done/t.result.json',
      'delete inbox/.tmp-1',
      'delete inbox/t.md.blocked',
    ]);
    expect(files()).toEqual([]);
  });

  test('what belongs to a task that is there stays, and so does whatever is not understood [R226 R88]', async () => {
    const kept = [
      'inbox/a.md',
      'inbox/a.md.blocked',
      'inbox/b.md.delegated',
      'inbox/c.md.dispatched',
      'done/notes.txt',
    ];
    for (const name of kept) put(name);
    later(6 * DAY);
    expect(await tidy()).toEqual([]);
    expect(files()).toEqual([...kept].sort());
  });

  test('done tasks go to the archive of the month in which they ended, failed ones later, and in the end they are deleted [R226 R89]', async () => {
    for (const name of ['done/a.md', 'done/a.result.json', 'failed/b.md', 'failed/b.result.json']) put(name, name);
    later(7 * DAY + HOUR);
    expect([...short(await tidy())].sort()).toEqual(['archive done/a.md', 'archive done/a.result.json']);
    expect(files(join(queue, 'archive'))).toEqual([`${month()}/a.md`, `${month()}/a.result.json`]);
    expect(readFileSync(join(queue, 'archive', month(), 'a.md'), 'utf8')).toBe('done/a.md');
    later(30 * DAY + HOUR);
    expect([...short(await tidy())].sort()).toEqual(['archive failed/b.md', 'archive failed/b.result.json']);
    later(91 * DAY);
    expect((await tidy()).map(({ action }) => action)).toEqual(['delete', 'delete', 'delete', 'delete']);
    expect(files()).toEqual([]);
  });

  test('a task whose name is taken in the archive gets another one: nothing is replaced', async () => {
    put(`archive/${month()}/a.md`, 'first');
    put('done/a.md', 'second');
    later(8 * DAY);
    await tidy();
    expect(files(join(queue, 'archive', month()))).toEqual(['a.2.md', 'a.md']);
    expect(readFileSync(join(queue, 'archive', month(), 'a.md'), 'utf8')).toBe('first');
    expect(readFileSync(join(queue, 'archive', month(), 'a.2.md'), 'utf8')).toBe('second');
  });

  test('twice in a row the second does nothing, and a dry run does nothing at all [R227 R228]', async () => {
    for (const name of ['inbox/.tmp-1', 'done/a.md', 'done/a.result.json']) put(name);
    put(join(config.watcher.doneSignalDir, 'agent-done-auto-1'));
    later(8 * DAY);
    const before = files(dir);
    const would = await tidy(true);
    expect(files(dir)).toEqual(before);
    expect(existsSync(join(queue, 'archive'))).toBe(false);
    expect(await tidy()).toEqual(would);
    expect(would).toHaveLength(4);
    const after = files(dir);
    expect(await tidy()).toEqual([]);
    expect(files(dir)).toEqual(after);
  });

  test('each action is an event with its path and its reason [R227]', async () => {
    put('inbox/.tmp-1');
    later(2 * HOUR);
    await tidy();
    const events = await store.local.events({ types: ['janitor_acted'], limit: 10 });
    expect(events.map(({ data }) => data)).toEqual([
      expect.objectContaining({
        action: 'delete',
        path: join(queue, 'inbox/.tmp-1'),
        detail: `deleted ${join(queue, 'inbox/.tmp-1')}: it was never finished`,
      }),
    ]);
  });

  test('no link is followed, and nothing outside is touched [R227]', async () => {
    const outside = put(join(dir, 'outside', 'precious.md'));
    put(join(dir, 'outside', '.tmp-old'));
    symlinkSync(outside, join(queue, 'done', 'linked.md'));
    symlinkSync(join(dir, 'outside'), join(queue, 'inbox', '.tmp-dir'));
    symlinkSync(join(dir, 'outside'), join(queue, 'archive'));
    put('done/a.md');
    later(100 * DAY);
    await tidy();
    expect(files(join(dir, 'outside'))).toEqual(['.tmp-old', 'precious.md']);
    expect(existsSync(join(queue, 'done', 'a.md'))).toBe(true);

    rmSync(join(queue, 'done'), { recursive: true });
    symlinkSync(join(dir, 'outside'), join(queue, 'done'));
    await tidy();
    expect(files(join(dir, 'outside'))).toEqual(['.tmp-old', 'precious.md']);
  });

  test('what was replaced between the look and the deed stays', async () => {
    put('inbox/.tmp-1');
    later(2 * HOUR);
    const { house } = ports();
    const project = dirname(queue);
    const [file] = await house.files(project);
    if (file === undefined) throw new Error('no file was found');
    rmSync(join(queue, 'inbox', '.tmp-1'));
    // It may have the inode of the first one, and both be written within one tick of the kernel's clock.
    utimesSync(put('inbox/.tmp-1', 'another one'), 1, 1);
    expect(await house.carryOut(project, { kind: 'delete', file, month: null, reason: '' })).toBe('gone');
    expect(files()).toEqual(['inbox/.tmp-1']);
  });
});

describe('claims', () => {
  const claim = (stem: string, id: string, daemon: string): void => {
    put(`claimed/${stem}__${id}.md`, '# a task');
    const record = { task_id: stem, claim_id: id, daemon_id: daemon, session: 's', account: 'a', attempt: 0 };
    put(`claimed/${stem}__${id}.json`, JSON.stringify({ ...record, claimed_at: new Date().toISOString() }));
  };

  test('a claim of another daemon that gave no sign of life ends, and its task waits again [R226]', async () => {
    claim('t', 'c1', 'daemon-other');
    later(119 * MINUTE);
    expect(await tidy()).toEqual([]);
    later(121 * MINUTE);
    expect(short(await tidy())).toEqual(['requeue claimed/t__c1.md']);
    expect(files()).toEqual(['inbox/t.md']);
    expect(await tidy()).toEqual([]);
  });

  test('a claim of this daemon is its own business, however old; and a task of the same name is not replaced [R227]', async () => {
    claim('own', 'c1', OWN);
    claim('t', 'c2', 'daemon-other');
    put('inbox/t.md', 'a newer one');
    later(30 * DAY);
    expect(await tidy()).toEqual([]);
    expect(readFileSync(join(queue, 'inbox/t.md'), 'utf8')).toBe('a newer one');
    expect(files().filter((name) => name.startsWith('claimed'))).toHaveLength(4);
  });
});

describe('the state directory', () => {
  test('old signals and copies of damaged databases beyond five go; displaced credentials never [R226 R260]', async () => {
    const state = config.daemon.stateDir;
    put(join(state, 'signals', 'agent-done-auto-1'));
    put(join(state, 'signals', 'something-else'));
    for (let day = 1; day <= 7; day++)
      put(join(state, 'quarantine', `2026-01-0${day}T00-00-00.000Z-corrupt`, 'state.db'));
    put(join(state, 'quarantine', '2025-01-01T00-00-00.000Z-credentials', '.credentials.json'));
    later(25 * HOUR);
    expect(short(await tidy())).toEqual([
      `delete ${join(state, 'signals', 'agent-done-auto-1')}`,
      `delete ${join(state, 'quarantine', '2026-01-01T00-00-00.000Z-corrupt')}`,
      `delete ${join(state, 'quarantine', '2026-01-02T00-00-00.000Z-corrupt')}`,
    ]);
    expect(readdirSync(join(state, 'quarantine'))).toHaveLength(6);
    expect(existsSync(join(state, 'signals', 'something-else'))).toBe(true);
    expect(existsSync(join(state, 'state.db'))).toBe(true);
  });

  test('a directory for signals that lies elsewhere is somebody else’s [R227]', async () => {
    const elsewhere = join(dir, 'elsewhere');
    put(join(elsewhere, 'agent-done-auto-1'));
    config = { ...config, watcher: { ...config.watcher, doneSignalDir: elsewhere } };
    later(30 * DAY);
    expect(await tidy()).toEqual([]);
    symlinkSync(elsewhere, join(config.daemon.stateDir, 'signals'));
    config = { ...config, watcher: { ...config.watcher, doneSignalDir: join(config.daemon.stateDir, 'signals') } };
    expect(await tidy()).toEqual([]);
  });

  test('old checkpoints are forgotten, and that is told', async () => {
    const checkpoint = { session: 'auto-1', at: clock.now(), taskId: 'p:1', cwd: '/p', lines: 'x', hash: 'h' };
    await store.lifecycles.saveCheckpoint(checkpoint, 20);
    later(31 * DAY);
    expect((await tidy()).map(({ action, path }) => `${action} ${path}`)).toEqual(['forget checkpoints']);
    expect(await tidy()).toEqual([]);
  });
});

describe('its turn', () => {
  test('comes two minutes after the start, then every hour; never while the daemon is paused [R226 R285]', async () => {
    put('inbox/.tmp-1');
    later(2 * HOUR);
    let paused: string | null = 'by hand';
    const janitor = createJanitor({ ...ports(), killSwitch: { reason: async () => paused } });
    const log = new RecordingLog();
    const tick = () => janitor.tick({ config, now: clock.now(), signal: never, log });
    await tick();
    expect(janitor.intervalMs(config)).toBe(2 * MINUTE);
    await clock.advance(2 * MINUTE);
    await tick();
    expect(files()).toEqual(['inbox/.tmp-1']);
    expect(janitor.intervalMs(config)).toBe(HOUR);
    paused = null;
    await tick();
    expect(files()).toEqual([]);
  });
});

test('a second name of a file is a file of its own', async () => {
  const first = put('done/a.md');
  linkSync(first, join(queue, 'inbox', '.tmp-a'));
  utimesSync(first, new Date(), new Date());
  later(2 * HOUR);
  expect(short(await tidy())).toEqual(['delete inbox/.tmp-a']);
  expect(existsSync(first)).toBe(true);
});
