/** Schema version 3: alerts, daily statistics, and the journal found by time, by type and by account. */
import type { Migration } from './migration.ts';

export const alerts: Migration = {
  version: 3,
  pool: '',
  local: `
    create table alerts (
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
    create index alerts_by_fingerprint on alerts (fingerprint, id);
    create index alerts_open on alerts (id) where status in ('active', 'acknowledged');

    create table daily_stats (
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

    create index events_by_at on events (at);
    create index events_by_type_at on events (type, at);
    create index events_by_account_at on events (account, at) where account is not null;`,
};
