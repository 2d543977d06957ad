/** The caretaker: asks of the daemon itself whether it is well, and keeps what the doors say about that. */
import { UNREACHABLE_AFTER } from '../core/alerts/rules.ts';
import type { JournalEvent, NewEvent } from '../core/events.ts';
import { ATTENTION, needsAttention } from '../core/events.ts';
import type { JobFacts } from '../core/status.ts';
import type { EpochMs } from '../core/time.ts';
import { SECOND } from '../core/time.ts';
import type { Board, KillSwitch, LocalStore, Loop } from '../ports.ts';

export interface CaretakerPorts {
  readonly local: LocalStore;
  readonly board: Board;
  readonly killSwitch: Pick<KillSwitch, 'endIfOver'>;
  readonly jobs: () => readonly JobFacts[];
}

/** What was found at the last look. */
export interface Wellbeing {
  /** Null: the database takes writes. */
  readonly storeError: string | null;
  /** The newest warnings and worse. */
  readonly attention: readonly JournalEvent[];
  /** Since when no tmux server could be read. */
  readonly tmuxDownSince: EpochMs | null;
}

const INTERVAL_MS = 10 * SECOND;

export function createCaretaker(ports: CaretakerPorts): Loop & { last(): Wellbeing } {
  let last: Wellbeing = { storeError: null, attention: [], tmuxDownSince: null };
  const told = new Set<string>();
  return {
    name: 'caretaker',
    intervalMs: () => INTERVAL_MS,
    last: () => last,
    async tick({ now, log }) {
      const servers = ports.board.snapshot()?.servers ?? [];
      const isDown = servers.length > 0 && servers.every((server) => server.state !== 'ok');
      last = { ...last, tmuxDownSince: isDown ? (last.tmuxDownSince ?? now) : null };
      try {
        await ports.local.probe();
        last = { ...last, storeError: null };
      } catch (error) {
        last = { ...last, storeError: error instanceof Error ? error.message : String(error) };
        throw error;
      }
      const paused = await ports.killSwitch.endIfOver();
      if (paused !== null) {
        log.info({ reason: paused }, 'the pause is over');
        await ports.local.append(
          [{ type: 'resumed', data: { detail: 'the pause came to its end', reason: paused } }],
          now,
        );
        ports.board.wake('quota-monitor');
      }
      const events = [...unreachable(ports.board, told), ...degraded(ports.jobs(), told)];
      for (const event of events) log.warn({ ...event.data }, event.type);
      if (events.length > 0) await ports.local.append(events, now);
      const attention = needsAttention(await ports.local.events({ limit: ATTENTION.searched }));
      last = { ...last, attention };
    },
  };
}

function unreachable(board: Board, told: Set<string>): readonly NewEvent[] {
  const events: NewEvent[] = [];
  for (const { label, sessionName, failures } of board.snapshot()?.panes ?? []) {
    const key = `pane ${label}`;
    if (failures < UNREACHABLE_AFTER) told.delete(key);
    else if (!told.has(key)) {
      told.add(key);
      const detail = `${failures} captures in a row failed`;
      events.push({ type: 'session_unreachable', session: sessionName, pane: label, data: { detail } });
    }
  }
  return events;
}

function degraded(jobs: readonly JobFacts[], told: Set<string>): readonly NewEvent[] {
  const events: NewEvent[] = [];
  for (const { name, degraded: isDegraded, lastError } of jobs) {
    const key = `loop ${name}`;
    if (!isDegraded) told.delete(key);
    else if (!told.has(key)) {
      told.add(key);
      events.push({ type: 'loop_degraded', data: { detail: `the loop ${name} keeps failing`, error: lastError } });
    }
  }
  return events;
}
