/** What the bot says of the queues: how many tasks are in which state, those in work, and those that failed lately. */
import type { TaskRow } from '../queue/task.ts';
import type { QueueView } from '../queue/view.ts';
import { countWords } from '../queue/view.ts';
import type { EpochMs } from '../time.ts';
import { formatDuration } from '../time.ts';
import type { ChatTime } from './chat-text.ts';

export interface ChatTasks {
  /** Null: the inboxes have not been looked at yet. */
  readonly queue: QueueView | null;
  /** By the absolute path of the project. */
  readonly projects: readonly { readonly project: string; readonly byStatus: QueueView['by_status'] }[];
  /** Newest first, as the next. */
  readonly inWork: readonly TaskRow[];
  readonly failed: readonly TaskRow[];
}

/** How many of each are named; the totals say how many there are. */
export const SHOWN_TASKS = { inWork: 10, failed: 5 } as const;
const SHOWN_QUEUES = 20;

/** The first line holds the totals; whatever does not fit into a message is left out at the end. */
export function taskLines({ queue, projects, inWork, failed }: ChatTasks, { now }: ChatTime): readonly string[] {
  if (queue === null) return ['The inboxes have not been looked at yet.'];
  if (queue.projects.length === 0 && projects.length === 0)
    return ['No queue is set up: no project has an .agent-queue/inbox in dispatcher.projects_dir.'];
  const counts = queue.by_status;
  const held = queue.held.map(({ pool, reason }) => `! pool ${pool} gets nothing now: ${reason}`);
  const working = inWork.slice(0, SHOWN_TASKS.inWork).map((row) => inWorkLine(row, now));
  const broken = failed.slice(0, SHOWN_TASKS.failed).map((row) => failedLine(row, now));
  const queues = queueLines(queue, projects);
  return [
    `Tasks: ${countWords(counts)}`,
    ...(queue.enabled ? held : ['! dispatcher.enabled is false: nothing is given out']),
    ...part('In work:', working, counts.claimed + counts.launching + counts.running),
    ...part('Failed:', broken, counts.failed + counts.timeout),
    ...part('Queues:', queues.slice(0, SHOWN_QUEUES), queues.length),
  ];
}

function inWorkLine(row: TaskRow, now: EpochMs): string {
  const since = row.startedAt ?? row.claimedAt ?? row.statusSince;
  const session = row.workSession === null ? '' : ` in ${row.workSession}`;
  return `${row.id}: ${row.status}${session} for ${formatDuration(Math.max(0, now - since))}`;
}

function failedLine(row: TaskRow, now: EpochMs): string {
  const ago = formatDuration(Math.max(0, now - (row.finishedAt ?? row.statusSince)));
  return `${row.id}: ${row.reason ?? row.status} (${ago} ago)`;
}

/** Also of the queues that have no task, and of tasks whose queue is gone. */
function queueLines(queue: QueueView, projects: ChatTasks['projects']): readonly string[] {
  const words = new Map(queue.projects.map(({ name }) => [name, 'no task']));
  for (const { project, byStatus } of projects) words.set(project.split('/').at(-1) ?? project, countWords(byStatus));
  return [...words].map(([name, counts]) => `${name}: ${counts}`);
}

function part(title: string, rows: readonly string[], total: number): readonly string[] {
  if (rows.length === 0) return [];
  const left = total - rows.length;
  return ['', title, ...rows.map((row) => `· ${row}`), ...(left > 0 ? [`… and ${left} more`] : [])];
}
