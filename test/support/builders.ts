/** Builders of the facts that the pure decisions take: a plain, healthy thing by default, changed only where a test cares. */
import type { AccountRow, HomeState } from '../../src/core/accounts.ts';
import { claude } from '../../src/core/agents/claude.ts';
import type { AgentProcess, PaneIdentity } from '../../src/core/panes.ts';
import type { AccountFacts, EligibilityPolicy } from '../../src/core/quota/eligibility.ts';
import type { PoolFacts, SwapPolicy } from '../../src/core/quota/policy.ts';
import type { QuotaRecord } from '../../src/core/quota/record.ts';
import type { Finding, Reading } from '../../src/core/screen/finding.ts';
import type { LadderPolicy, LadderView } from '../../src/core/swap/ladder-step.ts';
import type { RecoveryRow, SwapRow } from '../../src/core/swap/swap.ts';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import type { ConfirmPolicy } from '../../src/core/verdict/confirm.ts';
import type { Evidence } from '../../src/core/verdict/evidence.ts';
import type { AssistantRow, PromptRow, SessionSignals, TranscriptTail } from '../../src/core/verdict/signals.ts';
import type { Vote } from '../../src/core/verdict/votes.ts';

/** 2026-01-05T12:00:00Z, a Monday. */
export const NOON = Date.UTC(2026, 0, 5, 12);

/** Runs of one property; `CF_LONG=1` asks for many more. */
export const RUNS = process.env.CF_LONG === '1' ? 100_000 : 2_000;
export const PROPERTY_TIMEOUT_MS = process.env.CF_LONG === '1' ? 30 * MINUTE : 3 * MINUTE;

export const CONFIRM: ConfirmPolicy = {
  confirmPolls: 2,
  confirmMinAgeMs: 20 * SECOND,
  maxGapMs: 30 * SECOND,
  unknownResetLockMs: HOUR,
};
export const ELIGIBILITY: EligibilityPolicy = {
  accountReactivateCooldownMs: 5 * MINUTE,
  modelLimitSwaps: false,
  autoPause: { '5h': null, '7d': null },
  sampleStaleAfterMs: 2 * HOUR,
};
export const SWAPPING: SwapPolicy = { swapCooldownMs: 5 * MINUTE, swapsPerHour: 4, eligibility: ELIGIBILITY };
export const CLIMBING: LadderPolicy = {
  verifyTimeoutMs: MINUTE,
  exitGraceMs: 10 * SECOND,
  submitDelayMs: 500,
  deadlineAt: NOON + 10 * MINUTE,
  flip: 'done',
  profile: claude,
};

export function aHome(change: Partial<HomeState> = {}): HomeState {
  return {
    home: '/home/ada/.claude-work',
    realPath: '/home/ada/.claude-work',
    problem: null,
    credentials: 'ok',
    looseMode: false,
    credentialsMtimeMs: NOON - HOUR,
    expiresAt: null,
    loginEndsAt: null,
    identity: null,
    ...change,
  };
}

export function anAccountRow(change: Partial<AccountRow> = {}): AccountRow {
  return {
    name: 'work',
    pool: 'main',
    status: 'active',
    statusReason: null,
    identity: null,
    activeSince: null,
    leftAt: null,
    credentialsMtimeMs: null,
    ...change,
  };
}

export function aRecord(change: Partial<QuotaRecord> = {}): QuotaRecord {
  return {
    account: 'work',
    window: '5h',
    used: 0.4,
    limitReached: false,
    resetAt: NOON + 2 * HOUR,
    lockUntil: null,
    source: 'banner',
    updatedAt: NOON - MINUTE,
    verifyRequired: false,
    ...change,
  };
}

export function anAccount(name: string, change: Partial<AccountFacts> = {}): AccountFacts {
  return {
    name,
    pool: 'main',
    priority: 10,
    enabled: true,
    row: anAccountRow({ name }),
    home: aHome({ home: `/home/ada/.claude-${name}`, realPath: `/home/ada/.claude-${name}` }),
    quota: [],
    duplicateOf: null,
    ...change,
  };
}

/** An account at its limit until `resetAt`. */
export function aLimitedAccount(name: string, resetAt: number, change: Partial<AccountFacts> = {}): AccountFacts {
  return anAccount(name, { quota: [aRecord({ account: name, used: 1, limitReached: true, resetAt })], ...change });
}

/** `work` is active and at its limit, `spare` is free. */
export function aPool(change: Partial<PoolFacts> = {}): PoolFacts {
  return {
    pool: 'main',
    strategy: 'priority',
    accounts: [aLimitedAccount('work', NOON + 2 * HOUR), anAccount('spare')],
    active: 'work',
    state: 'normal',
    swaps: [],
    breakerOpenedAt: null,
    retryUntil: null,
    hold: null,
    ...change,
  };
}

export function aSwap(change: Partial<SwapRow> = {}): SwapRow {
  return {
    id: 'swap-1',
    pool: 'main',
    from: 'work',
    to: 'spare',
    trigger: 'limit',
    triggerPane: 'main:0.0',
    reason: 'hit-limit',
    resetAt: null,
    phase: 'done',
    requestedAt: NOON - HOUR,
    startedAt: NOON - HOUR,
    flippedAt: NOON - HOUR,
    finishedAt: NOON - HOUR,
    error: null,
    fromTarget: '/home/ada/.claude-work',
    toTarget: '/home/ada/.claude-spare',
    locks: [],
    ...change,
  };
}

export const PANE: PaneIdentity = {
  server: '/tmp/s',
  serverPid: 10,
  serverStartedAtS: NOON / SECOND - 3600,
  paneId: '%1',
  panePid: 20,
};

export function anAgent(change: Partial<AgentProcess> = {}): AgentProcess {
  return {
    agent: 'claude',
    pid: 30,
    startTicks: '300',
    startedAt: NOON - HOUR,
    argv: ['claude'],
    cwd: '/home/ada/project',
    configDir: '/home/ada/.claude',
    configDirIsSet: false,
    overriding: [],
    foreground: true,
    ...change,
  };
}

export const SESSION_ID = '0b1c2d3e-4f50-4617-8a9b-0c1d2e3f4a5b';

export function aRecovery(change: Partial<RecoveryRow> = {}): RecoveryRow {
  return {
    id: 'swap-1/pane',
    swapId: 'swap-1',
    pane: PANE,
    label: 'main:0.0',
    sessionId: SESSION_ID,
    version: '2.1.328',
    launch: { argv: ['claude'], cwd: '/home/ada/project', configDir: null, pid: 30, startTicks: '300' },
    state: 'waiting',
    stateSince: NOON,
    startedAt: NOON,
    finishedAt: null,
    promptedAt: null,
    enters: 0,
    prompts: 0,
    recoveredBy: null,
    reason: null,
    ...change,
  };
}

export function aFinding(change: Partial<Finding> = {}): Finding {
  return {
    class: 'quota',
    family: 'hit-limit',
    window: '5h',
    text: "You've hit your 5-hour limit · resets 2pm",
    reset: { at: NOON + 2 * HOUR, raw: '2pm', kind: 'clock' },
    line: 3,
    selfContinues: false,
    ...change,
  };
}

/** An idle screen with an empty input line. */
export function aReading(change: Partial<Reading> = {}): Reading {
  return {
    busy: false,
    version: null,
    composer: { text: '' },
    dialog: null,
    finding: null,
    warnings: [],
    vetoes: [],
    reason: 'no message in message position',
    ...change,
  };
}

export function aRow(change: Partial<AssistantRow> = {}): AssistantRow {
  return { id: 'row-1', at: NOON - MINUTE, kind: 'answer', text: 'Done.', window: null, resetAt: null, ...change };
}

export function aRejection(change: Partial<AssistantRow> = {}): AssistantRow {
  const text = "You've hit your 5-hour limit · resets 2pm";
  return aRow({ kind: 'rejected', text, window: '5h', resetAt: NOON + 2 * HOUR, ...change });
}

export function aPrompt(at: number, change: Partial<PromptRow> = {}): PromptRow {
  return { id: `prompt@${at}`, at, text: 'do it', isMeta: false, ...change };
}

export function aTranscript(change: Partial<TranscriptTail> = {}): TranscriptTail {
  return {
    path: '/t.jsonl',
    sessionId: SESSION_ID,
    lastAssistant: null,
    requestAt: null,
    prompts: [],
    version: '2.1.328',
    ...change,
  };
}

export function signalsOf(transcript: TranscriptTail | null): SessionSignals {
  return { entry: null, sessionId: SESSION_ID, version: '2.1.328', isGuess: false, transcript };
}

/** The screen's word for a limit; `since` follows `at`. */
export function aVote(change: Partial<Vote> = {}): Vote {
  const at = change.at ?? NOON;
  return {
    kind: 'screen',
    source: 'screen',
    at,
    since: at,
    says: 'quota',
    window: '5h',
    resetAt: NOON + 2 * HOUR,
    turnAt: null,
    session: SESSION_ID,
    isGuess: false,
    rule: 'hit-limit',
    text: "You've hit your 5-hour limit · resets 2pm",
    recordId: null,
    weight: 'informs',
    note: '',
    account: null,
    ...change,
  };
}

/** A limit that only the screen shows. */
export function anEvidence(change: Partial<Evidence> = {}): Evidence {
  return {
    class: 'quota',
    window: '5h',
    resetAt: NOON + 2 * HOUR,
    family: 'hit-limit',
    text: "You've hit your 5-hour limit · resets 2pm",
    structured: false,
    agreed: false,
    turnId: null,
    turnAt: null,
    turnEndedAt: null,
    rowAt: null,
    votes: [],
    conflict: null,
    reason: 'limit message in message position',
    ...change,
  };
}

export function noEvidence(change: Partial<Evidence> = {}): Evidence {
  const reason = 'no message in message position';
  return anEvidence({ class: 'none', window: null, resetAt: null, family: 'none', text: '', reason, ...change });
}

/** The limited agent, idle, with its banner on the screen and a transcript that says the same. */
export function aView(change: Partial<LadderView> = {}): LadderView {
  return {
    present: true,
    agent: anAgent(),
    reading: aReading({ finding: aFinding() }),
    screenText: '',
    screenChangedAt: NOON - MINUTE,
    inMode: false,
    clientActivityAt: null,
    transcript: aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON - 2 * MINUTE)] }),
    isGuess: false,
    shellInFront: false,
    cwd: '/home/ada/project',
    ...change,
  };
}
