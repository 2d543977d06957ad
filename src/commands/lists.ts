/** `incidents` and `events`: what is written down, newest first; from the daemon or from the database. */
import type { EventType } from '../core/events.ts';
import { EVENT_SEVERITY } from '../core/events.ts';
import type { EventView, SwapView } from '../core/record-view.ts';
import { describeEvent } from '../core/status.ts';
import { swapWords } from '../core/status-words.ts';
import { parseDuration } from '../core/time.ts';
import { wallStamp, wallTime } from '../core/wall-time.ts';
import type { EventFilter } from '../ports.ts';
import { askDaemon, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { table, wrap } from './text.ts';

export interface ListOptions extends JsonOption {
  readonly limit?: string;
}

export interface EventsOptions extends ListOptions {
  /** One or more types, with commas between them. */
  readonly type?: string;
  /** A time in ISO 8601 or a duration back from now. */
  readonly since?: string;
  readonly account?: string;
}

const DEFAULT_LIMIT = 20;

/** @returns 0, 2 for a wrong option, 4 when there is neither a daemon nor a database */
export async function incidents(options: ListOptions, io: CommandIo): Promise<number> {
  const limit = readLimit(options, io);
  if (limit === null) return EXIT.usage;
  const swaps = await read<SwapView>({ path: `/swaps?limit=${limit}`, key: 'swaps' }, options, io, async () => {
    const { readOfflineSwaps } = await import('./offline-records.ts');
    return readOfflineSwaps(limit, options, io);
  });
  if (typeof swaps === 'number') return swaps;
  const types = ['unknown_wall'] as const;
  const ask = { path: `/events?type=${types}&limit=${limit}`, key: 'events' };
  const found = await read<EventView>(ask, options, { ...io, err: () => undefined }, async () => {
    const { readOfflineEvents } = await import('./offline-records.ts');
    return readOfflineEvents({ types, limit }, options, io);
  });
  if (typeof found === 'number') return found;
  const walls = found.filter(({ type }) => type === types[0]);
  if (options.json === true) {
    io.out(`${JSON.stringify({ swaps, walls: walls.map((wall) => ({ ...wall, id: `wall-${wall.id}` })) })}\n`);
    return EXIT.ok;
  }
  if (swaps.length === 0) io.err('no swap so far\n');
  const width = io.isTTY ? io.columns : Number.POSITIVE_INFINITY;
  const show = (head: string[], rows: string[][]): void => {
    if (rows.length > 0) io.out(table([head, ...rows], width, ''));
  };
  show(
    ['ID', 'AT', 'POOL', 'SWAP', 'OUTCOME', 'TOOK', 'BECAUSE OF'],
    swaps.map((swap) => swapRow(swap, io)),
  );
  if (swaps.length > 0 && walls.length > 0) io.out('\n');
  show(
    ['ID', 'AT', 'PANE', 'WORDS THAT NO PATTERN KNOWS'],
    walls.map((wall) => wallRow(wall, io)),
  );
  return EXIT.ok;
}

/** @returns 0, 2 for a wrong option, 4 when there is neither a daemon nor a database */
export async function events(options: EventsOptions, io: CommandIo): Promise<number> {
  const limit = readLimit(options, io);
  const filter = limit === null ? null : readFilter(options, limit, io);
  if (filter === null) return EXIT.usage;
  const query = new URLSearchParams({ limit: String(filter.limit) });
  if (filter.types !== undefined) query.set('type', filter.types.join(','));
  if (filter.sinceAt !== undefined) query.set('since', String(filter.sinceAt));
  if (filter.account !== undefined) query.set('account', filter.account);
  const found = await read<EventView>({ path: `/events?${query}`, key: 'events' }, options, io, async () => {
    const { readOfflineEvents } = await import('./offline-records.ts');
    return readOfflineEvents(filter, options, io);
  });
  if (typeof found === 'number') return found;
  if (options.json === true) io.out(`${JSON.stringify({ events: found })}\n`);
  else if (found.length === 0) io.err('no such event\n');
  else {
    const width = Math.max(...found.map(({ type }) => type.length));
    for (const event of found) io.out(eventLine(event, width, io));
  }
  return EXIT.ok;
}

async function read<T>(
  ask: { readonly path: string; readonly key: string },
  options: JsonOption,
  io: CommandIo,
  offline: () => Promise<readonly T[] | null>,
): Promise<readonly T[] | number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, ask.path);
  if (reply.kind === 'answer') return expectAnswer<Record<string, readonly T[]>>(reply, [ask.key])[ask.key] ?? [];
  if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  const found = await offline();
  if (found === null) return reportNoDaemon(reply, io);
  io.err(`the daemon is not running; this is read from ${stateDir}\n`);
  return found;
}

function readLimit(options: ListOptions, io: CommandIo): number | null {
  const limit =
    options.limit === undefined ? DEFAULT_LIMIT : /^\d{1,4}$/.test(options.limit) ? Number(options.limit) : 0;
  if (limit >= 1 && limit <= 1000) return limit;
  io.err('claude-failover: --limit must be a number from 1 to 1000\n');
  return null;
}

function readFilter(options: EventsOptions, limit: number, io: CommandIo): EventFilter | null {
  const types = options.type?.split(',') ?? [];
  const known = types.filter((type): type is EventType => Object.hasOwn(EVENT_SEVERITY, type));
  if (known.length < types.length) {
    io.err(`claude-failover: --type must be one or more of ${Object.keys(EVENT_SEVERITY).join(', ')}\n`);
    return null;
  }
  const backMs = options.since === undefined ? null : parseDuration(options.since);
  const sinceAt =
    options.since === undefined ? null : backMs === null ? Date.parse(options.since) : io.clock.now() - backMs;
  if (Number.isNaN(sinceAt)) {
    io.err('claude-failover: --since must be a time such as 2026-01-05T14:00:00Z or a duration such as 2h\n');
    return null;
  }
  return {
    limit,
    ...(known.length > 0 ? { types: known } : {}),
    ...(options.account === undefined ? {} : { account: options.account }),
    ...(sinceAt === null ? {} : { sinceAt: Math.floor(sinceAt) }),
  };
}

function swapRow(swap: SwapView, io: CommandIo): string[] {
  const { what, took, cause } = swapWords(swap);
  const at = wallTime(Date.parse(swap.started_at ?? ''), io.clock.now(), io.clock.zone());
  return [swap.id, at, swap.pool, what, swap.phase, took, cause];
}

function wallRow({ id, at, pane, data }: EventView, io: CommandIo): string[] {
  const when = wallTime(Date.parse(at ?? ''), io.clock.now(), io.clock.zone());
  return [`wall-${id}`, when, pane ?? '-', typeof data.text === 'string' ? data.text : '-'];
}

function eventLine(event: EventView, typeWidth: number, io: CommandIo): string {
  const at = wallStamp(Date.parse(event.at ?? ''), io.clock.zone());
  const head = `${at}  ${event.severity.padEnd(8)}  ${event.type.padEnd(typeWidth)}  `;
  return wrap(head, describeEvent(event), io.isTTY ? io.columns : Number.POSITIVE_INFINITY, '    ');
}
