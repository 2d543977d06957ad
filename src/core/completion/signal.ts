/** What the signal file of a session says: that its task has ended, and how. */
import { parseObject } from '../json.ts';
import type { EpochMs } from '../time.ts';

/** A file `agent-done-<session>`. */
export interface SignalFile {
  /** When it was written. */
  readonly at: EpochMs;
  /** Its content; empty: the file alone says that all is done. */
  readonly text: string;
}

export interface TaskSignal {
  readonly status: 'done' | 'failed';
  /** One line, at most 500 characters; null: nothing was said. */
  readonly summary: string | null;
}

/** The task to which a signal would belong. */
export interface SignalledTask {
  /** `<project>:<task id>`. */
  readonly id: string;
  readonly taskId: string;
  /** When its text was typed. */
  readonly startedAt: EpochMs;
}

export type SignalReading =
  | ({ readonly kind: 'signal' } & TaskSignal)
  /** It is of another task or of an earlier attempt: it ends nothing. */
  | { readonly kind: 'ignored'; readonly reason: 'older_than_the_task' | 'of_another_task' };

const MAX_SUMMARY = 500;
/** Some file systems keep whole seconds only. */
const COARSE_MS = 1000;

/** A body that is no JSON object says no more than an empty one: whoever wrote it wrote the file. */
export function readSignal(file: SignalFile, task: SignalledTask): SignalReading {
  if (file.at + COARSE_MS < task.startedAt) return { kind: 'ignored', reason: 'older_than_the_task' };
  const fields = parseObject(file.text) ?? {};
  const named = fields.task_id;
  if (typeof named === 'string' && named !== task.id && named !== task.taskId)
    return { kind: 'ignored', reason: 'of_another_task' };
  const isFailed = typeof fields.status === 'string' && /^(?:fail|failed|failure|error)$/i.test(fields.status.trim());
  const said = typeof fields.summary === 'string' ? fields.summary.replace(/\s+/g, ' ').trim() : '';
  const summary = said === '' ? null : said.slice(0, MAX_SUMMARY);
  return { kind: 'signal', status: isFailed ? 'failed' : 'done', summary };
}
