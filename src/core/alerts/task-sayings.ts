/** What the events of tasks and of the sessions that do them say to a person. */
import type { EventType, JournalEvent } from '../events.ts';
import { sessionKey, taskKey } from './incident-keys.ts';
import type { Saying } from './saying.ts';
import { closing, opening, said, text } from './saying.ts';

type Rule = (event: JournalEvent) => Saying | readonly Saying[];

/** What happens all day while everything goes well, or is told by what follows. */
export const UNTOLD_OF_TASKS: readonly EventType[] = [
  'task_queued',
  'task_blocked',
  'task_claimed',
  'task_started',
  'task_done',
  'task_retry',
  'task_requeued',
  'task_cancelled',
  'task_stopped',
  'session_created',
  'session_launched',
  'session_recycled',
  'dialog_answered',
  'janitor_acted',
];

export const TASK_RULES: Partial<Readonly<Record<EventType, Rule>>> = {
  task_failed: (event) => ({
    ...opening(taskKey(event), `Task ${name(event)} failed`),
    line: said(event),
    settles: true,
    needs: `see claude-failover task show ${name(event)}; then: claude-failover task retry ${name(event)}`,
  }),
  task_timeout: (event) => ({
    ...opening(taskKey(event), `Task ${name(event)} ran out of time`),
    line: said(event),
    needs: `see claude-failover task show ${name(event)}`,
  }),
  task_refused: (event) => ({
    ...opening(taskKey(event), `A file was not taken as a task: ${name(event)}`),
    line: said(event),
    settles: true,
    needs: 'mend the file and put it into the inbox again',
  }),
  task_retry: (event) => ({ ...goesOn(event), slot: 'retry', line: said(event) }),
  task_done: (event) => [
    closing(taskKey(event), `Task ${name(event)} is done`),
    closing(sessionKey(event), `${event.session ?? 'The session'} goes on`),
  ],
  task_queued: (event) => ({ ...closing(taskKey(event), `Task ${name(event)} waits again`), line: said(event) }),
  task_cancelled: (event) => closing(taskKey(event), `Task ${name(event)} was cancelled`),
  task_not_stopped: (event) => ({
    ...opening(taskKey(event), `Task ${name(event)} was cancelled, and its turn was not ended`),
    line: said(event),
    settles: true,
    needs: `look at it: claude-failover sessions attach ${event.session ?? ''}`.trim(),
  }),
  session_stalled: (event) => ({
    ...opening(sessionKey(event), `${event.session ?? 'A session'} stands still`),
    line: said(event),
    needs: `look at it: claude-failover sessions attach ${event.session ?? ''}`.trim(),
  }),
  session_blocked: (event) => ({
    ...opening(sessionKey(event), `${event.session ?? 'A session'} waits for an answer`),
    line: 'a dialog stands there',
    quote: text(event, 'snippet') ?? said(event),
    needs: `answer it: claude-failover sessions attach ${event.session ?? ''}`.trim(),
  }),
  session_failed: (event) => ({
    ...opening(sessionKey(event), `${event.session ?? 'A session'} failed`),
    line: said(event),
    needs: 'nothing, it is started anew',
  }),
  session_crash_loop: (event) => ({
    ...opening(
      sessionKey(event),
      `${event.session ?? 'A session'} fails again and again, it is left alone for an hour`,
    ),
    line: said(event),
    needs: `find out why, then run: claude-failover sessions restart ${event.session ?? ''}`.trim(),
  }),
  session_launched: (event) => closing(sessionKey(event), `${event.session ?? 'The session'} runs again`),
  session_recycled: (event) => closing(sessionKey(event), `${event.session ?? 'The session'} was started afresh`),
  checkpoint_failed: (event) => ({
    ...opening('checkpoint', 'What the sessions show cannot be kept'),
    line: said(event),
    settles: true,
    needs: 'check the disk; work goes on without it',
  }),
};

function goesOn(event: JournalEvent): Saying {
  return { key: taskKey(event), opens: false, settles: false, title: null, slot: 'what', line: null };
}

function name(event: JournalEvent): string {
  return text(event, 'task') ?? '?';
}
