/** The detector as the loops hold it: zone and patterns already chosen. */
import type { AgentKind } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import type { Reading } from './finding.ts';

/** Reads one screen as of `now`. Without an agent it is read as Claude Code's. */
export type ScreenReader = (text: string, now: EpochMs, agent?: AgentKind) => Reading;
