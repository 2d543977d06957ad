/** Facts of a running daemon, made by hand, and an API that serves them and remembers what it was asked. */
import type { Alert } from '../../src/core/alerts/alert.ts';
import type { JournalEvent } from '../../src/core/events.ts';
import type { AccountFacts } from '../../src/core/quota/eligibility.ts';
import type { QuotaRecord } from '../../src/core/quota/record.ts';
import type { LifecycleRow } from '../../src/core/sessions/lifecycle.ts';
import type { PoolView, StatusFacts } from '../../src/core/status.ts';
import type { Activation, RecoveryRow, SwapRow } from '../../src/core/swap/swap.ts';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import type {
  AccountAction,
  AccountAnswer,
  DaemonApi,
  ManualSwap,
  ManualSwapAnswer,
  PaneRecord,
  SwapRecord,
  TerminateAnswer,
} from '../../src/ports/daemon.ts';
import type { KeepingApi } from '../../src/ports/keeping.ts';
import type { TasksApi } from '../../src/ports/tasks.ts';
import type { EventFilter } from '../../src/ports.ts';
import { aVote } from './builders.ts';
import { anAlert, fakeRecords } from './fake-records.ts';
import { fakeTasks } from './fake-tasks.ts';

/** 2026-01-05T12:00:00Z, a Monday: where FakeClock starts. */
export const NOW = Date.UTC(2026, 0, 5, 12);

export function quota(account: string, change: Partial<QuotaRecord> = {}): QuotaRecord {
  return {
    account,
    window: '5h',
    used: 0.38,
    limitReached: false,
    resetAt: NOW + 72 * MINUTE,
    lockUntil: null,
    source: 'statusline',
    updatedAt: NOW - MINUTE,
    verifyRequired: false,
    ...change,
  };
}

export function account(name: string, change: Partial<AccountFacts> = {}): AccountFacts {
  return {
    name,
    pool: 'work',
    priority: 10,
    enabled: true,
    row: null,
    home: {
      home: `/home/ada/.claude-${name}`,
      realPath: `/home/ada/.claude-${name}`,
      problem: null,
      credentials: 'ok',
      looseMode: false,
      credentialsMtimeMs: NOW,
      expiresAt: null,
      loginEndsAt: null,
      identity: `person-${name}/org`,
    },
    quota: [],
    duplicateOf: null,
    ...change,
  };
}

export function poolView(change: Partial<PoolView['pool']> = {}): PoolView {
  return {
    pool: {
      pool: 'work',
      strategy: 'priority',
      accounts: [
        account('work-1', { quota: [quota('work-1', { used: 1, limitReached: true, resetAt: NOW + 2 * HOUR })] }),
        account('work-2', {
          priority: 20,
          quota: [quota('work-2'), quota('work-2', { window: '7d', used: 0.12, resetAt: NOW + 80 * HOUR })],
        }),
        account('work-3', { priority: 30 }),
      ],
      active: 'work-2',
      state: 'normal',
      swaps: [],
      breakerOpenedAt: null,
      retryUntil: null,
      hold: null,
      ...change,
    },
    agent: 'claude',
    link: '/home/ada/.claude',
    linkState: { kind: 'account', account: 'work-2', target: '/home/ada/.claude-work-2' },
    partialReason: null,
    swapStateSince: null,
    asOf: NOW,
  };
}

export function statusFacts(change: Partial<StatusFacts> = {}): StatusFacts {
  return {
    version: '0.1.0',
    daemon: { pid: 4242, startedAt: NOW - HOUR },
    mode: 'act',
    observeReason: null,
    paused: null,
    pools: [poolView()],
    servers: [{ server: 'default', state: 'ok', reason: null, pid: 77 }],
    tmuxDownSince: null,
    sessions: [session('main', 'working'), session('docs', 'idle')],
    storeError: null,
    jobs: [],
    config: {
      file: '/home/ada/.config/claude-failover/config.yaml',
      hash: 'abc',
      loadedAt: NOW - HOUR,
      rejected: null,
      needsRestart: [],
    },
    attention: [],
    asOf: NOW - SECOND,
    policy: {
      accountReactivateCooldownMs: 5 * MINUTE,
      modelLimitSwaps: false,
      autoPause: { '5h': null, '7d': null },
      sampleStaleAfterMs: 2 * HOUR,
      swapCooldownMs: 5 * MINUTE,
      swapTimeoutMs: 10 * MINUTE,
    },
    ...change,
  };
}

export function session(name: string, state: string, reason: string | null = null): StatusFacts['sessions'][number] {
  return {
    id: name,
    server: 'default',
    sessionName: name,
    label: `${name}:0.0`,
    pool: 'work',
    kind: 'adopted',
    agent: 'claude',
    version: '2.1.100',
    state,
    stateReason: reason,
    stateSince: NOW - 5 * MINUTE,
    launchedUnder: 'work-2',
  };
}

export function event(change: Partial<JournalEvent> = {}): JournalEvent {
  return {
    id: 1,
    at: NOW - MINUTE,
    type: 'quota_hit',
    severity: 'info',
    pool: 'work',
    account: 'work-1',
    session: 'main',
    pane: 'main:0.0',
    swap: null,
    data: { reason: 'the limit states a reset that lies ahead' },
    ...change,
  };
}

export const SWAP_ID = '20260105-115500-ab12';

export function swapRow(change: Partial<SwapRow> = {}): SwapRow {
  const startedAt = NOW - 5 * MINUTE;
  return {
    id: SWAP_ID,
    pool: 'work',
    from: 'work-1',
    to: 'work-2',
    trigger: 'limit',
    triggerPane: 'main:0.0',
    reason: 'hit-limit',
    resetAt: NOW + 2 * HOUR,
    phase: 'done',
    requestedAt: startedAt - 200,
    startedAt,
    flippedAt: startedAt + 800,
    finishedAt: startedAt + 12_400,
    error: null,
    fromTarget: '/home/ada/.claude-work-1',
    toTarget: '/home/ada/.claude-work-2',
    locks: [],
    ...change,
  };
}

export function recovery(label: string, change: Partial<RecoveryRow> = {}): RecoveryRow {
  return {
    id: `${SWAP_ID}/${label}`,
    swapId: SWAP_ID,
    pane: { server: 'default', serverPid: 77, serverStartedAtS: 1, paneId: '%1', panePid: 100 },
    label,
    sessionId: 'b1c2',
    version: '2.1.100',
    launch: { argv: ['claude', '--secret-argument'], cwd: '/src', configDir: null, pid: 101, startTicks: '5' },
    state: 'recovered',
    stateSince: NOW,
    startedAt: NOW - 5 * MINUTE + 900,
    finishedAt: NOW - 5 * MINUTE + 4100,
    promptedAt: null,
    enters: 1,
    prompts: 1,
    recoveredBy: 'hot',
    reason: null,
    ...change,
  };
}

export function swapRecord(change: Partial<SwapRecord> = {}): SwapRecord {
  const startedAt = NOW - 5 * MINUTE;
  return {
    swap: swapRow(),
    incident: {
      id: SWAP_ID,
      swapId: SWAP_ID,
      pool: 'work',
      at: startedAt,
      screen: "● You've hit your 5-hour limit · resets 2pm (UTC)\n",
      evidence: [
        {
          pane: 'main:0.0',
          pattern: 'hit-limit',
          class: 'quota',
          window: '5h',
          account: 'work-1',
          charged: 'active when the turn began',
          decision: 'instant',
          reason: 'the transcript holds a rejection by quota as its latest row',
          votes: [
            {
              source: 'transcript',
              at: new Date(startedAt - 2000).toISOString(),
              says: 'quota',
              weight: 'decisive',
              rule: 'rejected',
              text: "You've hit your 5-hour limit · resets 2pm (UTC)",
              recordId: 'row-1',
            },
          ],
          passedOver: [{ family: 'hit-limit', text: 'usage limit', reason: 'it stands in the output of a tool' }],
        },
      ],
      decision: {
        to: 'work-2',
        why: 'eligible, priority 20',
        passedOver: [
          { account: 'work-1', reasons: [{ code: 'excluded', detail: 'it is the account to leave', until: null }] },
          {
            account: 'work-3',
            reasons: [{ code: 'limit_reached', detail: 'weekly limit reached', until: NOW + 30 * HOUR }],
          },
        ],
      },
      steps: [
        { at: startedAt, step: 'prepared', durationMs: null, detail: { from: 'work-1', to: 'work-2' } },
        { at: startedAt + 100, step: 'locked', durationMs: 90, detail: { locks: 3, attempts: 1 } },
        { at: startedAt + 800, step: 'flipped', durationMs: 12.5, detail: { link: '/home/ada/.claude' } },
      ],
      result: null,
    },
    recoveries: [
      recovery('main:0.0'),
      recovery('docs:0.0', { state: 'handed_over', recoveredBy: null, reason: 'someone types there' }),
    ],
    events: [event({ type: 'swap_completed', swap: SWAP_ID })],
    ...change,
  };
}

export function paneRecord(screen = 'the whole screen of the pane'): PaneRecord {
  const { pane } = recovery('main:0.0');
  const process: PaneRecord['finding']['process'] = {
    agent: 'claude',
    pid: 101,
    startTicks: '5',
    startedAt: NOW - HOUR,
    argv: ['claude', '--secret-argument'],
    cwd: '/src',
    configDir: '/home/ada/.claude',
    configDirIsSet: false,
    overriding: [],
    foreground: true,
  };
  const evidence: PaneRecord['finding']['evidence'] = {
    class: 'quota',
    window: '5h',
    resetAt: NOW + 2 * HOUR,
    family: 'hit-limit',
    text: "You've hit your 5-hour limit",
    structured: false,
    agreed: false,
    turnId: null,
    turnAt: null,
    turnEndedAt: null,
    rowAt: null,
    conflict: null,
    votes: [
      aVote({
        at: NOW - 2000,
        says: 'quota',
        weight: 'supports',
        rule: 'hit-limit',
        text: "You've hit your 5-hour limit",
      }),
    ],
    reason: 'limit message in message position',
  };
  return {
    finding: {
      at: NOW - 2000,
      view: {
        identity: pane,
        sessionName: 'main',
        label: 'main:0.0',
        tty: '/dev/pts/3',
        cwd: null,
        width: 80,
        height: 24,
        inMode: false,
        dead: false,
        clientActivityAt: null,
        process,
        shellInFront: null,
        screen: { text: screen, hash: 'h', capturedAt: NOW - 2000, changedAt: NOW - 60_000 },
        observed: true,
        failures: 0,
      },
      process,
      pool: 'work',
      notSwitchable: null,
      reading: {
        busy: false,
        version: null,
        composer: { text: 'half a thought of the user' },
        dialog: null,
        finding: {
          class: 'quota',
          family: 'hit-limit',
          window: '5h',
          text: "You've hit your 5-hour limit",
          reset: { at: NOW + 2 * HOUR, raw: '2pm (UTC)', kind: 'clock' },
          line: 4,
          selfContinues: false,
        },
        warnings: [],
        vetoes: [{ family: 'hit-limit', text: 'usage limit', reason: 'it is quoted' }],
        reason: 'limit message in message position',
      },
      readAt: NOW - 2000,
      switchedAt: null,
      signals: { entry: null, sessionId: 'b1c2', version: '2.1.100', isGuess: false, transcript: null },
      evidence,
      decision: {
        kind: 'suspected',
        polls: 1,
        sinceMs: 0,
        hit: {
          family: 'hit-limit',
          window: '5h',
          resetAt: NOW + 2 * HOUR,
          text: evidence.text,
          fingerprint: 'f',
          turnId: null,
          turnAt: null,
          turnSeen: false,
          firstSeenAt: NOW,
          endsAt: NOW + 2 * HOUR,
          structured: false,
        },
        reason: 'poll 1 of 3',
      },
      charge: { account: 'work-1', reason: 'active when the limit was first seen' },
      launchedUnder: 'work-1',
      consumedBy: null,
    },
    events: [event()],
    recoveries: [],
  };
}

/** What a test can change and look at. */
export class FakeDaemon implements DaemonApi {
  readonly calls: { readonly name: string; readonly with: unknown }[] = [];
  status = statusFacts();
  record: SwapRecord | null = swapRecord();
  pane: PaneRecord | null = paneRecord();
  journal: readonly JournalEvent[] = [event()];
  answer: ManualSwapAnswer = { kind: 'accepted', id: SWAP_ID, pool: 'work', to: 'work-2' };
  accountAnswer: AccountAnswer = { kind: 'done', changed: true, detail: 'work-1 is disabled' };
  failure: Error | null = null;
  alertRows: readonly Alert[] = [anAlert()];
  activationRows: readonly Activation[] = [
    { pool: 'work', account: 'work-2', since: NOW - 5 * MINUTE + 800, cause: 'swap' },
    { pool: 'work', account: 'work-1', since: NOW - 10 * HOUR, cause: 'adopted' },
  ];
  readonly records = fakeRecords(
    (name, argument) => this.#note(name, argument),
    () => this.alertRows,
  );

  kept: readonly LifecycleRow[] = [];
  readonly keeping: KeepingApi = {
    sessions: async () => this.kept,
    restart: async (session) => {
      this.#note('restart', session);
      if (session === 'nobody') return { kind: 'refused', reason: 'unknown_session', detail: 'no session is kept' };
      if (session === 'main') return { kind: 'refused', reason: 'dedicated', detail: 'it is only observed' };
      return { kind: 'accepted', detail: 'it gets a new shell' };
    },
    tidyUp: async (dryRun) => {
      this.#note('tidyUp', dryRun);
      return [{ action: 'delete', project: '/p', path: '/p/.agent-queue/inbox/.tmp-x', to: null, reason: 'old' }];
    },
  };

  readonly tasks: TasksApi = fakeTasks((name, argument) => this.#note(name, argument));

  facts(): StatusFacts {
    return this.status;
  }

  async swap(wish: ManualSwap): Promise<ManualSwapAnswer> {
    this.#note('swap', wish);
    return this.answer;
  }

  async pause(reason: string, until: number | null = null): Promise<void> {
    this.#note('pause', until === null ? reason : { reason, until });
  }

  async hold(pool: string, until: number, reason: string): Promise<boolean> {
    this.#note('hold', { pool, until, reason });
    return this.status.pools.some((view) => view.pool.pool === pool);
  }

  async resume(): Promise<void> {
    this.#note('resume', null);
  }

  async recover(pool: string | null) {
    this.#note('recover', pool);
    return pool === 'other' ? [] : [{ pool: 'work', ok: true, detail: 'the link points at work-2' }];
  }

  async reload() {
    this.#note('reload', null);
    return { kind: 'unchanged', detail: '' } as const;
  }

  async account(name: string, action: AccountAction): Promise<AccountAnswer> {
    this.#note('account', [name, action]);
    if (name === 'nobody') return { kind: 'refused', reason: 'unknown_account', detail: 'there is no such account' };
    return this.accountAnswer;
  }

  async terminate(session: string): Promise<TerminateAnswer | null> {
    this.#note('terminate', session);
    return session === 'nobody' ? null : { released: 2, running: ['main:0.0'] };
  }

  async swapRecord(id: string): Promise<SwapRecord | null> {
    return this.record?.swap.id === id ? this.record : null;
  }

  async swaps(limit: number): Promise<readonly SwapRow[]> {
    return this.record === null ? [] : [this.record.swap].slice(0, limit);
  }

  async activations(pool: string): Promise<readonly Activation[]> {
    return this.activationRows.filter((row) => row.pool === pool);
  }

  paneRecord(pane: string): PaneRecord | null {
    return [this.pane?.finding.view.label, this.pane?.finding.view.identity.paneId].includes(pane) ? this.pane : null;
  }

  async events(filter: EventFilter): Promise<readonly JournalEvent[]> {
    this.#note('events', filter);
    return this.journal;
  }

  #note(name: string, argument: unknown): void {
    this.calls.push({ name, with: argument });
    if (this.failure !== null) throw this.failure;
  }
}
