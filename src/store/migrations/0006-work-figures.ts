/** Schema version 6: what models used, by day, and daily figures of tasks and tokens (null in rows that are older). */
import type { Migration } from './migration.ts';

export const workFigures: Migration = {
  version: 6,
  pool: '',
  local: `
    create table token_files (
      key text not null primary key,
      path text not null,
      agent text not null,
      offset integer not null,
      read_at integer not null,
      detail_json text not null
    ) strict;
    create index token_files_by_read on token_files (read_at);

    create table model_tokens (
      day text not null,
      account text not null,
      model text not null,
      input integer not null,
      output integer not null,
      cache_read integer not null,
      cache_write integer not null,
      primary key (day, account, model)
    ) strict;

    alter table daily_stats add column tasks_json text;
    alter table daily_stats add column models_json text;`,
};
