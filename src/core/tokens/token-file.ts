/** How far the counting of tokens came in one file of a CLI, kept so that nothing in it is counted twice. */
import type { AgentKind } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import type { Tokens } from './tokens.ts';

/** Whether this agent's files say what its models used. */
export function tellsTokens(agent: AgentKind): boolean {
  return agent === 'claude' || agent === 'codex';
}

/** A file in which an agent writes down what its models used. */
export interface TokenFile {
  readonly path: string;
  readonly agent: AgentKind;
  readonly payer: Payer;
}

/** What tells whom the answers in a file are charged to. */
export interface Payer {
  /** Null: the session follows no pool's link, or a key in its environment pays. */
  readonly pool: string | null;
  /** Whether the CLI follows the link while it runs. */
  readonly followsLink: boolean;
  readonly processStartedAt: EpochMs;
  readonly launchedUnder: string | null;
}

/** What the rows before the offset leave for those after it. */
export interface Counted {
  /** The newest answers and what was counted of each: an answer is written several times, and may grow. */
  readonly answers: readonly (readonly [id: string, counted: Tokens])[];
  /** Of a rollout: the sum that it stated last. */
  readonly stated: string | null;
  /** Of a rollout: the model of the present turn. */
  readonly model: string | null;
  /** Of a rollout that goes on from another one: until then its rows are copies. */
  readonly copiedUntil: EpochMs | null;
}

export const NOTHING_COUNTED: Counted = { answers: [], stated: null, model: null, copiedUntil: null };

export interface TokenCursor extends TokenFile {
  /** The file by its own name, which no other session has, wherever it is moved. */
  readonly key: string;
  /** Bytes that were taken in. */
  readonly offset: number;
  /** A hash of the last bytes before the offset: other ones there mean that the file was written anew. Empty: not known. */
  readonly mark: string;
  /** The rest of the present line is passed over. */
  readonly skipping: boolean;
  readonly counted: Counted;
  readonly readAt: EpochMs;
}

/**
 * `<session>.jsonl`, `rollout-<time>-<session>.jsonl`; of a subagent with the session it belongs to: `<session>/agent-<id>.jsonl`.
 *
 * @param path absolute
 */
export function tokenFileKey(path: string): string {
  const parts = path.split('/');
  const name = parts.at(-1) ?? '';
  return parts.at(-2) === 'subagents' ? `${parts.at(-3)}/${name}` : name;
}
