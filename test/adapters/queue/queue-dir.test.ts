import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refusalResult } from '../../../src/core/queue/result.ts';
import type { QueueDir, QueueProject } from '../../../src/ports/queue.ts';
import { tempDir } from '../../store/support/temp-dir.ts';
import { configFor, NOW, Projects, queueDirFor } from '../../support/queue-bench.ts';
import { RecordingLog } from '../../support/recording-log.ts';

let projects: Projects;
let dir: QueueDir;
let log: RecordingLog;
let project: QueueProject;
beforeEach(async () => {
  projects = new Projects('api');
  log = new RecordingLog();
  const config = configFor(projects.dir);
  dir = queueDirFor(() => config, log);
  project = { name: 'api', path: projects.path('api') };
});
afterEach(() => rmSync(projects.dir, { recursive: true, force: true }));

const stems = async (now = NOW) => (await dir.scan(project, now)).files.map(({ stem }) => stem);
const fileOf = async (stem: string) => {
  const file = (await dir.scan(project, NOW)).files.find((one) => one.stem === stem);
  if (file === undefined) throw new Error(`no ${stem}`);
  return file;
};
const record = (claimId: string, daemonId = 'd') => ({
  taskId: 'a',
  claimId,
  daemonId,
  session: null,
  account: null,
  attempt: 1,
  claimedAt: NOW,
});
const files = (claimId: string | null, stem = 'a') => ({
  project: project.path,
  stem,
  taskId: stem,
  claimId,
  claimedAt: NOW,
});
const result = (claimId: string) => refusalResult('a', claimId, 'malformed', 'x', NOW);

describe('projects', () => {
  test('are directories with an inbox; a link to one is one, a second name of the same is not', async () => {
    mkdirSync(join(projects.dir, 'no-queue'));
    mkdirSync(join(projects.dir, '.hidden/.agent-queue/inbox'), { recursive: true });
    mkdirSync(join(projects.dir, 'half/.agent-queue'), { recursive: true });
    writeFileSync(join(projects.dir, 'file'), 'x');
    const outside = tempDir();
    mkdirSync(join(outside, '.agent-queue/inbox'), { recursive: true });
    symlinkSync(outside, join(projects.dir, 'linked'));
    symlinkSync(projects.path('api'), join(projects.dir, 'twin'));
    symlinkSync('/nowhere', join(projects.dir, 'broken'));
    const found = await dir.projects();
    expect(found.projects.map(({ name }) => name)).toEqual(['api', 'linked']);
    expect(found.flaws).toEqual([]);
  });

  test('a name that an id cannot hold is told', async () => {
    mkdirSync(join(projects.dir, 'a:b/.agent-queue/inbox'), { recursive: true });
    expect((await dir.projects()).flaws).toMatchObject([{ project: 'a:b', kind: 'name_invalid', isRefused: true }]);
  });

  test('without a directory for them there is none, and a directory that is gone is told with its remedy', async () => {
    expect(await queueDirFor(() => configFor(null)).projects()).toEqual({ projects: [], flaws: [] });
    const gone = queueDirFor(() => configFor('/nowhere/at/all'));
    await expect(gone.projects()).rejects.toMatchObject({
      code: 'queue_absent',
      hint: expect.stringContaining('projects_dir'),
    });
  });
});

describe('a look at the inbox', () => {
  test('what is still being written is left until it has stood still for a second', async () => {
    const path = projects.drop('api', 'a');
    utimesSync(path, NOW / 1000, NOW / 1000);
    expect(await dir.scan(project, NOW + 500)).toMatchObject({ files: [], unsettled: ['a'], settlesAt: NOW + 1000 });
    appendFileSync(path, 'more');
    utimesSync(path, (NOW + 900) / 1000, (NOW + 900) / 1000);
    expect(await stems(NOW + 1100)).toEqual([]);
    expect(await stems(NOW + 1900)).toEqual(['a']);
  });

  test('a file from the future counts once it was seen unchanged for a second', async () => {
    const path = projects.drop('api', 'a');
    utimesSync(path, NOW / 1000 + 9999, NOW / 1000 + 9999);
    expect(await stems(NOW)).toEqual([]);
    expect(await stems(NOW + 999)).toEqual([]);
    expect(await stems(NOW + 1000)).toEqual(['a']);
  });

  test('an empty file is one that somebody begins to write', async () => {
    projects.drop('api', 'a', '');
    utimesSync(projects.at('api', 'inbox', 'a.md'), NOW / 1000, NOW / 1000);
    expect(await dir.scan(project, NOW + 30_000)).toMatchObject({ files: [], refused: [] });
    expect((await dir.scan(project, NOW + 60_000)).refused).toMatchObject([{ refusal: 'empty' }]);
  });

  test('drafts of a producer and hidden files are nobody’s business', async () => {
    writeFileSync(projects.at('api', 'inbox', '.tmp-x'), 'x');
    writeFileSync(projects.at('api', 'inbox', '.hidden.md'), 'x');
    expect(await dir.scan(project, NOW)).toMatchObject({ files: [], refused: [], ignored: [] });
  });

  test('a file with a second name is given a second to lose it', async () => {
    const path = projects.drop('api', 'a');
    linkSync(path, projects.at('api', 'inbox', '.tmp-a'));
    expect(await dir.scan(project, NOW)).toMatchObject({ files: [], refused: [], unsettled: ['a'] });
    rmSync(projects.at('api', 'inbox', '.tmp-a'));
    expect(await stems(NOW + 1)).toEqual(['a']);
  });

  test('a file is read again only when it has changed', async () => {
    const path = projects.drop('api', 'a', '# One\nx');
    const title = async (now: number) => (await dir.scan(project, now)).files[0]?.header.title;
    expect(await title(NOW)).toBe('One');
    const { size, ctimeNs } = statSync(path, { bigint: true });
    // Its change of state is all that differs, and shows from the next tick of the kernel's clock on.
    do {
      writeFileSync(path, '# Two\nx');
      utimesSync(path, NOW / 1000 - 3600, NOW / 1000 - 3600);
    } while (statSync(path, { bigint: true }).ctimeNs === ctimeNs);
    expect(statSync(path, { bigint: true }).size).toBe(size);
    expect(await title(NOW + 1)).toBe('Two');
  });
});

describe('claims', () => {
  test('of many that want a file one gets it, and the others are told that it is gone [R210]', async () => {
    projects.drop('api', 'a');
    const file = await fileOf('a');
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => dir.claim(project, file, record(`c${i}`, `d${i}`))),
    );
    expect(answers.map(({ kind }) => kind).sort()).toEqual([...Array(1).fill('claimed'), ...Array(7).fill('gone')]);
    expect(projects.names('api', 'claimed')).toHaveLength(2);
    expect(projects.names('api', 'inbox')).toEqual([]);
  });

  test('[R81] [R210] two claimers in any order lose no file, and none has two', async () => {
    const step = fc.constantFrom('claim', 'claim', 'release', 'finish', 'scan');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(0, 1), step), { minLength: 4, maxLength: 14 }),
        async (steps) => {
          const own = new Projects('api');
          const place = { name: 'api', path: own.path('api') };
          for (const stem of ['a', 'b', 'c']) own.drop('api', stem);
          const daemons = [0, 1].map(() => ({
            dir: queueDirFor(() => configFor(own.dir)),
            held: new Map<string, string>(),
          }));
          let id = 0;
          const act = async ([who, what]: readonly [number, string]): Promise<void> => {
            const daemon = daemons[who] ?? daemons[0];
            if (daemon === undefined) return;
            const { files: waiting } = await daemon.dir.scan(place, NOW);
            const [held] = daemon.held;
            if (what === 'claim' && waiting[0] !== undefined) {
              const claimId = `c${id++}`;
              const answer = await daemon.dir.claim(place, waiting[0], {
                ...record(claimId, `d${who}`),
                taskId: waiting[0].stem,
              });
              if (answer.kind === 'claimed') daemon.held.set(claimId, waiting[0].stem);
            } else if (held !== undefined && (what === 'release' || what === 'finish')) {
              const [claimId, stem] = held;
              daemon.held.delete(claimId);
              const lies = { ...files(claimId, stem), project: place.path };
              const path =
                what === 'release'
                  ? await daemon.dir.release(lies)
                  : await daemon.dir.finish(lies, 'done', result(claimId));
              expect(path).not.toBeNull();
            }
          };
          // Two at a time, so that they come between each other's steps.
          for (let at = 0; at < steps.length; at += 2) await Promise.all(steps.slice(at, at + 2).map(act));
          const held = daemons.flatMap((daemon) => [...daemon.held.values()]);
          const named = (part: string, form: RegExp) =>
            own.names('api', part).flatMap((name) => form.exec(name)?.[1] ?? []);
          const everywhere = [
            ...named('inbox', /^(\w)\.md$/),
            ...named('claimed', /^(\w)__\w+\.md$/),
            ...named('done', /^(\w)(?:__\w+)?\.md$/),
          ];
          expect(everywhere.sort()).toEqual(['a', 'b', 'c']);
          expect(named('claimed', /^(\w)__\w+\.md$/).sort()).toEqual(held.sort());
          expect(named('claimed', /^(\w)__\w+\.json$/).sort()).toEqual(held.sort());
          rmSync(own.dir, { recursive: true, force: true });
        },
      ),
      { numRuns: process.env.CF_LONG === '1' ? 400 : 25 },
    );
  }, 120_000);

  test('a task that is written anew while it is taken is taken whole', async () => {
    const path = projects.drop('api', 'a', 'one');
    const file = await fileOf('a');
    const claim = dir.claim(project, file, record('c1'));
    appendFileSync(path, ' and two', { flag: 'a' });
    const answer = await claim;
    // The writer may have come before the look, or after the rename, when its path led nowhere any more.
    if (answer.kind === 'claimed') expect(['one', 'one and two']).toContain(answer.text);
    else expect(answer.kind).toBe('changed');
  });

  test('what every claim says can be read, also of another daemon; junk is left alone', async () => {
    projects.drop('api', 'a__b');
    await dir.claim(project, await fileOf('a__b'), { ...record('20261120-1'), session: 's', account: 'x' });
    writeFileSync(projects.at('api', 'claimed', 'z__c9.json'), 'not json');
    writeFileSync(projects.at('api', 'claimed', 'junk.txt'), 'x');
    writeFileSync(projects.at('api', 'claimed', '.tmp-x__c.md'), 'x');
    const claims = await dir.claims(project.path);
    expect(claims.map(({ stem, claimId }) => `${stem} ${claimId}`).sort()).toEqual(['a__b 20261120-1', 'z c9']);
    expect(claims.find(({ stem }) => stem === 'a__b')?.record).toMatchObject({
      session: 's',
      account: 'x',
      claimedAt: NOW,
    });
    expect(claims.find(({ stem }) => stem === 'z')).toMatchObject({ record: null, inode: null });
  });

  test('a task does not go back over one of the same name', async () => {
    projects.drop('api', 'a', 'first');
    await dir.claim(project, await fileOf('a'), record('c1'));
    projects.drop('api', 'a', 'second');
    expect(await dir.release(files('c1'))).toBeNull();
    expect(readFileSync(projects.at('api', 'inbox', 'a.md'), 'utf8')).toBe('second');
    expect(await dir.read(files('c1'))).toEqual({ kind: 'text', text: 'first' });
  });

  test('where its file is, is found wherever its agent moved it [R214]', async () => {
    projects.drop('api', 'a');
    await dir.claim(project, await fileOf('a'), record('c1'));
    const claimed = projects.at('api', 'claimed', 'a__c1.md');
    expect(await dir.locate(files('c1'))).toEqual({ kind: 'claimed', path: claimed });
    mkdirSync(projects.at('api', 'done'), { recursive: true });
    renameSync(claimed, projects.at('api', 'done', 'a.md'));
    expect(await dir.locate(files('c1'))).toMatchObject({ kind: 'done' });
    expect(await dir.finish(files('c1'), 'done', result('c1'))).toBe(projects.at('api', 'done', 'a.md'));
    expect(projects.names('api', 'claimed')).toEqual([]);
    expect(projects.names('api', 'done')).toEqual(['a.md', 'a.result.json']);
  });

  test('an older end of the same name is not taken for this one', async () => {
    mkdirSync(projects.at('api', 'done'));
    writeFileSync(projects.at('api', 'done', 'a.md'), 'older');
    const later = { ...files('c1'), claimedAt: Date.now() + 3_600_000 };
    expect(await dir.locate(later)).toEqual({ kind: 'missing' });
    expect(await dir.finish(later, 'done', result('c1'))).toBeNull();
  });

  test('ending twice is ending once', async () => {
    projects.drop('api', 'a');
    await dir.claim(project, await fileOf('a'), record('c1'));
    const ends = [
      await dir.finish(files('c1'), 'failed', result('c1')),
      await dir.finish(files('c1'), 'failed', result('c1')),
    ];
    expect(ends).toEqual([projects.at('api', 'failed', 'a.md'), projects.at('api', 'failed', 'a.md')]);
    expect(projects.names('api', 'failed')).toEqual(['a.md', 'a.result.json']);
  });
});

describe('new tasks', () => {
  test('appear whole, in a queue that is made where there is none, and over no other one', async () => {
    mkdirSync(projects.path('web'));
    const web = await dir.found('web');
    expect(web).toEqual({ name: 'web', path: projects.path('web') });
    expect(await dir.add(projects.path('web'), 'a', 'Do it.')).toBe(projects.at('web', 'inbox', 'a.md'));
    expect(await dir.add(projects.path('web'), 'a', 'Other.')).toBeNull();
    expect(readdirSync(projects.at('web', 'inbox'))).toEqual(['a.md']);
    expect(readFileSync(projects.at('web', 'inbox', 'a.md'), 'utf8')).toBe('Do it.');
    expect([await dir.found('nowhere'), await dir.found('..'), await dir.found('/etc')]).toEqual([null, null, null]);
    expect(await dir.found(projects.path('web'))).toEqual(web);
  });

  test('are not written through a link', async () => {
    const outside = tempDir();
    mkdirSync(projects.path('web'));
    symlinkSync(outside, join(projects.path('web'), '.agent-queue'));
    await expect(dir.add(projects.path('web'), 'a', 'x')).rejects.toMatchObject({ code: 'queue_not_a_directory' });
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe('the small files', () => {
  test('events are appended, and a new file begins when one is full; a link is not followed', async () => {
    const at = projects.at('api', 'events.jsonl');
    await dir.note(project.path, { type: 'a' });
    await dir.note(project.path, { type: 'b' });
    expect(readFileSync(at, 'utf8')).toBe('{"type":"a"}\n{"type":"b"}\n');
    writeFileSync(at, 'x'.repeat(5 * 1024 * 1024));
    await dir.note(project.path, { type: 'c' });
    await dir.note(project.path, { type: 'd' });
    expect(statSync(projects.at('api', 'events.1.jsonl')).size).toBeGreaterThan(5 * 1024 * 1024);
    await dir.note(project.path, { type: 'e' });
    expect(readFileSync(at, 'utf8')).toBe('{"type":"e"}\n');
    const outside = join(tempDir(), 'x');
    writeFileSync(outside, '');
    rmSync(at);
    symlinkSync(outside, at);
    await expect(dir.note(project.path, { type: 'f' })).rejects.toThrow();
    expect(readFileSync(outside, 'utf8')).toBe('');
  });

  test('a status.json is a sign of life; one that is not understood is told once per change [R218]', async () => {
    const at = projects.at('api', 'status.json');
    expect(await dir.heartbeat(project.path)).toBeNull();
    writeFileSync(
      at,
      JSON.stringify({ session: 's', state: 'working', task_id: 'a', heartbeat_at: '2026-11-20T10:00:00Z' }),
    );
    const beat = { session: 's', state: 'working', taskId: 'a', at: NOW };
    expect([await dir.heartbeat(project.path), await dir.heartbeat(project.path)]).toEqual([beat, beat]);
    writeFileSync(at, JSON.stringify({ heartbeat_at: NOW / 1000 }));
    expect(await dir.heartbeat(project.path)).toMatchObject({ at: NOW, session: null });
    for (const text of ['no json', '[]', '{"heartbeat_at": "soon"}']) {
      writeFileSync(at, text);
      for (let look = 0; look < 3; look++) expect(await dir.heartbeat(project.path)).toBeNull();
    }
    expect(log.at('warn')).toHaveLength(3);
    rmSync(at);
    symlinkSync('/etc/hostname', at);
    expect(await dir.heartbeat(project.path)).toBeNull();
  });

  test('what was taken leaves no marker', async () => {
    projects.drop('api', 'a');
    await dir.markBlocked(project.path, 'a', 'waits', NOW);
    await dir.claim(project, await fileOf('a'), record('c1'));
    expect(existsSync(projects.at('api', 'inbox', 'a.md.blocked'))).toBe(false);
  });
});
