/** The patterns of the user's own configuration, checked and compiled. */
import type { AgentKind, FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { LanguageKind } from '../agents/screen-language.ts';

/** Searched anywhere in a message that stands in message position. */
export interface UserPattern {
  readonly id: string;
  /** One of the two is set. Proven at load not to run away. */
  readonly regex?: RegExp;
  /** Letter case does not matter. */
  readonly substring?: string;
  /** Absent: every agent. */
  readonly agent?: AgentKind;
  /** Absent: `quota`. */
  readonly class?: FindingClass;
  /** Absent: told by the message's own words and reset. */
  readonly window?: QuotaWindow;
}

export interface UserPatterns {
  /** More messages that matter. A finding of one has the family `user:<id>`. */
  readonly patterns: readonly UserPattern[];
  /** Messages that are no finding, whatever else matches. */
  readonly ignore: readonly UserPattern[];
  /** More signs of a server error: no limit in that message or above it counts (R8). */
  readonly serverErrors: readonly UserPattern[];
}

/** Whether the pattern is meant for this agent and stands in the text. */
export function holds({ substring, regex, agent }: UserPattern, text: string, kind: LanguageKind): boolean {
  if (agent !== undefined && agent !== kind) return false;
  if (substring !== undefined && text.toLowerCase().includes(substring.toLowerCase())) return true;
  // `search` has no memory, whatever flags the expression carries.
  return regex !== undefined && text.search(regex) !== -1;
}

/** The family that a finding of this pattern carries. */
export const userFamily = (pattern: UserPattern): string => `user:${pattern.id}`;
