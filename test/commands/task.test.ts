/** `task` and `queue`, against a daemon, against the database alone, and against the files alone. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { showQueue } from '../../src/commands/queue.ts';
import { changeTask, listTasks, showTask } from '../../src/commands/task.ts';
import { addTask } from '../../src/commands/task-add.ts';
import type { HttpDoors } from '../../src/http/server.ts';
import { startHttp } from '../../src/http/server.ts';
import { openStore } from '../../src/store/open.ts';
import type { CapturedIo } from '../support/command-io.ts';
import { commandIo } from '../support/command-io.ts';
import { FakeDaemon, NOW, statusFacts } from '../support/daemon-facts.ts';
import { SOME_TASKS } from '../support/fake-tasks.ts';
import { silentLog } from '../support/panes.ts';

let home: string;
let config: string;
let io: CapturedIo;
let daemon: FakeDaemon;
let doors: HttpDoors | null;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cf-'));
  config = join(home, 'c.yaml');
  const accounts = 'accounts:\n  - {name: work-1, home: ~/one}\n  - {name: work-2, home: ~/two}\n';
  writeFileSync(config, `${accounts}dispatcher: {projects_dir: ~/src, max_task_bytes: 2KiB}\n`);
  mkdirSync(join(home, 'src/api'), { recursive: true });
  io = commandIo({ home });
  daemon = new FakeDaemon();
  doors = null;
});
afterEach(async () => {
  await doors?.stop();
  rmSync(home, { recursive: true, force: true });
});

const stateDir = () => join(home, '.local/state/claude-failover');
const inbox = (...name: string[]) => join(home, 'src/api/.agent-queue/inbox', ...name);

async function startDaemon(): Promise<void> {
  doors = await startHttp({
    api: daemon,
    clock: { ...systemClock(), now: () => NOW, zone: () => 'UTC' },
    log: silentLog,
    listen: null,
    socketPath: join(stateDir(), 'run/api.sock'),
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.1.0',
  });
}

async function leaveState(): Promise<void> {
  const store = await openStore({ stateDir: stateDir(), now: NOW });
  await store.tasks.save(SOME_TASKS, [], [], NOW);
  await store.close();
}

describe('task list', () => {
  test('shows tasks as a table', async () => {
    await startDaemon();
    expect(await listTasks({ config }, io)).toBe(0);
    expect(io.stdout.split('\n').map((line) => line.trimEnd())).toEqual([
      'TASK           STATUS  SINCE  PRIORITY  TRIES  SESSION  TITLE',
      'web:page       failed  11:55  default   3      -        Write the page (its session is gone; that was attempt 3 of 3)',
      'api:fix-login  queued  11:50  high      0      -        Fix the login',
      '',
    ]);
  });

  test('asks for what was wanted, and refuses what there is not', async () => {
    await startDaemon();
    expect(await listTasks({ config, status: 'queued', project: 'api', limit: '3', json: true }, io)).toBe(0);
    expect(daemon.calls.at(-1)?.with).toEqual({ statuses: ['queued'], project: 'api', limit: 4 });
    expect(JSON.parse(io.stdout).tasks).toMatchObject([{ id: 'api:fix-login' }]);
    expect(await listTasks({ config, status: 'open' }, io)).toBe(2);
    expect(await listTasks({ config, limit: '0' }, io)).toBe(2);
  });

  test('without the daemon reads the database, without both says so', async () => {
    expect(await listTasks({ config }, io)).toBe(4);
    await leaveState();
    expect(await listTasks({ config }, io)).toBe(0);
    expect(io.stdout).toContain('api:fix-login');
    expect(io.stderr).toContain('the daemon is not running; this is read from');
  });
});

describe('task show', () => {
  test('tells everything of one, with its attempts', async () => {
    await startDaemon();
    expect(await showTask('web:page', { config }, io)).toBe(0);
    expect(io.stdout).toContain('web:page  Write the page\n');
    expect(io.stdout).toContain('file       /src/web/.agent-queue/failed/page.md');
    expect(io.stdout).toMatch(/Accounts\n {2}\S.* work-2: limit\n {2}\S.* work-1: selected\n/);
    expect(io.stdout).toMatch(/session_died, after 4 m \(ccl-auto-11, work-1\): its session is gone/);
    expect(await showTask('nobody', { config }, io)).toBe(1);
    expect(await showTask('twin', { config }, io)).toBe(1);
  });

  test('without the daemon reads the database, by its id or its name', async () => {
    await leaveState();
    expect(await showTask('page', { config, json: true }, io)).toBe(0);
    expect(JSON.parse(io.stdout).task).toMatchObject({ id: 'web:page', attempts: [{ attempt: 3 }] });
    expect(await showTask('nobody', { config }, io)).toBe(1);
  });
});

describe('task retry and cancel', () => {
  test('are done by the daemon, and told', async () => {
    expect(await changeTask('retry', 'page', { config }, io)).toBe(4);
    await startDaemon();
    expect(await changeTask('retry', 'page', { config }, io)).toBe(0);
    expect(io.stdout).toBe('web:page waits in the inbox again\n');
    expect(await changeTask('cancel', 'page', { config, reason: 'no need' }, io)).toBe(0);
    expect(daemon.calls.at(-1)?.with).toEqual({ name: 'page', reason: 'no need' });
    expect(await changeTask('retry', 'fix-login', { config }, io)).toBe(5);
    expect(await changeTask('retry', 'nobody', { config }, io)).toBe(1);
  });
});

describe('task add', () => {
  const file = (text: string, name = 'work.md') => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };

  test('writes a task into the inbox, without the daemon too, and makes the queue where there is none', async () => {
    const options = {
      config,
      project: 'api',
      id: 'mend',
      title: 'Mend "it": now',
      priority: 'high',
      dependsOn: 'web:a, b',
    };
    expect(await addTask(file('Do it.'), { ...options, notBefore: '2h', maxAttempts: '2' }, io)).toBe(0);
    expect(io.stdout).toBe(`api:mend waits in ${inbox('mend.md')}\n`);
    expect(readFileSync(inbox('mend.md'), 'utf8')).toBe(
      '---\nid: "mend"\ntitle: "Mend \\"it\\": now"\npriority: "high"\nmax_attempts: 2\nnot_before: "2026-01-05T14:00:00.000Z"\ndepends_on: ["web:a","b"]\n---\nDo it.\n',
    );
    await expect(addTask(file('Other.'), options, io)).rejects.toMatchObject({ code: 'name_taken' });
    expect(readdirSync(inbox())).toEqual(['mend.md']);
  });

  test('tells the daemon, which looks at once', async () => {
    await startDaemon();
    expect(await addTask(file('# Mend the page\nDo it.'), { config, project: 'api', json: true }, io)).toBe(0);
    expect(daemon.calls.map(({ name }) => name)).toEqual(['dispatch']);
    expect(JSON.parse(io.stdout).id).toMatch(/^api:mend-the-page-/);
  });

  test('takes a text with a front matter as it is, and reads standard input', async () => {
    const text = '---\npriority: low\n---\nDo it.';
    expect(await addTask(file(text, 'own name.md'), { config, project: 'api' }, io)).toBe(0);
    expect(readFileSync(inbox('own name.md'), 'utf8')).toBe(text);
    expect(await addTask(file(text), { config, project: 'api', priority: 'high' }, io)).toBe(2);
    expect(io.stderr).toContain('put priority there');
    const stdin = (async function* () {
      yield Buffer.from('Do it ');
      yield Buffer.from('from here.');
    })();
    expect(await addTask('-', { config, project: 'api', id: 'piped' }, commandIo({ home, stdin }))).toBe(0);
    expect(readFileSync(inbox('piped.md'), 'utf8')).toContain('Do it from here.');
  });

  test.each([
    ['no text', ' \n', {}],
    ['a priority that there is not', 'x', { priority: 'now' }],
    ['an id that leads elsewhere', 'x', { id: '../x' }],
    ['a number that is none', 'x', { maxAttempts: 'many' }],
    ['a broken front matter', '---\nid: [\n---\nx', {}],
  ])('%s is refused, and nothing is written', async (_, text, options) => {
    expect(await addTask(file(text), { config, project: 'api', ...options }, io)).toBe(2);
    expect(existsSync(inbox())).toBe(false);
  });

  test('what is too long, not there, or a queue that leads elsewhere is told with its cause', async () => {
    const add = (text: string, project = 'api') => addTask(file(text), { config, project }, io);
    await expect(add('x'.repeat(4096))).rejects.toMatchObject({ code: 'too_large' });
    await expect(add('x', 'nowhere')).rejects.toMatchObject({ code: 'unknown_project' });
    await expect(add('x', '../api')).rejects.toMatchObject({ code: 'unknown_project' });
    await expect(addTask(join(home, 'none.md'), { config, project: 'api' }, io)).rejects.toMatchObject({
      code: 'no_file',
    });
    symlinkSync(tmpdir(), join(home, 'src/api/.agent-queue'));
    await expect(add('x')).rejects.toMatchObject({ code: 'queue_refused' });
    writeFileSync(config, readFileSync(config, 'utf8').replace('projects_dir: ~/src, ', ''));
    await expect(add('x')).rejects.toMatchObject({ code: 'no_projects' });
  });
});

describe('queue', () => {
  test('counts tasks and names the inboxes, and what is wrong with them', async () => {
    const byStatus = { ...EMPTY, queued: 3, retry_wait: 1 };
    const projects = [
      { name: 'api', ignored: ['x.md.delegated'] },
      { name: 'web', ignored: [] },
    ];
    const flaws = [{ project: 'docs', detail: 'its inbox is a symbolic link', isRefused: true }];
    daemon.status = statusFacts({ queue: { enabled: false, byStatus, oldestAt: NOW - 3_600_000, projects, flaws } });
    await startDaemon();
    expect(await showQueue({ config }, io)).toBe(0);
    expect(io.stdout.split('\n')).toEqual([
      '3 queued · 1 retry wait',
      '  ! dispatcher.enabled is false: nothing is given out',
      '  the oldest that waits was written 1 h ago',
      '  api (not touched: x.md.delegated)',
      '  web',
      '  ! docs: its inbox is a symbolic link',
      '',
    ]);
  });

  test('without the daemon counts what the database knows', async () => {
    expect(await showQueue({ config }, io)).toBe(4);
    await leaveState();
    expect(await showQueue({ config }, io)).toBe(0);
    expect(io.stdout).toContain('1 queued · 1 failed');
  });
});

const EMPTY = {
  queued: 0,
  blocked: 0,
  claimed: 0,
  launching: 0,
  running: 0,
  retry_wait: 0,
  done: 0,
  failed: 0,
  timeout: 0,
  cancelled: 0,
};
