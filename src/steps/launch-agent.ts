/** Starts or ends the agent of a kept session: one look at its pane, and at most one key, written down before it is sent. */
import type { AgentProfile } from '../core/agents/profile.ts';
import type { ScreenReader } from '../core/screen/screen-reader.ts';
import type { LaunchStep, LaunchView } from '../core/sessions/launch.ts';
import { belowLaunch, launching, leaving } from '../core/sessions/launch.ts';
import type { LifecycleEvent, LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { Keys, Panes, TickContext } from '../ports.ts';
import { answerDialog, settleAnswer } from './answer-dialog.ts';
import type { MovePorts } from './move-session.ts';
import { moveSession } from './move-session.ts';

export interface LaunchPorts extends MovePorts {
  readonly panes: Panes;
  readonly keys: Keys;
  readonly readScreen: ScreenReader;
}

/** @param row is `launching` or `draining`, and no swap is at work in its pane */
export async function launchAgent(
  ports: LaunchPorts,
  row: LifecycleRow,
  profile: AgentProfile,
  context: TickContext,
): Promise<void> {
  const { pane } = row;
  if (pane === null) return;
  const view = await ports.panes.observe(pane, context.signal);
  if (view === null || context.signal.aborted) return;
  const now = ports.clock.now();
  const seen: LaunchView = {
    agent: view.process,
    reading:
      view.process === null || view.screen === null
        ? null
        : ports.readScreen(shown(view.screen.text, row, profile), now, view.process.agent),
    screenText: view.screen?.text ?? '',
    screenChangedAt: view.screen?.changedAt ?? null,
    shellInFront: view.shellInFront === true,
    inMode: view.inMode,
    clientActivityAt: view.clientActivityAt,
  };
  const policy = {
    launchTimeoutMs: context.config.lifecycle.launchTimeoutMs,
    exitGraceMs: context.config.switcher.exitGraceMs,
    submitDelayMs: context.config.tmux.submitDelayMs,
    profile,
  };
  const next = row.state === 'launching' ? launching(row, seen, now, policy) : leaving(row, seen, now, policy);
  if (seen.reading !== null && seen.reading.dialog === null) await settleAnswer(ports, row, context);
  const answered = next.kind === 'dialog' ? await answerDialog(ports, row, context) : null;
  if (answered?.kind === 'pending') return;
  const event = eventOf(next, answered?.why ?? null);
  if (event === null) return;
  // A row that moved meanwhile is looked at again: what was decided for the state before is not typed.
  const moved = await moveSession(ports, row.session, event, context);
  if (moved === null || (next.kind !== 'paste' && next.kind !== 'press')) return;
  if (moved.stateSince !== row.stateSince || context.signal.aborted) return;
  const result =
    next.kind === 'paste'
      ? await ports.keys.paste(pane, next.text, context.signal)
      : await ports.keys.press(pane, next.key, context.signal);
  if (result.kind !== 'sent')
    context.log.warn({ session: row.session, key: next.kind, reason: result.reason }, 'key was not sent');
}

function shown(text: string, row: LifecycleRow, profile: AgentProfile): string {
  return row.state === 'launching' ? belowLaunch(text, row, profile) : text;
}

/** @param also what is known of its dialog */
function eventOf(next: LaunchStep, also: string | null): LifecycleEvent | null {
  switch (next.kind) {
    case 'wait':
      return null;
    case 'paste':
    case 'press':
      return { kind: 'typing', typing: next.typing };
    case 'ready':
      return { kind: 'ready' };
    case 'left':
      return { kind: 'left' };
    case 'dialog':
      return { kind: 'blocked', detail: `a dialog waits for you: ${also === null ? '' : `${also}: `}${next.text}` };
    case 'failed':
      return { kind: 'launch_failed', detail: next.detail };
  }
}
