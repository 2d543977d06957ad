/** Every agent there is: its profile and the language of its screen. */
import { claude } from './claude.ts';
import { claudeLanguage } from './claude-screen.ts';
import { codex, codexLanguage } from './codex.ts';
import { gemini, geminiLanguage } from './gemini.ts';
import { opencode, opencodeLanguage } from './opencode.ts';
import { otherLanguage } from './other.ts';
import type { AgentKind, AgentProfile } from './profile.ts';
import type { LanguageKind, ScreenLanguage } from './screen-language.ts';

export const PROFILES: readonly AgentProfile[] = [claude, codex, gemini, opencode];

const LANGUAGES: Readonly<Record<LanguageKind, ScreenLanguage>> = {
  claude: claudeLanguage,
  codex: codexLanguage,
  gemini: geminiLanguage,
  opencode: opencodeLanguage,
  other: otherLanguage,
};

/** @param kind default: Claude Code */
export function languageOf(kind: LanguageKind = 'claude'): ScreenLanguage {
  return LANGUAGES[kind];
}

/** Whose screen a text most likely is: the agent with a sign of its own on it, else Claude Code. */
export function guessAgent(screen: string): AgentKind {
  const text = screen.slice(0, 20_000);
  const own = (['claude', 'opencode', 'gemini', 'codex'] as const).find((kind) => LANGUAGES[kind].signature.test(text));
  return own ?? 'claude';
}
