/** What is to be done about the turn of a task that was cancelled: one Escape, once, and nothing where it is not that turn. */
import type { AgentProcess } from '../panes.ts';
import { personIn } from '../person.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { formatDuration, SECOND } from '../time.ts';
import type { PromptRow } from '../verdict/signals.ts';
import type { AgentId } from './work.ts';

/** A turn that nobody waits for any more. */
export interface CancelledTurn {
  /** The agent that was given the task; null: nothing of it was typed. */
  readonly agent: AgentId | null;
  /** The line by which the typed task is known in a transcript. */
  readonly mark: string;
  readonly cancelledAt: EpochMs;
  /** When Escape was pressed; null: not yet. */
  readonly pressedAt: EpochMs | null;
  /** The session is a person's: they may have begun a turn of their own. */
  readonly isObserved: boolean;
}

/** A fresh look at the session's pane. */
export interface TurnView {
  readonly agent: AgentProcess | null;
  readonly reading: Reading | null;
  /** Of its transcript; null: there is none to be read. */
  readonly prompts: readonly PromptRow[] | null;
  readonly inMode: boolean;
  readonly clientActivityAt: EpochMs | null;
}

export type StopStep =
  | { readonly kind: 'wait' }
  | { readonly kind: 'press' }
  /** No turn of the task runs there. */
  | { readonly kind: 'over'; readonly detail: string }
  /** It goes on, and nothing more is pressed. */
  | { readonly kind: 'not_stopped'; readonly detail: string };

/** A prompt that was sent just before shows its turn by then. */
const BEGUN_MS = 3 * SECOND;
/** The turn must have ended so long after Escape. */
const STOP_MS = 10 * SECOND;
/** A person at the session, or a screen that cannot be read, is waited for no longer. */
const MAX_WAIT_MS = 60 * SECOND;

/** Asked at every look until it answers `over` or `not_stopped`. Pure. */
export function stopTurn(turn: CancelledTurn, view: TurnView, now: EpochMs): StopStep {
  const { agent, reading } = view;
  if (turn.agent === null) return over('nothing of it was typed');
  if (agent === null || agent.pid !== turn.agent.pid || agent.startTicks !== turn.agent.startTicks)
    return over('its agent has ended');
  const isLate =
    Math.abs(now - (turn.pressedAt ?? turn.cancelledAt)) >= (turn.pressedAt === null ? MAX_WAIT_MS : STOP_MS);
  const wait = (detail: string): StopStep => (isLate ? { kind: 'not_stopped', detail } : { kind: 'wait' });
  if (reading === null || !agent.foreground) return wait('its screen cannot be read');
  // Escape refuses what it asks, and ends the turn with it. Other dialogs are no part of a turn.
  const asks = reading.dialog?.kind === 'permission';
  if (reading.dialog !== null && !asks) return { kind: 'not_stopped', detail: 'a dialog stands there' };
  if (!reading.busy && !asks) {
    if (turn.pressedAt !== null) return over('Escape ended its turn');
    return Math.abs(now - turn.cancelledAt) < BEGUN_MS ? { kind: 'wait' } : over('no turn was running');
  }
  const last = view.prompts?.findLast(({ isMeta }) => !isMeta);
  if (turn.isObserved && last !== undefined && !last.text.includes(turn.mark))
    return over("another turn than the task's runs");
  if (turn.pressedAt !== null) return wait(`Escape did not end its turn within ${formatDuration(STOP_MS)}`);
  const person = personIn(view, now);
  return person === null ? { kind: 'press' } : wait(person);
}

function over(detail: string): StopStep {
  return { kind: 'over', detail };
}
