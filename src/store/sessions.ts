/** The table of agent sessions as last seen. */
import type { SessionRow } from '../ports.ts';
import { wholeMs } from './instant.ts';
import type { SessionTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select, upsert } from './sqlite.ts';

export function upsertSessions(db: Connection, rows: readonly SessionRow[]): void {
  upsert(db, 'sessions', 'id', rows.map(toCells));
}

export function deleteSession(db: Connection, id: string): void {
  db.prepare('delete from sessions where id = ?').run(id);
}

/** By server and label. */
export function readSessions(db: Connection): readonly SessionRow[] {
  return select(db, 'sessions', 'order by server, label, id').map(toSession);
}

function toCells(row: SessionRow): SessionTable {
  return {
    id: row.id,
    server: row.server,
    session_name: row.sessionName,
    label: row.label,
    pane_id: row.paneId,
    pane_pid: row.panePid,
    pool: row.pool,
    kind: row.kind,
    agent: row.agent,
    version: row.version,
    cwd: row.cwd,
    agent_pid: row.agentPid,
    agent_start_ticks: row.agentStartTicks,
    session_id: row.sessionId,
    launched_under: row.launchedUnder,
    launch_confidence: row.launchConfidence,
    state: row.state,
    state_reason: row.stateReason,
    state_since: wholeMs(row.stateSince),
    last_seen_at: wholeMs(row.lastSeenAt),
  };
}

function toSession(row: SessionTable): SessionRow {
  return {
    id: row.id,
    server: row.server,
    sessionName: row.session_name,
    label: row.label,
    paneId: row.pane_id,
    panePid: row.pane_pid,
    pool: row.pool,
    kind: row.kind as SessionRow['kind'],
    agent: row.agent,
    version: row.version,
    cwd: row.cwd,
    agentPid: row.agent_pid,
    agentStartTicks: row.agent_start_ticks,
    sessionId: row.session_id,
    launchedUnder: row.launched_under,
    launchConfidence: row.launch_confidence as SessionRow['launchConfidence'],
    state: row.state as SessionRow['state'],
    stateReason: row.state_reason,
    stateSince: row.state_since,
    lastSeenAt: row.last_seen_at,
  };
}
