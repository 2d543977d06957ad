/** `task`: list, show, retry, cancel; from the daemon, or from the database where that is enough. */
import type { attemptView } from '../core/queue/result.ts';
import type { TaskStatus } from '../core/queue/task.ts';
import { TASK_STATUSES } from '../core/queue/task.ts';
import type { TaskDetailView, TaskView } from '../core/queue/view.ts';
import { formatDuration } from '../core/time.ts';
import { wallStamp, wallTime } from '../core/wall-time.ts';
import type { DaemonReply } from './daemon-client.ts';
import { askDaemon, errorOf, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { clean, table, wrap } from './text.ts';

export interface TaskListOptions extends JsonOption {
  /** One or more states, with commas between them. */
  readonly status?: string;
  readonly project?: string;
  readonly limit?: string;
}

const DEFAULT_LIMIT = 20;

/** Those whose state is newest first. @returns 0, 2 for a wrong option, 4 without daemon and database */
export async function listTasks(options: TaskListOptions, io: CommandIo): Promise<number> {
  const limit =
    options.limit === undefined ? DEFAULT_LIMIT : /^\d{1,4}$/.test(options.limit) ? Number(options.limit) : 0;
  if (limit < 1 || limit > 1000) {
    io.err('claude-failover: --limit must be a number from 1 to 1000\n');
    return EXIT.usage;
  }
  const words = options.status?.split(',') ?? [];
  const statuses = TASK_STATUSES.filter((status) => words.includes(status));
  if (words.some((word) => !statuses.some((status) => status === word))) {
    io.err(`claude-failover: --status must be one or more of ${TASK_STATUSES.join(', ')}\n`);
    return EXIT.usage;
  }
  const found = await readTasks(options, statuses, limit, io);
  if (typeof found === 'number') return found;
  if (options.json === true) io.out(`${JSON.stringify({ tasks: found })}\n`);
  else if (found.length === 0) io.err('no task\n');
  else {
    const rows = found.map((task) => taskLine(task, io));
    io.out(table([HEAD, ...rows], io.isTTY ? io.columns : Number.POSITIVE_INFINITY, ''));
  }
  return EXIT.ok;
}

/** Everything that is known of one task. @returns 0, 1 there is no such task, 4 without daemon and database */
export async function showTask(name: string, options: JsonOption, io: CommandIo): Promise<number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, `/tasks/${encodeURIComponent(name)}`);
  let task: TaskDetailView;
  if (reply.kind === 'answer') {
    if (reply.status === 404 || reply.status === 400) return reportMissing(reply, io);
    task = expectAnswer<{ task: TaskDetailView }>(reply, ['task']).task;
  } else {
    const { readOfflineTask } = await import('./offline-tasks.ts');
    const found = reply.kind === 'no_answer' ? null : await readOfflineTask(name, options, io);
    if (found === null) return reportNoDaemon(reply, io);
    io.err(`the daemon is not running; this is read from ${stateDir}\n`);
    if (typeof found === 'string') {
      io.err(`claude-failover: ${found}\n`);
      return EXIT.error;
    }
    task = found;
  }
  io.out(options.json === true ? `${JSON.stringify({ task })}\n` : pageOf(task, io));
  return EXIT.ok;
}

/** @returns 0, 1 there is no such task, 4 without the daemon, 5 its state does not allow it */
export async function changeTask(
  action: 'retry' | 'cancel',
  name: string,
  options: JsonOption & { readonly reason?: string },
  io: CommandIo,
): Promise<number> {
  const { socket } = await locate(options, io);
  const body = action === 'cancel' && options.reason !== undefined ? { reason: options.reason } : {};
  const reply = await askDaemon(socket, `/tasks/${encodeURIComponent(name)}/${action}`, { body });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) {
    io.err(`claude-failover: ${error.message}\nnext: claude-failover task list\n`);
    return reply.status === 409 ? EXIT.refused : EXIT.error;
  }
  const answer = expectAnswer<{ detail: string }>(reply, ['detail']);
  io.out(options.json === true ? `${JSON.stringify(reply.body)}\n` : `${clean(answer.detail)}\n`);
  return EXIT.ok;
}

async function readTasks(
  options: TaskListOptions,
  statuses: readonly TaskStatus[],
  limit: number,
  io: CommandIo,
): Promise<readonly TaskView[] | number> {
  const { socket, stateDir } = await locate(options, io);
  const query = new URLSearchParams({ limit: String(limit) });
  if (statuses.length > 0) query.set('status', statuses.join(','));
  if (options.project !== undefined) query.set('project', options.project);
  const reply = await askDaemon(socket, `/tasks?${query}`);
  if (reply.kind === 'answer') return expectAnswer<{ tasks: readonly TaskView[] }>(reply, ['tasks']).tasks;
  if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  const { readOfflineTasks } = await import('./offline-tasks.ts');
  const found = await readOfflineTasks(
    {
      limit,
      ...(statuses.length === 0 ? {} : { statuses }),
      ...(options.project === undefined ? {} : { project: options.project }),
    },
    options,
    io,
  );
  if (found === null) return reportNoDaemon(reply, io);
  io.err(`the daemon is not running; this is read from ${stateDir}\n`);
  return found;
}

function reportMissing(reply: Extract<DaemonReply, { kind: 'answer' }>, io: CommandIo): number {
  io.err(
    `claude-failover: ${errorOf(reply.body)?.message ?? 'there is no such task'}\nnext: claude-failover task list\n`,
  );
  return EXIT.error;
}

const HEAD = ['TASK', 'STATUS', 'SINCE', 'PRIORITY', 'TRIES', 'SESSION', 'TITLE'];

function taskLine(task: TaskView, io: CommandIo): string[] {
  const since = task.since === null ? '-' : wallTime(Date.parse(task.since), io.clock.now(), io.clock.zone());
  const session = task.work_session ?? task.session ?? '-';
  const note = task.reason === null || task.status === 'done' ? '' : ` (${task.reason})`;
  const tries = task.max_attempts === null ? String(task.attempt) : `${task.attempt} of ${task.max_attempts}`;
  return [task.id, task.status, since, task.priority, tries, session, `${task.title}${note}`];
}

function pageOf(task: TaskDetailView, io: CommandIo): string {
  const width = io.isTTY ? io.columns : Number.POSITIVE_INFINITY;
  const at = (iso: string | null): string | null => (iso === null ? null : wallStamp(Date.parse(iso), io.clock.zone()));
  const facts: readonly (readonly [string, string | null])[] = [
    ['status', `${task.status} since ${at(task.since) ?? '?'}`],
    ['reason', task.reason],
    ['summary', task.summary],
    ['priority', task.priority],
    ['model', task.model],
    ['session', task.work_session ?? task.session],
    ['account', task.account],
    ['needs', task.depends_on.length === 0 ? null : task.depends_on.join(', ')],
    ['not before', at(task.not_before)],
    ['next try', at(task.retry_at)],
    ['written', at(task.written_at)],
    ['file', task.path],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === null ? [] : [wrap(`  ${name.padEnd(11)}`, value, width, ' '.repeat(13))],
  );
  const tries = task.attempts.map((attempt) => attemptLine(attempt, at, width));
  const decided = task.decisions.map(
    ({ account, reason, at: iso }) => `  ${at(iso) ?? '-'}  ${clean(account)}: ${reason.replace('_', ' ')}\n`,
  );
  return [
    `${clean(task.id)}  ${clean(task.title)}\n`,
    ...lines,
    ...(tries.length === 0 ? [] : ['Attempts\n', ...tries]),
    ...(decided.length === 0 ? [] : ['Accounts\n', ...decided]),
  ].join('');
}

function attemptLine(
  attempt: ReturnType<typeof attemptView>,
  at: (iso: string | null) => string | null,
  width: number,
): string {
  const text = (key: string): string | null => (typeof attempt[key] === 'string' ? attempt[key] : null);
  const [started, finished] = [text('started_at'), text('finished_at')];
  const took =
    started === null || finished === null
      ? ''
      : `, after ${formatDuration(Date.parse(finished) - Date.parse(started))}`;
  const where = [text('session'), text('account')].filter((part) => part !== null).join(', ');
  const words = `${text('outcome') ?? '?'}${took}${where === '' ? '' : ` (${where})`}: ${text('reason') ?? ''}`;
  return wrap(`  ${String(attempt.attempt)}  ${at(finished) ?? '-'}  `, words, width, '     ');
}
