/** Counts what models used since the last look: reads on in the files of the sessions, and charges each answer to an account. */
import type { AgentProfile } from '../core/agents/profile.ts';
import { CATCH_UP_DAYS, dayOf } from '../core/alerts/stats.ts';
import type { Activation } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import { DAY, MINUTE } from '../core/time.ts';
import type { Payer, TokenCursor, TokenFile } from '../core/tokens/token-file.ts';
import { tokenFileKey } from '../core/tokens/token-file.ts';
import type { DayTokens, Usage } from '../core/tokens/tokens.ts';
import { byDay } from '../core/tokens/tokens.ts';
import { chargeTurn } from '../core/verdict/attribute.ts';
import type { TokenFiles, TokenStore } from '../ports/tokens.ts';
import type { Board, LocalStore, TickContext } from '../ports.ts';
import { profileOf } from './config-policy.ts';
import { isHot } from './recover-panes.ts';

export interface TokenPorts {
  readonly board: Board;
  readonly local: Pick<LocalStore, 'activations'>;
  readonly tokens: TokenStore;
  readonly tokenFiles: TokenFiles;
  readonly profiles: readonly AgentProfile[];
}

export interface TokenCounter {
  /** One look; who asks meanwhile shares it. @returns false: there is more to read, or the panes were not looked at yet */
  count(context: TickContext): Promise<boolean>;
}

export function createTokenCounter(ports: TokenPorts): TokenCounter {
  let followed: Map<string, FollowedFile> | null = null;
  let running: Promise<boolean> | null = null;
  const look = async (context: TickContext): Promise<boolean> => {
    followed ??= await recentFiles(ports.tokens, context.now);
    return (await countTokens(ports, followed, context)) && arePanesKnown(ports.board);
  };
  return {
    count(context) {
      running ??= look(context).finally(() => {
        running = null;
      });
      return running;
    },
  };
}

/** After a start the files of sessions are known once their panes are. */
function arePanesKnown(board: Board): boolean {
  const panes = board.snapshot()?.panes;
  return panes !== undefined && (board.findings().size > 0 || !panes.some(({ process }) => process?.foreground));
}

/** A file that is looked at. */
export interface FollowedFile extends TokenFile {
  /** When a session in a pane last had it. */
  readonly seenAt: EpochMs;
  /** Its size when all of it had been read; null: that was not yet. */
  readonly readSize: number | null;
}

/** A session that ended may still write its last rows. */
const FOLLOW_ON_MS = 10 * MINUTE;
/** Files that were read so recently are looked at once more after a start. */
const RECENT_MS = DAY;
/** Of all files together in one look. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_ACTIVATIONS = 500;

/**
 * How far the files were read and what that adds is written in one transaction: a kill counts nothing twice.
 *
 * @param followed by key; changed
 * @returns false: there is more to read
 */
export async function countTokens(
  ports: TokenPorts,
  followed: Map<string, FollowedFile>,
  context: TickContext,
): Promise<boolean> {
  const { now, signal } = context;
  await followPanes(ports, followed, context);
  const pending: { readonly key: string; readonly file: FollowedFile; readonly size: number }[] = [];
  for (const [key, file] of followed) {
    const look = await ports.tokenFiles.look(file.path);
    const isOld = look === null || now - look.changedAt > CATCH_UP_DAYS * DAY;
    if (!isOld && look.size !== file.readSize) pending.push({ key, file, size: look.size });
    else if (look === null || now - file.seenAt > FOLLOW_ON_MS) followed.delete(key);
  }

  const cursors = new Map<string, TokenCursor>();
  const added: DayTokens[] = [];
  const charge = charger(ports.local);
  const readSizes = new Map<string, number>();
  let bytes = 0;
  // In turns, so that a long file does not keep the others waiting.
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { key, file, size } = next;
    const before = cursors.get(key) ?? (await ports.tokens.tokenCursor(key));
    const read = await ports.tokenFiles.read(file, before);
    if (read === null) continue;
    cursors.set(key, read.cursor);
    bytes += Math.max(0, read.cursor.offset - (before?.offset ?? 0));
    for (const usage of read.usages) {
      const { at, ...tokens } = usage;
      if (now - at < CATCH_UP_DAYS * DAY)
        added.push({ ...tokens, day: dayOf(at), account: await charge(file.payer, usage) });
    }
    if (read.isEnd) readSizes.set(key, size);
    else pending.push(next);
    if (bytes >= MAX_BYTES || signal.aborted) break;
  }
  if (cursors.size > 0) await ports.tokens.addTokens([...cursors.values()], byDay(added));
  for (const [key, readSize] of readSizes) {
    const file = followed.get(key);
    if (file !== undefined) followed.set(key, { ...file, readSize });
  }
  return pending.length === 0;
}

/** Files that were read not long ago: what was written to them while nobody looked is read as well. */
async function recentFiles(tokens: TokenStore, now: EpochMs): Promise<Map<string, FollowedFile>> {
  const cursors = await tokens.tokenCursors(now - RECENT_MS);
  return new Map(
    cursors.map(({ key, path, agent, payer }) => [key, { path, agent, payer, seenAt: now, readSize: null }]),
  );
}

async function followPanes(
  { board, tokenFiles, profiles }: TokenPorts,
  followed: Map<string, FollowedFile>,
  { config, now }: TickContext,
): Promise<void> {
  for (const finding of board.findings().values()) {
    const { process, signals } = finding;
    const path = (signals?.transcript ?? signals?.rollout)?.path;
    if (path === undefined) continue;
    const pool = config.pools.find(({ name }) => name === finding.pool);
    const payer: Payer = {
      // A key in its environment outranks the login of the account.
      pool: process.overriding.length > 0 ? null : finding.pool,
      followsLink: pool !== undefined && isHot(finding, profileOf(profiles, pool)),
      processStartedAt: process.startedAt,
      launchedUnder: finding.launchedUnder,
    };
    for (const found of await tokenFiles.filesOf(path, process.agent)) {
      const key = tokenFileKey(found);
      const readSize = followed.get(key)?.readSize ?? null;
      followed.set(key, { path: found, agent: process.agent, payer, seenAt: now, readSize });
    }
  }
}

/** Tells whom an answer is charged to; null: nothing tells. */
function charger(local: TokenPorts['local']): (payer: Payer, usage: Usage) => Promise<string | null> {
  const known = new Map<string, readonly Activation[]>();
  return async ({ pool, ...turn }, { at }) => {
    if (pool === null) return null;
    const activations = known.get(pool) ?? (await local.activations(pool, MAX_ACTIVATIONS));
    known.set(pool, activations);
    return chargeTurn({ ...turn, turnAt: at, firstSeenAt: at, activations })?.account ?? null;
  };
}
