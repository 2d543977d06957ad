/** What the bot says of the queues. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChatTasks } from '../../../src/core/alerts/chat-tasks.ts';
import { SHOWN_TASKS, taskLines } from '../../../src/core/alerts/chat-tasks.ts';
import { asChatHtml } from '../../../src/core/alerts/chat-text.ts';
import type { TaskRow } from '../../../src/core/queue/task.ts';
import type { QueueView } from '../../../src/core/queue/view.ts';
import { MINUTE } from '../../../src/core/time.ts';
import { NOON, PROPERTY_TIMEOUT_MS } from '../../support/builders.ts';
import { aTask, byStatusOf } from '../../support/fake-tasks.ts';
import { plainOf } from '../../support/telegram-server.ts';

const TIME = { now: NOON, zone: 'UTC' };

function aQueue(rows: readonly TaskRow[], change: Partial<QueueView> = {}): QueueView {
  const projects = [{ name: 'api', ignored: [] }];
  return { enabled: true, held: [], by_status: byStatusOf(rows), oldest_s: null, projects, flaws: [], ...change };
}

function asked(rows: readonly TaskRow[], change: Partial<QueueView> = {}): ChatTasks {
  const projects = [...new Set(rows.map(({ project }) => project))];
  return {
    queue: aQueue(rows, change),
    projects: projects.map((project) => ({
      project,
      byStatus: byStatusOf(rows.filter((row) => row.project === project)),
    })),
    inWork: rows.filter(({ status }) => status === 'running').slice(0, SHOWN_TASKS.inWork),
    failed: rows.filter(({ status }) => status === 'failed').slice(0, SHOWN_TASKS.failed),
  };
}

const running = (n: number) =>
  aTask({ id: `api:r${n}`, status: 'running', workSession: `auto-${n}`, startedAt: NOON - 12 * MINUTE });
const failed = (n: number, reason: string | null = 'its session is gone') =>
  aTask({ id: `web:f${n}`, project: '/src/web', status: 'failed', finishedAt: NOON - 5 * MINUTE, reason });

test('totals, those in work with their session and age, the failed with their reason, each queue [R234]', () => {
  expect(taskLines(asked([running(1), failed(1), failed(2, null), aTask()]), TIME)).toEqual([
    'Tasks: 1 queued · 1 running · 2 failed',
    '',
    'In work:',
    '· api:r1: running in auto-1 for 12 m',
    '',
    'Failed:',
    '· web:f1: its session is gone (5 m ago)',
    '· web:f2: failed (5 m ago)',
    '',
    'Queues:',
    '· api: 1 queued · 1 running',
    '· web: 2 failed',
  ]);
});

test('a queue without a task is named, and why nothing is given out', () => {
  const held = [{ pool: 'work', reason: 'a swap is under way' }];
  expect(taskLines(asked([], { held }), TIME)).toEqual([
    'Tasks: no task',
    '! pool work gets nothing now: a swap is under way',
    '',
    'Queues:',
    '· api: no task',
  ]);
  expect(taskLines(asked([], { held, enabled: false }), TIME)[1]).toContain('dispatcher.enabled is false');
});

test('where no queue is set up it says so, and also before anybody looked', () => {
  expect(taskLines(asked([], { projects: [] }), TIME)).toEqual([
    'No queue is set up: no project has an .agent-queue/inbox in dispatcher.projects_dir.',
  ]);
  expect(taskLines({ ...asked([]), queue: null }, TIME)).toEqual(['The inboxes have not been looked at yet.']);
});

test('of many only some are named, and how many more there are', () => {
  const rows = [...Array(40).keys()].flatMap((n) => [running(n), failed(n)]);
  const lines = taskLines(asked(rows), TIME);
  expect(lines.filter((line) => line.startsWith('· api:r'))).toHaveLength(10);
  expect(lines.filter((line) => line.startsWith('· web:f'))).toHaveLength(5);
  expect(lines.filter((line) => line.startsWith('…'))).toEqual(['… and 30 more', '… and 35 more']);
});

test(
  'hostile names and reasons are escaped, masked, and never make a message too long [R232]',
  () => {
    const words = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 2_000 }),
      fc
        .constantFrom('<b>', '</pre>', '&amp;', '\u202e', '\ud800', 'sk-ant-oat01-abcdefghijklmnop')
        .map((s) => s.repeat(90)),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), (texts) => {
        const rows = texts.flatMap((text, n) => [
          { ...running(n), id: text, workSession: text },
          { ...failed(n, text), project: `/src/${text}` },
        ]);
        const html = asChatHtml(taskLines(asked(rows), TIME));
        expect(plainOf(html)).not.toBeNull();
        expect(html.length).toBeLessThanOrEqual(4096);
        expect(html).not.toContain('sk-ant-oat01');
      }),
      { numRuns: 300 },
    );
  },
  PROPERTY_TIMEOUT_MS,
);
