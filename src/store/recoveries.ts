/** The table of recoveries: where each pane of a swap stands on the ladder. */
import { asObject } from '../core/json.ts';
import type { RecoveredBy, RecoveryRow, RecoveryState } from '../core/swap/swap.ts';
import { OPEN_RECOVERY } from '../core/swap/swap.ts';
import { wholeMs } from './instant.ts';
import type { JsonColumns } from './json.ts';
import { asListOf } from './json.ts';
import type { RecoveryTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select, upsert } from './sqlite.ts';

export function saveRecoveries(db: Connection, rows: readonly RecoveryRow[]): void {
  upsert(db, 'recoveries', 'id', rows.map(toCells));
}

/** Oldest first. */
export function readOpenRecoveries(db: Connection, json: JsonColumns): readonly RecoveryRow[] {
  const states = OPEN_RECOVERY.map(() => '?').join(', ');
  return select(db, 'recoveries', `where state in (${states}) order by started_at, rowid`, OPEN_RECOVERY).map((row) =>
    toRecovery(row, json),
  );
}

/** Oldest first. */
export function readRecoveries(db: Connection, swapId: string, json: JsonColumns): readonly RecoveryRow[] {
  return select(db, 'recoveries', 'where swap_id = ? order by started_at, rowid', [swapId]).map((row) =>
    toRecovery(row, json),
  );
}

function toCells(row: RecoveryRow): RecoveryTable {
  return {
    id: row.id,
    swap_id: row.swapId,
    server: row.pane.server,
    server_pid: row.pane.serverPid,
    server_started_at_s: row.pane.serverStartedAtS,
    pane_id: row.pane.paneId,
    pane_pid: row.pane.panePid,
    label: row.label,
    session_id: row.sessionId,
    version: row.version,
    launch_json: row.launch === null ? null : JSON.stringify(row.launch),
    state: row.state,
    state_since: wholeMs(row.stateSince),
    started_at: wholeMs(row.startedAt),
    finished_at: wholeMs(row.finishedAt),
    prompted_at: wholeMs(row.promptedAt),
    enters: row.enters,
    prompts: row.prompts,
    recovered_by: row.recoveredBy,
    reason: row.reason,
  };
}

function toRecovery(row: RecoveryTable, json: JsonColumns): RecoveryRow {
  return {
    id: row.id,
    swapId: row.swap_id,
    pane: {
      server: row.server,
      serverPid: row.server_pid,
      serverStartedAtS: row.server_started_at_s,
      paneId: row.pane_id,
      panePid: row.pane_pid,
    },
    label: row.label,
    sessionId: row.session_id,
    version: row.version,
    launch:
      row.launch_json === null
        ? null
        : json.read<RecoveryRow['launch']>(row.launch_json, `recoveries.launch_json of ${row.id}`, asLaunch, null),
    state: row.state as RecoveryState,
    stateSince: row.state_since,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    promptedAt: row.prompted_at,
    enters: row.enters,
    prompts: row.prompts,
    recoveredBy: row.recovered_by as RecoveredBy | null,
    reason: row.reason,
  };
}

/** A launch that is not whole is no launch: half of an argv must never be started. */
function asLaunch(value: unknown): RecoveryRow['launch'] {
  const launch = asObject(value);
  const argv = asListOf(launch?.argv, (word) => (typeof word === 'string' ? word : null));
  if (launch === null || argv === null) return null;
  const { cwd, configDir, pid, startTicks } = launch;
  if (typeof cwd !== 'string' || typeof pid !== 'number' || typeof startTicks !== 'string') return null;
  if (typeof configDir !== 'string' && configDir !== null) return null;
  const size = typeof launch.screenSize === 'number' ? { screenSize: launch.screenSize } : {};
  return { argv, ...flags(launch), ...size, cwd, configDir, pid, startTicks };
}

function flags(launch: Readonly<Record<string, unknown>>): Partial<Record<(typeof FLAGS)[number], true>> {
  return Object.fromEntries(FLAGS.filter((flag) => launch[flag] === true).map((flag) => [flag, true]));
}

const FLAGS = ['argumentsLost', 'stopFirst', 'wasIdle', 'limitStood', 'isFresh', 'retyped'] as const;
