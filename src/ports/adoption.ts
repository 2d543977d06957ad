/** The interfaces through which a directory of the user's is taken over and given back. */
import type { AdoptionRecord, Place } from '../core/adoption/step.ts';

/** Moves that replace nothing: each looks first, under a lock that keeps other daemons and commands of ours away. */
export interface Moves {
  /** @throws {LinkError} the place cannot be looked at */
  look(path: string): Promise<Place>;
  /** Whether nothing is in this directory. @throws {LinkError} */
  isEmpty(directory: string): Promise<boolean>;
  /** Mode 0700. @throws {LinkError} something is there, or the system refused */
  makeDirectory(path: string): Promise<void>;
  /** @returns false: it holds something and was left. @throws {LinkError} */
  removeDirectory(path: string): Promise<boolean>;
  /** Renames and syncs both directories. @throws {LinkError} the target is there, or on another file system */
  move(from: string, to: string): Promise<void>;
  /** @throws {LinkError} something is there */
  link(path: string, target: string): Promise<void>;
  /** Removes a link; never what it leads to. @throws {LinkError} it is no link with this text */
  unlink(path: string, target: string): Promise<void>;
}

/** Variables in the `env` block of a settings file. */
export interface SettingsVariables {
  /** Null: the file or the variable is not there. @throws {LinkError} the file cannot be understood */
  read(file: string, name: string): Promise<string | null>;
  /** Sets it, or with null takes it out; the rest of the text stays as it was written. @throws {LinkError} */
  write(file: string, name: string, value: string | null): Promise<void>;
}

/** What is kept of adoptions, one record a pool. */
export interface AdoptionJournal {
  /** @throws {LinkError} the record is there and cannot be understood */
  read(pool: string): Promise<AdoptionRecord | null>;
  /** In one step, on the disk when it returns. */
  write(record: AdoptionRecord): Promise<void>;
  remove(pool: string): Promise<void>;
}
