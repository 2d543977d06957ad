/** Rows with defaults, so that a test names only what it is about. */

import type { QuotaRecord } from '../../../src/core/quota/record.ts';
import type { Incident, RecoveryRow, SwapRow } from '../../../src/core/swap/swap.ts';
import type { HitRow, SessionRow } from '../../../src/ports.ts';

export const NOON = Date.parse('2026-01-05T12:00:00Z');

/** How long a program of the tests waits for the database: another one may be stopped while it writes. */
export const BUSY_MS = 60_000;

export function aSwap(change: Partial<SwapRow> = {}): SwapRow {
  return {
    id: 'swap-1',
    pool: 'claude',
    from: 'work',
    to: 'spare',
    trigger: 'limit',
    triggerPane: 'api:0.0',
    reason: 'session-limit',
    resetAt: NOON + 3_600_000,
    phase: 'prepared',
    requestedAt: NOON,
    startedAt: NOON + 5,
    flippedAt: null,
    finishedAt: null,
    error: null,
    fromTarget: 'homes/work',
    toTarget: 'homes/spare',
    locks: [{ path: '/h/work/.lock', inode: '7:42' }],
    ...change,
  };
}

export function anIncident(swapId: string, change: Partial<Incident> = {}): Incident {
  return {
    id: `incident-of-${swapId}`,
    swapId,
    pool: 'claude',
    at: NOON + 5,
    screen: 'You have hit your limit',
    evidence: [{ source: 'screen', pattern: 'session-limit' }],
    decision: { kind: 'swap', to: 'spare' },
    steps: [],
    result: null,
    ...change,
  };
}

export function aRecovery(swapId: string, change: Partial<RecoveryRow> = {}): RecoveryRow {
  return {
    id: `${swapId}/1`,
    swapId,
    pane: { server: 'default', serverPid: 100, serverStartedAtS: 1_767_600_000, paneId: '%0', panePid: 200 },
    label: 'api:0.0',
    sessionId: null,
    version: '2.1.92',
    launch: { argv: ['claude', '--resume'], cwd: '/src/api', configDir: null, pid: 201, startTicks: '777' },
    state: 'waiting',
    stateSince: NOON + 10,
    startedAt: NOON + 10,
    finishedAt: null,
    promptedAt: null,
    enters: 0,
    prompts: 0,
    recoveredBy: null,
    reason: null,
    ...change,
  };
}

export function aSession(change: Partial<SessionRow> = {}): SessionRow {
  return {
    id: 'default 100.1767600000 %0 200',
    server: 'default',
    sessionName: 'api',
    label: 'api:0.0',
    paneId: '%0',
    panePid: 200,
    pool: 'claude',
    kind: 'adopted',
    agent: 'claude',
    version: null,
    cwd: '/src/api',
    agentPid: 201,
    agentStartTicks: '777',
    sessionId: null,
    launchedUnder: 'work',
    launchConfidence: 'assumed',
    state: 'working',
    stateReason: null,
    stateSince: NOON,
    lastSeenAt: NOON,
    ...change,
  };
}

export function aHit(change: Partial<HitRow> = {}): HitRow {
  return {
    fingerprint: 'f1',
    pool: 'claude',
    pane: 'api:0.0',
    account: 'work',
    window: '5h',
    firstSeenAt: NOON,
    lastSeenAt: NOON,
    swapId: null,
    ...change,
  };
}

export function aQuotaRecord(change: Partial<QuotaRecord> = {}): QuotaRecord {
  return {
    account: 'work',
    window: '5h',
    used: 0.25,
    limitReached: false,
    resetAt: null,
    lockUntil: null,
    source: 'statusline',
    updatedAt: NOON,
    verifyRequired: false,
    ...change,
  };
}
