/** Whether a person is at a pane: nothing is typed there then. */
import type { EpochMs } from './time.ts';
import { SECOND } from './time.ts';

/** Nothing is typed within this time of a person's last key in the session. */
const PERSON_QUIET_MS = 10 * SECOND;

export interface PaneUse {
  /** The pane is in copy mode or another tmux mode. */
  readonly inMode: boolean;
  /** Last key of a client attached to the session; null: nobody is attached. */
  readonly clientActivityAt: EpochMs | null;
}

/** Why no key may be sent just now; null: no person is at it. */
export function personIn({ inMode, clientActivityAt }: PaneUse, now: EpochMs): string | null {
  if (inMode) return 'the pane is in copy mode';
  if (clientActivityAt === null || Math.abs(now - clientActivityAt) >= PERSON_QUIET_MS) return null;
  return 'somebody is using this session';
}
