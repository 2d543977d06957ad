/** The tables of incidents: what was seen, decided and done for each swap. */
import { asObject, type JsonObject } from '../core/json.ts';
import type { Incident, IncidentStep } from '../core/swap/swap.ts';
import { wholeMs } from './instant.ts';
import type { JsonColumns } from './json.ts';
import { asListOf } from './json.ts';
import type { IncidentTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { insert, select, update } from './sqlite.ts';

export function insertIncident(db: Connection, incident: Incident): void {
  insert(db, 'incidents', {
    id: incident.id,
    swap_id: incident.swapId,
    pool: incident.pool,
    at: wholeMs(incident.at),
    screen: incident.screen,
    evidence_json: JSON.stringify(incident.evidence),
    decision_json: JSON.stringify(incident.decision),
    result_json: incident.result === null ? null : JSON.stringify(incident.result),
  });
  appendSteps(db, incident.swapId, incident.steps);
}

export function appendSteps(db: Connection, swapId: string, steps: readonly IncidentStep[]): void {
  for (const step of steps) {
    insert(db, 'incident_steps', {
      swap_id: swapId,
      at: wholeMs(step.at),
      step: step.step,
      duration_ms: step.durationMs,
      detail_json: JSON.stringify(step.detail),
    });
  }
}

export function setResult(db: Connection, swapId: string, result: JsonObject): void {
  update(db, 'incidents', 'swap_id', swapId, { result_json: JSON.stringify(result) });
}

export function readIncident(db: Connection, swapId: string, json: JsonColumns): Incident | null {
  const row = select(db, 'incidents', 'where swap_id = ?', [swapId])[0];
  return row === undefined ? null : toIncident(db, row, json);
}

/** Newest first. */
export function readIncidents(db: Connection, limit: number, json: JsonColumns): readonly Incident[] {
  return select(db, 'incidents', 'order by at desc, rowid desc limit ?', [limit]).map((row) =>
    toIncident(db, row, json),
  );
}

function toIncident(db: Connection, row: IncidentTable, json: JsonColumns): Incident {
  const column = (name: string) => `incidents.${name} of ${row.id}`;
  return {
    id: row.id,
    swapId: row.swap_id,
    pool: row.pool,
    at: row.at,
    screen: row.screen,
    evidence: json.read(row.evidence_json, column('evidence_json'), (value) => asListOf(value, asObject), []),
    decision: json.record(row.decision_json, column('decision_json')),
    steps: readSteps(db, row.swap_id, json),
    result: row.result_json === null ? null : json.record(row.result_json, column('result_json')),
  };
}

function readSteps(db: Connection, swapId: string, json: JsonColumns): readonly IncidentStep[] {
  return select(db, 'incident_steps', 'where swap_id = ? order by id', [swapId]).map((row) => ({
    at: row.at,
    step: row.step,
    durationMs: row.duration_ms,
    detail: json.record(row.detail_json, `incident_steps.detail_json of ${row.id}`),
  }));
}
