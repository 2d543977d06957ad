/** The pool store as a swap sees it: when it does not answer, the newest known view stands in, and what was to be written is owed. */
import type { AccountRow, AccountStatus } from '../core/accounts.ts';
import type { QuotaWindow } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import type { QuotaRecord } from '../core/quota/record.ts';
import type { EpochMs } from '../core/time.ts';
import { MINUTE, SECOND } from '../core/time.ts';
import type { Clock, Logger, PoolStore, QuotaChange } from '../ports.ts';

export interface SteadyPorts {
  readonly store: PoolStore;
  readonly clock: Pick<Clock, 'monotonic' | 'deadline'>;
  readonly log: Logger;
}

/** How long a call may take before the newest known view stands in for it. */
const PATIENCE_MS = 250;
/** How old that view may be: after this the store counts as gone, and what needs it fails. */
const KNOWN_FOR_MS = MINUTE;
/** A store that does not answer is asked again this often, while nobody waits for it. */
const ASK_AGAIN_MS = SECOND;

/** A late write that fails this often is given up: it is wrong in itself. */
const MAX_TRIES = 5;

/** What was read last, and from when it is. */
interface Known<T> {
  readonly value: T;
  readonly sinceMs: number;
}

interface Slot<T> {
  known: Known<T> | null;
  askedMs: number;
}

/** A change that the store has not confirmed; once it is late, every view is shown with it. */
interface Owed<T = unknown> {
  /** For the log. */
  readonly what: string;
  readonly run: () => Promise<T>;
  readonly quota?: readonly QuotaChange[];
  readonly accounts?: (rows: readonly AccountRow[]) => readonly AccountRow[];
  /** Nobody waits for it any more. */
  isLate: boolean;
  tries: number;
}

/**
 * Reads of accounts, records and counts, and the writes that a swap passes, wait no longer than `PATIENCE_MS` for the store
 * behind it, and not at all while that is known to be slow. What fails at once fails as it does there.
 *
 * Writes reach the store one after another; one that fails when nobody waits for it any more is made again as soon as the
 * store answers. The store behind ends every call at some time.
 */
export class SteadyStore implements PoolStore {
  readonly #store: PoolStore;
  readonly #clock: SteadyPorts['clock'];
  readonly #log: Logger;
  readonly #accounts: Slot<readonly AccountRow[]> = emptySlot();
  readonly #quota: Slot<readonly QuotaRecord[]> = emptySlot();
  readonly #counts: Slot<ReadonlyMap<string, number>> = emptySlot();
  /** In the order in which they were asked for. */
  readonly #owed: Owed[] = [];
  readonly #failed = new Set<Owed>();
  #tail: Promise<unknown> = Promise.resolve();
  #isSlow = false;

  // What no swap waits for goes to the store itself.
  readonly ensureAccounts: PoolStore['ensureAccounts'] = (...args) => this.#store.ensureAccounts(...args);
  readonly removeAccounts: PoolStore['removeAccounts'] = (...args) => this.#store.removeAccounts(...args);
  readonly setStatus: PoolStore['setStatus'] = (...args) => this.#store.setStatus(...args);
  readonly setIdentity: PoolStore['setIdentity'] = (...args) => this.#store.setIdentity(...args);
  readonly acquireLease: PoolStore['acquireLease'] = (...args) => this.#store.acquireLease(...args);
  readonly renewLeases: PoolStore['renewLeases'] = (...args) => this.#store.renewLeases(...args);
  readonly releaseLease: PoolStore['releaseLease'] = (...args) => this.#store.releaseLease(...args);
  readonly releaseLeases: PoolStore['releaseLeases'] = (...args) => this.#store.releaseLeases(...args);
  readonly leases: PoolStore['leases'] = (...args) => this.#store.leases(...args);

  constructor({ store, clock, log }: SteadyPorts) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws {StoreError} also `store_slow`: no answer in time, and nothing that is known is young enough */
  async accounts(): Promise<readonly AccountRow[]> {
    return accountsWith(await this.#read(this.#accounts, () => this.#store.accounts()), this.#owed);
  }

  /** @throws {StoreError} also `store_slow` */
  async quota(): Promise<readonly QuotaRecord[]> {
    return recordsWith(await this.#read(this.#quota, () => this.#store.quota()), this.#owed);
  }

  /** @throws {StoreError} also `store_slow` */
  leaseCounts(now: EpochMs): Promise<ReadonlyMap<string, number>> {
    return this.#read(this.#counts, () => this.#store.leaseCounts(now));
  }

  async mergeQuota(account: string, window: QuotaWindow, merge: QuotaChange['merge']): Promise<QuotaRecord | null> {
    const [record] = await this.mergeQuotas([{ account, window, merge }]);
    return record ?? null;
  }

  mergeQuotas(changes: readonly QuotaChange[]): Promise<readonly (QuotaRecord | null)[]> {
    const what = changes.map(({ account, window }) => `${account} ${window}`).join(', ');
    const owed = this.#owe({ what, quota: changes, run: () => this.#store.mergeQuotas(changes) });
    return this.#write(owed, async () => {
      const records = await this.quota();
      return changes.map((change) => records.find((record) => isOf(record, change)) ?? null);
    });
  }

  markActive(to: string, from: string | null, at: EpochMs): Promise<void> {
    const owed = this.#owe({
      what: `${to} is active`,
      accounts: (rows) => rows.map((row) => movedMark(row, rows, to, from, at)),
      run: () => this.#store.markActive(to, from, at),
    });
    return this.#write(owed, async () => undefined);
  }

  moveStatus(
    account: string,
    from: AccountStatus,
    to: AccountStatus,
    reason: string | null,
    credentialsMtimeMs: number | null,
  ): Promise<boolean> {
    const earlier = [...this.#owed];
    const isMoved = (row: AccountRow): boolean => row.name === account && row.status === from;
    const owed = this.#owe({
      what: `${account} is ${to}`,
      accounts: (rows) =>
        rows.map((row) => (isMoved(row) ? { ...row, status: to, statusReason: reason, credentialsMtimeMs } : row)),
      run: () => this.#store.moveStatus(account, from, to, reason, credentialsMtimeMs),
    });
    return this.#write(owed, async () =>
      accountsWith(await this.#read(this.#accounts, () => this.#store.accounts()), earlier).some(isMoved),
    );
  }

  async #read<T>(slot: Slot<T>, ask: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonic();
    const known = slot.known !== null && nowMs - slot.known.sinceMs <= KNOWN_FOR_MS ? slot.known : null;
    if (known !== null && this.#isSlow && nowMs - slot.askedMs < ASK_AGAIN_MS) return known.value;
    const answer = this.#ask(slot, ask, nowMs);
    if (known !== null && this.#isSlow) {
      answer.catch(() => undefined);
      return known.value;
    }
    const first = await this.#inTime(answer);
    if (first !== LATE) return first.value;
    if (known !== null) return known.value;
    throw new StoreError('store_slow', `the pool store has not answered for ${PATIENCE_MS} ms`, {
      hint: 'it is asked again every second; see whether its database is reachable',
    });
  }

  async #ask<T>(slot: Slot<T>, ask: () => Promise<T>, sinceMs: number): Promise<T> {
    slot.askedMs = sinceMs;
    const value = await ask();
    // An answer that was overtaken is older news.
    if (slot.known === null || slot.known.sinceMs <= sinceMs) slot.known = { value, sinceMs };
    if (this.#clock.monotonic() - sinceMs <= PATIENCE_MS) this.#setSlow(false);
    for (const owed of this.#failed) {
      this.#failed.delete(owed);
      this.#perform(owed).catch(() => undefined);
    }
    return value;
  }

  #owe<T>(change: Omit<Owed<T>, 'isLate' | 'tries'>): Owed<T> {
    const owed = { ...change, isLate: false, tries: 0 };
    this.#owed.push(owed);
    return owed;
  }

  /** @param preview  what the answer will be, from the newest known view with everything that is owed */
  async #write<T>(owed: Owed<T>, preview: () => Promise<T>): Promise<T> {
    owed.isLate = this.#isSlow;
    const done = this.#perform(owed);
    const first = owed.isLate ? LATE : await this.#inTime(done, owed);
    if (first !== LATE) return first.value;
    done.catch(() => undefined);
    return preview();
  }

  #perform<T>(owed: Owed<T>): Promise<T> {
    const done = this.#tail.then(async () => {
      try {
        const value = await owed.run();
        this.#keep(owed);
        this.#forget(owed);
        return value;
      } catch (error) {
        owed.tries += 1;
        const isKept = owed.isLate && owed.tries < MAX_TRIES;
        if (isKept) this.#failed.add(owed);
        else this.#forget(owed);
        if (owed.isLate) {
          const { what, tries } = owed;
          this.#log.warn(
            { what, tries, err: error },
            `a late write to the pool store failed${isKept ? '' : ' for good'}`,
          );
        }
        throw error;
      }
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** What was read before it was written does not hold it. */
  #keep(owed: Owed): void {
    const { known: quota } = this.#quota;
    if (quota !== null) this.#quota.known = { ...quota, value: recordsWith(quota.value, [owed]) };
    const { known: accounts } = this.#accounts;
    if (accounts !== null) this.#accounts.known = { ...accounts, value: accountsWith(accounts.value, [owed]) };
  }

  #forget(owed: Owed): void {
    const at = this.#owed.indexOf(owed);
    if (at >= 0) this.#owed.splice(at, 1);
  }

  /** @returns `LATE`: no answer in time, and from now on nobody waits until the store answers in time again */
  async #inTime<T>(answer: Promise<T>, owed?: Owed<T>): Promise<{ readonly value: T } | typeof LATE> {
    const { signal, clear } = this.#clock.deadline(PATIENCE_MS);
    const late = new Promise<typeof LATE>((resolve) => {
      const giveUp = (): void => {
        if (owed !== undefined) owed.isLate = true;
        this.#setSlow(true);
        resolve(LATE);
      };
      signal.addEventListener('abort', giveUp, { once: true });
    });
    try {
      return await Promise.race([answer.then((value) => ({ value })), late]);
    } finally {
      clear();
    }
  }

  #setSlow(isSlow: boolean): void {
    if (this.#isSlow === isSlow) return;
    this.#isSlow = isSlow;
    if (isSlow) this.#log.warn({ patienceMs: PATIENCE_MS }, 'the pool store is slow: the newest known view stands in');
    else this.#log.info({}, 'the pool store answers again');
  }
}

const LATE = Symbol('late');

function isLate(owed: Owed): boolean {
  return owed.isLate;
}

function emptySlot<T>(): Slot<T> {
  return { known: null, askedMs: Number.NEGATIVE_INFINITY };
}

function accountsWith(rows: readonly AccountRow[], owed: readonly Owed[]): readonly AccountRow[] {
  return owed.filter(isLate).reduce((changed, { accounts }) => accounts?.(changed) ?? changed, rows);
}

/** Merging twice what the store has taken already changes nothing. */
function recordsWith(records: readonly QuotaRecord[], owed: readonly Owed[]): readonly QuotaRecord[] {
  let changed = records;
  for (const change of owed.filter(isLate).flatMap(({ quota }) => quota ?? [])) {
    const current = changed.find((record) => isOf(record, change)) ?? null;
    const merged = change.merge(current);
    if (merged !== null && merged !== current) changed = [...changed.filter((record) => record !== current), merged];
  }
  return changed;
}

function isOf(record: QuotaRecord, { account, window }: QuotaChange): boolean {
  return record.account === account && record.window === window;
}

/** As the store moves the mark: whichever account of the pool was marked before is left. */
function movedMark(
  row: AccountRow,
  rows: readonly AccountRow[],
  to: string,
  from: string | null,
  at: EpochMs,
): AccountRow {
  if (row.name === to) return { ...row, activeSince: at };
  const isOfPool = rows.some(({ name, pool }) => name === to && pool === row.pool);
  return isOfPool && (row.activeSince !== null || row.name === from) ? { ...row, activeSince: null, leftAt: at } : row;
}
