/** Schema version 7: which accounts were considered for a task. */
import type { Migration } from './migration.ts';

export const taskDecisions: Migration = {
  version: 7,
  pool: '',
  local: `alter table tasks add column decisions_json text not null default '[]';`,
};
