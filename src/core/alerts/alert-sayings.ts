/** What an alert's life says to a person: nothing that an event has said already, except that it is over. */
import type { JournalEvent } from '../events.ts';
import {
  breakerKey,
  driftKey,
  exhaustedKey,
  failingKey,
  keptSessionKey,
  loginKey,
  unreachableKey,
  wallKey,
} from './incident-keys.ts';
import type { Saying } from './saying.ts';
import { closing, opening, plain, said, text } from './saying.ts';

/**
 * One whose condition an event has told already (`told_by`) only lends its id to that event's message and ends it; any other
 * is an incident of its own, but a dead login is one incident however it was found.
 */
export function alertSaying(event: JournalEvent): readonly Saying[] {
  const fingerprint = text(event, 'fingerprint') ?? '?';
  const isOver = event.type === 'alert_resolved' || event.type === 'alert_dismissed';
  const type = text(event, 'alert_type') ?? '';
  const known = KEY_OF_ALERT[type]?.(event) ?? null;
  const isTold = text(event, 'told_by') !== null;
  if (isTold && known === null) return [];
  const key = known ?? `alert:${fingerprint}`;
  const title = text(event, 'title') ?? plain(fingerprint.split(':')[0] ?? '');
  if (isOver) return [closing(key, `${event.type === 'alert_dismissed' ? 'Dismissed' : 'Over'}: ${title}`)];
  const goesOn: Saying = { key, opens: false, settles: false, title: null, slot: 'alert', line: null };
  if (event.type === 'alert_acknowledged')
    return [{ ...goesOn, line: `acknowledged by ${text(event, 'by') ?? 'somebody'}` }];
  if (isTold) return [goesOn];
  return [{ ...opening(key, title), slot: 'alert', line: [said(event), measured(event)].filter(Boolean).join('; ') }];
}

const KEY_OF_ALERT: Readonly<Record<string, (event: JournalEvent) => string>> = {
  login_needed: loginKey,
  credential_expired: loginKey,
  no_eligible_account: exhaustedKey,
  circuit_breaker: breakerKey,
  swap_failed: failingKey,
  drift: driftKey,
  session_unreachable: unreachableKey,
  session_stalled: keptSessionKey,
  session_blocked: keptSessionKey,
  session_crash_loop: keptSessionKey,
  unknown_wall: wallKey,
  config_reload_failed: () => 'config',
};

function measured(event: JournalEvent): string | null {
  const { value, threshold, metric } = event.data;
  if (typeof value !== 'number' || typeof threshold !== 'number' || typeof metric !== 'string' || metric === 'is_so')
    return null;
  const window = text(event, 'window');
  return `${metric.replaceAll('_', ' ')} ${value}, threshold ${threshold}${window === null ? '' : ` in ${window}`}`;
}
