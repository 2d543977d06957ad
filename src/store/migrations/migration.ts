/** One step of the schema. A released step is never edited: a change is the next step. */
export interface Migration {
  /** Counts from 1 without a gap. */
  readonly version: number;
  /** SQL for the tables of the pool store: only what SQLite and PostgreSQL both know. */
  readonly pool: string;
  /** SQL for the tables of this host: SQLite. */
  readonly local: string;
}
