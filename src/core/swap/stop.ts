/** Whether an agent can be ended before the link moves, without taking anything from anybody. */
import type { AgentProfile } from '../agents/profile.ts';
import { SECOND } from '../time.ts';
import type { PaneFinding } from '../verdict/pane-finding.ts';
import { startsTurn } from '../verdict/votes.ts';
import { resumeCommand } from './resume-command.ts';
import type { RecoveryRow } from './swap.ts';

/** The one obstacle that goes away by itself. */
export const IN_A_TURN = 'it is in the middle of a turn';

/**
 * Why it cannot be ended just now; null: it can. Only an agent that is idle or stopped by a limit is ever ended.
 *
 * @param row  how it would be brought back
 */
export function obstacleToStop(finding: PaneFinding, row: RecoveryRow, profile: AgentProfile): string | null {
  const { reading, process, view } = finding;
  if (row.finishedAt !== null) return row.reason ?? 'it is left alone';
  if (reading.busy || awaitsAnswer(finding)) return IN_A_TURN;
  if (reading.dialog !== null && reading.dialog.kind !== 'limit-menu') return `a dialog waits: ${reading.dialog.text}`;
  if (reading.dialog === null && reading.composer === null) return 'its input line is not on the screen';
  if (reading.composer !== null && reading.composer.text !== '') return 'its input line is not empty';
  if (view.inMode) return 'the pane is in copy mode';
  if (process.pid === view.identity.panePid) return 'no shell runs below it';
  if (resumeCommand(row, profile, process.cwd) !== null) return null;
  return process.argv.length === 0 ? 'its program is not known' : 'it cannot be resumed by its session id';
}

/** A prompt that was interrupted stays unanswered: it counts no longer than this. */
const UNANSWERED_MS = 15 * SECOND;

/** In its first moments a turn may not be seen on the screen yet; the files tell of it already. */
function awaitsAnswer({ signals, decision, at }: PaneFinding): boolean {
  const tail = signals?.transcript ?? signals?.rollout ?? null;
  if (tail === null || signals?.isGuess === true || decision.kind !== 'clear') return false;
  const prompt = tail.prompts.findLast(startsTurn);
  if (prompt === undefined || prompt.at <= (tail.lastAssistant?.at ?? prompt.at - 1)) return false;
  return Math.abs(at - prompt.at) < UNANSWERED_MS;
}

/** It has no session yet: its files say so, or none is known while its welcome still is on the screen. Starting it anew loses nothing. */
export function isFresh({ reading, signals, decision }: PaneFinding): boolean {
  if ('hit' in decision || (signals?.sessionId ?? null) !== null) return false;
  return signals?.isEmpty === true || reading.version !== null;
}
