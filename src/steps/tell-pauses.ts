/** Tells when an account becomes auto-paused and when it is free again: only the change, never the state. */
import type { PoolConfig } from '../config/schema.ts';
import type { NewEvent } from '../core/events.ts';
import { pauseOf } from '../core/quota/auto-pause.ts';
import { describePause } from '../core/quota/eligibility.ts';
import type { PoolView } from '../core/status.ts';
import { toIso } from '../core/time.ts';
import type { Clock, LocalStore, TickContext } from '../ports.ts';
import { swapPolicyOf } from './config-policy.ts';

export interface PausePorts {
  readonly local: Pick<LocalStore, 'append'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** @param known  by account, whether it was paused at the look before; is brought up to date */
export async function tellPauses(
  ports: PausePorts,
  known: Map<string, boolean>,
  config: PoolConfig,
  view: PoolView,
  context: TickContext,
): Promise<void> {
  const now = ports.clock.now();
  const events: NewEvent[] = [];
  for (const account of view.pool.accounts) {
    const pause = pauseOf(account, now, swapPolicyOf(context.config).eligibility);
    const before = known.get(account.name) ?? false;
    known.set(account.name, pause !== null);
    if (before === (pause !== null)) continue;
    const isActive = account.name === view.pool.active;
    const { thresholdAction } = context.config.quota;
    const base = { pool: config.name, account: account.name } as const;
    if (pause === null) {
      // Below the threshold, or the figure is too old to count.
      const data = { detail: `no figure of ${account.name} that still counts is over a threshold` };
      events.push({ type: 'threshold_pause_ended', ...base, data });
      context.log.info({ ...base, ...data }, 'account no longer auto-paused');
      continue;
    }
    const detail = `${account.name} is auto-paused: ${describePause(pause)}`;
    const data = { detail, ...pause, until: toIso(pause.until), ...(isActive ? { action: thresholdAction } : {}) };
    const severity = isActive && thresholdAction === 'notify' ? 'warning' : 'info';
    events.push({ type: 'threshold_pause', severity, ...base, data });
    context.log.info({ ...base, ...data }, 'account auto-paused');
  }
  if (events.length > 0) await ports.local.append(events, now);
}
