/** Runs the loops: each at its own pace, none able to stop another, all of them stopped together. */
import { setMaxListeners } from 'node:events';
import type { FatalError } from '../core/errors.ts';
import { formatDuration, MINUTE } from '../core/time.ts';
import type { Clock, Logger, Loop } from '../ports.ts';
import { Job } from './job.ts';
import type { JobView, TickOutcome } from './job-view.ts';

/** A wall clock that moves this much against the monotonic one has jumped. */
const CLOCK_JUMP_MS = 5 * MINUTE;

export interface SupervisorOptions<Config> {
  /** In the order in which `runOnce` ticks them. */
  readonly loops: readonly Loop<Config>[];
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** A number in [0, 1) that spreads the back-offs. */
  readonly random?: () => number;
  /** Called once, after all loops were told to stop. */
  readonly onFatal?: (error: FatalError) => void;
  /** The wall clock was set, or the machine slept: positive is forward. */
  readonly onClockJump?: (jumpMs: number) => void;
}

export interface Supervisor {
  /** Starts every loop with a tick at once. @throws {Error} started or stopped before */
  start(): void;
  /**
   * Aborts every tick's signal and waits for the running ones, at most `graceMs`.
   * @returns the names of the loops whose tick still ran then
   */
  stop(graceMs: number): Promise<readonly string[]>;
  /** Shortens the pause of this loop, or of all, and then also their back-offs. A name that is not there is ignored. */
  wake(name?: string): void;
  /** One tick of this loop, or of each in order, awaited. Does not throw: what failed stands in the outcome. */
  runOnce(name?: string): Promise<readonly TickOutcome[]>;
  jobs(): readonly JobView[];
  /** Whether the watchdog may be fed: no tick is late and no loop missed its time. Back-offs are declared, hence well. */
  isHealthy(): boolean;
}

export function createSupervisor<Config>(options: SupervisorOptions<Config>): Supervisor {
  const { clock, log, config, random = Math.random } = options;
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const checkClock = clockWatch(options);
  let fatal: FatalError | null = null;
  let isStarted = false;

  const onFatal = (error: FatalError): void => {
    if (fatal !== null) return;
    fatal = error;
    log.error({ error }, 'cannot go on; all loops stop');
    stopping.abort();
    options.onFatal?.(error);
  };
  const jobs = options.loops.map(
    (loop) =>
      new Job({
        loop,
        config,
        clock,
        log: log.child({ loop: loop.name }),
        random,
        stop: stopping.signal,
        onTick: checkClock,
        onFatal,
      }),
  );
  const twice = jobs.find(({ name }, i) => jobs.findIndex((job) => job.name === name) !== i);
  if (twice !== undefined) throw new Error(`two loops are named ${twice.name}`);
  const named = (name: string | undefined): readonly Job<Config>[] =>
    name === undefined ? jobs : jobs.filter((job) => job.name === name);

  return {
    start() {
      if (isStarted || stopping.signal.aborted) throw new Error('a supervisor starts once');
      isStarted = true;
      for (const job of jobs) void job.run();
    },
    async stop(graceMs) {
      stopping.abort();
      const isWaited = new AbortController();
      const allEnded = Promise.all(jobs.map((job) => job.inFlight));
      await Promise.race([allEnded, clock.sleep(graceMs, isWaited.signal)]);
      isWaited.abort();
      const unfinished = jobs.filter((job) => job.inFlight !== null).map((job) => job.name);
      if (unfinished.length > 0) log.warn({ unfinished, graceMs }, 'stopped without these loops');
      return unfinished;
    },
    wake(name) {
      for (const job of named(name)) job.wake(name === undefined);
    },
    async runOnce(name) {
      const outcomes: TickOutcome[] = [];
      for (const job of named(name)) outcomes.push(await job.tickOnce());
      return outcomes;
    },
    jobs: () => jobs.map((job) => job.view()),
    isHealthy() {
      checkClock();
      return jobs.every((job) => job.isHealthy());
    },
  };
}

/** Compares both clocks with the last look and tells of a jump once. */
function clockWatch(options: Pick<SupervisorOptions<never>, 'clock' | 'log' | 'onClockJump'>): () => void {
  const { clock, log, onClockJump } = options;
  let offsetMs = clock.now() - clock.monotonic();
  return () => {
    const newOffsetMs = clock.now() - clock.monotonic();
    const jumpMs = newOffsetMs - offsetMs;
    offsetMs = newOffsetMs;
    if (Math.abs(jumpMs) <= CLOCK_JUMP_MS) return;
    const direction = jumpMs > 0 ? 'forward' : 'back';
    log.warn({ jumpMs, jump: `${formatDuration(Math.abs(jumpMs))} ${direction}` }, 'the wall clock jumped');
    try {
      onClockJump?.(jumpMs);
    } catch (error) {
      log.error({ error, jumpMs }, 'could not react to the jump of the clock');
    }
  };
}
