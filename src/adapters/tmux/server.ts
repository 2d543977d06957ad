/** Looks at tmux servers: which panes run an agent, and what they show. At most two short-lived clients per look. */
import { randomBytes } from 'node:crypto';
import { TmuxError } from '../../core/errors.ts';
import { matchesGlob } from '../../core/glob.ts';
import {
  type AgentProcess,
  type PaneIdentity,
  type PaneView,
  paneKey,
  type ServerState,
  type ServerView,
} from '../../core/panes.ts';
import type { Clock, Logger, Panes, Processes, WatchScope } from '../../ports.ts';
import { createTmuxCommand, MIB, type TmuxCommand } from './command.ts';
import { mustCapture, newMemory, type PaneMemory, screenOf, viewOf, withCapture } from './pane-memory.ts';
import {
  captureScript,
  LIST_ARGS,
  observeScript,
  type PaneList,
  type PaneRow,
  parseCaptures,
  parsePaneList,
} from './parse.ts';
import { type Listen, QuietTerminals } from './terminals.ts';

export interface PanesOptions {
  /** A bare name or an absolute path. */
  readonly binary: string;
  readonly commandTimeoutMs: number;
  readonly processes: Processes;
  /** How to hear of writes to a terminal; null: every sweep asks tmux. */
  readonly listen: Listen | null;
  /** The environment of the tmux clients: PATH, and TMUX_TMPDIR for named sockets; absent: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A list of a thousand panes is about 150 KB. */
const LIST_MAX_BYTES = 4 * MIB;
const CAPTURE_MAX_BYTES_PER_PANE = MIB;
/** The processes below a pane without output are looked at again after this time. */
const ASK_AGAIN_MS = 30_000;
/** While no terminal is written to, tmux is asked again after this time: sizes, names and clients make no sound. */
const LIST_AGAIN_MS = 10_000;
/** However many panes: the most that one tick may hold in memory. */
const CAPTURE_MAX_BYTES = 32 * MIB;

export function createPanes(options: PanesOptions): Panes {
  const tmux = createTmuxCommand(options.binary, options.env);
  const sweepers = new Map<string, ServerSweeper>();

  function sweeperOf(server: string): ServerSweeper {
    const known = sweepers.get(server);
    if (known !== undefined) return known;
    const created = new ServerSweeper(server, tmux, options);
    sweepers.set(server, created);
    return created;
  }

  return {
    async sweep(scope, signal) {
      const takenAt = options.clock.now();
      const sockets = [...new Set(scope.sockets)];
      for (const [server, sweeper] of sweepers) {
        if (sockets.includes(server)) continue;
        sweeper.close();
        sweepers.delete(server);
      }
      const looks = await Promise.all(sockets.map((server) => sweeperOf(server).sweep(scope, signal)));
      return { takenAt, servers: looks.map((look) => look.server), panes: looks.flatMap((look) => look.panes) };
    },
    observe: (pane, signal) => sweeperOf(pane.server).observe(pane, signal),
  };
}

interface Look {
  readonly server: ServerView;
  readonly panes: readonly PaneView[];
}

class ServerSweeper {
  readonly #server: string;
  readonly #tmux: TmuxCommand;
  readonly #options: PanesOptions;
  /** By pane key. */
  #memories = new Map<string, PaneMemory>();
  /** By pane key: which agent was found below it, and when. */
  #asked = new Map<
    string,
    { readonly agent: AgentProcess | null; readonly serverTimeS: number; readonly atMs: number }
  >();
  #lastTimeS = Number.NEGATIVE_INFINITY;
  #serverPid: number | null = null;
  /** Sweeps in a row in which the server did not answer. */
  #hangs = 0;
  readonly #terminals: QuietTerminals | null;
  /** The last look in which every pane was observed, and what it was asked for. */
  #rest: { readonly look: Look; readonly scope: string; readonly atMs: number } | null = null;

  constructor(server: string, tmux: TmuxCommand, options: PanesOptions) {
    this.#server = server;
    this.#tmux = tmux;
    this.#options = options;
    this.#terminals = options.listen === null ? null : new QuietTerminals(options.listen);
  }

  close(): void {
    this.#terminals?.close();
  }

  async sweep(scope: WatchScope, signal: AbortSignal): Promise<Look> {
    const asked = JSON.stringify([scope.exclude, scope.sessions]);
    const nowMs = this.#options.clock.monotonic();
    const rest = this.#rest;
    if (rest !== null && this.#terminals?.isStill && rest.scope === asked && nowMs - rest.atMs < LIST_AGAIN_MS) {
      return rest.look;
    }
    const look = await this.#ask(scope, signal);
    const isWhole = look.server.state === 'ok' && look.panes.every((view) => view.observed);
    this.#rest = isWhole ? { look, scope: asked, atMs: nowMs } : null;
    return look;
  }

  async #ask(scope: WatchScope, signal: AbortSignal): Promise<Look> {
    const call = { timeoutMs: this.#budgetMs(), maxBytes: LIST_MAX_BYTES, signal };
    const reply = await this.#tmux(this.#server, LIST_ARGS, call);
    if (reply.kind === 'absent') {
      this.#forgetAll();
      return this.#look('absent', reply.reason, []);
    }
    if (reply.kind === 'aborted') return this.#look('error', reply.reason, this.#lastViews());
    if (reply.kind !== 'ran') return this.#failedLook(reply.kind, reply.reason);
    this.#hangs = 0;
    const list = reply.exitCode === 0 ? parsePaneList(this.#server, reply.stdout) : null;
    if (list === null) return this.#failedLook('error', reply.stderr.trim().slice(0, 200) || 'the pane list is empty');
    this.#serverPid = list.serverPid;
    let watched: Map<string, PaneMemory>;
    try {
      watched = await this.#watched(list, scope);
    } catch (error) {
      if (!(error instanceof TmuxError)) throw error;
      return this.#failedLook('error', error.message);
    }
    return await this.#capture(list, watched, signal);
  }

  async observe(pane: PaneIdentity, signal: AbortSignal): Promise<PaneView | null> {
    const mark = newMark();
    const reply = await this.#tmux(this.#server, ['source-file', '-'], {
      input: observeScript(pane.paneId, mark),
      timeoutMs: this.#options.commandTimeoutMs,
      maxBytes: LIST_MAX_BYTES + CAPTURE_MAX_BYTES_PER_PANE,
      signal,
    });
    if (reply.kind === 'absent') return null;
    if (reply.kind !== 'ran') {
      throw new TmuxError(`tmux_${reply.kind}`, `tmux server ${this.#server}: ${reply.reason}`);
    }
    const output = parseCaptures(reply.stdout, mark, [pane]);
    const rows = parsePaneList(this.#server, output.before)?.panes ?? [];
    const row = rows.find((candidate) => paneKey(candidate.identity) === paneKey(pane));
    const text = output.screens?.get(pane.paneId);
    if (row === undefined || text === undefined) return null;
    const { processes } = this.#options;
    const process = (await processes.agentsUnder([pane.panePid])).get(pane.panePid) ?? null;
    const shellInFront = process === null && (await processes.shellInFront(pane.panePid));
    // The sweep's memory is only read: a capture that overtakes another must not make an older screen the last one.
    const memory = this.#memories.get(paneKey(pane)) ?? newMemory(row);
    const screen = screenOf(text, memory.screen, this.#options.clock.now());
    return viewOf({ ...memory, row, process, screen, failures: 0 }, true, { cwd: output.cwd, shellInFront });
  }

  /** The panes of the list that are in scope, with what is known of each. */
  async #watched(list: PaneList, scope: WatchScope): Promise<Map<string, PaneMemory>> {
    const inScope = list.panes.filter((row) => !isExcluded(row, scope.exclude));
    this.#terminals?.listed(inScope, list.serverTimeS);
    const agents = await this.#agentsIn(inScope, list.serverTimeS);
    const watched = new Map<string, PaneMemory>();
    for (const row of inScope) {
      const process = row.dead ? null : (agents.get(row.identity.panePid) ?? null);
      if (process === null && !row.sessionNames.some((name) => scope.sessions.includes(name))) continue;
      const key = paneKey(row.identity);
      watched.set(key, { ...(this.#memories.get(key) ?? newMemory(row)), row, process });
    }
    return watched;
  }

  /**
   * The agents below these panes. A program that comes or goes writes to its terminal, so a pane without output since it
   * was last asked keeps its answer for a while: walking a hundred process trees would cost more than listing the panes.
   */
  async #agentsIn(rows: readonly PaneRow[], serverTimeS: number): Promise<ReadonlyMap<number, AgentProcess | null>> {
    const nowMs = this.#options.clock.monotonic();
    const before = this.#asked;
    const asked: typeof before = new Map();
    const agents = new Map<number, AgentProcess | null>();
    const toAsk: PaneRow[] = [];
    for (const row of rows) {
      if (row.dead) continue;
      const key = paneKey(row.identity);
      const last = before.get(key);
      const isQuiet = last !== undefined && row.activityS < last.serverTimeS && nowMs - last.atMs < ASK_AGAIN_MS;
      if (!isQuiet) toAsk.push(row);
      else {
        agents.set(row.identity.panePid, last.agent);
        asked.set(key, last);
      }
    }
    this.#asked = asked;
    if (toAsk.length === 0) return agents;
    const answers = await this.#options.processes.agentsUnder(toAsk.map((row) => row.identity.panePid));
    for (const row of toAsk) {
      const agent = answers.get(row.identity.panePid) ?? null;
      agents.set(row.identity.panePid, agent);
      this.#asked.set(paneKey(row.identity), { agent, serverTimeS, atMs: nowMs });
    }
    return agents;
  }

  async #capture(list: PaneList, watched: Map<string, PaneMemory>, signal: AbortSignal): Promise<Look> {
    // Once the clock stepped back, activity says nothing about what came before or after a capture.
    const clockSteppedBack = list.serverTimeS < this.#lastTimeS;
    this.#lastTimeS = list.serverTimeS;
    this.#memories = new Map();
    const pending: PaneIdentity[] = [];
    for (const [key, memory] of watched) {
      const current = clockSteppedBack ? { ...memory, watermarkS: Number.NEGATIVE_INFINITY } : memory;
      const isDue = mustCapture(current, current.row);
      if (isDue) pending.push(current.row.identity);
      this.#memories.set(key, isDue || current.failures === 0 ? current : { ...current, failures: 0 });
    }
    if (pending.length === 0)
      return this.#look(
        'ok',
        null,
        this.#views(() => true),
      );

    const mark = newMark();
    const reply = await this.#tmux(this.#server, ['source-file', '-'], {
      input: captureScript(
        pending.map((pane) => pane.paneId),
        mark,
      ),
      timeoutMs: this.#options.commandTimeoutMs,
      maxBytes: Math.min(CAPTURE_MAX_BYTES, pending.length * CAPTURE_MAX_BYTES_PER_PANE),
      signal,
    });
    const screens = reply.kind === 'ran' ? parseCaptures(reply.stdout, mark, pending).screens : null;
    const now = this.#options.clock.now();
    const missed = new Set<string>();
    for (const pane of pending) {
      const key = paneKey(pane);
      const memory = this.#memories.get(key);
      if (memory === undefined) continue;
      const text = screens?.get(pane.paneId);
      if (text === undefined) missed.add(key);
      if (text !== undefined) this.#memories.set(key, withCapture(memory, text, list.serverTimeS, now));
      else if (reply.kind !== 'aborted') this.#memories.set(key, { ...memory, failures: memory.failures + 1 });
    }
    const views = this.#views((key) => !missed.has(key));
    if (reply.kind === 'ran') {
      return screens === null
        ? this.#look('error', 'the server changed between list and capture', views)
        : this.#look('ok', null, views);
    }
    if (reply.kind === 'hung') this.#hangs++;
    return this.#look(reply.kind === 'hung' ? 'hung' : 'error', reply.reason, views);
  }

  #failedLook(state: 'hung' | 'error', reason: string): Look {
    this.#hangs = state === 'hung' ? this.#hangs + 1 : 0;
    for (const [key, memory] of this.#memories) this.#memories.set(key, { ...memory, failures: memory.failures + 1 });
    return this.#look(state, reason, this.#lastViews());
  }

  /** A server that hung is asked briefly, and every tenth time at length, as it may only be slow. */
  #budgetMs(): number {
    const full = this.#options.commandTimeoutMs;
    return this.#hangs % 10 === 0 ? full : Math.max(100, full / 5);
  }

  #look(state: ServerState, reason: string | null, panes: readonly PaneView[]): Look {
    return { server: { server: this.#server, state, reason, pid: this.#serverPid }, panes };
  }

  #views(isObserved: (key: string) => boolean): readonly PaneView[] {
    return [...this.#memories].map(([key, memory]) => viewOf(memory, isObserved(key)));
  }

  /** The panes as last seen, none of them observed now. */
  #lastViews(): readonly PaneView[] {
    return this.#views(() => false);
  }

  #forgetAll(): void {
    this.#memories.clear();
    this.#asked.clear();
    this.#terminals?.close();
    this.#lastTimeS = Number.NEGATIVE_INFINITY;
    this.#serverPid = null;
    this.#hangs = 0;
  }
}

/** A pane that is linked into an excluded session is excluded wherever else it shows. */
function isExcluded(row: PaneRow, globs: readonly string[]): boolean {
  return row.sessionNames.some((name) => globs.some((glob) => matchesGlob(glob, name)));
}

/** Unguessable, so that no screen can contain it. */
function newMark(): string {
  return `cf${randomBytes(16).toString('hex')}`;
}
