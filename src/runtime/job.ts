/** One loop under supervision: runs its ticks, one at a time, and keeps the account of them. */
import { FatalError } from '../core/errors.ts';
import { type EpochMs, formatDuration, MINUTE, SECOND } from '../core/time.ts';
import type { Clock, Logger, Loop } from '../ports.ts';
import type { JobState, JobView, TickOutcome } from './job-view.ts';

const DEFAULT_DEADLINE_MS = MINUTE;
/** How long after its deadline a tick may still take to let go before it counts as late. */
const LET_GO_MS = 5 * SECOND;
/** How long after its due time a waiting loop still counts as well: a busy machine wakes timers late. */
const OVERDUE_MS = 30 * SECOND;
const BACK_OFF_BASE_MS = SECOND;
const BACK_OFF_MAX_MS = 5 * MINUTE;
const DEGRADED_AFTER = 5;

export interface JobParts<Config> {
  readonly loop: Loop<Config>;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly stop: AbortSignal;
  /** Called before each tick. */
  readonly onTick: () => void;
  readonly onFatal: (error: FatalError) => void;
}

export class Job<Config> {
  readonly #parts: JobParts<Config>;
  readonly #deadlineMs: number;
  #running: { readonly since: number; readonly done: Promise<TickOutcome> } | null = null;
  #pause: {
    readonly dueMs: number;
    readonly dueAt: EpochMs;
    readonly isBackOff: boolean;
    readonly cut: () => void;
  } | null = null;
  #pauseMs = 0;
  #wokenBy: 'none' | 'name' | 'all' = 'none';
  #lastStartedAt: EpochMs | null = null;
  #lastDurationMs: number | null = null;
  #lastResult: 'ok' | 'failed' | null = null;
  #lastError: string | null = null;
  #lastSuccessAt: EpochMs | null = null;
  #runs = 0;
  #failures = 0;
  #consecutiveFailures = 0;
  #skipped = 0;

  constructor(parts: JobParts<Config>) {
    this.#parts = parts;
    this.#deadlineMs = parts.loop.deadlineMs ?? DEFAULT_DEADLINE_MS;
  }

  get name(): string {
    return this.#parts.loop.name;
  }

  /** The tick that runs now, if any. */
  get inFlight(): Promise<TickOutcome> | null {
    return this.#running?.done ?? null;
  }

  /** Ticks and pauses until the supervisor stops. */
  async run(): Promise<void> {
    const { stop } = this.#parts;
    while (!stop.aborted) {
      const outcome = await this.tickOnce();
      if (outcome.result === 'skipped') await this.inFlight;
      if (!stop.aborted) await this.#rest();
    }
  }

  /** One tick, unless one is running already. Never throws. */
  tickOnce(): Promise<TickOutcome> {
    if (this.#running !== null || this.#parts.stop.aborted) {
      this.#skipped += 1;
      return Promise.resolve({ name: this.name, result: 'skipped' });
    }
    const since = this.#parts.clock.monotonic();
    // One microtask later, so that whatever the tick calls finds it marked as running.
    const done = Promise.resolve().then(() => this.#tick(since));
    this.#running = { since, done };
    return done;
  }

  /** Cuts the pause short. A wake during a tick counts for the pause after it. Only `evenBackOff` ends a back-off. */
  wake(evenBackOff: boolean): void {
    if (this.#pause === null) {
      if (this.#wokenBy !== 'all') this.#wokenBy = evenBackOff ? 'all' : 'name';
    } else if (evenBackOff || !this.#pause.isBackOff) {
      this.#pause.cut();
    }
  }

  /** Inside a tick within its deadline, in a declared pause, or not started. */
  isHealthy(): boolean {
    if (this.#isLate()) return false;
    if (this.#running !== null || this.#pause === null || this.#parts.stop.aborted) return true;
    return this.#parts.clock.monotonic() <= this.#pause.dueMs + OVERDUE_MS;
  }

  view(): JobView {
    return {
      name: this.name,
      state: this.#state(),
      lastStartedAt: this.#lastStartedAt,
      lastDurationMs: this.#lastDurationMs,
      lastResult: this.#lastResult,
      lastError: this.#lastError,
      lastSuccessAt: this.#lastSuccessAt,
      nextAt: this.#pause !== null && Number.isFinite(this.#pause.dueAt) ? this.#pause.dueAt : null,
      runs: this.#runs,
      failures: this.#failures,
      consecutiveFailures: this.#consecutiveFailures,
      skipped: this.#skipped,
      degraded: this.#consecutiveFailures >= DEGRADED_AFTER,
    };
  }

  #state(): JobState {
    if (this.#running !== null) return this.#isLate() ? 'late' : 'running';
    if (this.#parts.stop.aborted) return 'stopped';
    return this.#pause?.isBackOff ? 'back-off' : 'idle';
  }

  #isLate(): boolean {
    const since = this.#running?.since;
    return since !== undefined && this.#parts.clock.monotonic() >= since + this.#deadlineMs + LET_GO_MS;
  }

  async #tick(since: number): Promise<TickOutcome> {
    const { loop, config, clock, log, stop } = this.#parts;
    const deadline = clock.deadline(this.#deadlineMs, stop);
    const ended = new AbortController();
    const watch = this.#watchLateness(ended.signal);
    let outcome: TickOutcome;
    try {
      this.#parts.onTick();
      const now = clock.now();
      this.#runs += 1;
      this.#lastStartedAt = now;
      await loop.tick({ config: config(), now, signal: deadline.signal, log });
      this.#pauseMs = this.#intervalMs();
      outcome = { name: loop.name, result: 'ok' };
    } catch (error) {
      const isOverdue = deadline.signal.aborted && !stop.aborted;
      outcome = { name: loop.name, result: 'failed', error: isOverdue ? this.#overdue(error) : error };
    }
    deadline.clear();
    ended.abort();
    await watch;
    this.#lastDurationMs = clock.monotonic() - since;
    this.#running = null;
    this.#book(outcome);
    return outcome;
  }

  #overdue(cause: unknown): Error {
    return new Error(`the tick was ended after its deadline of ${formatDuration(this.#deadlineMs)}`, { cause });
  }

  async #watchLateness(ended: AbortSignal): Promise<void> {
    await this.#parts.clock.sleep(this.#deadlineMs + LET_GO_MS, ended);
    if (ended.aborted) return;
    this.#parts.log.error({ deadlineMs: this.#deadlineMs }, 'a tick ignores its deadline; the loop waits for it');
  }

  #book(outcome: TickOutcome): void {
    const { clock, log, stop } = this.#parts;
    if (outcome.result === 'failed') {
      if (outcome.error instanceof FatalError) {
        this.#bookFailure(outcome.error);
        this.#parts.onFatal(outcome.error);
      } else if (stop.aborted) log.debug({ error: outcome.error }, 'a tick ended with the daemon');
      else this.#bookFailure(outcome.error);
      return;
    }
    if (this.#consecutiveFailures > 0) log.info({ failures: this.#consecutiveFailures }, 'the loop works again');
    this.#consecutiveFailures = 0;
    this.#lastResult = 'ok';
    this.#lastSuccessAt = clock.now();
  }

  #bookFailure(error: unknown): void {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const isRepeat = this.#consecutiveFailures > 0 && said === this.#lastError;
    this.#failures += 1;
    this.#consecutiveFailures += 1;
    this.#lastResult = 'failed';
    this.#lastError = said;
    const facts = { error, failures: this.#consecutiveFailures };
    this.#parts.log[isRepeat ? 'debug' : 'warn'](facts, 'a tick failed');
    if (this.#consecutiveFailures === DEGRADED_AFTER) this.#parts.log.error(facts, 'the loop is degraded');
  }

  async #rest(): Promise<void> {
    const { clock, stop } = this.#parts;
    const isBackOff = this.#consecutiveFailures > 0;
    const woken = this.#wokenBy;
    this.#wokenBy = 'none';
    if (woken === 'all' || (woken === 'name' && !isBackOff)) return;
    const pauseMs = isBackOff ? this.#backOffMs() : this.#pauseMs;
    const cut = new AbortController();
    const end = (): void => cut.abort();
    stop.addEventListener('abort', end);
    this.#pause = { dueMs: clock.monotonic() + pauseMs, dueAt: clock.now() + pauseMs, isBackOff, cut: end };
    await clock.sleep(pauseMs, cut.signal);
    stop.removeEventListener('abort', end);
    this.#pause = null;
  }

  #backOffMs(): number {
    const doubled = BACK_OFF_BASE_MS * 2 ** Math.min(this.#consecutiveFailures - 1, 20);
    return Math.min(BACK_OFF_MAX_MS, Math.round(doubled * (1 + this.#parts.random() / 4)));
  }

  #intervalMs(): number {
    const intervalMs = this.#parts.loop.intervalMs(this.#parts.config());
    if (intervalMs >= 0) return intervalMs;
    throw new RangeError(`the interval of ${this.name} is ${intervalMs} ms`);
  }
}
