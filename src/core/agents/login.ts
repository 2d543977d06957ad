/** How each CLI logs in by itself, into a home of its own. */
import type { AgentKind, AgentProfile } from './profile.ts';
import { compareVersions } from './profile.ts';

interface LoginWay {
  /** Arguments that do nothing but log in; from this version on (`claude auth login` is in 2.1.41, not in 2.0.76). */
  readonly args: readonly string[];
  readonly since: string | null;
  /** What a person does where there are no such arguments. */
  readonly byHand: string;
  /** The home is this directory below the one that the variable names; null: it is that one. */
  readonly below: string | null;
}

const WAYS: Readonly<Record<AgentKind, LoginWay>> = {
  claude: { args: ['auth', 'login'], since: '2.1.41', byHand: 'log in where it asks, then /exit', below: null },
  codex: { args: ['login'], since: '0.0.0', byHand: '', below: null },
  gemini: { args: [], since: null, byHand: 'choose Login with Google, then /quit', below: '.gemini' },
  opencode: { args: ['auth', 'login'], since: '0.0.0', byHand: '', below: null },
};

export interface LoginCommand {
  readonly args: readonly string[];
  /** What to tell the person who sees it; null: the CLI tells all. */
  readonly instruction: string | null;
  readonly below: string | null;
}

/** @param version of the CLI; null: not known, then it is started as if it could nothing but talk */
export function loginCommand({ kind }: Pick<AgentProfile, 'kind'>, version: string | null): LoginCommand {
  const { args, since, byHand, below } = WAYS[kind];
  const canLogIn = since !== null && (version === null ? since === '0.0.0' : compareVersions(version, since) >= 0);
  return canLogIn ? { args, instruction: null, below } : { args: [], instruction: byHand, below };
}
