/** The row that stands for an agent session, made from what the last poll found on its pane. */
import type { Config } from '../config/schema.ts';
import { paneKey } from '../core/panes.ts';
import type { EpochMs } from '../core/time.ts';
import { utcMinute } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { SessionRow } from '../ports.ts';
import { kindOf } from './config-policy.ts';

export function sessionRow(
  finding: PaneFinding,
  before: SessionRow | undefined,
  config: Config,
  now: EpochMs,
): SessionRow {
  const { view, process, signals } = finding;
  const { state, reason } = stateOf(finding);
  const same = before?.agentPid === process.pid && before.agentStartTicks === process.startTicks;
  return {
    id: paneKey(view.identity),
    server: view.identity.server,
    sessionName: view.sessionName,
    label: view.label,
    paneId: view.identity.paneId,
    panePid: view.identity.panePid,
    pool: finding.pool,
    kind: kindOf(config, view.sessionName),
    agent: process.agent,
    version: signals?.version ?? null,
    cwd: process.cwd,
    agentPid: process.pid,
    agentStartTicks: process.startTicks,
    sessionId: signals?.sessionId ?? null,
    launchedUnder: same ? (before.launchedUnder ?? finding.launchedUnder) : finding.launchedUnder,
    launchConfidence: finding.launchedUnder === null ? null : 'assumed',
    state,
    stateReason: reason,
    stateSince: before?.state === state && same ? before.stateSince : now,
    lastSeenAt: finding.at,
  };
}

function stateOf(finding: PaneFinding): { state: SessionRow['state']; reason: string | null } {
  const { decision, reading } = finding;
  if (finding.notSwitchable !== null) return { state: 'not_switchable', reason: finding.notSwitchable.reason };
  if (decision.kind === 'confirmed') {
    const until = decision.hit.resetAt === null ? '' : `, resets ${utcMinute(decision.hit.resetAt)}`;
    return { state: 'limited', reason: `${finding.charge?.account ?? 'unknown account'}${until}` };
  }
  if (reading.dialog !== null) return { state: 'blocked', reason: reading.dialog.kind };
  if (reading.busy) return { state: 'working', reason: null };
  return reading.composer === null ? { state: 'unknown', reason: null } : { state: 'idle', reason: null };
}
