/** Schema version 1: the journal, swaps with their incidents and recoveries, sessions, accounts and quota. */
import type { Migration } from './migration.ts';

export const initial: Migration = {
  version: 1,
  pool: `
    create table accounts (
      name text not null primary key,
      pool text not null,
      status text not null check (status in ('active', 'expired', 'refreshing', 'disabled', 'banned')),
      status_reason text,
      identity text,
      active_since bigint,
      left_at bigint,
      credentials_mtime_ms double precision
    );
    create table quota (
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
    );`,
  local: `
    create table meta (
      key text not null primary key,
      value text not null
    ) strict;

    create table events (
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
    create index events_by_type on events (type, id);
    create index events_by_swap on events (swap) where swap is not null;

    create table swaps (
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
    create index swaps_by_start on swaps (started_at);
    create index swaps_by_phase on swaps (phase);

    create table incidents (
      id text not null primary key,
      swap_id text not null unique references swaps (id),
      pool text not null,
      at integer not null,
      screen text,
      evidence_json text not null,
      decision_json text not null,
      result_json text
    ) strict;
    create table incident_steps (
      id integer primary key autoincrement,
      swap_id text not null references incidents (swap_id),
      at integer not null,
      step text not null,
      duration_ms real,
      detail_json text not null
    ) strict;
    create index incident_steps_by_swap on incident_steps (swap_id, id);

    create table recoveries (
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
    create index recoveries_by_swap on recoveries (swap_id);
    create index recoveries_by_state on recoveries (state);

    create table activations (
      id integer primary key autoincrement,
      pool text not null,
      account text not null,
      since integer not null,
      cause text not null
    ) strict;
    create index activations_by_pool on activations (pool, since);

    create table hits (
      fingerprint text not null primary key,
      pool text not null,
      pane text not null,
      account text not null,
      bucket text not null,
      first_seen_at integer not null,
      last_seen_at integer not null,
      swap_id text
    ) strict;
    create index hits_by_pool on hits (pool);

    create table sessions (
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
    ) strict;`,
};
