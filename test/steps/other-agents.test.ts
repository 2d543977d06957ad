/** A pane of an agent whose accounts are not switched: its limit is read and told, and nothing is done about it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { PROFILES } from '../../src/core/agents/languages.ts';
import type { AgentKind } from '../../src/core/agents/profile.ts';
import type { PaneSnapshot } from '../../src/core/panes.ts';
import { readScreen } from '../../src/core/screen/reading.ts';
import type { QuotaMonitorPorts } from '../../src/loops/quota-monitor.ts';
import { createQuotaMonitor } from '../../src/loops/quota-monitor.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { openStore } from '../../src/store/open.ts';
import { aHome, anAgent, NOON, PANE, signalsOf } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const SCREEN =
  "› go on\n\n■ You've hit your usage limit. Try again at 3:45 PM.\n\n› Ask Codex to do anything\n\n  gpt-5.5 high";

test('[R30] a limit of Codex outside of every pool is read by its own patterns, told once, and leads to no swap', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'cf-'));
  const store = await openStore({ stateDir: dir, now: NOON });
  try {
    const accounts = ['a', 'b'].map((name) => ({ name, home: `/h/${name}` }));
    const config = toConfig({ accounts }, {}, '/home/ada');
    await store.pool.ensureAccounts(accounts.map(({ name }) => ({ name, pool: 'default' })));
    await store.local.recordActivation({ pool: 'default', account: 'a', since: NOON - 1, cause: 'adopted' });
    const clock = new FakeClock(new Date(NOON).toISOString());
    const board = createBoard(() => undefined);
    const monitor = createQuotaMonitor({
      local: store.local,
      shared: store.pool,
      board,
      clock,
      profiles: PROFILES,
      readScreen: (text: string, now: number, agent: AgentKind = 'claude') =>
        readScreen(text, { now, zone: 'UTC', agent }),
      observing: () => null,
      newId: () => 'swap-1',
      killSwitch: { reason: async () => null, last: () => null },
      signals: { read: async () => signalsOf(null), readSession: async () => signalsOf(null) },
      link: {
        read: async () => ({ kind: 'account', account: 'a', target: '/h/a', movedAt: NOON - 1 }),
        // Even where its directory were a pool's link: that pool is another agent's.
        accountOf: async () => ({ throughLink: true, account: 'a' }),
      },
      homes: { inspect: async (_profile: unknown, home: string) => aHome({ home, realPath: home }) },
    } as unknown as QuotaMonitorPorts);
    for (let i = 0; i < 3; i++) {
      await clock.advance(30_000);
      const at = clock.now();
      const view = {
        identity: PANE,
        sessionName: 'codex',
        label: 'codex:0.0',
        tty: '/dev/pts/1',
        cwd: null,
        width: 80,
        height: 24,
        inMode: false,
        dead: false,
        clientActivityAt: null,
        process: anAgent({ agent: 'codex', configDir: '/home/ada/.codex' }),
        shellInFront: null,
        screen: { text: SCREEN, hash: SCREEN, capturedAt: at, changedAt: at },
        observed: true,
        failures: 0,
      };
      board.postSnapshot({ takenAt: at, servers: [], panes: [view] } satisfies PaneSnapshot);
      await monitor.tick({ config, now: at, signal: new AbortController().signal, log: new RecordingLog() });
    }
    const [finding] = [...board.findings().values()];
    expect(finding?.reading.finding).toMatchObject({ class: 'quota', family: 'hit-limit', window: '5h' });
    expect(finding).toMatchObject({
      pool: null,
      notSwitchable: { reason: "its configuration directory is no pool's link", ownLogin: true },
    });
    expect(board.request('default')).toBeNull();
    expect(await store.local.events({ types: ['session_not_switchable'], limit: 10 })).toHaveLength(1);
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
