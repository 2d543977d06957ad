/** `incidents show` and `replay`: the whole record of one incident, read from the database whether the daemon runs or not. */
import type { WallRecord } from '../core/incident-text.ts';
import { explainIncident, explainReplay, explainWall, wallEvent, wallRecord } from '../core/incident-text.ts';
import type { SwapFacts } from '../core/record-view.ts';
import { MAX_WORDS, shortened, swapRecordView } from '../core/record-view.ts';
import { snippet } from '../core/redact.ts';
import { readScreen } from '../core/screen/reading.ts';
import { toIso } from '../core/time.ts';
import type { Replay } from '../core/verdict/recorded.ts';
import { MAX_SCREEN, replayEvidence } from '../core/verdict/recorded.ts';
import type { LocalReads } from '../store/local.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { loadOffline, withStore } from './offline.ts';
import { clean } from './text.ts';

type Found =
  | { readonly kind: 'swap'; readonly id: string; readonly record: SwapFacts }
  | { readonly kind: 'wall'; readonly id: string; readonly wall: WallRecord };

/** @param subject id of a swap, `last`, or `wall-<n>`. @returns 0, 1 when there is no such incident, 4 without a database */
export async function showIncident(subject: string, options: JsonOption, io: CommandIo): Promise<number> {
  const found = await find(subject, options, io);
  if (typeof found === 'number') return found;
  const { clock } = io;
  if (options.json === true) io.out(`${JSON.stringify(jsonOf(found))}\n`);
  else if (found.kind === 'swap') io.out(explainIncident(found.record, clock.now(), clock.zone()));
  else io.out(explainWall(found.wall, clock.zone()));
  return EXIT.ok;
}

/**
 * Runs the detector again on the recorded screen and evidence, as of the time of the incident and with the patterns that are
 * configured now.
 *
 * @returns 0 for the same verdict, 1 for another one or when it cannot be replayed, 4 without a database
 */
export async function replay(subject: string, options: JsonOption, io: CommandIo): Promise<number> {
  const { config } = loadOffline(options, io);
  const found = await find(subject, options, io);
  if (typeof found === 'number') return found;
  const { evidence, screen } = recorded(found);
  const replayed: Replay = replayEvidence(evidence, screen, (text, context) =>
    readScreen(text, { ...context, extra: config.quota.patterns }),
  );
  if (replayed.kind === 'impossible') {
    io.err(`claude-failover: ${found.id} cannot be replayed: ${replayed.reason}\n`);
    io.err(`next: claude-failover incidents show ${found.id}\n`);
    return EXIT.error;
  }
  if (options.json === true) io.out(`${JSON.stringify(replayJson(found.id, replayed))}\n`);
  else io.out(explainReplay(found.id, replayed, io.clock.zone()));
  return replayed.same ? EXIT.ok : EXIT.error;
}

/** The evidence of the pane whose screen was recorded. */
function recorded(found: Found): { evidence: Readonly<Record<string, unknown>>; screen: string | null } {
  if (found.kind === 'wall') return found.wall;
  const { swap, incident } = found.record;
  const evidence = incident?.evidence.find(({ pane }) => pane === swap.triggerPane) ?? {};
  return { evidence, screen: incident?.screen ?? null };
}

async function find(subject: string, options: JsonOption, io: CommandIo): Promise<Found | number> {
  const found = await withStore(loadOffline(options, io), async ({ local }) => {
    const incident = await readIncident(local, subject);
    return incident === null ? ({ kind: 'unknown' } as const) : incident;
  });
  if (found.kind === 'absent') {
    io.err(`claude-failover: ${clean(found.reason)}\nnext: claude-failover run\n`);
    return EXIT.notRunning;
  }
  if (found.kind === 'unknown') {
    io.err(`claude-failover: there is no incident ${clean(subject)}\nnext: claude-failover incidents lists them\n`);
    return EXIT.error;
  }
  return found;
}

async function readIncident(local: LocalReads, subject: string): Promise<Found | null> {
  const number = wallEvent(subject);
  if (number !== null) {
    const walls = await local.events({ types: ['unknown_wall'], limit: 1000 });
    const event = walls.find(({ id }) => id === number);
    return event === undefined ? null : { kind: 'wall', id: subject, wall: wallRecord(event) };
  }
  const swap = subject === 'last' ? ((await local.swaps({ limit: 1 }))[0] ?? null) : await local.swap(subject);
  if (swap === null) return null;
  const [incident, recoveries, events] = await Promise.all([
    local.incident(swap.id),
    local.recoveries(swap.id),
    local.events({ swap: swap.id, limit: 50 }),
  ]);
  return { kind: 'swap', id: swap.id, record: { swap, incident, recoveries, events } };
}

function jsonOf(found: Found): object {
  if (found.kind === 'swap') return swapRecordView(found.record, { screen: true });
  const { id, at, pane, session, pool, text, screen, evidence } = found.wall;
  const masked = {
    text: snippet(text, MAX_WORDS),
    evidence: shortened(evidence),
    screen: screen && snippet(screen, MAX_SCREEN),
  };
  return { kind: 'wall', id, at: toIso(at), pane, session, pool, ...masked };
}

function replayJson(id: string, { same, was, is, judgedAt, reading }: Extract<Replay, { kind: 'replayed' }>): object {
  return { incident: id, same, as_of: toIso(judgedAt), was, is, reading: snippet(reading.reason, MAX_WORDS) };
}
