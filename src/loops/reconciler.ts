/** The reconciler: compares links, homes and sessions with what is written down, and says where they differ. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import type { NewEvent } from '../core/events.ts';
import { paneKey } from '../core/panes.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import type { PoolView } from '../core/status.ts';
import { describeLink } from '../core/swap/recovery.ts';
import { MINUTE } from '../core/time.ts';
import type { Board, Clock, Loop, SessionRow, TickContext } from '../ports.ts';
import { profileOf } from '../steps/config-policy.ts';
import { checkCredentials } from '../steps/credential-health.ts';
import type { Drift, DriftPorts, DriftTeller } from '../steps/drift.ts';
import { createDriftTeller, homeDrift, identityDrift, poolDrifts } from '../steps/drift.ts';
import type { LeasePorts } from '../steps/leases.ts';
import { createLeaseKeeper } from '../steps/leases.ts';
import { markPartial } from '../steps/partial-state.ts';
import type { PoolReaders } from '../steps/read-pool.ts';
import { placeOf, readPool } from '../steps/read-pool.ts';
import { refreshPool } from '../steps/refresh-pool.ts';
import { linkRemedy } from '../steps/remedies.ts';
import { setAsideRemoved } from '../steps/removed-accounts.ts';
import { sessionRow } from '../steps/session-row.ts';
import { settleQuota } from '../steps/settle-quota.ts';
import { forgetWarnings } from '../steps/warn-of-use.ts';

export interface ReconcilerPorts extends PoolReaders, Omit<DriftPorts, 'homes'> {
  /** Names this host among those that share the store. */
  readonly host: string;
  readonly board: Board;
  readonly clock: Clock;
  /** Tasks under way, which hold leases of their own. */
  readonly taskHolders: LeasePorts['taskHolders'];
  readonly profiles: readonly AgentProfile[];
}

export function createReconciler(ports: ReconcilerPorts): Loop {
  const told = new Map<string, string>();
  const driftTeller = createDriftTeller(ports);
  /** Pools whose link was not ours at the last look. */
  const broken = new Set<string>();
  const keepLeases = createLeaseKeeper(ports);
  /** Quota records that are over, and since when. */
  const over = new Map<string, number>();
  return {
    name: 'reconciler',
    intervalMs: (config) => config.lifecycle.reconcileIntervalMs,
    async tick(context) {
      for (const config of context.config.pools) {
        try {
          await reconcilePool(ports, config, driftTeller, broken, context);
        } catch (error) {
          // One pool must not hold up another; a store that fails would fail for all.
          if (error instanceof StoreError) throw error;
          context.log.error({ pool: config.name, err: error }, 'a pool could not be reconciled');
        }
      }
      await setAsideRemoved(ports, context);
      await settleQuota(ports, over, context);
      await forgetWarnings(ports, context.config);
      await tellServers(ports, told, context);
      await saveSessions(ports, context);
      await keepLeases(context);
    },
  };
}

async function reconcilePool(
  ports: ReconcilerPorts,
  config: PoolConfig,
  driftTeller: DriftTeller,
  broken: Set<string>,
  context: TickContext,
): Promise<void> {
  const profile = profileOf(ports.profiles, config);
  await ports.shared.ensureAccounts(config.accounts.map(({ name }) => ({ name, pool: config.name })));
  const view = await readPool(ports, config, profile, ports.clock.now());
  await compareLink(ports, config, view, broken, context);
  await compareHomes(ports, config, profile, view.pool.accounts, driftTeller, context);
  await refreshPool(ports, config, profile);
}

/** The link on disk is the truth; a link moved by somebody else is adopted if it names a known account. */
async function compareLink(
  ports: ReconcilerPorts,
  config: PoolConfig,
  view: PoolView,
  broken: Set<string>,
  context: TickContext,
): Promise<void> {
  // A swap that is under way moves the link itself, and a partial pool waits for somebody.
  if (view.pool.state !== 'normal' && view.pool.state !== 'exhausted') return;
  const now = ports.clock.now();
  const { linkState } = view;
  if (linkState.kind !== 'account') {
    const detail = `the link ${config.link} is ${describeLink(linkState)}`;
    const wasBroken = broken.has(config.name);
    broken.add(config.name);
    if (!wasBroken) {
      context.log.error({ pool: config.name, detail }, 'the account link is not ours any more');
      const homes = view.pool.accounts.flatMap(({ home }) => (home === null ? [] : [home]));
      const remedy = `${linkRemedy(linkState, config, homes)}; then: claude-failover recover`;
      const data = { detail, remedy };
      await ports.local.append([{ type: 'drift', pool: config.name, data }], now);
    }
    // A link that is being replaced by hand, or a disk that hiccups, is in order again at the next look.
    if (!wasBroken || linkState.kind === 'unreadable') return;
    return markPartial(ports, config.name, null, detail);
  }
  broken.delete(config.name);
  const [latest] = await ports.local.activations(config.name, 1);
  if (latest?.account === linkState.account) return;
  // The look at the homes took a while: a flip of our own in that time is no change by somebody else.
  const again = await ports.link.read(placeOf(config));
  const swaps = await ports.local.unfinishedSwaps();
  if ((latest?.since ?? 0) >= view.asOf || swaps.some((swap) => swap.pool === config.name)) return;
  if (again.kind !== 'account' || again.account !== linkState.account) return;
  // By the link's own time, so that turns that began since are charged rightly.
  const since = Math.min(now, Math.max(again.movedAt ?? now, (latest?.since ?? 0) + 1));
  const cause = latest === undefined ? 'adopted' : 'external';
  const events: NewEvent[] =
    latest === undefined
      ? []
      : [
          {
            type: 'active_account_external_change',
            pool: config.name,
            account: linkState.account,
            data: {
              detail: `the link was moved from ${latest.account} to ${linkState.account} by somebody else; it is kept so`,
            },
          },
        ];
  await ports.local.recordActivation({ pool: config.name, account: linkState.account, since, cause }, events);
  await ports.shared.markActive(linkState.account, latest?.account ?? null, since);
  context.log[latest === undefined ? 'info' : 'warn'](
    { pool: config.name, from: latest?.account ?? null, to: linkState.account, cause },
    'active account taken from the link',
  );
}

/** Identities, logins that ended or came back, homes, and what the homes share. */
async function compareHomes(
  ports: ReconcilerPorts,
  config: PoolConfig,
  profile: AgentProfile,
  accounts: readonly AccountFacts[],
  driftTeller: DriftTeller,
  { log }: TickContext,
): Promise<void> {
  const found: Drift[] = [];
  for (const account of accounts) {
    const { name, home, row } = account;
    if (home === null || row === null) continue;
    const identity = identityDrift(account, accounts);
    if (identity !== null) {
      found.push(identity);
      continue;
    }
    if (home.identity !== null && row.identity === null) await ports.shared.setIdentity(name, home.identity);
    if ((await checkCredentials(ports, account, profile, log)) !== null) continue;
    const unusable = homeDrift(account, profile);
    if (unusable !== null) found.push(unusable);
  }
  found.push(...(await poolDrifts(ports, config, profile, accounts)));
  await driftTeller(config.name, found, log);
}

async function tellServers(ports: ReconcilerPorts, told: Map<string, string>, context: TickContext): Promise<void> {
  for (const { server, state, reason } of ports.board.snapshot()?.servers ?? []) {
    const key = `tmux ${server}`;
    // Before anybody works there is no server, and nothing is wrong.
    const before = told.get(key) ?? (state === 'absent' ? state : 'ok');
    told.set(key, state);
    if (before === state) continue;
    const type = state === 'ok' ? 'tmux_available' : 'tmux_unavailable';
    await ports.local.append(
      [{ type, data: { detail: `tmux server ${server} is ${state}`, reason } }],
      ports.clock.now(),
    );
    context.log.info({ server, state, reason }, 'tmux server changed');
  }
}

/** The sessions table is repaired from what the last poll saw. */
async function saveSessions(ports: ReconcilerPorts, context: TickContext): Promise<void> {
  const now = ports.clock.now();
  const known = new Map((await ports.local.sessions()).map((row) => [row.id, row]));
  const findings = ports.board.findings();
  const rows = [...findings.values()].map((finding) =>
    sessionRow(finding, known.get(paneKey(finding.view.identity)), context.config, now),
  );
  const events: NewEvent[] = rows
    .filter((row) => !known.has(row.id))
    .map((row) => ({
      type: 'session_adopted',
      session: row.sessionName,
      pane: row.label,
      ...(row.pool === null ? {} : { pool: row.pool }),
      data: { detail: `${row.agent} ${row.version ?? ''} in ${row.cwd}`, launched_under: row.launchedUnder },
    }));
  const changed = rows.filter((row) => !isSaved(row, known.get(row.id)));
  if (changed.length > 0) await ports.local.saveSessions(changed);

  const snapshot = ports.board.snapshot();
  for (const row of known.values()) {
    if (findings.has(row.id)) continue;
    // Only a server that answered can prove that a pane is gone.
    const server = snapshot?.servers.find((candidate) => candidate.server === row.server);
    if (server === undefined || (server.state !== 'ok' && server.state !== 'absent')) continue;
    await ports.local.removeSession(row.id);
    events.push({
      type: 'session_gone',
      session: row.sessionName,
      pane: row.label,
      data: { detail: 'the agent is no longer in this pane' },
    });
  }
  if (events.length > 0) await ports.local.append(events, now);
}

/** A hundred idle sessions need no hundred writes: when one was last seen is kept to the minute. */
function isSaved(row: SessionRow, before: SessionRow | undefined): boolean {
  if (before === undefined || row.lastSeenAt - before.lastSeenAt >= MINUTE) return false;
  return JSON.stringify({ ...before, lastSeenAt: 0 }) === JSON.stringify({ ...row, lastSeenAt: 0 });
}
