/** The quota monitor: turns each snapshot into findings, quota records and at most one swap request per pool. */

import { StoreError } from '../core/errors.ts';
import type { PoolView } from '../core/status.ts';
import type { EpochMs } from '../core/time.ts';
import { SECOND } from '../core/time.ts';
import type { KillSwitch, Loop, TickContext } from '../ports.ts';
import { actEarly, newEarlyMemory } from '../steps/act-early.ts';
import { profileOf } from '../steps/config-policy.ts';
import type { FindPorts, WatchedPane } from '../steps/find-panes.ts';
import { findPanes } from '../steps/find-panes.ts';
import type { JudgePorts, Said } from '../steps/judge-pool.ts';
import { judgePool } from '../steps/judge-pool.ts';
import { newSampleMemory, recordSamples } from '../steps/record-samples.ts';
import { refreshPool } from '../steps/refresh-pool.ts';
import { tellPauses } from '../steps/tell-pauses.ts';

export interface QuotaMonitorPorts extends FindPorts, JudgePorts {
  readonly killSwitch: KillSwitch;
}

/** While no pane shows anything, links and homes are looked at this often; every decision reads them anew. */
const QUIET_VIEW_MS = 10 * SECOND;

export function createQuotaMonitor(ports: QuotaMonitorPorts): Loop {
  const watched = new Map<string, WatchedPane>();
  const said: Said = { refusals: new Map(), cooldownAt: new Map(), stuck: new Map() };
  const samples = newSampleMemory();
  const early = newEarlyMemory();
  const pauses = new Map<string, boolean>();
  let lastTakenAt: EpochMs | null = null;
  let views = new Map<string, PoolView>();
  let viewedMs = Number.NEGATIVE_INFINITY;

  return {
    name: 'quota-monitor',
    // It is woken by the watcher; the interval is only the net.
    intervalMs: (config) => config.quota.pollIntervalMs * 5,
    async tick(context) {
      const snapshot = ports.board.snapshot();
      if (snapshot === null || snapshot.takenAt === lastTakenAt) return;
      lastTakenAt = snapshot.takenAt;
      const isQuiet = [...ports.board.findings().values()].every(({ decision }) => decision.kind === 'clear');
      const nowMs = ports.clock.monotonic();
      if (!isQuiet || nowMs - viewedMs >= QUIET_VIEW_MS) {
        views = await readPools(ports, context);
        viewedMs = nowMs;
      }
      const findings = await findPanes(ports, watched, snapshot, context);
      ports.board.postFindings(findings);
      if (await recordSamples(ports, samples, findings, views, context)) viewedMs = Number.NEGATIVE_INFINITY;
      const paused = await ports.killSwitch.reason();
      for (const config of context.config.pools) {
        const view = views.get(config.name);
        if (view === undefined) continue;
        await apart(config.name, context, async () => {
          await judgePool(ports, said, config, view, [...findings.values()], paused, context);
          await tellPauses(ports, pauses, config, view, context);
          await actEarly(ports, early, config, view, [...findings.values()], paused, context);
        });
      }
      if ([...findings.values()].some(({ decision }) => 'hit' in decision)) ports.board.wake('switcher');
    },
  };
}

async function readPools(ports: QuotaMonitorPorts, context: TickContext): Promise<Map<string, PoolView>> {
  const views = new Map<string, PoolView>();
  for (const config of context.config.pools) {
    await apart(config.name, context, async () => {
      views.set(config.name, await refreshPool(ports, config, profileOf(ports.profiles, config)));
    });
  }
  return views;
}

/** One pool must not hold up another; a store that fails would fail for all. */
async function apart(pool: string, context: TickContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    context.log.error({ pool, err: error }, 'a pool could not be judged');
  }
}
