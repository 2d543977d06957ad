/** The official Claude Code against a provider on loopback: from the limit to the next answer on the other account. */
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { installAgent } from './install.ts';
import type { Provider } from './provider.ts';
import { clearStage, say, stage, swapsDone } from './stage.ts';

afterEach(clearStage);

const RUNS = 20;

describe.each(['latest', '2.1.220', '2.0.76'])('Claude Code %s', (version) => {
  const agent = installAgent(`@anthropic-ai/claude-code@${version}`, 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code ${version} is skipped: ${agent.reason}`);
  const test = it.skipIf(agent.kind === 'absent');
  const program = agent.kind === 'installed' ? agent.program : '';

  test.each([
    ['five_hour', 1],
    ['seven_day', 1],
    ['five_hour', 10],
  ] as const)('a %s limit on %i panes: one swap, and every pane answers on the other account', async (limit, count) => {
    const { world, provider, daemon, panes } = await stage(program, { panes: count });
    for (const pane of panes) {
      await say(pane, 'first question');
      await pane.shows(/REPLY-\d+ from work-1/, 30_000);
    }
    provider.set('work-1', limit);
    const from = Date.now();
    // All meet the limit at once: who asks after the flip is answered on the other account.
    for (const pane of panes) await pane.type('second question');
    for (const pane of panes) await pane.shows('second question');
    await Promise.all(panes.map((pane) => pane.press('Enter')));
    const swaps = await swapsDone(daemon, 180_000).catch(async (error: unknown) => {
      for (const pane of panes) console.log(await pane.screen());
      throw error;
    });
    expect(swaps).toMatchObject([{ from: 'work-1', to: 'work-2' }]);
    expect(world.activeAccount()).toBe('work-2');
    for (const pane of panes) await pane.shows(/REPLY-\d+ from work-2/, 30_000);
    const answered = provider.requests.find((request) => request.account === 'work-2' && request.status === 200);
    const refused = provider.requests.find((request) => request.status === 429);
    console.log(
      `Claude Code ${version}, ${limit}, ${count} panes: limit → next answer ${(answered?.at ?? 0) - (refused?.at ?? from)} ms`,
    );
    expect(timesContinued(provider)).toBe(count);
  });

  test('a limit in the middle of a turn, after a tool call: the work goes on where it stood', async () => {
    const { world, provider, daemon, panes } = await stage(program);
    const [pane] = panes;
    if (pane === undefined) throw new Error('no pane');
    await say(pane, 'first question');
    await pane.shows(/REPLY-\d+ from work-1/, 30_000);
    provider.set('work-1', 'five_hour', 1);
    await say(pane, 'please run: echo made by the tool');
    await pane.shows('made by the tool', 30_000);
    expect(await swapsDone(daemon, 120_000)).toMatchObject([{ from: 'work-1', to: 'work-2' }]);
    expect(world.activeAccount()).toBe('work-2');
    await pane.shows(/REPLY-\d+ from work-2/, 30_000);
    const refused = provider.requests.filter((request) => request.status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every((request) => request.account === 'work-1')).toBe(true);
  });

  test('server errors that speak of limits, for as long as the program tries again: no swap', async () => {
    const { world, provider, daemon, panes } = await stage(program);
    const [pane] = panes;
    if (pane === undefined) throw new Error('no pane');
    await say(pane, 'first question');
    await pane.shows(/REPLY-\d+ from work-1/, 30_000);
    provider.set('work-1', 'server_error');
    await say(pane, 'second question');
    await waitFor(() => provider.requests.filter((request) => request.status === 500).length >= 5, {
      timeoutMs: 60_000,
    });
    provider.set('work-1', 'ok');
    await pane.shows(/second question[\s\S]*REPLY-\d+ from work-1/, 90_000);
    expect((await daemon.get<{ swaps: readonly unknown[] }>('/swaps'))?.swaps).toEqual([]);
    expect(world.activeAccount()).toBe('work-1');
  });

  test(`${RUNS} limits in a row: every one is left for the next account`, async () => {
    const accounts = Array.from({ length: RUNS + 1 }, (_, i) => `work-${i + 1}`);
    const config = { quota: { swap_cooldown: '0s' }, daemon: { circuit_breaker: { swaps_per_hour: 1000 } } };
    const { world, provider, daemon, panes } = await stage(program, { accounts, config });
    const [pane] = panes;
    if (pane === undefined) throw new Error('no pane');
    const took: number[] = [];
    for (const [i, from] of accounts.slice(0, RUNS).entries()) {
      await say(pane, `question ${i}`);
      await pane.shows(new RegExp(`REPLY-\\d+ from ${from}\\b`), 30_000);
      provider.set(from, 'five_hour');
      await say(pane, `question ${i} goes on`);
      const swaps = await swapsDone(daemon, 120_000, i + 1);
      const to = world.activeAccount();
      expect(swaps[0]).toMatchObject({ from, to });
      const refused = provider.requests.find(({ account, status }) => account === from && status === 429);
      const answered = provider.requests.find(({ account, status }) => account === to && status === 200);
      took.push((answered?.at ?? Number.NaN) - (refused?.at ?? 0));
    }
    const sorted = took.toSorted((a, b) => a - b);
    expect(sorted.every((ms) => ms > 0)).toBe(true);
    console.log(
      `Claude Code ${version}, ${RUNS} limits: limit → next answer median ${sorted[RUNS / 2]} ms, max ${sorted.at(-1)} ms`,
    );
    expect(timesContinued(provider)).toBe(RUNS);
  });
});

/** Answered requests of which the prompt of ours is a line. */
function timesContinued({ requests }: Provider): number {
  return requests.filter(({ status, text }) => status === 200 && /^continue$/m.test(text)).length;
}
