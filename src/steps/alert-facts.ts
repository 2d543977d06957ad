/** Gathers what the rules of the alerts look at: the board, the journal of the last day, the disk. */
import type { Config } from '../config/schema.ts';
import type { AlertFacts, AlertPane, AlertThresholds } from '../core/alerts/rules.ts';
import { ALERT_EVENTS, ALERT_HORIZON_MS, CHATTER_KEY, WALL_HORIZON_MS } from '../core/alerts/rules.ts';
import type { WorkFacts } from '../core/alerts/work-rules.ts';
import { paneKey } from '../core/panes.ts';
import type { EpochMs } from '../core/time.ts';
import { HOUR } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { unexplainedWall } from '../core/verdict/unknown-wall.ts';
import type { LifecycleStore } from '../ports/lifecycle.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { TaskStore } from '../ports/queue.ts';
import type { AlertStore, DiskSpace } from '../ports/records.ts';
import type { Board } from '../ports.ts';

export interface AlertFactPorts {
  readonly alerts: Pick<AlertStore, 'eventsSince'>;
  readonly board: Pick<Board, 'pools' | 'snapshot' | 'findings'>;
  readonly disk: DiskSpace;
  /** What is wrong with the configuration that was not taken; null: nothing. */
  readonly configRejected: () => string | null;
  readonly lifecycles: Pick<LifecycleStore, 'lifecycles'>;
  readonly tasks: Pick<TaskStore, 'counts'>;
  readonly outbox: Pick<Outbox, 'toldSince'>;
}

/** @returns null: a pool was not looked at yet, so that its silence would mean nothing */
export async function gatherAlertFacts(
  ports: AlertFactPorts,
  config: Config,
  now: EpochMs,
): Promise<AlertFacts | null> {
  const views = ports.board.pools();
  const pools = config.pools.flatMap(({ name }) => views.get(name) ?? []);
  if (pools.length < config.pools.length) return null;
  const path = config.daemon.stateDir;
  const freeBytes = await ports.disk.freeBytes(path);
  return {
    now,
    pools,
    panes: panesOf(ports.board),
    events: await ports.alerts.eventsSince(ALERT_EVENTS, now - ALERT_HORIZON_MS),
    toldWalls: await toldWalls(ports, now),
    disk: freeBytes === null ? null : { path, freeBytes },
    configRejected: ports.configRejected(),
    work: await workFacts(ports),
    told: await ports.outbox.toldSince(now - HOUR, CHATTER_KEY),
  };
}

export function thresholdsOf({ alerts, janitor, credentials }: Config): AlertThresholds {
  return {
    errorWindowMs: alerts.errorWindowMs,
    errorRate: alerts.errorRate,
    errorRateCritical: alerts.errorRateCritical,
    errorMinSamples: alerts.errorMinSamples,
    accountDownRate: alerts.accountDownRate,
    accountDownMin: alerts.accountDownMin,
    quotaInfo: alerts.quotaInfo,
    quotaWarning: alerts.quotaWarning,
    quotaCritical: alerts.quotaCritical,
    ...alerts.spike,
    minFreeDiskBytes: janitor.minFreeDiskBytes,
    expiryWarnMs: credentials.expiryWarnMs,
  };
}

async function workFacts({ lifecycles, tasks }: AlertFactPorts): Promise<WorkFacts> {
  const { byStatus } = await tasks.counts();
  return { sessions: await lifecycles.lifecycles(), waiting: byStatus.queued + byStatus.retry_wait };
}

async function toldWalls({ alerts }: AlertFactPorts, now: EpochMs): Promise<ReadonlySet<string>> {
  const events = await alerts.eventsSince(['unknown_wall'], now - WALL_HORIZON_MS);
  return new Set(events.map(({ data }) => data.wording).filter((wording) => typeof wording === 'string'));
}

function panesOf(board: AlertFactPorts['board']): readonly AlertPane[] {
  const findings = board.findings();
  return (board.snapshot()?.panes ?? []).map((view) => {
    const finding = findings.get(paneKey(view.identity));
    const wall = finding === undefined ? null : (unexplainedWall(finding)?.wording ?? null);
    const base = { label: view.label, session: view.sessionName, failures: view.failures, wall };
    // A pane with credentials of its own says nothing about our accounts.
    if (finding === undefined || finding.notSwitchable !== null)
      return { ...base, pool: null, account: null, error: null };
    const active = board.pools().get(finding.pool ?? '')?.pool.active ?? null;
    return { ...base, pool: finding.pool, account: finding.charge?.account ?? active, error: errorOf(finding) };
  });
}

function errorOf({ decision }: PaneFinding): AlertPane['error'] {
  if (decision.kind !== 'other') return null;
  return decision.class === 'auth' ? 'auth' : decision.class === 'throttle' ? 'server' : null;
}
