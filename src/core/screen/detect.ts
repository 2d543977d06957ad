/** The verdict on one screen's text alone, for the command `detect` and for anyone who has only a text. */
import type { AgentKind, FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import type { Reading } from './finding.ts';
import type { ExtraPatterns } from './messages.ts';
import { readScreen } from './reading.ts';

export interface DetectOptions {
  readonly agent: AgentKind;
  readonly now: EpochMs;
  /** IANA zone of the machine on which the screen stood. */
  readonly zone: string;
  readonly patterns?: ExtraPatterns;
}

export interface Detection {
  readonly class: FindingClass | 'none';
  /** Null unless the message names or implies a limit. */
  readonly window: QuotaWindow | null;
  /** Null when no reset is stated. Never in the past. */
  readonly resetAt: EpochMs | null;
  /** One sentence. */
  readonly reason: string;
  readonly reading: Reading;
}

/** Classifies a screen. A warning counts only where nothing stronger stands. */
export function detect(text: string, { now, zone, patterns }: DetectOptions): Detection {
  const reading = readScreen(text, { now, zone, ...(patterns === undefined ? {} : { patterns }) });
  const decisive = reading.finding ?? reading.warnings.at(-1) ?? null;
  const resetAt = decisive?.reset?.at ?? null;
  return {
    class: decisive?.class ?? 'none',
    window: decisive?.window ?? null,
    resetAt: resetAt !== null && resetAt > now ? resetAt : null,
    reason: reading.reason,
    reading,
  };
}
