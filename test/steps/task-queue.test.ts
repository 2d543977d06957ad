import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/core/time.ts';
import { NOW, Projects, queueBench, takeNext } from '../support/queue-bench.ts';

const done = { completion: 'signal', summary: 'all green', reason: 'signal file' } as const;

describe('a task on its way', () => {
  test('that was there before the start is found, taken, and put into done/ with its result [R73] [R213]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'fix-login', '---\ntitle: Fix the login\npriority: high\n---\nMend it.\n');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    expect((await bench.rows())['api:fix-login']).toMatchObject({
      status: 'queued',
      title: 'Fix the login',
      priority: 'high',
    });

    const { row, text } = await takeNext(bench);
    expect(text).toContain('Mend it.');
    expect(projects.names('api', 'inbox')).toEqual([]);
    expect(projects.names('api', 'claimed')).toEqual([
      `fix-login__${row.claimId}.json`,
      `fix-login__${row.claimId}.md`,
    ]);
    const record = JSON.parse(readFileSync(projects.at('api', 'claimed', `fix-login__${row.claimId}.json`), 'utf8'));
    expect(record).toMatchObject({ task_id: 'fix-login', daemon_id: 'daemon-1', session: 'ccl-auto-11', attempt: 1 });

    await bench.tasks.move(row.id, ['claimed'], 'running', { startedAt: NOW }, [], NOW);
    const ended = await bench.queue.succeed(row, done, NOW + 90_500);
    expect(ended).toMatchObject({
      status: 'done',
      attempt: 1,
      path: projects.at('api', 'done', 'fix-login.md'),
      claimId: null,
    });
    expect(projects.names('api', 'claimed')).toEqual([]);
    expect(projects.names('api', 'done')).toEqual(['fix-login.md', 'fix-login.result.json']);
    expect(projects.result('api', 'done', 'fix-login')).toMatchObject({
      status: 'done',
      completion: 'signal',
      session: 'ccl-auto-11',
      account: 'a',
      duration_s: 90.5,
      summary: 'all green',
      attempts: [{ attempt: 1, outcome: 'done' }],
    });
    expect((await bench.events()).map(({ type }) => type)).toEqual(['task_queued', 'task_claimed', 'task_done']);
    const lines = readFileSync(projects.at('api', 'events.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['task_claimed', 'task_done']);
  });

  test('its end is delivered once, however many tell of it [R70]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const { row } = await takeNext(bench);
    const ends = await Promise.all([
      bench.queue.succeed(row, done, NOW + 1),
      bench.queue.failAttempt(row, { error: 'timeout', reason: 'too long' }, NOW + 1),
      bench.queue.succeed(row, { ...done, completion: 'inferred' }, NOW + 2),
    ]);
    expect(ends.filter((end) => end !== null)).toHaveLength(1);
    expect((await bench.events()).filter(({ type }) => /done|failed|timeout|retry/.test(type))).toHaveLength(1);
  });

  test('a new project directory, and a queue in it, is found without a restart [R73]', async () => {
    const projects = new Projects('api');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    mkdirSync(projects.at('web', 'inbox'), { recursive: true });
    projects.drop('web', 'b');
    expect((await bench.queue.scan(NOW)).projects.map(({ name }) => name)).toEqual(['api', 'web']);
    expect(Object.keys(await bench.rows())).toEqual(['web:b']);
  });

  test('what is removed from the inbox is forgotten', async () => {
    const projects = new Projects('api');
    const path = projects.drop('api', 'a');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    rmSync(path);
    await bench.queue.scan(NOW + 1);
    expect(await bench.rows()).toEqual({});
  });

  test('a session has one task at most [R80]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    projects.drop('api', 'b');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    await takeNext(bench);
    await expect(takeNext(bench)).rejects.toMatchObject({ code: 'task_session_taken' });
    expect(projects.names('api', 'inbox')).toEqual(['b.md']);
    await bench.queue.scan(NOW);
    expect((await bench.rows())['api:b']).toMatchObject({ status: 'queued' });
  });

  test('is given out in its order, and not before its time [R76]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'low', '---\npriority: low\n---\nx', 0);
    projects.drop('api', 'second', 'x', 2);
    projects.drop('api', 'first', 'x', 1);
    projects.drop('api', 'urgent', '---\npriority: critical\n---\nx', 3);
    projects.drop('api', 'later', '---\npriority: critical\nnot_before: 2026-11-20T10:00:05Z\n---\nx', 0);
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const order = async (now: number) => (await bench.queue.next(now, 9)).map(({ taskId }) => taskId);
    expect(await order(NOW)).toEqual(['urgent', 'first', 'second', 'low']);
    expect(await order(NOW + 5 * SECOND)).toEqual(['urgent', 'later', 'first', 'second', 'low']);
  });
});

describe('attempts', () => {
  test('an attempt that failed is followed by others after a pause, then the task has failed, and nothing of it is lost [R211] [R212]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a', '---\nmax_attempts: 2\n---\nx');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const first = await takeNext(bench);
    expect(await bench.queue.failAttempt(first.row, { error: 'session_died', reason: 'gone' }, NOW)).toMatchObject({
      status: 'retry_wait',
      attempt: 1,
      retryAt: NOW + MINUTE,
      workSession: null,
    });
    expect(await bench.queue.next(NOW + MINUTE - 1, 9)).toEqual([]);
    expect(projects.names('api', 'inbox')).toEqual([]);

    const second = await takeNext(bench, NOW + MINUTE);
    expect(second.text).toBe('---\nmax_attempts: 2\n---\nx');
    const ended = await bench.queue.failAttempt(second.row, { error: 'timeout', reason: 'too long' }, NOW + 2 * MINUTE);
    expect(ended).toMatchObject({
      status: 'timeout',
      attempt: 2,
      errorKind: 'timeout',
      path: projects.at('api', 'failed', 'a.md'),
    });
    expect(projects.result('api', 'failed', 'a')).toMatchObject({
      status: 'timeout',
      error_kind: 'timeout',
      attempts: [{ outcome: 'session_died' }, { outcome: 'timeout' }],
    });
    expect((await bench.events()).map(({ type }) => type)).toEqual([
      'task_queued',
      'task_claimed',
      'task_retry',
      'task_claimed',
      'task_timeout',
    ]);
  });

  test('what is told late of an attempt that has ended changes nothing, also while the next one runs [R70] [R211]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const first = await takeNext(bench);
    const gone = { error: 'session_died', reason: 'gone' } as const;
    await bench.queue.failAttempt(first.row, gone, NOW);
    const late = async () => [
      await bench.queue.failAttempt(first.row, gone, NOW + 1),
      await bench.queue.succeed(first.row, done, NOW + 1),
      await bench.queue.giveBack(first.row, 'late', NOW + 1),
    ];
    expect(await late()).toEqual([null, null, null]);
    const second = await takeNext(bench, NOW + MINUTE);
    expect(await late()).toEqual([null, null, null]);
    expect((await bench.rows())['api:a']).toMatchObject({ status: 'claimed', attempt: 1 });
    expect(await bench.queue.succeed(second.row, done, NOW + MINUTE)).toMatchObject({ status: 'done', attempt: 2 });
    expect(await late()).toEqual([null, null, null]);
    expect(projects.names('api', 'inbox')).toEqual([]);
  });

  test('a swap uses up no attempt [R52] [R211]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const { row } = await takeNext(bench);
    const put = await bench.queue.failAttempt(row, { error: 'account_swap', reason: 'account_swap' }, NOW);
    expect(put).toMatchObject({ status: 'retry_wait', attempt: 0, requeues: 1, retryAt: NOW });
    expect((await bench.events()).map(({ type }) => type)).toContain('task_requeued');
    expect((await takeNext(bench)).row).toMatchObject({ attempt: 0, status: 'claimed' });
  });

  test('a task that is given back untouched waits in the inbox as before', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const { row } = await takeNext(bench);
    expect(await bench.queue.giveBack(row, 'somebody uses the session', NOW)).toMatchObject({
      status: 'queued',
      attempt: 0,
    });
    expect(projects.names('api', 'inbox')).toEqual(['a.md']);
    expect(projects.names('api', 'claimed')).toEqual([]);
    await bench.queue.scan(NOW + 1);
    expect((await takeNext(bench)).row.taskId).toBe('a');
  });

  test('what its agent itself put into failed/ is not tried again [R214]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const { row } = await takeNext(bench);
    mkdirSync(projects.at('api', 'failed'), { recursive: true });
    renameSync(row.path, projects.at('api', 'failed', `a__${row.claimId}.md`));
    expect(await bench.dir.locate(row)).toMatchObject({ kind: 'failed' });
    await bench.queue.fail(row, { reason: 'the agent put it there', summary: null }, NOW);
    expect(projects.names('api', 'failed')).toEqual(['a.md', 'a.result.json']);
    expect((await bench.rows())['api:a']).toMatchObject({ status: 'failed', completion: 'agent_moved', claimId: null });
  });

  test('one of the same name that ended before stays where it is', async () => {
    const projects = new Projects('api');
    const bench = await queueBench(projects);
    for (const round of [1, 2]) {
      projects.drop('api', 'a', `round ${round}`);
      await bench.queue.scan(NOW + round);
      const { row } = await takeNext(bench, NOW + round);
      await bench.queue.succeed(row, done, NOW + round);
    }
    const names = projects.names('api', 'done');
    expect(names).toHaveLength(4);
    expect(readFileSync(projects.at('api', 'done', 'a.md'), 'utf8')).toBe('round 1');
    expect((await bench.rows())['api:a']?.attempt).toBe(1);
  });
});

describe('dependencies', () => {
  test('a task waits for what it needs, and is told so by a marker whose time stays [R84]', async () => {
    const projects = new Projects('api', 'web');
    projects.drop('web', 'page', '---\ndepends_on: ["api:route"]\n---\nx');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    expect((await bench.rows())['web:page']).toMatchObject({ status: 'blocked', reason: 'waits for api:route' });
    const marker = projects.at('web', 'inbox', 'page.md.blocked');
    expect(statSync(marker).mtimeMs).toBe(NOW);
    await bench.queue.scan(NOW + MINUTE);
    expect(statSync(marker).mtimeMs).toBe(NOW);
    expect(await bench.queue.next(NOW, 9)).toEqual([]);

    mkdirSync(projects.at('api', 'done'), { recursive: true });
    writeFileSync(projects.at('api', 'done', 'route.md'), 'x');
    await bench.queue.scan(NOW + 2 * MINUTE);
    expect((await takeNext(bench, NOW + 2 * MINUTE)).row).toMatchObject({ id: 'web:page', reason: null });
    expect(existsSync(marker)).toBe(false);
    const types = (await bench.events()).map(({ type }) => type);
    expect(types).toEqual(['task_queued', 'task_blocked', 'task_queued', 'task_claimed']);
  });

  test('what was done and then archived counts as done', async () => {
    const projects = new Projects('api');
    mkdirSync(projects.at('api', 'archive', '2026-10'), { recursive: true });
    writeFileSync(projects.at('api', 'archive', '2026-10', 'old.md'), 'x');
    projects.drop('api', 'new', '---\ndepends_on: [old]\n---\nx');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    expect((await takeNext(bench)).row.taskId).toBe('new');
  });

  test('a circle, and what was blocked for too long, has failed with its reason [R85]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a', '---\ndepends_on: [b]\n---\nx');
    projects.drop('api', 'b', '---\ndepends_on: [a]\n---\nx');
    projects.drop('api', 'c', '---\ndepends_on: [never]\n---\nx');
    const bench = await queueBench(projects, { dispatcher: { blocked_timeout: '1h' } });
    await bench.queue.scan(NOW);
    await bench.queue.scan(NOW + 61 * MINUTE);
    const rows = await bench.rows();
    expect(rows['api:a']).toMatchObject({
      status: 'failed',
      errorKind: 'dependency_cycle',
      reason: 'its dependencies lead back to itself: api:a → api:b → api:a',
    });
    expect(rows['api:b']).toMatchObject({ errorKind: 'dependency_cycle' });
    expect(rows['api:c']).toMatchObject({
      errorKind: 'dependency_timeout',
      reason: 'it was blocked for more than 1 h, by api:never',
    });
    expect(projects.names('api', 'inbox')).toEqual([]);
    expect(projects.names('api', 'failed').filter((name) => name.endsWith('.md'))).toEqual(['a.md', 'b.md', 'c.md']);
    expect((await bench.events()).filter(({ type }) => type === 'task_failed')).toHaveLength(3);
  });
});

describe('files that are no tasks', () => {
  test('a second task with the id of one that waits or runs is put into failed/ [R212]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a', '---\nid: same\n---\nfirst', 0);
    projects.drop('api', 'b', '---\nid: same\n---\nsecond', 1);
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const { row, text } = await takeNext(bench);
    expect(text).toContain('first');
    projects.drop('api', 'c', '---\nid: same\n---\nthird');
    await bench.queue.scan(NOW + 1);
    expect(projects.names('api', 'failed')).toEqual(['b.md', 'b.result.json', 'c.md', 'c.result.json']);
    expect(projects.result('api', 'failed', 'b')).toMatchObject({ status: 'refused', error_kind: 'duplicate_id' });
    expect((await bench.rows())[row.id]?.status).toBe('claimed');
    expect((await bench.rows())['api:c']).toMatchObject({ status: 'failed', errorKind: 'refused' });
  });

  test('malformed front matter is told with its line and column, and the file can be put back when it is mended [R74] [R212]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a', '---\ntitle: x\npriority: now\n---\ntext');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    expect(projects.result('api', 'failed', 'a')).toMatchObject({
      error_kind: 'malformed',
      reason: '3:11 priority must be one of critical, high, default, low',
    });
    writeFileSync(projects.at('api', 'failed', 'a.md'), '---\npriority: low\n---\ntext');
    utimesSync(projects.at('api', 'failed', 'a.md'), NOW / 1000 - 60, NOW / 1000 - 60);
    expect(await bench.queue.retry('api:a', NOW)).toMatchObject({ kind: 'done' });
    await bench.queue.scan(NOW);
    expect((await bench.rows())['api:a']).toMatchObject({ status: 'queued', priority: 'low' });
    expect(projects.names('api', 'failed')).toEqual([]);
  });

  test('markers of the Go predecessor: what was given out and forgotten waits again, once; others are listed [R81] [R88] [R215]', async () => {
    const projects = new Projects('api');
    let isAtWork = true;
    for (const name of ['old.md.dispatched', 'x.md.delegated', 'old.md.dispatch-meta', 'notes.txt'])
      writeFileSync(projects.at('api', 'inbox', name), 'Do it.');
    utimesSync(projects.at('api', 'inbox', 'old.md.dispatched'), NOW / 1000 - 8000, NOW / 1000 - 8000);
    writeFileSync(projects.at('api', 'inbox', 'fresh.md.dispatched'), 'Do it.');
    utimesSync(projects.at('api', 'inbox', 'fresh.md.dispatched'), NOW / 1000, NOW / 1000);
    const bench = await queueBench(projects, { isAtWork: () => isAtWork });
    await bench.queue.scan(NOW);
    expect(await bench.rows()).toEqual({});
    isAtWork = false;
    expect((await bench.queue.scan(NOW)).isPartial).toBe(true);
    await bench.queue.scan(NOW);
    expect(Object.keys(await bench.rows())).toEqual(['api:old']);
    expect(bench.queue.summary().ignored.get(projects.path('api'))).toEqual([
      'notes.txt',
      'old.md.dispatch-meta',
      'x.md.delegated',
    ]);
    const { row } = await takeNext(bench);
    await bench.queue.succeed(row, done, NOW);
    writeFileSync(projects.at('api', 'inbox', 'old.md.dispatched'), 'Do it.');
    utimesSync(projects.at('api', 'inbox', 'old.md.dispatched'), NOW / 1000 - 8000, NOW / 1000 - 8000);
    await bench.queue.scan(NOW);
    expect(projects.names('api', 'inbox')).toContain('old.md.dispatched');
  });
});

describe('by hand', () => {
  test('a task is cancelled in every state, and only once [R212]', async () => {
    const projects = new Projects('api');
    for (const name of ['waits', 'runs', 'again']) projects.drop('api', name, 'x');
    projects.drop('api', 'blocked', '---\ndepends_on: [never]\n---\nx');
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const [again, runs] = [await takeNext(bench, NOW, 's1'), await takeNext(bench, NOW, 's2')];
    await bench.queue.failAttempt(again.row, { error: 'session_died', reason: 'gone' }, NOW);
    await bench.tasks.move(runs.row.id, ['claimed'], 'running', {}, [], NOW);
    for (const name of ['waits', 'runs', 'again', 'blocked']) {
      expect(await bench.queue.cancel(`api:${name}`, 'by hand', NOW)).toMatchObject({
        kind: 'done',
        row: { status: 'cancelled', path: projects.at('api', 'failed', `${name}.md`) },
      });
      expect(await bench.queue.cancel(`api:${name}`, 'by hand', NOW)).toMatchObject({ reason: 'already_ended' });
    }
    expect(projects.names('api', 'inbox')).toEqual([]);
    expect(projects.names('api', 'claimed')).toEqual([]);
    expect(await bench.queue.cancel('api:none', 'by hand', NOW)).toMatchObject({ reason: 'unknown_task' });
  });

  test('what has ended can be begun anew, what waits for its next attempt gets it now, what runs goes on [R212]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a', '---\nmax_attempts: 1\n---\nx');
    projects.drop('api', 'b', 'x', 1);
    const bench = await queueBench(projects);
    await bench.queue.scan(NOW);
    const a = await takeNext(bench);
    expect(await bench.queue.retry('api:a', NOW)).toMatchObject({ reason: 'not_ended' });
    await bench.queue.failAttempt(a.row, { error: 'agent_error', reason: 'no' }, NOW);
    expect(await bench.queue.retry('api:a', NOW)).toMatchObject({
      kind: 'done',
      row: { status: 'queued', attempt: 0 },
    });
    expect(projects.names('api', 'failed')).toEqual([]);

    const b = await bench.queue.claim(
      (await bench.queue.next(NOW, 9))[0] ?? a.row,
      { session: 's', account: null },
      NOW,
    );
    if (b.kind !== 'claimed') throw new Error(b.kind);
    await bench.queue.failAttempt(b.row, { error: 'agent_error', reason: 'no' }, NOW);
    await bench.queue.retry(b.row.id, NOW);
    await bench.queue.scan(NOW);
    expect((await bench.queue.next(NOW, 9)).map(({ id }) => id).sort()).toEqual(['api:a', 'api:b']);
  });
});
