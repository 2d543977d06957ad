/** The detector as the loops hold it: zone and patterns already chosen. */
import type { EpochMs } from '../time.ts';
import type { Reading } from './finding.ts';

/** Reads one screen as of `now`. */
export type ScreenReader = (text: string, now: EpochMs) => Reading;
