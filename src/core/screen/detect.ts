/** The verdict on one screen's text alone, for the command `detect` and for anyone who has only a text. */
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { LanguageKind } from '../agents/screen-language.ts';
import type { EpochMs } from '../time.ts';
import type { Reading } from './finding.ts';
import { readScreen } from './reading.ts';
import type { UserPatterns } from './user-patterns.ts';

export interface DetectOptions {
  readonly agent: LanguageKind;
  readonly now: EpochMs;
  /** IANA zone of the machine on which the screen stood. */
  readonly zone: string;
  readonly extra?: UserPatterns;
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
export function detect(text: string, options: DetectOptions): Detection {
  const reading = readScreen(text, options);
  const decisive = reading.finding ?? reading.warnings.at(-1) ?? null;
  const resetAt = decisive?.reset?.at ?? null;
  return {
    class: decisive?.class ?? 'none',
    window: decisive?.window ?? null,
    resetAt: resetAt !== null && resetAt > options.now ? resetAt : null,
    reason: reading.reason,
    reading,
  };
}
