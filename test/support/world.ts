/** A small model of accounts, panes and one pool, driven through the real decisions: reading polls, charging, deciding. */
import type { AccountFacts } from '../../src/core/quota/eligibility.ts';
import { isEligible } from '../../src/core/quota/eligibility.ts';
import type { Decision, PoolFacts } from '../../src/core/quota/policy.ts';
import { decideSwap } from '../../src/core/quota/policy.ts';
import type { QuotaRecord } from '../../src/core/quota/record.ts';
import { applyLimitHit } from '../../src/core/quota/record.ts';
import type { Activation, SwapRow } from '../../src/core/swap/swap.ts';
import { HOUR, SECOND } from '../../src/core/time.ts';
import { chargeTurn } from '../../src/core/verdict/attribute.ts';
import type { Hit, PaneDecision, PaneMemory } from '../../src/core/verdict/confirm.ts';
import { FRESH_PANE, stepPane } from '../../src/core/verdict/confirm.ts';
import type { Evidence } from '../../src/core/verdict/evidence.ts';
import {
  anAccount,
  anAccountRow,
  anEvidence,
  aSwap,
  CONFIRM,
  ELIGIBILITY,
  NOON,
  noEvidence,
  SWAPPING,
} from './builders.ts';

/** How a turn of a pane ends. */
export type Outcome = 'answer' | 'limit' | 'bare limit' | 'throttle';

interface ModelPane {
  readonly key: string;
  readonly hot: boolean;
  /** Its transcript can be read. */
  readonly hasTranscript: boolean;
  launchedUnder: string;
  startedAt: number;
  /** The running turn, and the account that it really runs under. */
  turn: { readonly at: number; readonly account: string } | null;
  /** What stands on the screen and in the transcript. */
  shows: { readonly evidence: Evidence; readonly account: string } | null;
  /** The text that was on the screen before, for a repaint. */
  last: ModelPane['shows'];
  memory: PaneMemory;
}

/** A hit that was charged, and the account that really met the limit. */
export interface Charged {
  readonly charged: string;
  readonly real: string;
  readonly structured: boolean;
  readonly hot: boolean;
}

export class World {
  now = NOON;
  active = 'a0';
  readonly swaps: SwapRow[] = [];
  readonly charges: Charged[] = [];
  readonly decisions: Decision[] = [];
  readonly panes: readonly ModelPane[];
  private readonly names: readonly string[];
  private readonly quota = new Map<string, QuotaRecord>();
  private readonly leftAt = new Map<string, number>();
  private readonly activations: Activation[] = [];
  private readonly consumed = new Map<string, SwapRow>();
  private rowCount = 0;

  constructor(accounts: number, panes: readonly { readonly hot: boolean; readonly hasTranscript: boolean }[]) {
    this.names = Array.from({ length: accounts }, (_, i) => `a${i}`);
    this.activations.unshift({ pool: 'main', account: 'a0', since: NOON - HOUR, cause: 'adopted' });
    this.panes = panes.map((pane, i) => ({
      ...pane,
      key: `p${i}`,
      launchedUnder: 'a0',
      startedAt: NOON - HOUR,
      turn: null,
      shows: null,
      last: null,
      memory: FRESH_PANE,
    }));
  }

  beginTurn(pane: ModelPane): void {
    pane.turn ??= { at: this.now, account: pane.hot ? this.active : pane.launchedUnder };
    if (pane.shows !== null) pane.last = pane.shows;
    pane.shows = null;
  }

  endTurn(pane: ModelPane, outcome: Outcome): void {
    const { turn } = pane;
    pane.turn = null;
    if (turn === null || outcome === 'answer') return;
    const row = `${pane.key}.row${this.rowCount++}`;
    const proof = pane.hasTranscript ? { structured: true, turnId: row, turnAt: turn.at } : {};
    const limits: Readonly<Record<Exclude<Outcome, 'answer'>, Evidence>> = {
      // The same words every time: nothing but the turn tells two limits apart.
      limit: anEvidence({ resetAt: this.now + 2 * HOUR, ...proof }),
      'bare limit': anEvidence({ resetAt: null, window: 'unknown', text: 'Usage limit reached', ...proof }),
      throttle: anEvidence({ class: 'throttle', window: null, resetAt: null, text: 'API Error: 500 rate limit' }),
    };
    pane.shows = { evidence: limits[outcome], account: turn.account };
  }

  /** The screen scrolls the message away, or paints it again; a transcript keeps saying what it says. */
  repaint(pane: ModelPane): void {
    if (pane.hasTranscript) return;
    const shown = pane.shows;
    pane.shows = pane.turn === null && shown === null ? pane.last : null;
    if (shown !== null) pane.last = shown;
  }

  /** The agent of a pane is started again on its session, and paints what it showed last. */
  relaunch(pane: ModelPane): void {
    pane.launchedUnder = this.active;
    pane.startedAt = this.now;
    pane.turn = null;
    pane.shows ??= pane.last;
  }

  /** The daemon forgets what it only remembered. */
  restartDaemon(): void {
    for (const pane of this.panes) pane.memory = FRESH_PANE;
  }

  /** One poll: every pane, then at most one swap. */
  poll(): void {
    const hits = this.panes.flatMap((pane) => this.look(pane));
    const onActive = hits.filter(({ charged, isConsumed }) => charged === this.active && !isConsumed);
    if (onActive.length === 0) return;
    const structuredHits = onActive.filter(({ hit }) => hit.structured).length;
    const textHits = onActive.length - structuredHits;
    const wish = { kind: 'limit', structuredHits, textHits, minTextHits: 1 } as const;
    const decision = decideSwap(this.pool(), wish, null, this.now, SWAPPING);
    this.decisions.push(decision);
    if (decision.kind === 'swap') this.swapTo(decision.to, onActive);
  }

  isFit(name: string): boolean {
    const account = this.accounts().find((candidate) => candidate.name === name);
    return account !== undefined && isEligible(account, this.now, ELIGIBILITY, { purpose: 'swap' }).ok;
  }

  private look(pane: ModelPane): { hit: Hit; charged: string; isConsumed: boolean }[] {
    const evidence = pane.shows?.evidence ?? noEvidence();
    const seen = { paneKey: pane.key, evidence, busy: pane.turn !== null, at: this.now };
    const { memory, decision } = stepPane(pane.memory, seen, CONFIRM);
    pane.memory = memory;
    if (decision.kind === 'clear' && decision.wasBanner) this.forget(pane);
    if (decision.kind !== 'confirmed') return [];
    const charge = this.charge(pane, decision);
    if (charge === null) return [];
    const { hit } = decision;
    const swap = this.consumed.get(hit.fingerprint);
    const isConsumed = swap !== undefined && !(hit.turnSeen && (hit.turnAt ?? 0) > (swap.flippedAt ?? 0));
    if (!isConsumed) {
      const key = `${charge}/${hit.window}`;
      const limit = { account: charge, window: hit.window, resetAt: hit.resetAt, source: 'banner' } as const;
      const next = applyLimitHit(this.quota.get(key) ?? null, limit, this.now, CONFIRM.unknownResetLockMs);
      if (next !== null) this.quota.set(key, next);
      const { structured } = hit;
      this.charges.push({ charged: charge, real: pane.shows?.account ?? '', structured, hot: pane.hot });
    }
    return [{ hit, charged: charge, isConsumed }];
  }

  private charge(pane: ModelPane, { hit }: Extract<PaneDecision, { kind: 'confirmed' }>): string | null {
    const charge = chargeTurn({
      followsLink: pane.hot,
      turnAt: hit.turnAt,
      processStartedAt: pane.startedAt,
      firstSeenAt: hit.firstSeenAt,
      launchedUnder: pane.launchedUnder,
      activations: this.activations,
    });
    return charge?.account ?? null;
  }

  private forget(pane: ModelPane): void {
    for (const key of this.consumed.keys()) if (key.startsWith(`${pane.key}|`)) this.consumed.delete(key);
  }

  private swapTo(to: string, hits: readonly { hit: Hit }[]): void {
    const from = this.active;
    // The flip comes after the poll that asked for it.
    this.now += 1;
    const at = this.now;
    const swap = aSwap({ id: `s${this.swaps.length}`, from, to, flippedAt: at, finishedAt: at + SECOND });
    this.swaps.unshift(swap);
    for (const { hit } of hits) this.consumed.set(hit.fingerprint, swap);
    this.activations.unshift({ pool: 'main', account: to, since: at, cause: 'swap' });
    this.leftAt.set(from, at);
    this.active = to;
  }

  private accounts(): AccountFacts[] {
    return this.names.map((name) =>
      anAccount(name, {
        row: anAccountRow({ name, leftAt: this.leftAt.get(name) ?? null }),
        quota: [...this.quota.values()].filter((record) => record.account === name),
      }),
    );
  }

  private pool(): PoolFacts {
    return {
      pool: 'main',
      strategy: 'priority',
      accounts: this.accounts(),
      active: this.active,
      state: 'normal',
      swaps: this.swaps,
      breakerOpenedAt: null,
      retryUntil: null,
      hold: null,
    };
  }
}
