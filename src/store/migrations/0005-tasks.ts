/** Schema version 5: tasks, the sessions the daemon answers for, and checkpoints of their work. */
import type { Migration } from './migration.ts';

export const tasks: Migration = {
  version: 5,
  pool: '',
  local: `
    create table tasks (
      id text not null primary key,
      project text not null,
      task_id text not null,
      stem text not null,
      path text not null,
      title text not null,
      priority text not null check (priority in ('critical', 'high', 'default', 'low')),
      model text,
      timeout_ms integer,
      max_attempts integer,
      session text,
      not_before_at integer,
      depends_json text not null,
      meta_json text not null,
      status text not null check (status in
        ('queued', 'blocked', 'claimed', 'launching', 'running', 'retry_wait', 'done', 'failed', 'timeout', 'cancelled')),
      status_since integer not null,
      attempt integer not null,
      requeues integer not null,
      claim_id text unique,
      work_session text,
      work_pane text,
      account text,
      created_at integer not null,
      claimed_at integer,
      started_at integer,
      finished_at integer,
      retry_at integer,
      completion text,
      error_kind text,
      reason text,
      summary text,
      attempts_json text not null,
      delivery_json text
    ) strict;
    create index tasks_by_status on tasks (status, status_since);
    create index tasks_by_project on tasks (project, status);
    create unique index tasks_one_per_session on tasks (work_session) where status in ('claimed', 'launching', 'running')
      and work_session is not null;

    create table lifecycles (
      session_name text not null primary key,
      server text not null,
      kind text not null check (kind in ('dedicated', 'autonomous')),
      pool text not null,
      agent text not null,
      project text not null,
      state text not null check (state in
        ('idle', 'launching', 'working', 'done', 'stalled', 'blocked', 'failed', 'draining', 'missing')),
      cause text not null,
      state_since integer not null,
      previous_state text,
      created_by_us integer not null check (created_by_us in (0, 1)),
      server_pid integer,
      server_started_at_s integer,
      pane_id text,
      pane_pid integer,
      task_id text,
      launched_at integer,
      idle_since integer,
      restarts_json text not null,
      held_until integer,
      detail_json text not null
    ) strict;

    create table checkpoints (
      id integer primary key autoincrement,
      session_name text not null,
      at integer not null,
      task_id text,
      cwd text not null,
      lines text not null,
      hash text not null
    ) strict;
    create index checkpoints_by_session on checkpoints (session_name, id);`,
};
