/** A machine on which no agent runs outside of the panes and no writer holds a lock. */
import type { Stopping } from '../../src/ports/stopping.ts';

export const nobodyRuns: Stopping = {
  everyAgent: async () => [],
  heldWriterLocks: async () => [],
  stopBackground: async () => {},
};
