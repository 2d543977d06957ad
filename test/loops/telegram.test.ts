/** Commands and buttons from Telegram: who is heard, what is done, and that nothing is done twice. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUTTON_MS } from '../../src/core/alerts/callback.ts';
import { HOUR, MINUTE } from '../../src/core/time.ts';
import type { LocalStore } from '../../src/ports.ts';
import { openFor } from '../store/support/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { type ChatBench, openBench } from '../support/chat-bench.ts';
import { FakeDaemon, SWAP_ID, statusFacts } from '../support/daemon-facts.ts';
import { byStatusOf, SOME_TASKS } from '../support/fake-tasks.ts';
import { CHAT, plainOf, startTelegram, type TelegramServer, USER } from '../support/telegram-server.ts';

let server: TelegramServer;
let local: LocalStore;

beforeEach(async () => {
  server = await startTelegram();
  local = (await openFor(tempDir())).local;
});
afterEach(() => server.stop());

const bench = (change: Partial<Parameters<typeof openBench>[0]> = {}) => openBench({ server, local, ...change });
const said = () => server.messages.map(({ text }) => plainOf(text) ?? '');
const told = () => server.presses.map(({ text }) => text);
const acts = ({ daemon }: ChatBench) => daemon.calls.filter((call) => call.name !== 'events');

/** What `pause` with an end, or `hold`, was told. */
const withOf = (call: FakeDaemon['calls'][number] | undefined) => call?.with as { until: number; reason: string };

async function ask(on: ChatBench, text: string): Promise<string> {
  server.write(text);
  await on.tick();
  return said().at(-1) ?? '';
}

describe('commands [R234]', () => {
  test('/status, /accounts, /sessions and /help answer from what is known', async () => {
    const on = await bench();
    expect(await ask(on, '/status')).toMatch(/^OK|^DEGRADED/);
    expect(said().at(-1)).toContain('work: work-2');
    expect(await ask(on, '/accounts')).toContain('work-1');
    expect(await ask(on, '/sessions')).toContain('main:0.0');
    expect(await ask(on, '/help')).toContain('/swap [account]');
    expect(server.messages.every(({ replyTo }) => replyTo !== null)).toBe(true);
    expect(acts(on)).toEqual([]);
  });

  test('/tasks names the queues, what is in work and what failed', async () => {
    const daemon = new FakeDaemon();
    const projects = ['api', 'web'].map((name) => ({ name, ignored: [] }));
    const queue = { enabled: true, byStatus: byStatusOf(SOME_TASKS), oldestAt: null, projects, flaws: [] };
    daemon.status = statusFacts({ queue });
    const on = await bench({ daemon });
    const answer = await ask(on, '/tasks');
    expect(answer).toContain('Tasks: 1 queued · 1 failed');
    expect(answer).toContain('web:page: its session is gone; that was attempt 3 of 3');
    expect(answer).toContain('api: 1 queued');
    expect(acts(on)).toEqual([
      { name: 'tasks', with: { statuses: ['claimed', 'launching', 'running'], limit: 10 } },
      { name: 'tasks', with: { statuses: ['failed', 'timeout'], limit: 5 } },
    ]);
    daemon.status = statusFacts({ queue: { ...queue, byStatus: byStatusOf([]), projects: [] } });
    daemon.tasks.counts = async () => [];
    expect(await ask(on, '/tasks')).toContain('No queue is set up');
  });

  test('/why explains a swap, the last one, or a pane', async () => {
    const on = await bench();
    expect(await ask(on, '/why')).toContain(`Swap ${SWAP_ID}`);
    expect(await ask(on, `/why ${SWAP_ID}`)).toContain('Evidence');
    expect(await ask(on, '/why main:0.0')).toContain('Pane main:0.0');
    expect(await ask(on, '/why nothing')).toContain('There is no such swap');
  });

  test('/pause 1h pauses with an end, /pause without, /resume ends it', async () => {
    const on = await bench();
    const before = Date.now();
    expect(await ask(on, '/pause 1h')).toContain('It ends by itself');
    const [first] = acts(on);
    const { until, reason } = withOf(first);
    expect(until).toBeGreaterThanOrEqual(before + HOUR);
    expect(until).toBeLessThan(before + HOUR + MINUTE);
    expect(reason).toBe(`paused by telegram user ${USER}`);
    await ask(on, '/pause');
    await ask(on, '/resume');
    expect(acts(on).slice(1)).toEqual([
      { name: 'pause', with: `paused by telegram user ${USER}` },
      { name: 'resume', with: null },
    ]);
  });

  test('/swap asks before it does, and the button does exactly what was asked', async () => {
    const on = await bench();
    on.daemon.answer = {
      kind: 'would_swap',
      pool: 'work',
      from: 'work-2',
      to: 'work-1',
      why: 'priority 10',
      passedOver: [],
      panes: [],
    };
    expect(await ask(on, '/swap work-1')).toContain('Swap pool work from work-2 to work-1?');
    expect(acts(on)).toMatchObject([{ name: 'swap', with: { dryRun: true, to: 'work-1', force: false } }]);
    const [[yes, no] = []] = server.messages[0]?.buttons ?? [];
    expect([yes?.text, no?.text]).toEqual(['Swap to work-1', 'Keep']);

    on.daemon.answer = { kind: 'accepted', id: 'id-1', pool: 'work', to: 'work-1' };
    server.press(yes?.callback_data ?? '', { messageId: server.messages[0]?.id ?? 0 });
    await on.tick();
    expect(acts(on)[1]).toMatchObject({
      name: 'swap',
      with: { dryRun: false, pool: 'work', to: 'work-1', force: false },
    });
    expect(told()).toEqual(['Swapping pool work to work-1 (id-1).']);
    expect(server.messages[0]).toMatchObject({ edits: 1, buttons: [] });
  });

  test('/swap tells which gate is shut', async () => {
    const on = await bench();
    on.daemon.answer = { kind: 'refused', reason: 'paused', detail: 'lunch', until: null, passedOver: [] };
    expect(await ask(on, '/swap')).toBe('Not swapped (paused): lunch');
    const reasons = [{ code: 'limit_reached', detail: 'weekly limit reached', until: null }] as const;
    const passedOver = [{ account: 'work-1', reasons }];
    on.daemon.answer = { kind: 'refused', reason: 'exhausted', detail: 'nobody is left', until: 1, passedOver };
    expect(await ask(on, '/swap')).toBe('Not swapped (exhausted): nobody is left\nwork-1: weekly limit reached');
    expect(server.messages[0]?.buttons).toEqual([]);
  });

  test('/ack acknowledges an alert', async () => {
    const on = await bench();
    expect(await ask(on, '/ack 17')).toBe('Alert 17 is acknowledged.');
    expect(on.acked).toEqual(['17']);
  });

  test('what fails is said without the reason, which may hold anything', async () => {
    const on = await bench();
    on.daemon.failure = new Error('sk-ant-secret in /home/ada');
    expect(await ask(on, '/pause')).toBe('It did not work; the log of the daemon says why.');
  });

  test('an order that lay about while nobody listened is not followed', async () => {
    const on = await bench();
    server.write('/resume', { ageMs: 11 * MINUTE });
    await on.tick();
    expect(acts(on)).toEqual([]);
    expect(said()[0]).toContain('Send it again');
  });

  test('more than twenty a minute are not answered', async () => {
    const on = await bench();
    for (let i = 0; i < 30; i++) server.write('/help');
    await on.tick();
    await on.tick();
    expect(said()).toHaveLength(21);
    expect(said().at(-1)).toContain('at most 20 a minute');
    expect(on.desk.refused()).toEqual({ too_many: 10 });
  });

  test('no address of an account is in any answer [R232]', async () => {
    const facts = statusFacts();
    const [view] = facts.pools;
    const daemon = new FakeDaemon();
    daemon.status = {
      ...facts,
      pools:
        view === undefined
          ? []
          : [
              {
                ...view,
                pool: {
                  ...view.pool,
                  accounts: view.pool.accounts.map((account) => ({ ...account, name: 'ada.lovelace@example.com' })),
                },
              },
            ],
    };
    const on = await bench({ daemon });
    for (const command of ['/status', '/accounts', '/sessions', '/why']) await ask(on, command);
    expect(said()[1]).toContain('ad…@e…');
    expect(said().join('\n')).not.toContain('lovelace');
  });
});

describe('who is heard [R234]', () => {
  test.each([
    ['a stranger in the chat', { user: 666 }],
    ['the user in another chat', { chat: 555 }],
    ['a stranger elsewhere', { chat: 555, user: 666 }],
  ])('%s: nothing is answered or done, and it is logged once an hour without its words', async (_, from) => {
    const on = await bench();
    for (let i = 0; i < 5; i++) server.write('/resume secret words', from);
    await on.tick();
    expect(server.messages).toEqual([]);
    expect(acts(on)).toEqual([]);
    expect(on.desk.refused()).toEqual({ stranger: 5 });
    expect(on.log.at('warn')).toHaveLength(1);
    expect(JSON.stringify(on.log.lines)).not.toContain('secret');
    server.write('/resume', from);
    await on.tick(HOUR);
    expect(on.log.at('warn')).toHaveLength(2);
    expect(await local.events({ types: ['chat_refused'], limit: 9 })).toHaveLength(2);
  });

  test('a flood of strangers costs one write for each poll, and a pause', async () => {
    let writes = 0;
    const counting: LocalStore = Object.create(local, {
      meta: { value: (key: string) => local.meta(key) },
      append: { value: async () => undefined },
      setMeta: {
        value: async (key: string, value: string | null) => {
          writes += 1;
          await local.setMeta(key, value);
        },
      },
    });
    const on = await bench({ local: counting });
    for (let i = 0; i < 60; i++) server.write('/resume', { user: 666 });
    for (let i = 0; i < 4; i++) await on.tick();
    expect(writes).toBe(3);
    expect(on.desk.refused()).toEqual({ stranger: 60 });
    expect(server.unconfirmed()).toBe(0);
    server.write('/resume', { user: 666 });
    await on.tick();
    expect(on.loop.intervalMs(undefined as never)).toBe(1_000);
  });

  test('without `commands` nothing is even read', async () => {
    const on = await bench({ telegram: { commands: false } });
    server.write('/resume');
    await on.tick();
    expect(server.calls).toEqual([]);
    expect(on.loop.intervalMs(undefined as never)).toBe(MINUTE);
  });

  test('without `allowed_users` nobody is', async () => {
    const on = await bench({ telegram: { allowed_users: [] } });
    server.write('/status');
    await on.tick();
    expect(server.messages).toEqual([]);
  });

  test('a group keeps its rights when it becomes a supergroup', async () => {
    const on = await bench({ telegram: { chat_ids: [-100] } });
    server.push({
      message: { message_id: 1, date: 1, chat: { id: -100 }, from: { id: USER }, migrate_to_chat_id: -1009 },
    });
    server.push({
      message: { message_id: 2, date: 1, chat: { id: -666 }, from: { id: USER }, migrate_to_chat_id: -667 },
    });
    server.write('/help', { chat: -1009 });
    server.write('/help', { chat: -667 });
    await on.tick();
    expect(server.messages.map(({ chat }) => chat)).toEqual([-1009]);
  });

  test('an update of another form is passed over', async () => {
    const on = await bench();
    const message = { message_id: 1, text: '/resume', chat: { id: CHAT }, from: { id: USER } };
    for (const update of [
      {},
      { message: null },
      { message: { text: 5 } },
      { message: { ...message, forward_origin: {} } },
      { message: { ...message, chat: { id: String(CHAT) } } },
      { message: { ...message, from: undefined } },
      { edited_message: message },
      { callback_query: { id: 'x', from: { id: USER } } },
      { callback_query: { id: 'x', data: 'x', from: null } },
    ])
      server.push(update);
    await on.tick();
    await on.tick();
    expect(acts(on)).toEqual([]);
    expect(server.unconfirmed()).toBe(0);
    server.push({ message });
    await on.tick();
    expect(acts(on)).toHaveLength(1);
  });
});

describe('buttons', () => {
  const holding = { action: 'hold', subject: 'work' } as const;

  test('Hold stops automatic swaps of that pool for an hour, Pause everything, Acknowledge its alert', async () => {
    const on = await bench();
    server.press(on.button(holding));
    server.press(on.button({ action: 'pause', subject: '' }));
    server.press(on.button({ action: 'ack', subject: '17' }));
    await on.tick();
    const [hold, pause] = acts(on);
    expect(hold).toMatchObject({ name: 'hold', with: { pool: 'work', reason: `held by telegram user ${USER}` } });
    expect(withOf(hold).until - Date.now()).toBeGreaterThan(HOUR - MINUTE);
    expect(pause?.name).toBe('pause');
    expect(on.acked).toEqual(['17']);
    expect(told()[0]).toMatch(/^Pool work: no automatic swap until/);
  });

  test('Swap asks back first', async () => {
    const on = await bench();
    on.daemon.answer = {
      kind: 'would_swap',
      pool: 'work',
      from: 'work-2',
      to: 'work-1',
      why: 'x',
      passedOver: [],
      panes: ['main:0.0'],
    };
    server.press(on.button({ action: 'swap', subject: 'work' }));
    await on.tick();
    expect(acts(on)).toMatchObject([{ name: 'swap', with: { dryRun: true, pool: 'work', to: null } }]);
    expect(server.messages[0]?.buttons.flat()).toHaveLength(2);
    expect(said()[0]).toContain('brings back main:0.0');
  });

  test('each works once, also after a restart', async () => {
    const first = await bench();
    const data = first.button(holding);
    server.press(data);
    server.press(data);
    await first.tick();
    const second = await bench();
    server.press(data);
    await second.tick();
    expect(acts(first)).toHaveLength(1);
    expect(acts(second)).toEqual([]);
    expect(told().slice(1)).toEqual(['This was done already.', 'This was done already.']);
    expect(second.desk.refused()).toEqual({ replayed: 1 });
  });

  test('forged, expired and foreign ones are answered politely, and nothing is done', async () => {
    const on = await bench();
    const good = on.button(holding);
    server.press(`${good.slice(0, -1)}X`);
    server.press('hold');
    server.press(on.button(holding, BUTTON_MS));
    server.press(good, { user: 666 });
    server.press(good, { chat: 555 });
    server.press(on.button(holding, 0, 555));
    server.press(on.button({ action: 'hold', subject: 'no such pool' }));
    await on.tick();
    expect(acts(on)).toEqual([]);
    expect(on.desk.refused()).toEqual({ forged: 3, expired: 2, foreign: 2 });
    expect(told()).toHaveLength(7);
    expect(told().every((text) => text.length > 10)).toBe(true);
    expect(JSON.stringify(on.log.lines)).not.toContain(good.slice(5, 20));
  });

  test('what cannot be marked as used does nothing', async () => {
    const failing: LocalStore = Object.create(local, {
      setMeta: {
        value: async (key: string) => (key === 'chat:used' ? Promise.reject(new Error('disk full')) : undefined),
      },
      meta: { value: (key: string) => local.meta(key) },
      append: { value: async () => undefined },
    });
    const on = await bench({ local: failing });
    server.press(on.button(holding));
    await on.tick();
    expect(acts(on)).toEqual([]);
    expect(told()).toEqual(['Nothing was done: it could not be written down. Send the command instead.']);
  });
});

describe('restarts', () => {
  test('the place is kept: what was followed is not followed again, what was not is', async () => {
    const first = await bench();
    server.write('/pause');
    await first.tick();
    expect(server.unconfirmed()).toBe(1);
    const second = await bench();
    server.write('/resume');
    await second.tick();
    expect(acts(second).map(({ name }) => name)).toEqual(['resume']);
  });
});

describe('the poll', () => {
  const pause = (on: ChatBench) => on.loop.intervalMs(undefined as never);

  test.each([
    ['a server error', { kind: 'answer', code: 500, description: 'Internal Server Error' }, 1_000],
    ['a broken connection', { kind: 'reset' }, 1_000],
    ['a page of a proxy', { kind: 'page', status: 502 }, 1_000],
    [
      'a limit',
      { kind: 'answer', code: 429, description: 'Too Many Requests', parameters: { retry_after: 77 } },
      77_000,
    ],
    [
      'another poller',
      { kind: 'answer', code: 409, description: 'Conflict: terminated by other getUpdates request' },
      30_000,
    ],
    ['a token that was revoked', { kind: 'answer', code: 401, description: 'Unauthorized' }, 300_000],
  ] as const)('%s: it rests, says so once, and goes on', async (_, fault, firstMs) => {
    const on = await bench();
    server.fail('getUpdates', fault, 3);
    const pauses: number[] = [];
    for (let i = 0; i < 3; i++) {
      await on.tick();
      pauses.push(pause(on));
    }
    expect(pauses[0]).toBe(firstMs);
    expect(pauses.every((ms, i) => ms >= (pauses[i - 1] ?? 0) && ms <= 300_000)).toBe(true);
    expect(on.log.levelsOf('the chat is not read')).toEqual(['warn', 'debug', 'debug']);
    await on.tick();
    expect(pause(on)).toBe(0);
    expect(on.log.levelsOf('the chat is read again')).toEqual(['info']);
  });

  test('another daemon of this user that reads the bot is left alone', async () => {
    let holder: string | null = 'the daemon with pid 7 reads this bot';
    const on = await bench({ claim: () => holder });
    await on.tick();
    expect(server.calls).toEqual([]);
    expect(pause(on)).toBe(MINUTE);
    expect(on.log.lines[0]).toMatchObject({ level: 'warn', fields: { reason: holder } });
    holder = null;
    await on.tick();
    expect(server.calls.map(({ method }) => method)).toContain('getUpdates');
  });

  test('after days of silence it asks from the start: Telegram may count anew', async () => {
    const on = await bench();
    server.write('/help');
    await on.tick();
    const offsets = () =>
      server.calls.filter(({ method }) => method === 'getUpdates').map(({ fields }) => fields.offset);
    await on.tick();
    await on.tick(6 * 24 * HOUR);
    expect(offsets()).toEqual([undefined, '501', undefined]);
  });

  test('an answer that cannot be delivered does not stop it', async () => {
    const on = await bench();
    server.fail('sendMessage', { kind: 'answer', code: 403, description: 'Forbidden: bot was blocked by the user' });
    server.write('/help');
    server.write('/status');
    await on.tick();
    expect(said()).toHaveLength(1);
    expect(on.log.at('warn')).toEqual(['an answer by chat was not delivered']);
  });
});
