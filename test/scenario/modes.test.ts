/** Every way in which a pool can hold its account: links to files, to credentials alone, and no link that the CLI reads. */
import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAccountLink } from '../../src/adapters/accounts/link.ts';
import { BY_HAND, HOUR } from '../support/daemon.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

const inThreeHours = () => ({ kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR }) as const;

test.concurrent(
  'Codex: every pane is ended, then the link moves, then each goes on with its own session; who met no limit is told nothing [R270 R284 R41]',
  onStage(
    async ({ world, tmux, start }) => {
      // A key in the environment does not outrank the login of this CLI.
      const env = { OPENAI_API_KEY: 'sk-made-up' };
      const [limited, idle] = await Promise.all(
        ['limited', 'idle', 'fresh'].map((name) => world.startPane(tmux, { name, project: name, env })),
      );
      await idle?.say('a small thing');
      await idle?.shows('REPLY-1');
      const daemon = await start();
      world.setLimit('work-1', inThreeHours());
      await limited?.say('do the work');
      const { swap, recoveries, incident } = await daemon.swapDone();

      expect(swap).toMatchObject({ phase: 'done', from: 'work-1', to: 'work-2', error: null });
      expect(world.activeAccount()).toBe('work-2');
      expect(readlinkSync(join(world.link, 'auth.json'))).toBe(join(world.home('work-2').home, 'auth.json'));
      const byLabel = recoveries.map(({ label, state, recoveredBy }) => [label.split(':')[0], state, recoveredBy]);
      expect(byLabel.sort()).toEqual([
        ['fresh', 'recovered', 'restart'],
        ['idle', 'recovered', 'restart'],
        ['limited', 'recovered', 'restart'],
      ]);
      const exits = world.events('exit').map(({ at }) => at);
      expect(exits).toHaveLength(3);
      expect(Math.max(...exits)).toBeLessThanOrEqual(swap.flippedAt ?? 0);
      expect(
        Math.min(
          ...world
            .events('start')
            .slice(3)
            .map(({ at }) => at),
        ),
      ).toBeGreaterThanOrEqual(swap.flippedAt ?? 0);
      const sessions = (name: string) => world.events(name).map(({ sessionId }) => sessionId);
      expect(new Set(sessions('start')).size).toBe(4);
      expect([...world.prompts()].sort()).toEqual(['a small thing', 'continue', 'do the work']);
      expect(await world.served(2)).toEqual(['work-1', 'work-2']);
      expect(incident?.steps.map(({ step }) => step)).toContain('stopping');
      await idle?.shows('› a small thing');
    },
    { agent: 'codex' },
  ),
);

test.concurrent(
  'Codex: a pane in the middle of a turn is waited for, and neither ended nor typed into [R284]',
  onStage(
    async ({ world, tmux, start }) => {
      const busy = await world.startPane(tmux, { name: 'busy', project: 'busy', env: { STAND_IN_TURN_MS: '600000' } });
      const limited = await world.startPane(tmux, { name: 'limited', project: 'limited' });
      const daemon = await start();
      await busy.say('take your time');
      await busy.shows('esc to interrupt');
      world.setLimit('work-1', inThreeHours());
      await limited.say('do the work');
      await daemon.told('swap_refused');
      await waitFor(async () => {
        const answer = await daemon.app.api.swap({ ...BY_HAND, force: true });
        return answer.kind === 'refused' && answer.detail.endsWith('it is in the middle of a turn');
      });
      await daemon.polls(5);
      expect([...world.events('exit'), ...world.events('interrupted')]).toEqual([]);

      // Its user ends the turn; nobody else did.
      await busy.press('Escape');
      const { swap, recoveries } = await daemon.swapDone();
      expect(swap).toMatchObject({ phase: 'done', to: 'work-2' });
      expect(recoveries.map(({ state }) => state)).toEqual(['recovered', 'recovered']);
      expect(world.prompts().filter((text) => text === 'continue')).toHaveLength(1);
    },
    { agent: 'codex' },
  ),
);

test.concurrent(
  'Codex: a pane with a token of its own is left alone, and the link moves when it has ended [R269 R270]',
  onStage(
    async ({ world, tmux, start }) => {
      const env = { CODEX_ACCESS_TOKEN: 'made-up' };
      await world.startPane(tmux, { name: 'apart', project: 'apart', env });
      const limited = await world.startPane(tmux, { name: 'limited', project: 'limited' });
      const daemon = await start();
      world.setLimit('work-1', inThreeHours());
      await limited.say('do the work');
      const { data } = await daemon.told('swap_refused');
      expect(JSON.stringify(data)).toMatch(
        /apart:0\.0 may use .* is left alone, for its environment sets CODEX_ACCESS_TOKEN/,
      );
      expect(world.events('exit')).toEqual([]);
      await tmux.run('kill-session', '-t', 'apart');
      expect((await daemon.swapDone()).swap).toMatchObject({ phase: 'done', to: 'work-2' });
      expect(world.prompts()).toEqual(['do the work', 'continue']);
    },
    { agent: 'codex' },
  ),
);

test.concurrent(
  'Codex: no link moves under a process that runs in no pane; its own background server is ended by its own command [R270]',
  onStage(
    async ({ world, tmux, start }) => {
      const env = { STAND_IN_DAEMON: '1' };
      const limited = await world.startPane(tmux, { name: 'limited', env });
      const editor = spawn(join(world.bin, 'codex'), ['app-server', '--of-an-editor'], {
        env: world.environment(),
        stdio: 'ignore',
      });
      try {
        // Both are what they will be, not yet the process that began them.
        const server = Number(readFileSync(join(world.link, 'daemon.pid'), 'utf8'));
        for (const pid of [editor.pid ?? 0, server]) await waitFor(() => runsAppServer(pid));
        const daemon = await start();
        world.setLimit('work-1', inThreeHours());
        await limited.say('do the work');
        await daemon.told('swap_refused');
        await waitFor(async () => {
          const answer = await daemon.app.api.swap(BY_HAND);
          return answer.kind === 'refused' && answer.detail.includes(`codex (process ${editor.pid} in`);
        });
        expect(world.activeAccount()).toBe('work-1');
        expect(world.events('exit')).toEqual([]);

        editor.kill();
        const { swap, incident } = await daemon.swapDone();
        expect(swap).toMatchObject({ phase: 'done', to: 'work-2' });
        expect(incident?.steps.map(({ step }) => step)).toContain('background_stopped');
        expect(await world.served(1)).toEqual(['work-2']);
      } finally {
        editor.kill('SIGKILL');
        const server = Number(readFileSync(join(world.link, 'daemon.pid'), 'utf8'));
        if (isRunning(server)) process.kill(server);
      }
    },
    { agent: 'codex' },
  ),
);

test.concurrent(
  'Codex: when the link cannot be moved, every pane that was ended is started again on the account it had [R22 R270]',
  onStage(
    async ({ world, tmux, start }) => {
      const panes = await Promise.all(
        ['limited', 'idle'].map((name) => world.startPane(tmux, { name, project: name })),
      );
      await panes[1]?.say('a small thing');
      await panes[1]?.shows('REPLY-1');
      const link = createAccountLink({ log: new RecordingLog() });
      let isBroken = true;
      const point: typeof link.point = async (path, target, options) => {
        if (isBroken && target.endsWith('work-2')) throw new Error('input/output error');
        await link.point(path, target, options);
      };
      const daemon = await start({ adapters: { link: { ...link, point } } });
      world.setLimit('work-1', inThreeHours());
      await panes[0]?.say('do the work');
      await daemon.told('swap_failed');
      isBroken = false;
      expect(world.activeAccount()).toBe('work-1');
      await waitFor(() => world.events('start').length >= 4);
      await waitFor(async () => (await daemon.app.api.swaps(10)).some(({ phase }) => phase === 'done'));

      expect(world.activeAccount()).toBe('work-2');
      expect(world.prompts().filter((text) => text === 'continue')).toHaveLength(1);
      expect(await world.served(2)).toEqual(['work-1', 'work-2']);
    },
    { agent: 'codex' },
  ),
);

test.concurrent(
  'Gemini CLI: both links move as one while it is not running; its dialog is never answered [R41 R264 R270]',
  onStage(
    async ({ world, tmux, start }) => {
      const pane = await world.startPane(tmux, { name: 'a', project: 'a' });
      await world.startPane(tmux, { name: 'fresh', project: 'fresh' });
      await pane.say('first');
      await pane.shows('REPLY-1');
      const daemon = await start();
      world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 24 * HOUR });
      await pane.say('do the work');
      const { swap, recoveries } = await daemon.swapDone();

      expect(swap).toMatchObject({ phase: 'done', to: 'work-2', error: null });
      expect(recoveries.map(({ state, recoveredBy }) => [state, recoveredBy])).toEqual([
        ['recovered', 'restart'],
        ['recovered', 'restart'],
      ]);
      for (const file of ['oauth_creds.json', 'google_accounts.json'])
        expect(readlinkSync(join(world.link, file))).toBe(join(world.home('work-2').home, file));
      expect(world.events('confirmed')).toEqual([]);
      expect(new Set(world.events('start').map(({ sessionId }) => sessionId)).size).toBe(3);
      expect(world.prompts()).toEqual(['first', 'do the work', 'continue']);
      expect(await world.served(2)).toEqual(['work-1', 'work-2']);
    },
    { agent: 'gemini' },
  ),
);

test.concurrent(
  'a Claude Code that takes no lock around its refresh is ended while it is idle, and the link moves only then [R270 R284]',
  onStage(async ({ world, tmux, start }) => {
    const env = { STAND_IN_VERSION: '2.0.1' };
    const limited = await world.startPane(tmux, { name: 'limited', project: 'limited', env });
    const idle = await world.startPane(tmux, { name: 'idle', project: 'idle', env });
    const hot = await world.startPane(tmux, { name: 'hot', project: 'hot' });
    for (const pane of [idle, hot]) {
      await pane.say('a small thing');
      await pane.shows('REPLY-1');
    }
    const daemon = await start();
    world.setLimit('work-1', inThreeHours());
    await limited.say('do the work');
    const { swap, recoveries } = await daemon.swapDone();

    expect(swap).toMatchObject({ phase: 'done', to: 'work-2', error: null });
    expect(recoveries.map(({ label, state }) => [label.split(':')[0], state]).sort()).toEqual([
      ['idle', 'recovered'],
      ['limited', 'recovered'],
    ]);
    const exits = world.events('exit').map(({ at }) => at);
    expect(exits).toHaveLength(2);
    expect(Math.max(...exits)).toBeLessThanOrEqual(swap.flippedAt ?? 0);
    expect(await hot.screen()).not.toContain('continue');
  }),
);

test.concurrent(
  'mode env: a limited session is started again under the other account, and nobody else notices [R41 R49]',
  onStage(
    async ({ world, tmux, start }) => {
      const under = (account: string) => ({ CLAUDE_CONFIG_DIR: world.home(account).home });
      const pane = await world.startPane(tmux, { name: 'a', project: 'a', env: under('work-1') });
      const other = await world.startPane(tmux, { name: 'b', project: 'b', env: under('work-2') });
      const daemon = await start();
      world.setLimit('work-1', inThreeHours());
      await pane.say('do the work');
      const { swap, recoveries } = await daemon.swapDone();

      expect(swap).toMatchObject({ phase: 'done', from: 'work-1', to: 'work-2' });
      expect(recoveries).toMatchObject([{ label: 'a:0.0', state: 'recovered', recoveredBy: 'restart' }]);
      expect(await world.served(1)).toEqual(['work-2']);
      expect(await pane.screen()).toContain(`CLAUDE_CONFIG_DIR=${world.home('work-2').home}`);
      expect(world.events('exit')).toHaveLength(1);
      expect(await other.screen()).not.toContain('continue');

      // Launched by hand under the account that was left: it meets that limit itself, and follows.
      const late = await world.startPane(tmux, { name: 'late', project: 'late', env: under('work-1') });
      await late.say('more of it');
      await waitFor(() => world.servedBy().length === 2);
      expect(world.servedBy()).toEqual(['work-2', 'work-2']);
    },
    { mode: 'env' },
  ),
);

test.concurrent(
  'mode secure_storage: only the credentials move, and a running session takes them up at its next request [R41]',
  onStage(
    async ({ world, tmux, start }) => {
      const pane = await world.startPane(tmux, { name: 'a' });
      const older = await world.startPane(tmux, { name: 'old', project: 'old', env: { STAND_IN_VERSION: '2.1.159' } });
      await older.shows('Claude Code v2.1.159');
      const daemon = await start();
      world.setLimit('work-1', inThreeHours());
      await pane.say('do the work');
      const { swap, recoveries } = await daemon.swapDone();

      expect(swap).toMatchObject({ phase: 'done', from: 'work-1', to: 'work-2' });
      expect(recoveries).toMatchObject([{ label: 'a:0.0', state: 'recovered', recoveredBy: 'hot' }]);
      expect(await world.served(1)).toEqual(['work-2']);
      expect(readlinkSync(world.link)).toBe(world.home('work-2').home);
    },
    { mode: 'secure_storage' },
  ),
);

function runsAppServer(pid: number): boolean {
  return /^[^\0]*node\0.*\0app-server\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
