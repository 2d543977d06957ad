/** A pool of accounts over a real store, with a clock that stands still and a link and homes that are only said to be there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Config, PoolConfig } from '../../src/config/schema.ts';
import { toConfig } from '../../src/config/schema.ts';
import type { HomeState } from '../../src/core/accounts.ts';
import { claude } from '../../src/core/agents/claude.ts';
import type { JournalEvent } from '../../src/core/events.ts';
import { paneKey } from '../../src/core/panes.ts';
import type { QuotaRecord } from '../../src/core/quota/record.ts';
import type { PoolView } from '../../src/core/status.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import type { Vote } from '../../src/core/verdict/votes.ts';
import type { AccountHomes, AccountLink, Board, TickContext } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { readPool } from '../../src/steps/read-pool.ts';
import type { OpenedStore } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { aHome, anEvidence, aReading, aRecord, aVote, NOON, PANE, signalsOf } from './builders.ts';
import { paneRecord } from './daemon-facts.ts';
import { FakeClock } from './fake-clock.ts';
import { RecordingLog } from './recording-log.ts';

export interface QuotaBench {
  readonly config: Config;
  readonly pool: PoolConfig;
  readonly store: OpenedStore;
  readonly clock: FakeClock;
  readonly log: RecordingLog;
  readonly board: Board;
  /** Where the link points. */
  linkAt: string;
  readonly homes: Map<string, Partial<HomeState>>;
  readonly ports: {
    readonly local: OpenedStore['local'];
    readonly shared: OpenedStore['pool'];
    readonly link: AccountLink;
    readonly homes: AccountHomes;
    readonly board: Board;
    readonly clock: FakeClock;
    readonly profiles: readonly [typeof claude];
    readonly observing: (config: Config) => string | null;
    readonly newId: () => string;
  };
  context(): TickContext;
  view(): Promise<PoolView>;
  /** Writes a record as it is. */
  put(change: Partial<QuotaRecord> & { readonly account: string }): Promise<void>;
  record(account: string, window?: QuotaRecord['window']): Promise<QuotaRecord | undefined>;
  events(): Promise<readonly JournalEvent[]>;
}

const NAMES = ['a', 'b', 'c'];

export async function quotaBench(more: Readonly<Record<string, unknown>> = {}): Promise<QuotaBench> {
  const dir = mkdtempSync(join(tmpdir(), 'cf-'));
  const store = await openStore({ stateDir: dir, now: NOON });
  onTestFinished(async () => {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const accounts = NAMES.map((name) => ({ name, home: `/h/${name}` }));
  const config = toConfig({ accounts, ...more }, {}, '/home/ada');
  const [pool] = config.pools;
  if (pool === undefined) throw new Error('the configuration has no pool');
  await store.pool.ensureAccounts(NAMES.map((name) => ({ name, pool: pool.name })));
  await store.local.recordActivation({ pool: pool.name, account: 'a', since: NOON - 86_400_000, cause: 'adopted' });
  const clock = new FakeClock(new Date(NOON).toISOString());
  const log = new RecordingLog();
  const board = createBoard(() => undefined);
  const homes = new Map<string, Partial<HomeState>>();
  let ids = 0;
  const bench: QuotaBench = {
    config,
    pool,
    store,
    clock,
    log,
    board,
    linkAt: 'a',
    homes,
    ports: {
      local: store.local,
      shared: store.pool,
      link: {
        read: async () => ({ kind: 'account', account: bench.linkAt, target: `/h/${bench.linkAt}` }),
        async point(_link, target) {
          bench.linkAt = target.slice('/h/'.length);
        },
        targetFor: (_link, home) => home,
        sweepLeftovers: async () => 0,
        accountOf: async () => null,
      },
      homes: {
        inspect: async (_profile, home) => aHome({ home, realPath: home, ...homes.get(home.slice('/h/'.length)) }),
        interruptedWrites: async () => [],
        freshen: async () => clock.now() + 1,
      },
      board,
      clock,
      profiles: [claude],
      observing: () => null,
      newId: () => `id-${++ids}`,
    },
    context: () => ({ config, now: clock.now(), signal: new AbortController().signal, log }),
    view: () => readPool(bench.ports, pool, claude, clock.now()),
    async put(change) {
      const record = aRecord({ source: 'statusline', updatedAt: clock.now(), ...change });
      await store.pool.mergeQuota(record.account, record.window, () => record);
    },
    record: async (account, window = '5h') =>
      (await store.pool.quota()).find((record) => record.account === account && record.window === window),
    events: async () => [...(await store.local.events({ limit: 1000 }))].reverse(),
  };
  return bench;
}

/** An idle pane of the pool, in which nothing is wrong. */
export function aQuietPane(bench: QuotaBench, change: Partial<PaneFinding> = {}, paneId = '%1'): PaneFinding {
  const { finding } = paneRecord();
  const at = bench.clock.now();
  return {
    ...finding,
    at,
    pool: bench.pool.name,
    notSwitchable: null,
    view: { ...finding.view, identity: { ...PANE, paneId } },
    process: { ...finding.process, startedAt: NOON - 86_400_000 },
    reading: aReading(),
    signals: signalsOf(null),
    decision: { kind: 'clear', reason: 'no message that matters', wasSuspected: false, wasBanner: false },
    charge: null,
    launchedUnder: 'a',
    consumedBy: null,
    ...change,
  };
}

/** The words of a refused login. */
export const REFUSED = 'Please run /login · API Error: 401 Invalid bearer token';

/** The record of a turn of the account `a` that was refused a second ago. */
export function aRefusal(change: Partial<Vote> = {}): Vote {
  const at = NOON - 1_000;
  return aVote({ kind: 'row', source: 'transcript', says: 'auth', at, window: null, account: 'a', ...change });
}

/** A pane that stands at the refused login of the account `a`. */
export function aRefusedPane(
  bench: QuotaBench,
  n: number,
  change: Partial<PaneFinding> = {},
  refusal: Partial<Vote> = {},
): PaneFinding {
  const evidence = anEvidence({ class: 'auth', text: REFUSED, family: 'api-auth', votes: [aRefusal(refusal)] });
  const decision = {
    kind: 'other',
    class: 'auth',
    lasting: true,
    turnAt: NOON - 2_000,
    reason: 'a login wall',
  } as const;
  const charge = { account: 'a', reason: 'active when its request was sent' };
  const pane = aQuietPane(bench, { evidence, decision, charge, ...change }, `%${n}`);
  return { ...pane, view: { ...pane.view, label: `p${n}:0.0` } };
}

export function byKey(...findings: readonly PaneFinding[]): ReadonlyMap<string, PaneFinding> {
  return new Map(findings.map((finding) => [paneKey(finding.view.identity), finding]));
}
