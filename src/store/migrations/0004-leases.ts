/** Schema version 6: leases of sessions on accounts, and the mark of accounts that left the configuration. */
import type { Migration } from './migration.ts';

export const leases: Migration = {
  version: 4,
  pool: `
    alter table accounts add column removed_at bigint;
    create table leases (
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
    create unique index leases_live on leases (account, session, holder) where released_at is null;
    create index leases_by_end on leases (released_at);`,
  local: '',
};
