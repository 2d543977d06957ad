/** The janitor: tidies up the files of the queues and the state directory, every hour and soon after the start. */
import type { Config } from '../config/schema.ts';
import { MINUTE, SECOND } from '../core/time.ts';
import type { KillSwitch, Loop } from '../ports.ts';
import type { TidyPorts } from '../steps/tidy-up.ts';
import { tidyUp } from '../steps/tidy-up.ts';

export interface JanitorPorts extends TidyPorts {
  readonly killSwitch: Pick<KillSwitch, 'reason'>;
  readonly observing: (config: Config) => string | null;
}

/** What has just started has more urgent things to do. */
const FIRST_AFTER_MS = 2 * MINUTE;
const AGAIN_AFTER_MS = 10 * SECOND;

export function createJanitor(ports: JanitorPorts): Loop {
  let startedMs: number | null = null;
  let dueInMs: number | null = null;
  return {
    name: 'janitor',
    deadlineMs: 2 * MINUTE,
    intervalMs: ({ janitor }) => Math.min(dueInMs ?? janitor.intervalMs, janitor.intervalMs),
    async tick({ config, signal, log }) {
      const nowMs = ports.clock.monotonic();
      startedMs ??= nowMs;
      dueInMs = startedMs + FIRST_AFTER_MS - nowMs;
      if (dueInMs > 0) return;
      dueInMs = null;
      if (ports.observing(config) !== null || (await ports.killSwitch.reason()) !== null) return;
      const { notes, isUnfinished } = await tidyUp(ports, config, false, signal, log);
      if (isUnfinished) dueInMs = AGAIN_AFTER_MS;
      if (notes.length > 0) log.info({ actions: notes.length, isUnfinished }, 'tidied up');
    },
  };
}
