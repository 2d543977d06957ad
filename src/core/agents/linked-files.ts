/** What a link is in the modes in which it is no whole configuration directory. */
import type { AgentKind } from './profile.ts';

/** The variable by which Claude Code 2.1.160 and later finds its credentials in mode `secure_storage`. */
export const CREDENTIALS_VARIABLE = 'CLAUDE_SECURESTORAGE_CONFIG_DIR';

/** The files that are links in mode `file_link`: the credentials first, then what tells whose they are. */
export const LINKED_FILES: Readonly<Partial<Record<AgentKind, readonly [string, ...string[]]>>> = {
  codex: ['auth.json'],
  gemini: ['oauth_creds.json', 'google_accounts.json'],
};
