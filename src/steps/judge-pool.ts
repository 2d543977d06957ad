/** Decides for one pool what its confirmed hits lead to: a swap request, or a refusal with its reason. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { paneKey } from '../core/panes.ts';
import { isEligible } from '../core/quota/eligibility.ts';
import type { Decision, Wish } from '../core/quota/policy.ts';
import { decideSwap } from '../core/quota/policy.ts';
import type { PoolView } from '../core/status.ts';
import { step } from '../core/swap/machine.ts';
import { IN_A_TURN } from '../core/swap/stop.ts';
import type { EpochMs } from '../core/time.ts';
import { MINUTE, SECOND, toIso, utcMinute } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { confirmedHit, isSwitchable, stoppingHit } from '../core/verdict/pane-finding.ts';
import { recordEvidence, storedScreen } from '../core/verdict/recorded.ts';
import type { Board, Clock, TickContext } from '../ports.ts';
import { isModelOnly, profileOf, swapPolicyOf } from './config-policy.ts';
import { setFlags } from './pool-flags.ts';
import type { PoolReaders } from './read-pool.ts';
import { readPool } from './read-pool.ts';
import { decisionName, fieldsOf, poolOfEvent } from './report-finding.ts';

export interface JudgePorts extends PoolReaders {
  readonly board: Board;
  readonly clock: Clock;
  readonly profiles: readonly AgentProfile[];
  /** Why the daemon only observes; null: it acts. */
  readonly observing: (config: Config) => string | null;
  readonly newId: () => string;
}

/** What was said already, so that an unchanged refusal is not said again. */
export interface Said {
  readonly refusals: Map<string, string>;
  readonly cooldownAt: Map<string, EpochMs>;
  /** By pool: the agent that cannot be ended, and since when it has been the same one for the same reason. */
  readonly stuck: Map<string, { readonly detail: unknown; readonly since: EpochMs }>;
}

/** An agent that cannot be ended for so long waits for a person. */
const STUCK_MS = MINUTE;

export async function judgePool(
  ports: JudgePorts,
  said: Said,
  config: PoolConfig,
  view: PoolView,
  findings: readonly PaneFinding[],
  paused: string | null,
  context: TickContext,
): Promise<void> {
  const now = ports.clock.now();
  const onActive = findings.filter((finding) => isSwapHit(finding, config, view, context.config, now));
  const policy = swapPolicyOf(context.config);
  if (onActive.length === 0) {
    said.refusals.delete(config.name);
    said.stuck.delete(config.name);
    return tellIfEligibleAgain(ports, config, view, context);
  }
  if (ports.board.request(config.name) !== null) return;
  // Records were just written; the decision must see them.
  const fresh = await readPool(ports, config, profileOf(ports.profiles, config), now);
  const structuredHits = onActive.filter((finding) => confirmedHit(finding)?.structured === true).length;
  const wish: Wish = {
    kind: 'limit',
    structuredHits,
    textHits: onActive.length - structuredHits,
    minTextHits: context.config.quota.minDedicatedHits,
  };
  const decision = decideSwap(fresh.pool, wish, paused, now, policy);
  const trigger = onActive.find((finding) => confirmedHit(finding)?.structured) ?? onActive[0];
  if (trigger === undefined) return;

  if (decision.kind === 'swap') {
    said.stuck.delete(config.name);
    const observing = ports.observing(context.config);
    if (observing === null) return askForSwap(ports, config, wish, onActive, trigger, context);
    return refuse(
      ports,
      said,
      config,
      trigger,
      { reason: 'observe', detail: `would swap to ${decision.to}: ${observing}` },
      context,
    );
  }
  if (decision.kind === 'exhausted') return tellExhausted(ports, config, fresh, decision, context);
  if (decision.kind === 'trip') {
    await setFlags(ports.local, config.name, { breaker: { at: now, detail: decision.detail } });
    await ports.local.append(
      [
        {
          type: 'circuit_breaker',
          pool: config.name,
          data: { detail: `${decision.detail}; no further swap until claude-failover recover or tomorrow` },
        },
      ],
      now,
    );
    return;
  }
  if (decision.reason === 'switching') return;
  if (decision.reason === 'cooldown') sayCooldown(said, decision, config, trigger, context);
  return refuse(
    ports,
    said,
    config,
    trigger,
    { reason: decision.reason, detail: decision.detail, until: toIso(decision.until) },
    context,
  );
}

/** A confirmed hit of a pane that follows this pool's link, charged to the active account and not used up by an earlier swap. */
export function isSwapHit(
  finding: PaneFinding,
  pool: PoolConfig,
  view: PoolView,
  config: Config,
  now: EpochMs,
): boolean {
  const hit = confirmedHit(finding);
  if (hit === null || hit.endsAt <= now || finding.consumedBy !== null) return false;
  const isCharged = isSwitchable(finding, pool.name) && finding.charge?.account === view.pool.active;
  return isCharged && !isModelOnly(hit, config);
}

async function askForSwap(
  ports: JudgePorts,
  config: PoolConfig,
  wish: Wish,
  hits: readonly PaneFinding[],
  trigger: PaneFinding,
  context: TickContext,
): Promise<void> {
  const now = ports.clock.now();
  const id = ports.newId();
  const asked = ports.board.ask({
    id,
    pool: config.name,
    wish,
    requestedAt: now,
    triggerPane: trigger.view.label,
    reason: trigger.evidence.family,
    resetAt: confirmedHit(trigger)?.resetAt ?? null,
    hits: hits.flatMap((finding) => {
      const hit = confirmedHit(finding);
      if (hit === null || finding.charge === null) return [];
      return [
        {
          fingerprint: hit.fingerprint,
          pane: paneKey(finding.view.identity),
          account: finding.charge.account,
          window: hit.window,
          firstSeenAt: hit.firstSeenAt,
        },
      ];
    }),
    screen: storedScreen(trigger.view.screen?.text ?? ''),
    evidence: hits.map((finding) => describeEvidence(finding, ports.clock.zone(), context)),
  });
  if (!asked) {
    context.log.debug({ pool: config.name }, 'a swap request is outstanding; this one is dropped');
    return;
  }
  await ports.local.append(
    [
      {
        type: 'swap_requested',
        swap: id,
        session: trigger.view.sessionName,
        pane: trigger.view.label,
        data: fieldsOf(trigger, context),
        ...poolOfEvent(trigger),
      },
    ],
    now,
  );
  context.log.info(
    { pool: config.name, swap: id, ...fieldsOf(trigger, context), panes: hits.length },
    'swap requested',
  );
}

/** Everything that the verdict on one pane rests on, for the incident. */
export function describeEvidence(
  finding: PaneFinding,
  zone: string,
  context: TickContext,
): Readonly<Record<string, unknown>> {
  return {
    ...fieldsOf(finding, context),
    decision: decisionName(finding),
    ...recordEvidence(finding, zone, context.config.quota.snippetChars),
    turnAt: toIso(confirmedHit(finding)?.turnAt ?? null),
  };
}

async function tellExhausted(
  ports: JudgePorts,
  config: PoolConfig,
  view: PoolView,
  decision: Extract<Decision, { kind: 'exhausted' }>,
  context: TickContext,
): Promise<void> {
  const next = step(view.pool.state, 'no_target');
  if (next.kind === 'ignored') return;
  const now = ports.clock.now();
  await setFlags(ports.local, config.name, { exhausted: { since: now } });
  const data = {
    detail:
      decision.earliestAt === null
        ? 'no account can be used until somebody mends one'
        : `no account can be used before ${utcMinute(decision.earliestAt)} (${decision.earliest})`,
    earliest_reset_at: toIso(decision.earliestAt),
    earliest: decision.earliest,
    passed_over: decision.passedOver,
  };
  await ports.local.append([{ type: 'no_eligible_account', pool: config.name, data }], now);
  context.log.error({ pool: config.name, ...data }, 'no eligible account');
}

/** An exhausted pool is normal again as soon as its own account or another one can be used. */
async function tellIfEligibleAgain(
  ports: JudgePorts,
  config: PoolConfig,
  view: PoolView,
  context: TickContext,
): Promise<void> {
  if (step(view.pool.state, 'eligible').kind === 'ignored') return;
  const { active, accounts } = view.pool;
  const { eligibility } = swapPolicyOf(context.config);
  const now = ports.clock.now();
  const isUsable = accounts.some(
    (account) => isEligible(account, now, eligibility, { purpose: account.name === active ? 'keep' : 'swap' }).ok,
  );
  // The switcher resumes the panes that waited for the active account's own reset first.
  const waits = [...ports.board.findings().values()].some(
    (finding) =>
      finding.pool === config.name &&
      finding.decision.kind === 'stale' &&
      finding.charge?.account === active &&
      finding.consumedBy === null &&
      stoppingHit(finding) !== null,
  );
  if (active === null || !isUsable || waits) return;
  await setFlags(ports.local, config.name, { exhausted: null });
  await ports.local.append(
    [{ type: 'account_recovered', pool: config.name, account: active, data: { detail: 'work can go on' } }],
    now,
  );
  context.log.info({ pool: config.name, account: active }, 'an account is eligible again');
}

function sayCooldown(
  said: Said,
  decision: Extract<Decision, { kind: 'hold' }>,
  config: PoolConfig,
  trigger: PaneFinding,
  context: TickContext,
): void {
  const now = context.now;
  const key = `${config.name}|${trigger.view.sessionName}`;
  if (now - (said.cooldownAt.get(key) ?? 0) < MINUTE) return;
  said.cooldownAt.set(key, now);
  const remaining = decision.until === null ? 0 : Math.ceil((decision.until - now) / SECOND);
  context.log.info(
    { ...fieldsOf(trigger, context), pool: config.name, decision: 'cooldown', remaining_s: remaining },
    'swap cooldown active',
  );
}

async function refuse(
  ports: JudgePorts,
  said: Said,
  config: PoolConfig,
  trigger: PaneFinding,
  data: Readonly<Record<string, unknown>>,
  context: TickContext,
): Promise<void> {
  const isStuck = data.reason === 'pane_busy' && standsInTheWay(said, config.name, data.detail, context.now);
  const refusal = `${data.reason}|${isStuck ? data.detail : ''}|${confirmedHit(trigger)?.fingerprint}`;
  if (said.refusals.get(config.name) === refusal) return;
  said.refusals.set(config.name, refusal);
  await ports.local.append(
    [
      {
        type: 'swap_refused',
        ...(isStuck ? { severity: 'warning' } : {}),
        session: trigger.view.sessionName,
        pane: trigger.view.label,
        data: { ...fieldsOf(trigger, context), ...data },
        ...poolOfEvent(trigger),
      },
    ],
    context.now,
  );
  context.log.info({ pool: config.name, pane: trigger.view.label, ...data }, 'swap refused');
}

/** Whether the same agent could not be ended for a while, for a reason that does not go away by itself. */
function standsInTheWay(said: Said, pool: string, detail: unknown, now: EpochMs): boolean {
  const before = said.stuck.get(pool);
  const since = before !== undefined && before.detail === detail ? before.since : now;
  said.stuck.set(pool, { detail, since });
  return now - since >= STUCK_MS && !String(detail).endsWith(IN_A_TURN);
}
