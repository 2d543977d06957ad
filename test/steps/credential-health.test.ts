/** A login is judged by what its file says, never by its tokens, and read again before it is called dead. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAccountHomes } from '../../src/adapters/accounts/homes.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { DAY, HOUR } from '../../src/core/time.ts';
import { createCredentials } from '../../src/loops/credentials.ts';
import type { AccountHomes, TickContext } from '../../src/ports.ts';
import { openFor } from '../store/support/open.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const CANARY = 'sk-ant-oat01-canary-canary-canary';

interface Login {
  readonly accessToken?: string;
  readonly refreshToken?: string;
  readonly expiresAt?: number;
  readonly refreshTokenExpiresAt?: number;
}

async function bench() {
  const root = mkdtempSync(join(tmpdir(), 'cf-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const home = join(root, 'home');
  mkdirSync(home);
  const clock = new FakeClock();
  const log = new RecordingLog();
  const store = await openFor(join(root, 'state'), { now: clock.now() });
  await store.pool.ensureAccounts([{ name: 'work-1', pool: 'work' }]);
  const real = createAccountHomes({ ownUid: process.getuid?.() ?? 0, clock, log });
  let inspects = 0;
  let before: (look: number) => void = () => undefined;
  const homes: AccountHomes = {
    freshen: real.freshen,
    interruptedWrites: real.interruptedWrites,
    inspect(profile, path) {
      before(++inspects);
      return real.inspect(profile, path);
    },
  };
  let written = 0;
  /** Each file is a second newer than the one before, as those of a new login are. */
  const login = (content: Login): void => {
    const file = join(home, '.credentials.json');
    const whole = { accessToken: CANARY, refreshToken: CANARY, expiresAt: clock.now() + HOUR, ...content };
    writeFileSync(file, JSON.stringify({ claudeAiOauth: whole }), { mode: 0o600 });
    const at = clock.now() / 1000 + written++;
    utimesSync(file, at, at);
  };
  const account = { name: 'work-1', pool: 'work', home, priority: 10, enabled: true };
  const config = {
    pools: [{ name: 'work', agent: 'claude', mode: 'config_dir', accounts: [account] }],
    credentials: { checkIntervalMs: 600_000, expiryWarnMs: DAY },
  } as unknown as TickContext['config'];
  const loop = createCredentials({ local: store.local, shared: store.pool, homes, clock, profiles: [claude] });
  const tick = () => loop.tick({ config, now: clock.now(), log, signal: new AbortController().signal });
  const status = async () => (await store.pool.accounts())[0]?.status;
  const told = async () => (await store.local.events({ limit: 9 })).map(({ type }) => type).reverse();
  const onLook = (run: (look: number) => void): void => {
    before = run;
    inspects = 0;
  };
  return { ...store, clock, log, login, loop, config, tick, status, told, onLook };
}

describe('the health of a login', () => {
  test('is looked at every ten minutes [R173]', async () => {
    const { loop, config } = await bench();
    expect(loop.intervalMs(config)).toBe(600_000);
  });

  test('emptied tokens make the account expired, a new login makes it active again [R173]', async () => {
    const { login, tick, status, told } = await bench();
    login({ accessToken: '', refreshToken: '', expiresAt: 0 });
    await tick();
    expect(await status()).toBe('expired');
    await tick();
    login({});
    await tick();
    await tick();
    expect(await status()).toBe('active');
    expect(await told()).toEqual(['login_needed', 'account_recovered']);
  });

  test('a file that was not written anew restores nothing', async () => {
    const { login, tick, status, pool, clock } = await bench();
    login({});
    await pool.setStatus('work-1', 'expired', 'a wall', clock.now());
    await tick();
    expect(await status()).toBe('expired');
    login({});
    await tick();
    expect(await status()).toBe('active');
  });

  test('an access token that ran out is nothing where there is a refresh token, and nothing is renewed here [R173 R174]', async () => {
    const { login, tick, status, told, clock } = await bench();
    login({ expiresAt: clock.now() - 5 * HOUR });
    await tick();
    expect([await status(), await told()]).toEqual(['active', []]);
  });

  test.each<[string, (now: number) => Login]>([
    [
      'without a refresh token it ends with its access token',
      (now) => ({ refreshToken: undefined as never, expiresAt: now - 1 }),
    ],
    ['with a fixed end it ends there', (now) => ({ refreshTokenExpiresAt: now - 1 })],
  ])('%s [R173]', async (_, content) => {
    const { login, tick, status, told, clock } = await bench();
    login(content(clock.now()));
    await tick();
    expect([await status(), await told()]).toEqual(['expired', ['login_needed']]);
    await tick();
    expect(await told()).toEqual(['login_needed']);
  });

  test('a file that was mended since the first look is not judged by it [R176]', async () => {
    const { login, tick, status, told, onLook } = await bench();
    login({ accessToken: '', refreshToken: '', expiresAt: 0 });
    onLook((look) => {
      if (look === 2) login({});
    });
    await tick();
    expect([await status(), await told()]).toEqual(['active', []]);
  });

  test('no token reaches the database, the log or an event', async () => {
    const { login, tick, local, pool, log, clock } = await bench();
    login({ refreshTokenExpiresAt: clock.now() - 1 });
    await tick();
    login({});
    await tick();
    const kept = JSON.stringify([await local.events({ limit: 99 }), await pool.accounts(), log.lines]);
    expect(kept).not.toContain('canary');
    expect(log.lines.length).toBe(2);
  });
});
