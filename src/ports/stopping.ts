/** The interface through which is seen, before a link moves, who still uses what it leads to. */
import type { AgentProfile } from '../core/agents/profile.ts';
import type { AgentProcess } from '../core/panes.ts';

export interface Stopping {
  /**
   * All agents of this user that run, in panes or not; those started by another one of the same kind are left out.
   *
   * @param maxAgeMs  an answer may be this old; absent: they are looked for now
   */
  everyAgent(maxAgeMs?: number): Promise<readonly AgentProcess[]>;
  /** The files of `profile.writerLocks` below this directory that a process holds locked. */
  heldWriterLocks(profile: AgentProfile, configDir: string): Promise<readonly string[]>;
  /**
   * Lets the CLI end its background part, and waits until it is gone.
   *
   * @throws {LinkError} it did not end
   */
  stopBackground(profile: AgentProfile, process: AgentProcess): Promise<void>;
}
