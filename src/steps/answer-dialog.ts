/** Answers a dialog that the configuration names, in a session of the daemon's own at a task: one look and at most one key. */
import { readChoices } from '../core/screen/choices.ts';
import { answerDialog as decide } from '../core/sessions/answer.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { TickContext } from '../ports.ts';
import type { LaunchPorts } from './launch-agent.ts';
import { moveSession } from './move-session.ts';

/** `pending`: it is being answered, look again. `left`: it is for a person, `why` may say more; a person who was told of it is not forestalled. */
export type DialogOutcome = { readonly kind: 'pending' } | { readonly kind: 'left'; readonly why: string | null };

const LEFT: DialogOutcome = { kind: 'left', why: null };

/** @param row in whose pane a dialog was seen; whoever calls this may act now */
export async function answerDialog(
  ports: LaunchPorts,
  row: LifecycleRow,
  context: TickContext,
): Promise<DialogOutcome> {
  const { config, log, signal } = context;
  const { autoAnswers } = config.watcher;
  const isOwn = row.kind === 'autonomous' && row.taskId !== null && row.state !== 'blocked';
  if (autoAnswers.length === 0 || !isOwn || row.pane === null) return LEFT;
  const view = await ports.panes.observe(row.pane, signal);
  if (view === null || view.screen === null || view.process === null) return LEFT;
  const now = ports.clock.now();
  const reading = ports.readScreen(view.screen.text, now, view.process.agent);
  const seen = {
    agent: view.process,
    reading,
    choices: readChoices(view.screen.text, view.process.agent),
    inMode: view.inMode,
    clientActivityAt: view.clientActivityAt,
  };
  // It has closed since it was seen.
  if (reading.dialog === null) return { kind: 'pending' };
  const step = decide(row.answering, seen, now, autoAnswers);
  if (step.kind === 'wait') return { kind: 'pending' };
  if (step.kind === 'left') return { kind: 'left', why: row.answering === null ? null : step.why };
  const moved = await moveSession(ports, row.session, { kind: 'answering', answering: step.answering }, context);
  // What was decided for the state before is not pressed.
  if (moved === null || moved.stateSince !== row.stateSince || signal.aborted) return { kind: 'pending' };
  const result = await ports.keys.press(row.pane, step.key, signal, step.line);
  const fields = { session: row.session, dialog: step.answering.name, choice: step.answering.choice, key: step.key };
  if (result.kind === 'sent') log.info(fields, 'a dialog is answered');
  else log.warn({ ...fields, reason: result.reason }, 'key was not sent');
  return { kind: 'pending' };
}

/** What was answered has closed: that is written down. @param row in whose pane no dialog is seen */
export async function settleAnswer(ports: LaunchPorts, row: LifecycleRow, context: TickContext): Promise<void> {
  if (row.answering !== null) await moveSession(ports, row.session, { kind: 'answered' }, context);
}
