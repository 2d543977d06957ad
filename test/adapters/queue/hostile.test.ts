import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { InboxFile, QueueDir, QueueProject } from '../../../src/ports/queue.ts';
import { tempDir } from '../../store/support/temp-dir.ts';
import { configFor, NOW, Projects, queueBench, queueDirFor, takeNext } from '../../support/queue-bench.ts';

const IS_ROOT = process.getuid?.() === 0;
const SECRET = 'root:x:0:0';

/** Puts a name of raw bytes into the inbox. */
function dropBytes(projects: Projects, name: Buffer, text = 'x'): void {
  writeFileSync(Buffer.concat([Buffer.from(`${projects.at('api', 'inbox')}/`), name]), text);
}

/** Each trap, how it is laid, and how it is refused. */
const TRAPS: readonly (readonly [name: string, refusal: string, lay: (projects: Projects, secret: string) => void])[] =
  [
    ['a symbolic link', 'symlink', (p, secret) => symlinkSync(secret, p.at('api', 'inbox', 'link.md'))],
    ['a link that leads nowhere', 'symlink', (p) => symlinkSync('/nowhere', p.at('api', 'inbox', 'link.md'))],
    ['a link out of the queue', 'symlink', (p) => symlinkSync('../../../secret', p.at('api', 'inbox', 'link.md'))],
    ['a hard link', 'hard_link', (p, secret) => linkSync(secret, p.at('api', 'inbox', 'hard.md'))],
    ['a named pipe', 'not_a_file', (p) => execFileSync('mkfifo', [p.at('api', 'inbox', 'pipe.md')])],
    ['a directory', 'not_a_file', (p) => mkdirSync(p.at('api', 'inbox', 'dir.md', 'x'), { recursive: true })],
    ['a sparse gigabyte', 'too_large', (p) => truncateSync(p.drop('api', 'sparse'), 2 ** 30)],
    ['a name with a newline', 'name_invalid', (p) => p.drop('api', 'a\nb')],
    ['a name that a shell would run', 'name_invalid', (p) => p.drop('api', '$(touch owned)')],
    ['a name with a quote', 'name_invalid', (p) => p.drop('api', "it's `id`; rm")],
    ['a name like an option', 'name_invalid', (p) => p.drop('api', '-rf')],
    ['a name with an escape sequence', 'name_invalid', (p) => p.drop('api', '\x1b[2J')],
    ['a name that turns the text around', 'name_invalid', (p) => p.drop('api', 'a\u202edm')],
    ['a name of 255 bytes', 'name_invalid', (p) => p.drop('api', 'x'.repeat(252))],
    ['a name that is no text', 'name_invalid', (p) => dropBytes(p, Buffer.from([0xff, 0xfe, 0x2e, 0x6d, 0x64]))],
    ['an id that leads elsewhere', 'malformed', (p) => p.drop('api', 'up', '---\nid: ../../up\n---\nx')],
    ['a circle of aliases', 'malformed', (p) => p.drop('api', 'bomb', '---\na: &a [*a, *a]\n---\nx')],
    ['a foreign tag', 'malformed', (p) => p.drop('api', 'tag', '---\na: !!js/function x\n---\nx')],
    ['a key that is a prototype', 'malformed', (p) => p.drop('api', 'proto', '---\n__proto__: {a: 1}\n---\nx')],
    ['front matter without an end', 'malformed', (p) => p.drop('api', 'open', '---\nid: a\nx')],
    [
      'front matter without any end',
      'malformed',
      (p) => p.drop('api', 'long', `---\n${'a: 1 #\n'.repeat(20_000)}---\nx`),
    ],
    ['nothing to do', 'empty', (p) => p.drop('api', 'empty', '---\nid: a\n---\n \n')],
  ];

describe('[R216] [R246] a hostile inbox', () => {
  test.each(TRAPS)(
    '%s is put into failed/ as %s: nothing of it is read, followed or waited for',
    async (_, refusal, lay) => {
      const projects = new Projects('api');
      const secret = join(projects.dir, 'secret');
      writeFileSync(secret, SECRET);
      lay(projects, secret);
      projects.drop('api', 'honest');
      const bench = await queueBench(projects);
      await bench.queue.scan(NOW);
      // A second name is given time to go.
      await bench.queue.scan(NOW + 2000);

      const { row, text } = await takeNext(bench);
      expect(row.taskId).toBe('honest');
      expect(text).toBe('Do honest.\n');
      expect(await bench.queue.next(NOW + 2000, 9)).toEqual([]);
      expect(projects.names('api', 'inbox')).toEqual([]);
      const results = projects.names('api', 'failed').filter((name) => name.endsWith('.result.json'));
      expect(results).toHaveLength(1);
      const result = readFileSync(projects.at('api', 'failed', results[0] ?? ''), 'utf8');
      expect(JSON.parse(result)).toMatchObject({ status: 'refused', error_kind: refusal });
      expect(result).not.toContain(SECRET);
      expect(results[0]).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*\.result\.json$/);
      expect(readFileSync(secret, 'utf8')).toBe(SECRET);
      expect(existsSync('owned')).toBe(false);
      const events = await bench.events();
      expect(events.filter(({ type }) => type === 'task_refused')).toHaveLength(1);
      const said = JSON.stringify([events, await bench.rows()]);
      expect(said).not.toContain(SECRET);
      expect(said).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    },
  );

  test.runIf(IS_ROOT)('a file of another user is refused unless that user is trusted', async () => {
    const projects = new Projects('api');
    chownSync(projects.drop('api', 'foreign'), 12_345, 12_345);
    const trusting = await queueBench(projects, { dispatcher: { trusted_uids: [12_345] } });
    await trusting.queue.scan(NOW);
    expect(await trusting.queue.next(NOW, 9)).toHaveLength(1);
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    expect(projects.result('api', 'failed', 'foreign')).toMatchObject({ error_kind: 'foreign_owner' });
    expect(lstatSync(projects.at('api', 'failed', 'foreign.md')).uid).toBe(12_345);
  });

  test('what cannot even be moved is left there and told once', async () => {
    const projects = new Projects('api');
    projects.drop('api', '-rf');
    const bench = await queueBench(projects, {
      wrap: ({ dir, tasks }) => ({
        tasks,
        dir: {
          ...dir,
          async refuse() {
            const { QueueError } = await import('../../../src/core/errors.ts');
            throw new QueueError('queue_denied', 'it cannot be written');
          },
        },
      }),
    });
    for (let look = 0; look < 3; look++) await bench.queue.scan(NOW + look);
    expect(projects.names('api', 'inbox')).toEqual(['-rf.md']);
    const told = (await bench.events()).filter(({ type }) => type === 'task_refused');
    expect(told).toHaveLength(1);
    expect(told[0]?.data).toMatchObject({ left: true });
  });

  test('a name that is taken in failed/ is not overwritten', async () => {
    const projects = new Projects('api');
    mkdirSync(projects.at('api', 'failed'));
    writeFileSync(projects.at('api', 'failed', 'a.md'), 'an older one');
    projects.drop('api', 'a', '---\nid: [\n---\n');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    expect(readFileSync(projects.at('api', 'failed', 'a.md'), 'utf8')).toBe('an older one');
    expect(projects.names('api', 'failed')).toHaveLength(3);
  });
});

describe('[R216] directories that lead elsewhere', () => {
  test.each(['.agent-queue', '.agent-queue/inbox', '.agent-queue/claimed', '.agent-queue/done', '.agent-queue/failed'])(
    'a link instead of %s is not followed, and told once; other projects go on',
    async (part) => {
      const projects = new Projects('api', 'web');
      projects.drop('web', 'b');
      projects.drop('api', 'a', '---\ndepends_on: [x]\n---\nx');
      const elsewhere = tempDir();
      mkdirSync(join(elsewhere, 'inbox'));
      writeFileSync(join(elsewhere, 'inbox', 'theirs.md'), 'x');
      writeFileSync(join(elsewhere, 'x.md'), 'x');
      const place = join(projects.path('api'), part);
      rmSync(place, { recursive: true, force: true });
      symlinkSync(part === '.agent-queue' ? elsewhere : join(elsewhere, 'inbox'), place);
      const bench = await queueBench(projects);
      for (let look = 0; look < 2; look++) await bench.queue.scan(NOW + look);
      expect(Object.keys(await bench.rows())).toEqual(['web:b']);
      expect(bench.queue.summary().flaws).toMatchObject([{ project: 'api', isRefused: true }]);
      expect(bench.log.at('warn')).toEqual(['a queue is not as it should be']);
      expect(lstatSync(place).isSymbolicLink()).toBe(true);
      expect(readFileSync(join(elsewhere, 'inbox', 'theirs.md'), 'utf8')).toBe('x');
    },
  );

  test('a directory that is exchanged for a link while work goes on leads nowhere else', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    const config = configFor(projects.dir);
    const dir = queueDirFor(() => config);
    const { project, file } = await only(dir);
    const elsewhere = tempDir();
    writeFileSync(join(elsewhere, 'a.md'), SECRET);
    renameSync(projects.at('api', 'inbox'), projects.at('api', 'inbox-moved'));
    symlinkSync(elsewhere, projects.at('api', 'inbox'));
    await expect(dir.claim(project, file, claimRecord('c1'))).rejects.toMatchObject({ code: 'queue_not_a_directory' });
    expect(readFileSync(join(elsewhere, 'a.md'), 'utf8')).toBe(SECRET);
  });

  test('an inbox that every user can write is told, and refused where that was asked for', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    execFileSync('chmod', ['0777', projects.at('api', 'inbox')]);
    const open = await queueBench(projects);
    await open.queue.scan(NOW);
    expect(open.queue.summary().flaws).toMatchObject([{ kind: 'world_writable', isRefused: false }]);
    expect(Object.keys(await open.rows())).toEqual(['api:a']);
    const strict = await queueBench(projects, { dispatcher: { strict: true } });
    await strict.queue.scan(NOW);
    expect(strict.queue.summary().flaws).toMatchObject([{ kind: 'world_writable', isRefused: true }]);
    expect(await strict.rows()).toEqual({});
  });
});

describe('[R216] a file that is exchanged between the look and the claim', () => {
  test('for another file: it is looked at again, and never typed as what it was', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a', 'harmless');
    const config = configFor(projects.dir);
    const dir = queueDirFor(() => config);
    const { project, file } = await only(dir);
    renameSync(projects.drop('api', 'b', 'other'), projects.at('api', 'inbox', 'a.md'));
    expect(await dir.claim(project, file, claimRecord('c1'))).toEqual({ kind: 'changed' });
    expect(projects.names('api', 'claimed')).toEqual([]);
  });

  test.each([
    ['a link', (at: string, secret: string) => symlinkSync(secret, at)],
    ['a second name of a file', (at: string, secret: string) => linkSync(secret, at)],
    ['another file', (at: string, secret: string) => writeFileSync(at, readFileSync(secret))],
  ])('for %s in the very moment of the rename: refused, and not read', async (_, lay) => {
    const projects = new Projects('api');
    const secret = join(projects.dir, 'secret');
    writeFileSync(secret, SECRET);
    projects.drop('api', 'a', 'harmless');
    const config = configFor(projects.dir);
    const dir = queueDirFor(() => config);
    const { project, file } = await only(dir);
    // The record of the claim is written after the file was opened and before it is moved: as it appears, so does the trap.
    const inbox = projects.at('api', 'inbox', 'a.md');
    mkdirSync(projects.at('api', 'claimed'));
    let isLaid = false;
    const watcher = watch(projects.at('api', 'claimed'), () => {
      if (isLaid || !existsSync(inbox)) return;
      isLaid = true;
      // It may be moved in this very moment.
      rmSync(inbox, { force: true });
      lay(inbox, secret);
    });
    const answer = await dir.claim(project, file, claimRecord('c1')).finally(() => watcher.close());
    // The trap may have been too slow; then the file was taken as it was.
    if (answer.kind === 'claimed') expect(answer.text).toBe('harmless');
    else expect(answer).toMatchObject({ kind: expect.stringMatching(/^(refused|gone|changed)$/) });
    expect(JSON.stringify(answer)).not.toContain(SECRET);
    expect(readFileSync(secret, 'utf8')).toBe(SECRET);
  });
});

async function only(dir: QueueDir): Promise<{ project: QueueProject; file: InboxFile }> {
  const { projects } = await dir.projects();
  const project = projects[0];
  if (project === undefined) throw new Error('no project');
  const file = (await dir.scan(project, NOW)).files[0];
  if (file === undefined) throw new Error('no file');
  return { project, file };
}

function claimRecord(claimId: string) {
  return { taskId: 'a', claimId, daemonId: 'd', session: null, account: null, attempt: 1, claimedAt: NOW };
}
