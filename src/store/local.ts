/** This host's own store. Its statements are synchronous, so nothing can come between the steps of a transaction. */

import { StoreError } from '../core/errors.ts';
import type { JournalEvent, NewEvent } from '../core/events.ts';
import type { Activation, Incident, IncidentStep, RecoveryRow, SwapRow } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import type { EventFilter, HitRow, LocalStore, SessionRow } from '../ports.ts';
import { insertActivation, readActivations } from './activations.ts';
import { asStoreError } from './failures.ts';
import { deleteHit, readHit, readHits, upsertHit } from './hits.ts';
import { appendSteps, insertIncident, readIncident, readIncidents, setResult } from './incidents.ts';
import { appendEvents, readEvents } from './journal.ts';
import type { JsonColumns } from './json.ts';
import { readMeta, touchProbe, writeMeta } from './meta.ts';
import { readOpenRecoveries, readRecoveries, saveRecoveries } from './recoveries.ts';
import { deleteSession, readSessions, upsertSessions } from './sessions.ts';
import type { Connection } from './sqlite.ts';
import type { SwapChange } from './swaps.ts';
import { changeSwap, insertSwap, readSwap, readSwaps, readUnfinishedSwaps } from './swaps.ts';
import type { WriteQueue } from './write-queue.ts';

/** The half of the local store that changes nothing. */
export type LocalReads = Pick<
  LocalStore,
  | 'events'
  | 'swap'
  | 'swaps'
  | 'unfinishedSwaps'
  | 'incident'
  | 'incidents'
  | 'openRecoveries'
  | 'recoveries'
  | 'activations'
  | 'hit'
  | 'hits'
  | 'sessions'
  | 'meta'
>;

export class SqliteLocalReads implements LocalReads {
  readonly #db: Connection;
  readonly #json: JsonColumns;

  constructor(db: Connection, json: JsonColumns) {
    this.#db = db;
    this.#json = json;
  }

  events(filter: EventFilter): Promise<readonly JournalEvent[]> {
    return this.#read((db) => readEvents(db, filter, this.#json));
  }

  swap(id: string): Promise<SwapRow | null> {
    return this.#read((db) => readSwap(db, id, this.#json));
  }

  swaps(filter: { readonly pool?: string; readonly sinceAt?: EpochMs; readonly limit: number }) {
    return this.#read((db) => readSwaps(db, filter, this.#json));
  }

  unfinishedSwaps(): Promise<readonly SwapRow[]> {
    return this.#read((db) => readUnfinishedSwaps(db, this.#json));
  }

  incident(swapId: string): Promise<Incident | null> {
    return this.#read((db) => readIncident(db, swapId, this.#json));
  }

  incidents(limit: number): Promise<readonly Incident[]> {
    return this.#read((db) => readIncidents(db, limit, this.#json));
  }

  openRecoveries(): Promise<readonly RecoveryRow[]> {
    return this.#read((db) => readOpenRecoveries(db, this.#json));
  }

  recoveries(swapId: string): Promise<readonly RecoveryRow[]> {
    return this.#read((db) => readRecoveries(db, swapId, this.#json));
  }

  activations(pool: string, limit: number): Promise<readonly Activation[]> {
    return this.#read((db) => readActivations(db, pool, limit));
  }

  hit(fingerprint: string): Promise<HitRow | null> {
    return this.#read((db) => readHit(db, fingerprint));
  }

  hits(pool: string): Promise<readonly HitRow[]> {
    return this.#read((db) => readHits(db, pool));
  }

  sessions(): Promise<readonly SessionRow[]> {
    return this.#read(readSessions);
  }

  meta(key: string): Promise<string | null> {
    return this.#read((db) => readMeta(db, key));
  }

  async #read<T>(body: (db: Connection) => T): Promise<T> {
    try {
      return body(this.#db);
    } catch (error) {
      throw asStoreError(error, this.#db.name);
    }
  }
}

export class SqliteLocalStore extends SqliteLocalReads implements LocalStore {
  readonly #db: Connection;
  readonly #json: JsonColumns;
  readonly #queue: WriteQueue;

  constructor(db: Connection, json: JsonColumns, queue: WriteQueue) {
    super(db, json);
    this.#db = db;
    this.#json = json;
    this.#queue = queue;
  }

  append(events: readonly NewEvent[], at: EpochMs): Promise<void> {
    return this.#write((db) => appendEvents(db, events, at));
  }

  /** The events happen at the incident's instant. */
  createSwap(swap: SwapRow, incident: Incident, events: readonly NewEvent[]): Promise<void> {
    return this.#write((db) => {
      insertSwap(db, swap);
      insertIncident(db, incident);
      appendEvents(db, events, incident.at);
    });
  }

  updateSwap(
    id: string,
    change: SwapChange,
    also: {
      readonly at: EpochMs;
      readonly steps?: readonly IncidentStep[];
      readonly result?: Readonly<Record<string, unknown>>;
      readonly events?: readonly NewEvent[];
      readonly activation?: Activation;
      readonly recoveries?: readonly RecoveryRow[];
    },
  ): Promise<SwapRow> {
    return this.#write((db) => {
      changeSwap(db, id, change);
      const swap = readSwap(db, id, this.#json);
      if (swap === null) throw new StoreError('swap_unknown', `no swap with the id ${id} is stored`);
      appendSteps(db, id, also.steps ?? []);
      if (also.result !== undefined) setResult(db, id, also.result);
      if (also.activation !== undefined) insertActivation(db, also.activation);
      saveRecoveries(db, also.recoveries ?? []);
      appendEvents(db, also.events ?? [], also.at);
      return swap;
    });
  }

  /** The events happen when the row entered its present state. */
  saveRecovery(row: RecoveryRow, events: readonly NewEvent[] = []): Promise<void> {
    return this.#write((db) => {
      saveRecoveries(db, [row]);
      appendEvents(db, events, row.stateSince);
    });
  }

  /** The events happen at the activation's instant. */
  recordActivation(activation: Activation, events: readonly NewEvent[] = []): Promise<void> {
    return this.#write((db) => {
      insertActivation(db, activation);
      appendEvents(db, events, activation.since);
    });
  }

  saveHit(hit: HitRow): Promise<void> {
    return this.#write((db) => upsertHit(db, hit));
  }

  dropHit(fingerprint: string): Promise<void> {
    return this.#write((db) => deleteHit(db, fingerprint));
  }

  saveSessions(rows: readonly SessionRow[]): Promise<void> {
    return this.#write((db) => upsertSessions(db, rows));
  }

  removeSession(id: string): Promise<void> {
    return this.#write((db) => deleteSession(db, id));
  }

  setMeta(key: string, value: string | null): Promise<void> {
    return this.#write((db) => writeMeta(db, key, value));
  }

  probe(): Promise<void> {
    return this.#write(touchProbe);
  }

  async #write<T>(body: (db: Connection) => T): Promise<T> {
    try {
      return await this.#queue.run(() => this.#db.transaction(body).immediate(this.#db));
    } catch (error) {
      throw asStoreError(error, this.#db.name);
    }
  }
}
