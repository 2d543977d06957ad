/** What models used is charged to the account that was active, counted once, and no day that is closed changes by it. */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTokenFiles } from '../../src/adapters/signals/token-files.ts';
import { dayOf } from '../../src/core/alerts/stats.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import { tokenFileKey } from '../../src/core/tokens/token-file.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import { createTokens } from '../../src/loops/tokens.ts';
import { createBoard } from '../../src/runtime/board.ts';
import type { FollowedFile } from '../../src/steps/count-tokens.ts';
import { countTokens, createTokenCounter } from '../../src/steps/count-tokens.ts';
import { closeDays, openDays, readStats } from '../../src/steps/read-stats.ts';
import { statsAccounts } from '../../src/steps/records-api.ts';
import { temporaryDirectory } from '../support/account-homes.ts';
import { aTranscript, signalsOf } from '../support/builders.ts';
import { aQuietPane, byKey, quotaBench } from '../support/quota-bench.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { OTHER_SESSION, SESSION } from '../support/session-files.ts';
import { answerRow, userRow } from '../support/usage-rows.ts';

const NOBODY = { pool: null, followsLink: false, processStartedAt: 0, launchedUnder: null };

/** A real file of a session in a pane, and the figures as the doors tell them. */
async function bench() {
  const quota = await quotaBench();
  const { clock, store, board, config, pool } = quota;
  const directory = temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  // Rows are not older than the file they stand in; and the day is young enough for what follows.
  const startedAt = Date.now();
  clock.set(new Date(startedAt).toISOString());
  await store.local.append([{ type: 'daemon_started' }], startedAt);
  const path = join(directory, `${SESSION}.jsonl`);
  writeFileSync(path, '');
  const transcript = (at: string) => signalsOf(aTranscript({ path: at }));
  const show = (change: Partial<PaneFinding> = {}, at = path) =>
    board.postFindings(byKey(aQuietPane(quota, { signals: { ...transcript(at), version: '2.1.330' }, ...change })));
  board.postSnapshot({ takenAt: startedAt, servers: [], panes: [] });
  show();
  const tokenFiles = createTokenFiles({ clock, log: new RecordingLog(), ownUid: process.getuid?.() ?? 0 });
  const ports = { ...quota.ports, tokens: store.tokens, tokenFiles };
  let loop = createTokens(createTokenCounter(ports));
  const tick = async () => {
    await loop.tick(quota.context());
    return loop.intervalMs(config);
  };
  const restart = () => {
    loop = createTokens(createTokenCounter(ports));
  };
  const stats = () => readStats(store.stats, 'last7d', statsAccounts(config), clock.now());
  const used = async (): Promise<Readonly<Record<string, number | undefined>>> => {
    const { accounts, unattributed_tokens: nobody, total } = await stats();
    const rows = accounts.map(({ account, tokens }) => [account, tokens?.total_tokens] as const);
    return { ...Object.fromEntries(rows), nobody: nobody?.total_tokens, all: total.tokens?.total_tokens };
  };
  const switchTo = (account: string, since: number) =>
    store.local.recordActivation({ pool: pool.name, account, since, cause: 'swap' });
  const say = (id: string, tokens: number, at = clock.now()) =>
    appendFileSync(path, answerRow(at, id, [tokens, 0, 0, 0]));
  return { ...quota, directory, path, startedAt, show, ports, tick, restart, stats, used, switchTo, say };
}

describe('an answer is charged', () => {
  test('to the account that was the active one of its pool when it was given [R168]', async () => {
    const { tick, used, switchTo, say, clock, startedAt } = await bench();
    say('msg_1', 100);
    await switchTo('b', startedAt + MINUTE);
    await clock.advance(2 * MINUTE);
    say('msg_2', 20);
    expect(await tick()).toBe(MINUTE);
    expect(await used()).toMatchObject({ a: 100, b: 20, c: 0, nobody: 0, all: 120 });
  });

  test('to the account that its process was started under, where the CLI does not follow the link [R168]', async () => {
    const { tick, used, switchTo, say, show, startedAt } = await bench();
    await switchTo('b', startedAt - HOUR);
    show({ signals: { ...signalsOf(aTranscript()), version: '1.0.128' }, launchedUnder: 'c' });
    await tick();
    show({ launchedUnder: 'c' });
    say('msg_1', 7);
    await tick();
    expect(await used()).toMatchObject({ b: 7, c: 0 });
  });

  test('to nobody, where a key in the environment pays or no pool is known, and stays in the total [R168]', async () => {
    const { tick, used, say, show, board } = await bench();
    const [finding] = [...board.findings().values()] as [PaneFinding];
    show({ process: { ...finding.process, overriding: ['ANTHROPIC_API_KEY'] } });
    say('msg_1', 5);
    await tick();
    show({ pool: null });
    say('msg_2', 6);
    await tick();
    expect(await used()).toMatchObject({ a: 0, nobody: 11, all: 11 });
  });

  test('also when a subagent gave it [R168]', async () => {
    const { tick, used, directory, clock } = await bench();
    const subagents = join(directory, SESSION, 'subagents');
    mkdirSync(subagents, { recursive: true });
    writeFileSync(join(subagents, 'agent-1.jsonl'), answerRow(clock.now(), 'msg_1', [3, 0, 0, 0]));
    await tick();
    expect(await used()).toMatchObject({ a: 3, all: 3 });
  });
});

describe('the counting', () => {
  test('counts nothing twice when it is begun anew, or its write fails [R168]', async () => {
    const { tick, restart, used, say, store } = await bench();
    say('msg_1', 10);
    await tick();
    restart();
    say('msg_2', 1);
    const { addTokens } = store.tokens;
    store.tokens.addTokens = async () => {
      throw new Error('the disk is full');
    };
    await expect(tick()).rejects.toThrow('the disk is full');
    store.tokens.addTokens = addTokens.bind(store.tokens);
    await tick();
    await tick();
    expect(await used()).toMatchObject({ a: 11 });
  });

  test('adds up to what was written, whatever comes between: looks, starts anew, writes that fail, swaps [R168]', async () => {
    const step = fc.oneof(
      fc.record({ say: fc.nat(9), tokens: fc.integer({ min: 1, max: 1000 }) }),
      fc.constantFrom('look', 'start anew', 'fail', 'swap'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { tick, restart, used, say, store, switchTo, clock } = await bench();
        const addTokens = store.tokens.addTokens.bind(store.tokens);
        const answers = new Map<number, number>();
        for (const [i, one] of steps.entries()) {
          if (one === 'look') await tick();
          else if (one === 'start anew') restart();
          else if (one === 'swap') await switchTo(i % 2 === 0 ? 'b' : 'a', clock.now() - 1);
          else if (one === 'fail') {
            store.tokens.addTokens = () => Promise.reject(new Error('the disk is full'));
            await tick().catch(() => undefined);
            store.tokens.addTokens = addTokens;
          } else {
            say(`msg_${one.say}`, one.tokens);
            answers.set(one.say, Math.max(answers.get(one.say) ?? 0, one.tokens));
          }
        }
        await tick();
        const { a = 0, b = 0, c, nobody, all } = await used();
        expect(all).toBe([...answers.values()].reduce((sum, tokens) => sum + tokens, 0));
        expect([a + b, c, nobody]).toEqual([all, 0, 0]);
      }),
      { numRuns: 25 },
    );
  });

  test('reads what was written while nobody looked, and after its pane was closed [R168]', async () => {
    const { tick, restart, used, say, board, clock } = await bench();
    say('msg_1', 1);
    await tick();
    board.postFindings(new Map());
    say('msg_2', 2);
    await tick();
    expect(await used()).toMatchObject({ a: 3 });
    say('msg_3', 4);
    restart();
    await tick();
    expect(await used()).toMatchObject({ a: 7 });
    await clock.advance(HOUR);
    await tick();
    say('msg_4', 8);
    await tick();
    expect(await used()).toMatchObject({ a: 7 });
  });

  test('is not over after a start before the panes were looked at [R168]', async () => {
    const { ports, context } = await bench();
    const board = createBoard(() => undefined);
    const counter = createTokenCounter({ ...ports, board });
    expect(await counter.count(context())).toBe(false);
    board.postSnapshot({ takenAt: 0, servers: [], panes: [] });
    expect(await counter.count(context())).toBe(true);
  });

  test('takes a long file in several looks, the next one soon, and other files meanwhile [R168]', async () => {
    const { tick, used, say, path, show, board, directory, clock } = await bench();
    const pasted = userRow(clock.now(), 'x'.repeat(900_000));
    for (let i = 0; i < 24; i++) appendFileSync(path, pasted);
    say('msg_1', 1);
    const other = join(directory, `${OTHER_SESSION}.jsonl`);
    writeFileSync(other, answerRow(clock.now(), 'msg_2', [2, 0, 0, 0]));
    const first = [...board.findings().values()];
    show({}, other);
    const [second] = [...board.findings().values()] as [PaneFinding];
    const identity = { ...second.view.identity, paneId: '%2' };
    board.postFindings(byKey(...first, { ...second, view: { ...second.view, identity } }));
    expect(await tick()).toBe(5 * SECOND);
    expect(await used()).toMatchObject({ all: 2 });
    expect(await tick()).toBe(MINUTE);
    expect(await used()).toMatchObject({ all: 3 });
  });

  test('reads all sessions in one look, however many there are, and goes on with one that grows after its pane was closed', async () => {
    const { ports, context, directory, clock, say, used } = await bench();
    say('msg_0', 1);
    const followed = new Map<string, FollowedFile>();
    for (let i = 1; i <= 60; i++) {
      const path = join(directory, `session-${i}.jsonl`);
      writeFileSync(path, answerRow(clock.now(), `msg_${i}`, [1, 0, 0, 0]));
      followed.set(tokenFileKey(path), {
        path,
        agent: 'claude',
        payer: NOBODY,
        seenAt: clock.now() - HOUR,
        readSize: null,
      });
    }
    expect(await countTokens(ports, followed, context())).toBe(true);
    expect(await used()).toMatchObject({ a: 1, nobody: 60, all: 61 });
    await countTokens(ports, followed, context());
    expect([...followed.keys()]).toEqual([`${SESSION}.jsonl`]);
  });

  test('adds nothing to a day that is closed, and its row keeps what was used [R168]', async () => {
    const { tick, used, say, store, clock, config, startedAt, stats } = await bench();
    say('msg_1', 10, startedAt);
    await tick();
    clock.set(new Date(startedAt + DAY).toISOString());
    const days = await openDays(store.stats, clock.now(), 0);
    await closeDays(store.stats, days, statsAccounts(config), clock.now(), new AbortController().signal);
    say('msg_2', 5, startedAt);
    await tick();
    expect(await used()).toMatchObject({ a: 10, all: 10 });
    const rows = await store.stats.days(dayOf(startedAt));
    expect(rows.find(({ account }) => account === 'a')?.models).toEqual([
      { model: 'claude-opus-5-5', input: 10, output: 0, cacheRead: 0, cacheWrite: 0 },
    ]);
    expect((await stats()).total.top_models).toMatchObject([{ model: 'claude-opus-5-5', total_tokens: 10 }]);
  });

  test('forgets after its time how far files were read, and sums that are in the daily rows', async () => {
    const { tick, say, store, startedAt, used } = await bench();
    say('msg_1', 10);
    await tick();
    const prune = (at: number) => store.retention.pruneTokens(dayOf(at), at, 100);
    expect(await prune(startedAt)).toBe(0);
    expect(await prune(startedAt + 2 * DAY)).toBe(2);
    expect(await store.tokens.tokenCursors(0)).toEqual([]);
    expect(await used()).toMatchObject({ all: 0 });
  });
});
