/** What can be told without the daemon: the database, opened read-only, and the links and homes as they are. */

import { createAccountHomes } from '../adapters/accounts/homes.ts';
import { createAccountLink } from '../adapters/accounts/link.ts';
import { createKillSwitch } from '../adapters/kill-switch.ts';
import type { LoadedConfig } from '../config/load.ts';
import { loadConfigFile } from '../config/load.ts';
import { claude } from '../core/agents/claude.ts';
import { inMode } from '../core/agents/mode.ts';
import type { AgentKind, AgentProfile } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import { ATTENTION, needsAttention } from '../core/events.ts';
import type { StatusFacts, StatusView } from '../core/status.ts';
import { buildStatus } from '../core/status.ts';
import type { Logger, SessionRow } from '../ports.ts';
import { swapPolicyOf } from '../steps/config-policy.ts';
import { readPool } from '../steps/read-pool.ts';
import { OBSERVE_KEY } from '../store/meta.ts';
import type { ReadOnlyStore } from '../store/read-only.ts';
import { openReadOnly } from '../store/read-only.ts';
import type { CommandIo, GlobalOptions } from './io.ts';

/** For adapters inside a command: their warnings are for the daemon's log. */
export const NO_LOG: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => NO_LOG,
};

export type OfflineStatus =
  | { readonly kind: 'read'; readonly view: StatusView }
  | { readonly kind: 'absent'; readonly reason: string };

/** @throws {ConfigError} @throws {StoreError} the database is there and cannot be read */
export async function readOfflineStatus(options: GlobalOptions, io: CommandIo): Promise<OfflineStatus> {
  const loaded = loadOffline(options, io);
  return withStore(loaded, async (store) => ({ kind: 'read', view: await viewOf(loaded, store, io) }));
}

/** Reads the configuration without the daemon's token. @throws {ConfigError} */
export function loadOffline(options: GlobalOptions, io: Pick<CommandIo, 'env' | 'home'>): LoadedConfig {
  return loadConfigFile({ path: options.config ?? null, env: io.env, home: io.home, checkToken: false });
}

/** Opens the database, hands it on and closes it; `absent` when there is none yet. @throws {StoreError} */
export async function withStore<T>(
  { config }: LoadedConfig,
  use: (store: ReadOnlyStore) => Promise<T>,
): Promise<T | { readonly kind: 'absent'; readonly reason: string }> {
  let store: ReadOnlyStore;
  try {
    store = openReadOnly(config.daemon.stateDir);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store_absent') return { kind: 'absent', reason: error.message };
    throw error;
  }
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

async function viewOf({ config, hash }: LoadedConfig, store: ReadOnlyStore, io: CommandIo): Promise<StatusView> {
  const { clock } = io;
  const now = clock.now();
  const link = createAccountLink({ log: NO_LOG });
  const homes = createAccountHomes({ ownUid: process.getuid?.() ?? 0, clock, log: NO_LOG });
  const sources = { local: store.local, shared: store.pool, link, homes };
  const facts: StatusFacts = {
    version: io.version,
    daemon: null,
    mode: config.mode,
    observeReason: await store.local.meta(OBSERVE_KEY),
    paused: await createKillSwitch(config.daemon.stateDir, clock).reason(),
    pools: await Promise.all(
      config.pools.map(async (pool) => readPool(sources, pool, inMode(await PROFILE_OF[pool.agent](), pool.mode), now)),
    ),
    servers: [],
    tmuxDownSince: null,
    sessions: (await store.local.sessions()).map(toSession),
    storeError: null,
    jobs: [],
    config: { file: config.file, hash, loadedAt: now, rejected: null, needsRestart: [] },
    attention: needsAttention(await store.local.events({ limit: ATTENTION.searched })),
    openAlerts: await store.alerts.countOpen(),
    queue: { ...(await store.tasks.counts()), enabled: config.dispatcher.enabled, projects: [], flaws: [] },
    asOf: now,
    policy: {
      ...swapPolicyOf(config).eligibility,
      swapCooldownMs: config.quota.swapCooldownMs,
      swapTimeoutMs: config.switcher.timeoutMs,
    },
  };
  return buildStatus(facts, now);
}

/** Only what the configuration names is loaded: the answer must come at once. */
const PROFILE_OF: Readonly<Record<AgentKind, () => Promise<AgentProfile>>> = {
  claude: async () => claude,
  codex: async () => (await import('../core/agents/codex.ts')).codex,
  gemini: async () => (await import('../core/agents/gemini.ts')).gemini,
  opencode: async () => (await import('../core/agents/opencode.ts')).opencode,
};

function toSession(row: SessionRow): StatusFacts['sessions'][number] {
  const { id, server, sessionName, label, pool, kind, agent, version, state, stateReason, stateSince, launchedUnder } =
    row;
  return { id, server, sessionName, label, pool, kind, agent, version, state, stateReason, stateSince, launchedUnder };
}
