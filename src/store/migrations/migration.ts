/** One step of the schema. A released step is never edited: a change is the next step. */
export interface Migration {
  /** Ascends from 1; a number that was never released may be missing. */
  readonly version: number;
  /** SQL for the tables of the pool store: only what SQLite and PostgreSQL both know. */
  readonly pool: string;
  /** SQL for the tables of this host: SQLite. */
  readonly local: string;
  /**
   * A program that does not know this step must not open the database afterwards. Not needed for a step that only adds
   * tables, and columns that may be null or have a default: an older program passes over those.
   */
  readonly breaks?: true;
}
