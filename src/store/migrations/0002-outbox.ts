/** Schema version 2: notices, the outbox that carries them to the channels, and how far the journal was read. */
import type { Migration } from './migration.ts';

export const outbox: Migration = {
  version: 2,
  pool: '',
  local: `
    create table notices (
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
    create index notices_by_key on notices (key, id);
    create index notices_by_type on notices (type, first_at);

    create table outbox (
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
    create index outbox_waiting on outbox (channel, not_before) where state = 'waiting';
    create index outbox_by_notice on outbox (notice_id, channel);
    create index outbox_finished on outbox (channel, finished_at) where finished_at is not null;

    create table cursors (
      name text not null primary key,
      event_id integer not null
    ) strict;`,
};
