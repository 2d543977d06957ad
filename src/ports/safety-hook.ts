/** The interface to the safety hook of a project: what Claude Code asks there before it runs a tool. */

export interface SafetyHook {
  /**
   * Puts the hook into the project, or brings it up to date; what is right already is not written. Then it is tried.
   *
   * @param project where an agent is to be started
   * @returns null: it is there and refuses what it should; else why not, and what to do
   */
  deploy(project: string, signal: AbortSignal): Promise<string | null>;
}
