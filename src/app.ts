/** The composition root: builds every part of the daemon from one configuration, starts it and stops it. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { createCliLocks } from './adapters/accounts/cli-locks.ts';
import { createAccountHomes } from './adapters/accounts/homes.ts';
import { createAccountLink } from './adapters/accounts/link.ts';
import { createSharedEntries } from './adapters/accounts/shared-links.ts';
import { createDiskSpace } from './adapters/disk-space.ts';
import { createKillSwitch } from './adapters/kill-switch.ts';
import { makeOwnDirectory } from './adapters/own-directory.ts';
import { createSafetyHook } from './adapters/safety/safety-hook.ts';
import { watchFigures, watchHooks } from './adapters/signals/hook-watch.ts';
import { createProcesses } from './adapters/signals/processes.ts';
import { createStateMirror } from './adapters/state-mirror.ts';
import { createStopping } from './adapters/stopping.ts';
import { openChannels } from './app/channels.ts';
import { openChat } from './app/chat.ts';
import { followConfig } from './app/config-news.ts';
import { openFigures } from './app/figures.ts';
import { openHouse } from './app/house.ts';
import { takeLocks } from './app/locks.ts';
import { openSessions } from './app/sessions.ts';
import { openSignals } from './app/signals.ts';
import { createTelling } from './app/telling.ts';
import { openTmux } from './app/tmux.ts';
import { openWork, taskHoldersOf } from './app/work.ts';
import type { LiveConfig } from './config/live.ts';
import type { Config, PoolConfig } from './config/schema.ts';
import { resolveBearerToken } from './config/secrets.ts';
import { PROFILES } from './core/agents/languages.ts';
import type { AgentProfile } from './core/agents/profile.ts';
import type { FatalError } from './core/errors.ts';
import type { StatusFacts } from './core/status.ts';
import { buildStatus } from './core/status.ts';
import type { EpochMs } from './core/time.ts';
import { VERSION } from './core/version.ts';
import { startHttp } from './http/server.ts';
import { createAlerts } from './loops/alerts.ts';
import { createCaretaker } from './loops/caretaker.ts';
import { createCredentials } from './loops/credentials.ts';
import { createMirror } from './loops/mirror.ts';
import { createQuotaMonitor } from './loops/quota-monitor.ts';
import { createReconciler } from './loops/reconciler.ts';
import { createSwitcher } from './loops/switcher.ts';
import { createWatcher } from './loops/watcher.ts';
import type { DaemonApi } from './ports/daemon.ts';
import type { AccountHomes, AccountLink, Clock, Logger, Loop, PoolStore } from './ports.ts';
import { createBoard } from './runtime/board.ts';
import type { Supervisor } from './runtime/supervisor.ts';
import { createSupervisor } from './runtime/supervisor.ts';
import { profileOf, swapPolicyOf } from './steps/config-policy.ts';
import { createDaemonApi, createSessionFacts } from './steps/daemon-api.ts';
import { createLeaseCounter } from './steps/leases.ts';
import { endIfMended } from './steps/partial-state.ts';
import { createRecordsApi } from './steps/records-api.ts';
import { checkPools, refuseToStart } from './steps/start-checks.ts';
import { SteadyStore } from './steps/steady-store.ts';
import { stopObstacle } from './steps/stop-first.ts';
import { queueFacts } from './steps/tasks-api.ts';
import { OBSERVE_KEY } from './store/meta.ts';
import { openStore } from './store/open.ts';

export interface AppOptions {
  readonly live: LiveConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ownUid: number;
  /** Missing shared entries do not stop the start. */
  readonly allowUnshared: boolean;
  /** A loop asked for the end of the process. */
  readonly onFatal: (error: FatalError) => void;
  /** Taken instead of the real ones: how a test puts a fault between the daemon and the disk. */
  readonly adapters?: {
    readonly link?: AccountLink;
    readonly homes?: AccountHomes;
    readonly pool?: (real: PoolStore) => PoolStore;
  };
}

export interface App {
  readonly api: DaemonApi;
  readonly supervisor: Supervisor;
  /** Opens the doors and starts the loops. */
  start(): Promise<void>;
  /** One tick of every loop, in the order in which facts flow. */
  runOnce(): Promise<boolean>;
  stop(): Promise<void>;
}

/**
 * Takes the locks, opens the store, checks links and homes. Nothing of the user's is changed before `start` or `runOnce`.
 *
 * @throws {FatalError} another daemon runs, or links and homes are not in order
 * @throws {StoreError} the database cannot be used
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { live, clock, log } = options;
  const config = live.current;
  const startedAt = clock.now();
  const cleanUps: { readonly name: string; run(): void | Promise<void> }[] = [];
  const cleanUp = async (): Promise<void> => {
    for (const { name, run } of cleanUps.splice(0).reverse()) {
      try {
        await run();
      } catch (err) {
        log.error({ err, part: name }, 'clean-up failed');
      }
    }
  };

  try {
    makeOwnDirectory(config.daemon.stateDir, 'daemon.state_dir');
    makeOwnDirectory(config.daemon.runtimeDir, 'daemon.runtime_dir');
    takeLocks(config, clock.now(), cleanUps);
    const store = await openStore({
      stateDir: config.daemon.stateDir,
      now: clock.now(),
      log,
      busyTimeoutMs: BUSY_TIMEOUT_MS,
    });
    cleanUps.push({ name: 'store', run: () => store.close() });

    const link = options.adapters?.link ?? createAccountLink({ log });
    const homes = options.adapters?.homes ?? createAccountHomes({ ownUid: options.ownUid, clock, log });
    const sharedEntries = createSharedEntries({ ownUid: options.ownUid, log });
    const problems = await checkPools({ link, homes, sharedEntries }, config, PROFILES);
    refuseToStart(options.allowUnshared ? problems.filter((problem) => problem.kind !== 'shared') : problems, log);

    const { readScreen, signals } = openSignals(live, { clock, log, ownUid: options.ownUid });
    const processes = createProcesses({ profiles: PROFILES, ownUid: options.ownUid, clock, log });
    const stopping = createStopping({ processes, clock, env: options.env });
    const tmux = openTmux(config, { env: options.env, processes, clock, log });
    const locks = createCliLocks({ clock, log });
    const killSwitch = createKillSwitch(config.daemon.stateDir, clock);

    let observeReason = await store.local.meta(OBSERVE_KEY);
    const news = followConfig(live, startedAt, { local: store.local, clock, log });
    let bearerToken = resolveBearerToken(config, options.env);
    const poolStore = options.adapters?.pool?.(store.pool) ?? store.pool;
    const shared = new SteadyStore({ store: poolStore, clock, log });
    const board = createBoard((name) => {
      for (const loop of loops) if (loop.name === name || loop.name.startsWith(`${name}:`)) supervisor.wake(loop.name);
    });
    const ports = {
      local: store.local,
      shared,
      countLeases: createLeaseCounter({
        shared,
        local: store.local,
        clock,
        log,
        config: () => live.current,
      }),
      host: hostname(),
      taskHolders: taskHoldersOf(store),
      link,
      homes,
      sharedEntries,
      locks,
      stopping,
      stopObstacle: (pool: PoolConfig, profile: AgentProfile) =>
        stopObstacle({ board, stopping, link }, pool, profile, { config: live.current, now: clock.now() }),
      panes: tmux.panes,
      keys: tmux.keys,
      signals,
      clock,
      board,
      killSwitch,
      profiles: PROFILES,
      allowUnshared: options.allowUnshared,
      readScreen,
      newId: () => newId(clock.now()),
      safetyHook: createSafetyHook({
        ownUid: options.ownUid,
        node: process.execPath,
        stateDir: config.daemon.stateDir,
        signalDir: config.watcher.doneSignalDir,
      }),
      observing: (current: Config) => (current.mode === 'observe' ? 'mode: observe' : observeReason),
    };
    const kept = openSessions(ports, { tmux: tmux.reach, store, env: options.env });
    /** The screens are looked at with it: a limit is seldom told by one source alone. */
    const hearHook = (sessionId: string): void => {
      signals.hear(sessionId);
      board.wake('watcher');
    };
    const caretaker = createCaretaker({ local: store.local, board, killSwitch, jobs: () => supervisor.jobs() });
    const { alerts: alertStore, stats } = store;
    const alerts = createAlerts({
      alerts: alertStore,
      lifecycles: store.lifecycles,
      tasks: store.tasks,
      outbox: store.outbox,
      board,
      disk: createDiskSpace(),
      configRejected: news.rejected,
    });
    let isRunning = false;
    const chat = await openChat(config, {
      env: options.env,
      clock,
      log,
      local: store.local,
      api: () => api,
      isRunning: () => isRunning,
    });
    if (chat !== null) cleanUps.push({ name: 'chat', run: () => chat.stop() });
    const telling = await createTelling({
      channels: await openChannels(config, { env: options.env, clock, log, ...(chat && { chat }) }),
      outbox: store.outbox,
      board,
      clock,
      host: hostname(),
      heartbeatUrl: config.notifications.heartbeatUrl,
      isWell: () => supervisor.isHealthy() && caretaker.last().storeError === null,
    });
    const work = await openWork(ports, {
      store,
      config: () => live.current,
      clock,
      log,
      ownUid: options.ownUid,
      newId: ports.newId,
    });
    const house = openHouse(ports, {
      store,
      queueDir: work.queueDir,
      config: () => live.current,
      log,
      ownUid: options.ownUid,
    });
    const loops: readonly Loop[] = [
      createReconciler(ports),
      createWatcher(ports),
      createQuotaMonitor(ports),
      ...config.pools.map((pool) => createSwitcher(ports, pool.name)),
      work.dispatcher,
      kept.loop,
      house.loop,
      caretaker,
      createCredentials(ports),
      alerts,
      ...openFigures(ports, { store, log, ownUid: options.ownUid }),
      ...telling.loops,
      ...(chat?.loops ?? []),
      createMirror({
        mirror: createStateMirror(config.daemon.stateDir),
        status: () => buildStatus(status(), clock.now()),
      }),
    ];
    const onClockJump = (jumpMs: number): void => {
      const events = [{ type: 'clock_jump', data: { jumpMs, detail: 'suspected limits are looked at anew' } }] as const;
      void store.local
        .append(events, clock.now())
        .catch((err: unknown) => log.warn({ err }, 'the jump could not be written down'));
    };
    const supervisor = createSupervisor({
      loops,
      config: () => live.current,
      clock,
      log,
      onFatal: options.onFatal,
      onClockJump,
    });

    const sessions = createSessionFacts({ board, config: () => live.current });
    const status = (): StatusFacts => ({
      version: VERSION,
      daemon: { pid: options.pid, startedAt },
      mode: live.current.mode,
      observeReason,
      paused: killSwitch.last(),
      pools: [...board.pools().values()],
      notLoaded: live.current.pools.map(({ name }) => name).filter((name) => !board.pools().has(name)),
      servers: board.snapshot()?.servers ?? [],
      sessions: sessions(),
      jobs: supervisor.jobs(),
      config: {
        file: live.current.file,
        hash: live.hash,
        loadedAt: news.loadedAt(),
        rejected: news.rejected(),
        needsRestart: live.restartKeys,
      },
      ...caretaker.last(),
      channels: telling.channels(),
      queue: queueFacts(work.queue.summary(), live.current.dispatcher.enabled, work.dispatcher.held()),
      openAlerts: alerts.open(),
      asOf: board.snapshot()?.takenAt ?? startedAt,
      policy: {
        ...swapPolicyOf(live.current).eligibility,
        swapCooldownMs: live.current.quota.swapCooldownMs,
        swapTimeoutMs: live.current.switcher.timeoutMs,
      },
    });
    live.onChange(({ kind }) => {
      supervisor.wake();
      if (kind === 'applied') bearerToken = resolveBearerToken(live.current, options.env);
    });
    const api = createDaemonApi({
      ...ports,
      direct: poolStore,
      config: () => live.current,
      pauseFile: killSwitch,
      status,
      keeping: house.keeping,
      tasksApi: work.api,
      records: createRecordsApi({ ...ports, alerts: alertStore, stats, config: () => live.current }),
      async reload() {
        const result = live.reload();
        const detail =
          result.kind === 'rejected'
            ? result.error.message
            : result.kind === 'applied'
              ? result.changedKeys.join(', ')
              : '';
        return { kind: result.kind, detail };
      },
      async endObserving() {
        await store.local.setMeta(OBSERVE_KEY, null);
        observeReason = null;
      },
    });

    const prepare = async (): Promise<void> => {
      for (const pool of config.pools) await endIfMended(ports, pool, profileOf(PROFILES, pool), log);
      await store.local.append(
        [{ type: 'daemon_started', data: { version: VERSION, pid: options.pid, mode: config.mode } }],
        clock.now(),
      );
      // The link must be known before the first pane is judged.
      await supervisor.runOnce('reconciler');
      await supervisor.runOnce('caretaker');
    };

    return {
      api,
      supervisor,
      async start() {
        await prepare();
        const http = await startHttp({
          api,
          clock,
          log,
          listen: config.http.listen,
          socketPath: config.http.socket,
          bearerToken: () => bearerToken,
          enableTrigger: () => live.current.http.enableTrigger,
          version: VERSION,
        });
        cleanUps.push({ name: 'http', run: () => http.stop() });
        isRunning = true;
        const ear = watchHooks({ stateDir: config.daemon.stateDir, onRecord: hearHook, clock, log });
        cleanUps.push({ name: 'hooks', run: () => ear.close() });
        const figures = watchFigures(config.daemon.stateDir, (sessionId) => signals.hearFigures(sessionId), log);
        cleanUps.push({ name: 'figures', run: () => figures.close() });
        const stopListening = await work.listen();
        cleanUps.push({ name: 'queues', run: stopListening });
        supervisor.start();
      },
      async runOnce() {
        await prepare();
        let ok = true;
        // Twice, so that a wish of the first pass is carried out by the second.
        for (let pass = 0; pass < 2; pass++)
          for (const outcome of await supervisor.runOnce()) ok &&= outcome.result !== 'failed';
        return ok;
      },
      async stop() {
        await supervisor.stop(config.daemon.shutdownGraceMs);
        await store.local
          .append([{ type: 'daemon_stopped' }], clock.now())
          .catch((err: unknown) => log.warn({ err }, 'the stop could not be written down'));
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** The whole daemon stands still while a statement waits for another process; what fails is done again by the next tick. */
const BUSY_TIMEOUT_MS = 1000;

/** Sorts by time and is short enough to be typed. */
function newId(now: EpochMs): string {
  const stamp = new Date(now).toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${stamp}-${randomBytes(2).toString('hex')}`;
}
