/** Whether the active account of a pool is to be left because its login is refused; only where the configuration asks for it. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { ErrorCount } from '../core/alerts/account-down.ts';
import { countErrors, failuresOf, isDown, isLoginFailure } from '../core/alerts/account-down.ts';
import type { Wish } from '../core/quota/policy.ts';
import type { PoolView } from '../core/status.ts';
import type { EpochMs } from '../core/time.ts';
import { SECOND } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { isSwitchable } from '../core/verdict/pane-finding.ts';
import { lastAnswerAt, loginRefusedAt } from '../core/verdict/refused-login.ts';
import type { Clock, LocalStore } from '../ports.ts';

export type DownWish = Extract<Wish, { kind: 'down' }>;

/** By pool: the account whose failures were counted. They leave the window sooner than a cooldown ends. */
export type DownMemory = Map<string, string>;

/** One session alone may be in trouble of its own. */
const MIN_REFUSED = 2;

/** What was last seen longer ago says nothing of now. */
const SEEN_MS = 30 * SECOND;

export interface Refused {
  readonly account: string;
  readonly panes: readonly PaneFinding[];
  readonly count: ErrorCount;
  /** When the last of them was refused. */
  readonly newestAt: EpochMs;
}

export async function downWish(
  ports: { readonly local: Pick<LocalStore, 'events'>; readonly clock: Clock },
  memory: DownMemory,
  { name: pool }: PoolConfig,
  view: PoolView,
  findings: readonly PaneFinding[],
  config: Config,
): Promise<DownWish | null> {
  const now = ports.clock.now();
  const refused = refusedSessions(view, findings, config, now);
  if (refused === null) {
    memory.delete(pool);
    return null;
  }
  const { account, count, newestAt } = refused;
  if (memory.get(pool) !== account) {
    const since = now - config.alerts.errorWindowMs;
    const events = await ports.local.events({ types: ['quota_suspected'], account, sinceAt: since, limit: 1_000 });
    const failures = failuresOf(account, events.filter(isLoginFailure), since);
    if (newestAt <= since || !isDown(count, failures, config.alerts)) return null;
    memory.set(pool, account);
  }
  return {
    kind: 'down',
    detail: `the login of ${account} is refused in ${count.erring} of its ${count.sessions} sessions`,
  };
}

/**
 * The sessions of the active account that stand at a refused login, if they are enough to leave it; what speaks against it is
 * weighed here too. Null: nothing is to be done.
 */
export function refusedSessions(
  view: PoolView,
  findings: readonly PaneFinding[],
  config: Config,
  now: EpochMs,
): Refused | null {
  const { pool, active, accounts } = view.pool;
  const facts = accounts.find(({ name }) => name === active);
  // Its login was looked at again before it was marked, and any change of it takes the mark away.
  if (!config.quota.swapOnAccountDown || active === null || facts?.row?.status !== 'expired') return null;
  const mine = findings.filter((finding) => isSwitchable(finding, pool));
  const refusedAt = new Map<PaneFinding, EpochMs>();
  for (const finding of mine) {
    const isSeen = Math.abs(now - finding.at) <= Math.max(3 * config.quota.pollIntervalMs, SEEN_MS);
    const at = isSeen && finding.charge?.account === active ? loginRefusedAt(finding) : null;
    const after = Math.max(finding.switchedAt ?? 0, facts.home?.credentialsMtimeMs ?? 0);
    if (at !== null && at > after) refusedAt.set(finding, at);
  }
  const newestAt = Math.max(0, ...refusedAt.values());
  const count = countErrors(
    active,
    pool,
    mine.map((finding) => ({
      pool,
      account: finding.charge?.account ?? active,
      error: refusedAt.has(finding) ? 'auth' : null,
    })),
  );
  const isAnswered = mine.some((finding) => (lastAnswerAt(finding, active) ?? 0) > newestAt);
  const isEnough = count.erring >= MIN_REFUSED && count.share >= config.alerts.accountDownRate;
  return isEnough && !isAnswered ? { account: active, panes: [...refusedAt.keys()], count, newestAt } : null;
}
