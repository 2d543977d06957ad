/** How a kept session is printed. */
import type { KeptView } from '../core/sessions/view.ts';
import { formatDuration, SECOND } from '../core/time.ts';
import type { CommandIo } from './io.ts';

export const KEPT_HEAD = ['KEPT', 'KIND', 'STATE', 'SINCE', 'TASK', 'WHY'];

export function keptLine(kept: KeptView, io: CommandIo): string[] {
  const sinceMs = kept.since === null ? null : io.clock.now() - Date.parse(kept.since);
  const age = sinceMs === null ? '-' : sinceMs < SECOND ? 'now' : formatDuration(sinceMs);
  const why = kept.held_until === null ? kept.cause : `${kept.cause}; left alone until ${kept.held_until}`;
  return [kept.session, kept.kind, kept.state, age, kept.task ?? kept.lost_task ?? '-', why];
}
