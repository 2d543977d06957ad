import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { taskText } from '../../src/core/dispatch/task-text.ts';
import { detect } from '../../src/core/screen/detect.ts';
import { type PaneOptions, type StandInPane, StandInWorld } from './stand-in/index.ts';
import { startTmux, type TestTmux } from './tmux.ts';
import { waitFor } from './wait.ts';

const HOUR_MS = 3_600_000;
let tmux: TestTmux;
let world: StandInWorld;

beforeAll(async () => {
  tmux = await startTmux();
});
afterAll(() => tmux.kill());
beforeEach(() => {
  world = new StandInWorld();
});
afterEach(() => world.remove());

const start = (options?: PaneOptions): Promise<StandInPane> => world.startPane(tmux, options);
const fiveHours = (): { kind: 'five_hour'; resetsAt: number } => ({
  kind: 'five_hour',
  resetsAt: Date.now() + 3 * HOUR_MS,
});
const weekly = (): { kind: 'seven_day'; resetsAt: number } => ({
  kind: 'seven_day',
  resetsAt: Date.now() + 96 * HOUR_MS,
});

function transcriptRows(): Record<string, unknown>[] {
  const folders = readdirSync(join(world.shared, 'projects'));
  const files = folders.flatMap((folder) =>
    readdirSync(join(world.shared, 'projects', folder)).map((file) => join(world.shared, 'projects', folder, file)),
  );
  return files
    .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function registryEntries(): Record<string, unknown>[] {
  const folder = join(world.shared, 'sessions');
  return readdirSync(folder).map(
    (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>,
  );
}

describe('the stand-in agent of version 2.1.328', () => {
  test('stops at a limit and goes on under the other account after a flip with a fresh mtime', async () => {
    const pane = await start();
    await pane.say('hello');
    await pane.shows('● REPLY-1 account=work-1');
    world.setLimit('work-1', fiveHours());
    await pane.say('do more');
    const limited = await pane.shows('Continuing automatically at');
    expect(limited).toMatch(/❯ do more\n {2}⎿ {2}You've hit your 5-hour limit · resets \d{1,2}(:\d\d)?[ap]m \(UTC\)/);
    expect(limited).toMatch(/● Usage limit reached · continuing automatically at .* · esc to cancel/);
    expect(limited).toMatch(/─{120}\n❯ *\n─{120}\n {2}⚠ Usage limit reached · limit resets/);

    world.flip('work-2');
    await pane.say('continue');
    const served = await pane.shows('● REPLY-2 account=work-2');
    expect(served).not.toContain('⚠ Usage limit reached');
    expect(world.prompts()).toEqual(['hello', 'do more', 'continue']);
  });

  test('stays on the old account when the flip leaves the mtime as it was last seen', async () => {
    const seenAt = new Date('2026-01-05T12:00:00Z');
    for (const { credentials } of world.homes) utimesSync(credentials, seenAt, seenAt);
    const pane = await start();
    world.flip('work-2', false);
    await pane.say('hello');
    await pane.shows('REPLY-1 account=work-1');
    world.flip('work-2', true);
    await pane.say('hello');
    await pane.shows('REPLY-2 account=work-2');
  });

  test('opens the menu at a weekly limit, which swallows text until Escape and spends nothing by it', async () => {
    world.setLimit('work-1', weekly());
    const pane = await start();
    await pane.say('hello');
    const menu = await pane.shows('What do you want to do?');
    expect(menu).toMatch(/You've hit your weekly limit · resets [A-Z][a-z]{2} \d+, \d/);
    expect(menu).toContain('❯ 1. Stop and wait for limit to reset');
    expect(registryEntries()).toEqual([expect.objectContaining({ status: 'waiting', waitingFor: 'dialog open' })]);
    await pane.type('continue');
    await waitFor(() => world.events('menu-swallowed').length > 0);
    await pane.press('Escape');
    const closed = await pane.shows(/❯ *\n─{120}\n {2}⏵⏵/);
    expect(closed).not.toContain('continue');
    expect(world.wasBought('work-1')).toBe(false);
    world.flip('work-2');
    await pane.say('continue');
    await pane.shows('REPLY-1 account=work-2');
  });

  test('tells in the quota book that Enter was pressed in the menu', async () => {
    world.setLimit('work-1', weekly());
    const pane = await start();
    await pane.say('hello');
    await pane.shows('What do you want to do?');
    await pane.say('continue');
    await waitFor(() => world.wasBought('work-1'));
    expect(world.wasBought('work-2')).toBe(false);
    expect(world.prompts()).toEqual(['hello']);
  });

  test('leaves to the shell at /exit and keeps the history for --resume', async () => {
    const pane = await start({ args: ['--session-id', '11111111-2222-4333-8444-555555555555'] });
    await pane.say('remember me');
    await pane.shows('REPLY-1 account=work-1');
    // Its file may be half written just now.
    expect(readdirSync(join(world.shared, 'sessions'))).toHaveLength(1);
    await pane.say('/exit');
    await pane.shows(/Goodbye!\n+\$ $/m);
    expect(registryEntries()).toEqual([]);
    await tmux.run('clear-history', '-t', pane.paneId);
    await pane.say('clear');
    world.flip('work-2');
    await pane.say('claude --resume 11111111-2222-4333-8444-555555555555 continue');
    const resumed = await pane.shows('REPLY-2 account=work-2');
    expect(resumed).toMatch(/❯ remember me\n\n● REPLY-1 account=work-1\n\n❯ continue/);
  });

  test('says so when there is no such session', async () => {
    const pane = await start({ shellOnly: true });
    await pane.say('claude --resume 00000000-0000-4000-8000-000000000000');
    await pane.shows('No conversation found with session ID: 00000000-0000-4000-8000-000000000000');
  });

  test('leaves at the second Ctrl-C', async () => {
    const pane = await start();
    await pane.press('C-c');
    await pane.shows('Press Ctrl-C again to exit');
    await pane.press('C-c');
    await waitFor(() => world.events('exit').length === 1);
    await pane.shows(/^\$ $/m);
  });

  test('takes several lines of a paste as one prompt and nothing before Enter', async () => {
    const pane = await start();
    await pane.type('first\nsecond');
    await pane.shows(/❯ first\n {2}second/);
    expect(world.prompts()).toEqual([]);
    await pane.press('Enter');
    await pane.shows('REPLY-1');
    expect(world.prompts()).toEqual(['first\nsecond']);
  });

  test('shows a long paste as a placeholder, and does a task as its text asks', async () => {
    const pane = await start();
    const signalPath = join(world.root, 'agent-done-a');
    const body = `Do it.\nstand-in: fail\n${'line\n'.repeat(10)}`;
    const text = taskText({ title: 'Mend', id: 'house:door', path: join(world.root, 'door.md'), body, signalPath });
    await pane.type(text);
    await pane.shows(/\[Pasted text #1 \+\d+ lines\]/);
    await pane.press('Enter');
    await waitFor(() => existsSync(signalPath), { timeoutMs: 20_000 });
    expect(JSON.parse(readFileSync(signalPath, 'utf8'))).toMatchObject({ task_id: 'house:door', status: 'failed' });
    expect(world.prompts()).toEqual([text]);
  });

  test('numbers every prompt it received, so that a double one is seen', async () => {
    const turns = world.turnHold();
    const pane = await start({ env: turns.env });
    turns.hold();
    await pane.say('one');
    await pane.shows('esc to interrupt');
    await pane.say('two');
    await waitFor(() => world.prompts().length === 2);
    turns.letGo();
    await pane.shows('REPLY-2');
    const events = world.events();
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    expect(world.prompts()).toEqual(['one', 'two']);
  });

  test('keeps a session registry entry with the start of its process', async () => {
    const pane = await start();
    const [entry] = registryEntries();
    const stat = readFileSync(`/proc/${String(entry?.pid)}/stat`, 'utf8');
    expect(entry).toMatchObject({
      cwd: pane.cwd,
      version: '2.1.328',
      status: 'idle',
      procStart: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19],
    });
  });

  test('writes the rows of the transcript: prompt, answer, decisive rejection', async () => {
    const pane = await start();
    await pane.say('hello');
    await pane.shows('REPLY-1');
    const limit = weekly();
    world.setLimit('work-1', limit);
    await pane.say('more');
    await pane.shows('What do you want');
    const rows = transcriptRows();
    expect(rows[0]).toMatchObject({ type: 'session-owner', accountUuid: world.home('work-1').accountUuid });
    expect(rows.slice(1).map((row) => row.type)).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(rows.at(-1)).toMatchObject({
      error: 'rate_limit',
      isApiErrorMessage: true,
      apiErrorStatus: 429,
      quotaLimits: { status: 'rejected', rateLimitType: 'seven_day', resetsAt: Math.floor(limit.resetsAt / 1000) },
      parentUuid: rows.at(-2)?.uuid,
    });
  });

  test('goes on by itself when the limit it waits for is over', async () => {
    const turns = world.turnHold();
    const pane = await start({ env: turns.env });
    turns.hold();
    await pane.say('hello');
    await pane.shows('esc to interrupt');
    // Long enough for the turn to meet it, and for it to be seen, on a machine that stands still for a while.
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 8000 });
    turns.letGo();
    await pane.shows('Continuing automatically');
    await pane.shows('REPLY-1 account=work-1');
    expect(world.events('prompt').map(({ source }) => source)).toEqual(['typed', 'reset']);
    expect(transcriptRows().filter((row) => row.isMeta === true && row.type === 'user')).toHaveLength(1);
  });

  test('does not wait by itself any more after Escape', async () => {
    world.setLimit('work-1', fiveHours());
    const pane = await start();
    await pane.say('hello');
    await pane.shows('Continuing automatically');
    await pane.press('Escape');
    await pane.shows(/❯ *\n─{120}\n {2}⏵⏵/);
  });

  test('shows a server error that speaks of rate limits, and records no quota', async () => {
    world.setFailing('work-1', true);
    const pane = await start();
    await pane.say('hello');
    await pane.shows(/● API Error: 500 \{"type":"error","error":\{"type":"api_error"/);
    await pane.shows('❯ Resend your message to try again');
    expect(transcriptRows().at(-1)).toMatchObject({ error: 'server_error', apiErrorStatus: 500 });
    expect(transcriptRows().at(-1)?.quotaLimits).toBeUndefined();
  });

  test('loses the first prompt after a resume when told so', async () => {
    const sessionId = '99999999-2222-4333-8444-555555555555';
    const pane = await start({ args: ['--session-id', sessionId], env: { STAND_IN_SWALLOW_FIRST: '1' } });
    await pane.say('one');
    await pane.shows('REPLY-1');
    await pane.say('/exit');
    await pane.shows('Goodbye!');
    await pane.say(`claude --resume ${sessionId}`);
    await waitFor(() => world.events('start').length === 2);
    await pane.say('lost');
    await waitFor(() => world.events('swallowed').length === 1);
    await pane.say('kept');
    await pane.shows('REPLY-2');
    expect(world.prompts()).toEqual(['one', 'lost', 'kept']);
  });

  test('works by itself, stops at the limit, and goes on after continue', async () => {
    const pane = await start({ env: { STAND_IN_WORK_MS: '100', STAND_IN_TURN_MS: '20' } });
    await waitFor(() => world.servedBy().length >= 3);
    world.setLimit('work-1', fiveHours());
    await pane.shows('Continuing automatically');
    const before = world.servedBy().length;
    world.flip('work-2');
    await pane.say('continue');
    await waitFor(() => world.servedBy().length >= before + 3);
    expect(new Set(world.servedBy().slice(0, before))).toEqual(new Set(['work-1']));
    expect(new Set(world.servedBy().slice(before))).toEqual(new Set(['work-2']));
    await pane.press('Escape');
    await pane.shows('Interrupted · What should Claude do instead?');
  });

  test('refreshes its tokens under locks and is served on', async () => {
    const pane = await start({ env: { STAND_IN_REFRESH_MS: '50', STAND_IN_REFRESH_DELAY_MS: '10' } });
    await waitFor(() => world.events('refresh').filter(({ result }) => result === 'refreshed').length >= 3);
    await pane.say('hello');
    await pane.shows('REPLY-1 account=work-1');
    await pane.say('/exit');
    await waitFor(() => world.events('exit').length === 1);
    for (const leftover of ['.oauth_refresh.lock', '.storage-write.lock']) {
      rmSync(join(world.home('work-1').home, leftover), { recursive: true, force: true });
    }
    expect(statSync(world.home('work-1').credentials).mode & 0o777).toBe(0o600);
    expect(world.isLoginGood('work-2')).toBe(true);
  });

  test('says to log in again when the provider does not know its token', async () => {
    rmSync(world.home('work-1').credentials);
    const pane = await start();
    await pane.say('hello');
    await pane.shows('● Please run /login · API Error: 401 Invalid bearer token');
  });
});

describe('the stand-in agent of version 2.0.76', () => {
  const old = (env: Record<string, string> = {}): Promise<StandInPane> =>
    start({ env: { STAND_IN_VERSION: '2.0.76', ...env } });

  test('does not adopt a flipped link while it runs, but after a resume', async () => {
    const pane = await old();
    world.setLimit('work-1', fiveHours());
    await pane.say('hello');
    const limited = await pane.shows('│ What do you want to do?');
    expect(limited).toMatch(
      /> hello\n {2}⎿ {2}You've hit your limit · resets .*\(UTC\)\n {5}Opening your options…\n\n> \/rate-limit-options\n╭/,
    );
    world.flip('work-2');
    await pane.press('Escape');
    await pane.shows('? for shortcuts');
    await pane.say('continue');
    await waitFor(() => world.events('limit').length === 2);
    expect(world.servedBy()).toEqual([]);
    await pane.shows('What do you want to do?');
    await pane.press('Escape');
    await pane.shows('? for shortcuts');
    await pane.say('/exit');
    await pane.shows('Goodbye!');
    await pane.say(`claude --resume ${world.events()[0]?.sessionId}`);
    await waitFor(() => world.events('start').length === 2);
    await pane.say('continue');
    await pane.shows('REPLY-1 account=work-2');
  });

  test('keeps no session registry and writes the sparse rejection row', async () => {
    world.setLimit('work-1', fiveHours());
    const pane = await old();
    await pane.say('hello');
    await pane.shows('What do you want to do?');
    expect(existsSync(join(world.shared, 'sessions', `${world.events()[0]?.pid}.json`))).toBe(false);
    const row = transcriptRows().at(-1);
    expect(row).toMatchObject({ error: 'rate_limit', isApiErrorMessage: true, version: '2.0.76' });
    expect(row).not.toHaveProperty('quotaLimits');
    expect(row).not.toHaveProperty('apiErrorStatus');
  });
});

describe.each(['2.1.328', '2.0.76'])('the screens of the stand-in agent of version %s', (version) => {
  const read = async (pane: StandInPane): Promise<ReturnType<typeof detect>> =>
    detect(await pane.screen(), { agent: 'claude', now: Date.now(), zone: 'UTC' });
  /** Waits until its screen is read so: a screen may be caught in the middle of a painting. */
  const reads = (pane: StandInPane, fits: (found: ReturnType<typeof detect>) => boolean) =>
    waitFor(async () => {
      const found = await read(pane);
      if (fits(found)) return found;
      throw new Error(`read as ${JSON.stringify(found)}`);
    });
  const open = (env: Record<string, string> = {}): Promise<StandInPane> =>
    start({ env: { STAND_IN_VERSION: version, ...env } });

  test('read as a quota hit with the reset it has', async () => {
    const limit = fiveHours();
    world.setLimit('work-1', limit);
    const pane = await open();
    await pane.say('hello');
    await pane.shows(/resets .*\(UTC\)/);
    // What stands below the message is painted after it.
    const { resetAt } = await reads(pane, ({ class: found }) => found === 'quota');
    expect(Math.abs((resetAt ?? 0) - limit.resetsAt)).toBeLessThanOrEqual(60_000);
  });

  test('read as a limit menu at a weekly limit', async () => {
    world.setLimit('work-1', weekly());
    const pane = await open();
    await pane.say('hello');
    await pane.shows('Upgrade your plan');
    await reads(pane, ({ reading }) => reading.dialog?.kind === 'limit-menu');
  });

  test('read as throttled at a server error, and as nothing at an answer', async () => {
    world.setFailing('work-1', true);
    const pane = await open();
    await pane.say('hello');
    await pane.shows('API Error: 500');
    await pane.shows(/─+\n[❯>] .*\n─+/);
    await reads(pane, ({ class: found }) => found === 'throttle');
    world.setFailing('work-1', false);
    await pane.say('again');
    await pane.shows('REPLY-1');
    await reads(pane, ({ class: found }) => found === 'none');
  });

  test('read as busy while a turn runs', async () => {
    const pane = await open({ STAND_IN_TURN_MS: '60000' });
    await pane.say('hello');
    await pane.shows('esc to interrupt');
    await reads(pane, ({ reading }) => reading.busy);
    await pane.press('Escape');
    await pane.shows('Interrupted');
    await reads(pane, ({ reading: { busy, composer } }) => !busy && composer?.text === '');
  });
});
