/** The files that are links in mode `file_link`: the credentials first, then what tells whose they are. */
import type { AgentKind } from './profile.ts';

export const LINKED_FILES: Readonly<Partial<Record<AgentKind, readonly [string, ...string[]]>>> = {
  codex: ['auth.json'],
  gemini: ['oauth_creds.json', 'google_accounts.json'],
};
