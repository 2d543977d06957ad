/** The interfaces of what is counted of models' tokens: the files of the CLIs, and the sums that are kept. */
import type { AgentKind } from '../core/agents/profile.ts';
import type { EpochMs } from '../core/time.ts';
import type { TokenCursor, TokenFile } from '../core/tokens/token-file.ts';
import type { DayTokens, Usage } from '../core/tokens/tokens.ts';

export interface TokenLook {
  /** Bytes. */
  readonly size: number;
  readonly changedAt: EpochMs;
}

export interface TokenRead {
  readonly cursor: TokenCursor;
  readonly usages: readonly Usage[];
  /** Nothing that is complete is left to be read. */
  readonly isEnd: boolean;
}

export interface TokenFiles {
  /** The file of a session and those of its subagents. Never throws. */
  filesOf(path: string, agent: AgentKind): Promise<readonly string[]>;
  /** @returns null: it is no regular file of this user. Never throws. */
  look(path: string): Promise<TokenLook | null>;
  /** Reads on, at most one mebibyte; null as the cursor: from the beginning. @returns null as `look` */
  read(file: TokenFile, cursor: TokenCursor | null): Promise<TokenRead | null>;
}

export interface TokenStore {
  tokenCursor(key: string): Promise<TokenCursor | null>;
  /** Of files that were read since. */
  tokenCursors(sinceAt: EpochMs): Promise<readonly TokenCursor[]>;
  /** In one transaction: how far files were read, and what that adds. Of days that are closed nothing is added any more. */
  addTokens(cursors: readonly TokenCursor[], added: readonly DayTokens[]): Promise<void>;
}
