-- A database of schema version 5 with one row or two in every table. Never edited after its release.
pragma application_id = 1667657590;
CREATE TABLE accounts (
      name text not null primary key,
      pool text not null,
      status text not null check (status in ('active', 'expired', 'refreshing', 'disabled', 'banned')),
      status_reason text,
      identity text,
      active_since bigint,
      left_at bigint,
      credentials_mtime_ms double precision
    , removed_at bigint);
CREATE TABLE quota (
      account text not null references accounts (name),
      bucket text not null,
      used double precision,
      limit_reached integer not null check (limit_reached in (0, 1)),
      reset_at bigint,
      lock_until bigint,
      source text not null,
      updated_at bigint not null,
      verify_required integer not null check (verify_required in (0, 1)),
      primary key (account, bucket)
    );
CREATE TABLE meta (
      key text not null primary key,
      value text not null
    ) strict;
CREATE TABLE events (
      id integer primary key autoincrement,
      at integer not null,
      type text not null,
      severity text not null,
      pool text,
      account text,
      session text,
      pane text,
      swap text,
      data_json text not null
    ) strict;
CREATE INDEX events_by_type on events (type, id);
CREATE INDEX events_by_swap on events (swap) where swap is not null;
CREATE TABLE swaps (
      id text not null primary key,
      pool text not null,
      from_account text not null,
      to_account text not null,
      trigger_kind text not null,
      trigger_pane text,
      reason text not null,
      reset_at integer,
      phase text not null,
      requested_at integer not null,
      started_at integer not null,
      flipped_at integer,
      finished_at integer,
      error text,
      from_target text not null,
      to_target text not null,
      locks_json text not null
    ) strict;
CREATE INDEX swaps_by_start on swaps (started_at);
CREATE INDEX swaps_by_phase on swaps (phase);
CREATE TABLE incidents (
      id text not null primary key,
      swap_id text not null unique references swaps (id),
      pool text not null,
      at integer not null,
      screen text,
      evidence_json text not null,
      decision_json text not null,
      result_json text
    ) strict;
CREATE TABLE incident_steps (
      id integer primary key autoincrement,
      swap_id text not null references incidents (swap_id),
      at integer not null,
      step text not null,
      duration_ms real,
      detail_json text not null
    ) strict;
CREATE INDEX incident_steps_by_swap on incident_steps (swap_id, id);
CREATE TABLE recoveries (
      id text not null primary key,
      swap_id text not null references swaps (id),
      server text not null,
      server_pid integer not null,
      server_started_at_s integer not null,
      pane_id text not null,
      pane_pid integer not null,
      label text not null,
      session_id text,
      version text,
      launch_json text,
      state text not null,
      state_since integer not null,
      started_at integer not null,
      finished_at integer,
      prompted_at integer,
      enters integer not null,
      prompts integer not null,
      recovered_by text,
      reason text
    ) strict;
CREATE INDEX recoveries_by_swap on recoveries (swap_id);
CREATE INDEX recoveries_by_state on recoveries (state);
CREATE TABLE activations (
      id integer primary key autoincrement,
      pool text not null,
      account text not null,
      since integer not null,
      cause text not null
    ) strict;
CREATE INDEX activations_by_pool on activations (pool, since);
CREATE TABLE hits (
      fingerprint text not null primary key,
      pool text not null,
      pane text not null,
      account text not null,
      bucket text not null,
      first_seen_at integer not null,
      last_seen_at integer not null,
      swap_id text
    ) strict;
CREATE INDEX hits_by_pool on hits (pool);
CREATE TABLE sessions (
      id text not null primary key,
      server text not null,
      session_name text not null,
      label text not null,
      pane_id text not null,
      pane_pid integer not null,
      pool text,
      kind text not null,
      agent text not null,
      version text,
      cwd text not null,
      agent_pid integer,
      agent_start_ticks text,
      session_id text,
      launched_under text,
      launch_confidence text,
      state text not null,
      state_reason text,
      state_since integer not null,
      last_seen_at integer not null
    ) strict;
CREATE TABLE notices (
      id integer primary key autoincrement,
      key text not null,
      type text not null,
      severity text not null,
      first_at integer not null,
      updated_at integer not null,
      told_at integer,
      count integer not null,
      revision integer not null,
      settled integer not null check (settled in (0, 1)),
      message_json text not null
    ) strict;
CREATE INDEX notices_by_key on notices (key, id);
CREATE INDEX notices_by_type on notices (type, first_at);
CREATE TABLE outbox (
      id integer primary key autoincrement,
      notice_id integer not null references notices (id) on delete cascade,
      channel text not null,
      severity text not null,
      mode text not null check (mode in ('edit', 'follow')),
      message_json text not null,
      state text not null check (state in ('waiting', 'sent', 'gone', 'given_up', 'folded')),
      held text check (held in ('quiet', 'rate')),
      created_at integer not null,
      not_before integer not null,
      attempts integer not null,
      finished_at integer,
      ref text,
      error text
    ) strict;
CREATE INDEX outbox_waiting on outbox (channel, not_before) where state = 'waiting';
CREATE INDEX outbox_by_notice on outbox (notice_id, channel);
CREATE INDEX outbox_finished on outbox (channel, finished_at) where finished_at is not null;
CREATE TABLE cursors (
      name text not null primary key,
      event_id integer not null
    ) strict;
CREATE TABLE alerts (
      id integer primary key autoincrement,
      fingerprint text not null,
      type text not null,
      severity text not null,
      status text not null check (status in ('active', 'acknowledged', 'resolved', 'dismissed')),
      subject_kind text not null,
      subject_id text not null,
      pool text,
      metric text not null,
      value real not null,
      threshold real not null,
      window_ms integer,
      detail text not null,
      first_at integer not null,
      last_at integer not null,
      ended_at integer,
      count integer not null,
      false_runs integer not null,
      changed_by text,
      event_id integer
    ) strict;
CREATE INDEX alerts_by_fingerprint on alerts (fingerprint, id);
CREATE INDEX alerts_open on alerts (id) where status in ('active', 'acknowledged');
CREATE TABLE daily_stats (
      day text not null,
      account text not null,
      swaps integer not null,
      hits_instant integer not null,
      hits_confirmed integer not null,
      hits_vetoed integer not null,
      hits_consumed integer not null,
      recovered_hot integer not null,
      recovered_restart integer not null,
      recovered_self integer not null,
      handed_over integer not null,
      recovery_ms_json text not null,
      active_ms integer not null,
      primary key (day, account)
    ) strict;
CREATE INDEX events_by_at on events (at);
CREATE INDEX events_by_type_at on events (type, at);
CREATE INDEX events_by_account_at on events (account, at) where account is not null;
CREATE TABLE leases (
      id text not null primary key,
      account text not null references accounts (name),
      session text not null check (session <> ''),
      holder text,
      acquired_at bigint not null,
      heartbeat_at bigint not null,
      expires_at bigint not null,
      released_at bigint,
      release_reason text
    );
CREATE UNIQUE INDEX leases_live on leases (account, session, holder) where released_at is null;
CREATE INDEX leases_by_end on leases (released_at);
CREATE TABLE tasks (
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
CREATE INDEX tasks_by_status on tasks (status, status_since);
CREATE INDEX tasks_by_project on tasks (project, status);
CREATE UNIQUE INDEX tasks_one_per_session on tasks (work_session) where status in ('claimed', 'launching', 'running')
      and work_session is not null;
CREATE TABLE lifecycles (
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
CREATE TABLE checkpoints (
      id integer primary key autoincrement,
      session_name text not null,
      at integer not null,
      task_id text,
      cwd text not null,
      lines text not null,
      hash text not null
    ) strict;
CREATE INDEX checkpoints_by_session on checkpoints (session_name, id);
insert into accounts (name, pool, status, status_reason, identity, active_since, left_at, credentials_mtime_ms, removed_at)
  values ('work', 'claude', 'active', null, null, null, 1767614400009, 1767600000123.4568, null);
insert into accounts (name, pool, status, status_reason, identity, active_since, left_at, credentials_mtime_ms, removed_at)
  values ('spare', 'claude', 'active', null, null, 1767614400009, null, null, null);
insert into quota (account, bucket, used, limit_reached, reset_at, lock_until, source, updated_at, verify_required)
  values ('work', '5h', 1, 1, 1767618000000, null, 'banner', 1767614400000, 0);
insert into meta (key, value)
  values ('schema_version', '5');
insert into meta (key, value)
  values ('opens_with', '1');
insert into events (id, at, type, severity, pool, account, session, pane, swap, data_json)
  values (1, 1767614400009, 'swap_flipped', 'info', 'claude', null, null, null, 'swap-1', '{"to":"spare"}');
insert into swaps (id, pool, from_account, to_account, trigger_kind, trigger_pane, reason, reset_at, phase, requested_at, started_at, flipped_at, finished_at, error, from_target, to_target, locks_json)
  values ('swap-1', 'claude', 'work', 'spare', 'limit', 'api:0.0', 'session-limit', 1767618000000, 'recovering', 1767614400000, 1767614400005, 1767614400009, null, null, 'homes/work', 'homes/spare', '[]');
insert into incidents (id, swap_id, pool, at, screen, evidence_json, decision_json, result_json)
  values ('incident-of-swap-1', 'swap-1', 'claude', 1767614400005, 'You have hit your limit', '[{"source":"screen","pattern":"session-limit"}]', '{"kind":"swap","to":"spare"}', null);
insert into incident_steps (id, swap_id, at, step, duration_ms, detail_json)
  values (1, 'swap-1', 1767614400009, 'flip', 1.5, '{"target":"homes/spare"}');
insert into recoveries (id, swap_id, server, server_pid, server_started_at_s, pane_id, pane_pid, label, session_id, version, launch_json, state, state_since, started_at, finished_at, prompted_at, enters, prompts, recovered_by, reason)
  values ('swap-1/1', 'swap-1', 'default', 100, 1767600000, '%0', 200, 'api:0.0', null, '2.1.92', '{"argv":["claude","--resume"],"cwd":"/src/api","configDir":null,"pid":201,"startTicks":"777"}', 'prompted', 1767614400012, 1767614400010, null, 1767614400012, 0, 1, null, null);
insert into activations (id, pool, account, since, cause)
  values (1, 'claude', 'spare', 1767614400009, 'swap');
insert into hits (fingerprint, pool, pane, account, bucket, first_seen_at, last_seen_at, swap_id)
  values ('f1', 'claude', 'api:0.0', 'work', '5h', 1767614400000, 1767614400000, 'swap-1');
insert into sessions (id, server, session_name, label, pane_id, pane_pid, pool, kind, agent, version, cwd, agent_pid, agent_start_ticks, session_id, launched_under, launch_confidence, state, state_reason, state_since, last_seen_at)
  values ('default 100.1767600000 %0 200', 'default', 'api', 'api:0.0', '%0', 200, 'claude', 'adopted', 'claude', null, '/src/api', 201, '777', null, 'work', 'assumed', 'working', null, 1767614400000, 1767614400000);
insert into notices (id, key, type, severity, first_at, updated_at, told_at, count, revision, settled, message_json)
  values (1, 'swap:swap-1', 'swap_flipped', 'info', 1767614400009, 1767614400009, 1767614400009, 1, 1, 0, '{"key":"swap:swap-1","event":"swap_flipped","severity":"info","revision":1,"since":1767614400009,"at":1767614400009,"settled":false,"host":"box","title":"work → spare: link moved","lines":[],"slots":[],"quote":null,"needs":null,"subject":{"pool":"claude","account":"spare","session":null,"swap":"swap-1","alert":null}}');
insert into outbox (id, notice_id, channel, severity, mode, message_json, state, held, created_at, not_before, attempts, finished_at, ref, error)
  values (1, 1, 'webhook', 'info', 'follow', '{}', 'waiting', null, 1767614400009, 1767614400009, 0, null, null, null);
insert into cursors (name, event_id)
  values ('notifier', 1);
insert into alerts (id, fingerprint, type, severity, status, subject_kind, subject_id, pool, metric, value, threshold, window_ms, detail, first_at, last_at, ended_at, count, false_runs, changed_by, event_id)
  values (1, 'quota_high:account:work', 'quota_high', 'warning', 'acknowledged', 'account', 'work', 'claude', 'used_share', 0.92, 0.9, null, 'work has used 92 % of its 5h window', 1767614400000, 1767614460000, null, 2, 0, 'owner', 1);
insert into daily_stats (day, account, swaps, hits_instant, hits_confirmed, hits_vetoed, hits_consumed, recovered_hot, recovered_restart, recovered_self, handed_over, recovery_ms_json, active_ms)
  values ('2026-01-04', '', 1, 1, 0, 0, 1, 1, 0, 0, 0, '[3200]', 86400000);
insert into leases (id, account, session, holder, acquired_at, heartbeat_at, expires_at, released_at, release_reason)
  values ('lease-1', 'work', 'api:0.0', null, 1767614400000, 1767614400005, 1767614700005, null, null);
insert into tasks (id, project, task_id, stem, path, title, priority, model, timeout_ms, max_attempts, session, not_before_at, depends_json, meta_json, status, status_since, attempt, requeues, claim_id, work_session, work_pane, account, created_at, claimed_at, started_at, finished_at, retry_at, completion, error_kind, reason, summary, attempts_json, delivery_json)
  values ('api:fix', '/src/api', 'fix', 'fix', '/src/api/.agent-queue/done/fix.md', 'Fix it', 'high', null, null, null, null, null, '[]', '{}', 'done', 1767614400020, 1, 0, null, 'api', null, 'work', 1767614400000, 1767614400001, 1767614400002, 1767614400020, null, 'signal', null, null, 'fixed', '[{"attempt":1,"session":"api","account":"work","startedAt":1767614400002,"finishedAt":1767614400020,"outcome":"done","reason":null}]', null);
insert into lifecycles (session_name, server, kind, pool, agent, project, state, cause, state_since, previous_state, created_by_us, server_pid, server_started_at_s, pane_id, pane_pid, task_id, launched_at, idle_since, restarts_json, held_until, detail_json)
  values ('auto-1', 'default', 'autonomous', 'claude', 'claude', '/src/api', 'idle', 'at its prompt', 1767614400000, null, 1, 100, 1767600000, '%1', 300, null, 1767614400000, 1767614400005, '[]', null, '{}');
insert into checkpoints (id, session_name, at, task_id, cwd, lines, hash)
  values (1, 'auto-1', 1767614400000, 'api:fix', '/src/api', 'a line', 'abc');
