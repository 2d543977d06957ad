/** Whether an agent can be ended before the link moves, without taking anything from anybody. */
import type { AgentProfile } from '../agents/profile.ts';
import type { PaneFinding } from '../verdict/pane-finding.ts';
import { awaitsAnswer } from '../verdict/prompts.ts';
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
  if (reading.busy || isBeginningTurn(finding)) return IN_A_TURN;
  if (reading.dialog !== null && reading.dialog.kind !== 'limit-menu') return `a dialog waits: ${reading.dialog.text}`;
  if (reading.dialog === null && reading.composer === null) return 'its input line is not on the screen';
  if (reading.composer !== null && reading.composer.text !== '') return 'its input line is not empty';
  if (view.inMode) return 'the pane is in copy mode';
  if (process.pid === view.identity.panePid) return 'no shell runs below it';
  if (resumeCommand(row, profile, process.cwd) !== null) return null;
  return process.argv.length === 0 ? 'its program is not known' : 'it cannot be resumed by its session id';
}

function isBeginningTurn({ signals, decision, at }: PaneFinding): boolean {
  if (signals === null || signals.isGuess || decision.kind !== 'clear') return false;
  return awaitsAnswer(signals.transcript ?? signals.rollout ?? null, at);
}

/** It has no session yet: its files say so, or none is known while its welcome still is on the screen. Starting it anew loses nothing. */
export function isFresh({ reading, signals, decision }: PaneFinding): boolean {
  if ('hit' in decision || (signals?.sessionId ?? null) !== null) return false;
  return signals?.isEmpty === true || reading.version !== null;
}
