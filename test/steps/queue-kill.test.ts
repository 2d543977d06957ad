import { mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CLAIMED, ENDED } from '../../src/core/queue/task.ts';
import type { QueueDir, TaskStore } from '../../src/ports/queue.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { NOW, Projects, type QueueBench, queueBench, takeNext } from '../support/queue-bench.ts';

class Killed extends Error {}

/** Every second point is enough every day: what lies between two calls is mostly the same. */
const STRIDE = process.env.CF_LONG === '1' ? 1 : 2;

/** Everything ends after the call with this number: nobody hears its answer, and no call goes through afterwards. */
function killAt(number: number) {
  let calls = 0;
  const guard = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return async (...values: unknown[]) => {
          calls += 1;
          if (calls > number) throw new Killed();
          const answer = await (member as (...all: unknown[]) => Promise<unknown>).apply(target, values);
          if (calls >= number) throw new Killed();
          return answer;
        };
      },
    });
  return {
    wrap: (ports: { dir: QueueDir; tasks: TaskStore }) => ({ dir: guard(ports.dir), tasks: guard(ports.tasks) }),
    wasReached: () => calls >= number,
  };
}

/** Works on everything there is until nothing is left, as sessions would; a task that runs already is not typed again. */
async function workOff(bench: QueueBench, typed: string[], tasks: TaskStore = bench.tasks): Promise<void> {
  for (let now = NOW; now < NOW + 100; now++) {
    await bench.queue.scan(now);
    const rows = await tasks.tasks({ statuses: ['running', 'launching'], limit: 9 });
    for (const row of rows) {
      // The first attempt of one task fails.
      const fails = row.taskId === 'b' && row.attempt === 0;
      if (fails) await bench.queue.failAttempt(row, { error: 'session_died', reason: 'gone' }, now);
      else await bench.queue.succeed(row, { completion: 'signal', summary: null, reason: 'signal' }, now);
    }
    const [due] = await bench.queue.next(now + 3_600_000, 1);
    if (due === undefined && rows.length === 0) return;
    if (due === undefined) continue;
    const claimed = await bench.queue.claim(due, { session: 's', account: null }, now);
    if (claimed.kind !== 'claimed') continue;
    // Written down before the keys, as whoever types does it.
    const running = await tasks.move(claimed.row.id, ['claimed'], 'running', { delivery: { state: 'typed' } }, [], now);
    if (running !== null) typed.push(`${running.taskId}#${running.attempt + 1}`);
  }
}

describe('[R81] [R205] [R210] killed at any point of the way', () => {
  test('between any two steps, each task is done once, none is lost', async () => {
    let kills = 0;
    for (let number = 1; ; number += STRIDE) {
      const projects = new Projects('api');
      const stateDir = tempDir();
      for (const name of ['a', 'b']) projects.drop('api', name);
      projects.drop('api', 'bad', '---\nid: [\n---\nx');
      projects.drop('api', 'twin', '---\nid: a\n---\nx', 1);
      const typed: string[] = [];
      const kill = killAt(number);
      const first = await queueBench(projects, { stateDir, wrap: kill.wrap });
      const guarded = kill.wrap({ dir: first.dir, tasks: first.tasks }).tasks;
      await workOff(first, typed, guarded).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      if (!kill.wasReached()) break;
      kills += 1;

      const second = await queueBench(projects, { stateDir });
      await second.queue.repair(NOW + 200);
      await workOff(second, typed);
      const where = `killed after call ${number}`;
      expect({ where, names: ended(projects) }).toEqual({
        where,
        names: { inbox: [], claimed: [], done: ['a.md', 'b.md'], failed: ['bad.md', 'twin.md'] },
      });
      // A move to `running` that was written is one that may have been typed: it is never typed again.
      expect({ where, typed: [...new Set(typed)] }).toEqual({ where, typed });
      const rows = Object.values(await second.rows());
      expect(rows.filter((row) => !ENDED.includes(row.status) || row.claimId !== null)).toEqual([]);
      expect(rows.map(({ id, status }) => `${id} ${status}`)).toEqual(
        expect.arrayContaining(['api:a done', 'api:b done']),
      );
      for (const name of ['a', 'b']) expect(projects.result('api', 'done', name).status).toBe('done');
    }
    expect(kills).toBeGreaterThan(20);
  }, 120_000);

  function ended(projects: Projects): object {
    const tasks = (part: string) => projects.names('api', part).filter((name) => !name.endsWith('.result.json'));
    return { inbox: tasks('inbox'), claimed: tasks('claimed'), done: tasks('done'), failed: tasks('failed') };
  }
});

describe('what a kill inside the making of a claim leaves', () => {
  test('only its record: the task is in the inbox still, and the record goes', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    mkdirSync(projects.at('api', 'claimed'));
    writeFileSync(projects.at('api', 'claimed', 'a__20261120-1.json'), record('daemon-1', '20261120-1'));
    const bench = await queueBench(projects);
    await bench.queue.repair(NOW);
    expect(projects.names('api', 'claimed')).toEqual([]);
    await bench.queue.scan(NOW);
    expect((await takeNext(bench)).row.taskId).toBe('a');
  });

  test('its record and its file: the task goes back into the inbox', async () => {
    const projects = new Projects('api');
    mkdirSync(projects.at('api', 'claimed'));
    renameSync(projects.drop('api', 'a'), projects.at('api', 'claimed', 'a__20261120-1.md'));
    writeFileSync(projects.at('api', 'claimed', 'a__20261120-1.json'), record('daemon-1', '20261120-1'));
    const bench = await queueBench(projects);
    await bench.queue.repair(NOW);
    expect(projects.names('api', 'inbox')).toEqual(['a.md']);
    expect(projects.names('api', 'claimed')).toEqual([]);
  });

  test('the claim of another daemon is never touched', async () => {
    const projects = new Projects('api');
    mkdirSync(projects.at('api', 'claimed'));
    renameSync(projects.drop('api', 'a'), projects.at('api', 'claimed', 'a__20261120-1.md'));
    writeFileSync(projects.at('api', 'claimed', 'a__20261120-1.json'), record('daemon-2', '20261120-1'));
    utimesSync(projects.at('api', 'claimed', 'a__20261120-1.json'), 1, 1);
    const bench = await queueBench(projects);
    await bench.queue.repair(NOW);
    await bench.queue.scan(NOW);
    expect(projects.names('api', 'claimed')).toEqual(['a__20261120-1.json', 'a__20261120-1.md']);
    expect(await bench.rows()).toEqual({});
  });

  test('a result and no move: the file follows into the name that its result holds', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    const stateDir = tempDir();
    const first = await queueBench(projects, { stateDir });
    await first.queue.scan(NOW);
    const { row } = await takeNext(first);
    await first.tasks.move(row.id, CLAIMED, 'done', { finishedAt: NOW, completion: 'signal' }, [], NOW);
    mkdirSync(projects.at('api', 'done'), { recursive: true });
    writeFileSync(
      projects.at('api', 'done', 'a.result.json'),
      JSON.stringify({ claim_id: row.claimId, status: 'done' }),
    );
    const second = await queueBench(projects, { stateDir });
    await second.queue.repair(NOW);
    expect(projects.names('api', 'done')).toEqual(['a.md', 'a.result.json']);
    expect(projects.names('api', 'claimed')).toEqual([]);
    expect(readFileSync(projects.at('api', 'done', 'a.md'), 'utf8')).toBe('Do a.\n');
  });

  test('a file that cannot be moved because the disk is full stays claimed, and follows later [R246]', async () => {
    const projects = new Projects('api');
    projects.drop('api', 'a');
    let isFull = true;
    const bench = await queueBench(projects, {
      wrap: ({ dir, tasks }) => ({
        tasks,
        dir: {
          ...dir,
          async finish(...values) {
            const { QueueError } = await import('../../src/core/errors.ts');
            if (isFull) throw new QueueError('queue_full', 'the disk is full');
            return dir.finish(...values);
          },
        },
      }),
    });
    await bench.queue.scan(NOW);
    const { row } = await takeNext(bench);
    const ended = await bench.queue.succeed(row, { completion: 'signal', summary: null, reason: 'signal' }, NOW);
    expect(ended).toMatchObject({ status: 'done', claimId: row.claimId });
    await bench.queue.scan(NOW + 1);
    expect(projects.names('api', 'claimed')).toContain(`a__${row.claimId}.md`);
    expect(bench.log.at('warn')).toEqual(['the file of an ended task cannot be moved yet']);
    isFull = false;
    await bench.queue.scan(NOW + 2);
    expect(projects.names('api', 'done')).toEqual(['a.md', 'a.result.json']);
    expect((await bench.rows())['api:a']).toMatchObject({ status: 'done', claimId: null });
  });
});

function record(daemonId: string, claimId: string): string {
  return JSON.stringify({ task_id: 'a', claim_id: claimId, daemon_id: daemonId, claimed_at: '2026-11-20T09:00:00Z' });
}
