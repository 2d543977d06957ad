import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAccountHomes } from '../../../src/adapters/accounts/homes.ts';
import type { AccountHomes } from '../../../src/ports.ts';
import { accountProfile, CANARY, login, makeHome, OWN_UID, temporaryDirectory } from '../../support/account-homes.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { waitFor } from '../../support/wait.ts';

const ACCOUNT = '00000000-0000-4000-a000-00000000000a';
const ORGANISATION = '00000000-0000-4000-b000-00000000000b';

let directory: string;
let clock: FakeClock;
let log: RecordingLog;
let homes: AccountHomes;

beforeEach(() => {
  directory = temporaryDirectory();
  clock = new FakeClock();
  log = new RecordingLog();
  homes = createAccountHomes({ ownUid: OWN_UID, clock, log });
});

afterEach(() => {
  expect(JSON.stringify(log.lines)).not.toContain(CANARY);
  rmSync(directory, { recursive: true, force: true });
});

/** Inspects, letting time pass as long as the look waits for a file to be finished. */
async function inspect(home: string) {
  let done = false;
  const look = homes.inspect(accountProfile, home).finally(() => {
    done = true;
  });
  while (!done) await clock.advance(100);
  return look;
}

describe('files that killed writes left', () => {
  it('are named when they are older than a write can take, and never opened', async () => {
    const home = makeHome(directory, 'a');
    const profile = { ...accountProfile, interruptedWrites: /^\.credentials\.json\.tmp\.[0-9a-f]{8}$/ };
    const left = join(home, '.credentials.json.tmp.0a1b2c3d');
    writeFileSync(left, login('a'), { mode: 0o000 });
    writeFileSync(join(home, '.credentials.json.tmp.mine'), '');
    const now = new Date(clock.now());
    utimesSync(left, now, now);
    expect(await homes.interruptedWrites(profile, home)).toEqual([]);
    await clock.advance(61_000);
    expect(await homes.interruptedWrites(profile, home)).toEqual([left]);
    expect(await homes.interruptedWrites(accountProfile, home)).toEqual([]);
    expect(await homes.interruptedWrites(profile, join(directory, 'missing'))).toEqual([]);
  });
});

describe('looking at an account home [R43]', () => {
  it('tells a good one: real path, expiry, end of the login, mtime', async () => {
    const home = makeHome(directory, 'a');
    expect(await inspect(home)).toEqual({
      home,
      realPath: home,
      problem: null,
      credentials: 'ok',
      looseMode: false,
      credentialsMtimeMs: Math.floor(statSync(join(home, '.credentials.json')).mtimeMs),
      expiresAt: 1_795_200_000_000,
      loginEndsAt: 1_797_000_000_000,
      renewable: true,
      identity: null,
    });
  });

  it('follows a home that is itself a link', async () => {
    const home = makeHome(directory, 'a');
    symlinkSync(home, join(directory, 'alias'));
    expect(await inspect(join(directory, 'alias'))).toMatchObject({ realPath: home, problem: null, credentials: 'ok' });
  });

  it('tells a missing one, a file and a foreign owner apart', async () => {
    expect(await inspect(join(directory, 'gone'))).toMatchObject({ problem: 'missing', credentials: 'missing' });
    writeFileSync(join(directory, 'file'), '');
    expect(await inspect(join(directory, 'file'))).toMatchObject({ problem: 'not-a-directory' });
    expect(await inspect(join(directory, 'file', 'below'))).toMatchObject({ problem: 'not-a-directory' });
    const home = makeHome(directory, 'a');
    const others = createAccountHomes({ ownUid: OWN_UID + 1, clock, log });
    expect(await others.inspect(accountProfile, home)).toMatchObject({ problem: 'foreign-owner', realPath: home });
  });
});

describe('judging credentials [R267]', () => {
  it.each([
    ['tokens set to nothing', login('a', { accessToken: '', refreshToken: '', expiresAt: 0 })],
    ['an access token set to nothing', login('a', { accessToken: '' })],
    ['a refresh token set to nothing', login('a', { refreshToken: '' })],
    ['a husk that holds only logins of MCP servers', JSON.stringify({ mcpOAuth: { server: { accessToken: CANARY } } })],
    ['a husk that holds nothing', '{}'],
  ])('calls %s blanked', async (_name, content) => {
    expect(await inspect(makeHome(directory, 'a', content))).toMatchObject({ credentials: 'blanked' });
  });

  it.each([
    ['half a file', login('a').slice(0, 60)],
    ['an empty file', ''],
    ['something that is no object', `["${CANARY}"]`],
  ])('calls %s corrupt after three reads over a second', async (_name, content) => {
    const home = makeHome(directory, 'a', content);
    const startMs = clock.monotonic();
    expect(await inspect(home)).toMatchObject({ credentials: 'corrupt', expiresAt: null, identity: null });
    expect(clock.monotonic() - startMs).toBeGreaterThanOrEqual(1_000);
  });

  it('waits for a file that is just being written in place', async () => {
    const home = makeHome(directory, 'a', login('a').slice(0, 60));
    const look = homes.inspect(accountProfile, home);
    await waitFor(() => clock.pending === 1);
    writeFileSync(join(home, '.credentials.json'), login('a'));
    let done = false;
    void look.finally(() => {
      done = true;
    });
    while (!done) await clock.advance(100);
    expect(await look).toMatchObject({ credentials: 'ok' });
  });

  it('tells a missing file, a link, a directory and a huge file apart', async () => {
    const home = makeHome(directory, 'a');
    const path = join(home, '.credentials.json');
    renameSync(path, join(directory, 'moved.json'));
    expect(await inspect(home)).toMatchObject({ credentials: 'missing', credentialsMtimeMs: null });
    symlinkSync(join(directory, 'moved.json'), path);
    expect(await inspect(home)).toMatchObject({ credentials: 'link', identity: null, expiresAt: null });
    rmSync(path);
    mkdirSync(path);
    expect(await inspect(home)).toMatchObject({ credentials: 'unreadable' });
    rmSync(path, { recursive: true });
    writeFileSync(path, ' '.repeat(2 * 1024 * 1024));
    expect(await inspect(home)).toMatchObject({ credentials: 'unreadable' });
  });

  it('notices a file that others can read', async () => {
    const home = makeHome(directory, 'a');
    chmodSync(join(home, '.credentials.json'), 0o644);
    expect(await inspect(home)).toMatchObject({ credentials: 'ok', looseMode: true });
  });
});

describe('the identity of an account [R266]', () => {
  const account = { accountUuid: ACCOUNT, organizationUuid: ORGANISATION };

  it('comes from the state file of the home', async () => {
    const home = makeHome(directory, 'a');
    writeFileSync(join(home, '.claude.json'), JSON.stringify({ oauthAccount: account }));
    expect(await inspect(home)).toMatchObject({ identity: `${ACCOUNT}/${ORGANISATION}` });
  });

  it('comes from the credentials first: the state file lags behind a flip', async () => {
    const home = makeHome(directory, 'a', login('a', account));
    const other = { ...account, accountUuid: ORGANISATION };
    writeFileSync(join(home, '.claude.json'), JSON.stringify({ oauthAccount: other }));
    expect(await inspect(home)).toMatchObject({ identity: `${ACCOUNT}/${ORGANISATION}` });
  });

  it('follows a login as someone else', async () => {
    const home = makeHome(directory, 'a');
    const state = join(home, '.claude.json');
    writeFileSync(state, JSON.stringify({ oauthAccount: account }));
    expect(await inspect(home)).toMatchObject({ identity: `${ACCOUNT}/${ORGANISATION}` });
    const before = statSync(state, { bigint: true }).ctimeNs;
    // It is as long as before, so it is its time that tells: from the next tick of the kernel's clock on.
    do writeFileSync(state, JSON.stringify({ oauthAccount: { ...account, accountUuid: ORGANISATION } }));
    while (statSync(state, { bigint: true }).ctimeNs === before);
    expect(await inspect(home)).toMatchObject({ identity: `${ORGANISATION}/${ORGANISATION}` });
  });

  it('is unknown when a part is missing, is no uuid, or the state file is a link', async () => {
    const home = makeHome(directory, 'a', login('a', { accountUuid: ACCOUNT }));
    expect(await inspect(home)).toMatchObject({ identity: null });
    const state = join(home, '.claude.json');
    writeFileSync(state, JSON.stringify({ oauthAccount: { ...account, organizationUuid: `${CANARY}` } }));
    expect(await inspect(home)).toMatchObject({ identity: null });
    rmSync(state);
    writeFileSync(join(directory, 'shared.json'), JSON.stringify({ oauthAccount: account }));
    symlinkSync(join(directory, 'shared.json'), state);
    expect(await inspect(home)).toMatchObject({ identity: null });
  });
});

describe('giving credentials a fresh mtime [R261]', () => {
  const path = (home: string): string => join(home, '.credentials.json');

  it('sets it strictly above the floor, above its own and not before now, and changes not one byte', async () => {
    const home = makeHome(directory, 'a');
    const before = lstatSync(path(home));
    const floorMs = before.mtimeMs + 5_000_000.25;
    const first = await homes.freshen(accountProfile, home, floorMs);
    expect(first).toBeGreaterThan(floorMs);
    expect(Math.floor(statSync(path(home)).mtimeMs)).toBe(first);
    const second = await homes.freshen(accountProfile, home, 0);
    expect(second).toBeGreaterThan(first);
    expect(statSync(path(home)).mtimeMs).toBeGreaterThan(first + 1);
    expect(readFileSync(path(home), 'utf8')).toBe(login('a'));
    expect(lstatSync(path(home)).ino).toBe(before.ino);
    clock.set('2080-01-01T00:00:00Z');
    expect(await homes.freshen(accountProfile, home, 0)).toBe(clock.now() + 1);
  });

  it('never gives one instant twice, and tells it as the next look does', async () => {
    const home = makeHome(directory, 'a');
    let last = 0;
    for (let round = 0; round < 200; round++) {
      const fresh = await homes.freshen(accountProfile, home, 1_795_200_000_000 + round * 7);
      expect(fresh).toBeGreaterThan(last);
      expect((await homes.inspect(accountProfile, home)).credentialsMtimeMs).toBe(fresh);
      last = fresh;
    }
  });

  it('works on a file that may not be written', async () => {
    const home = makeHome(directory, 'a');
    chmodSync(path(home), 0o400);
    const fresh = await homes.freshen(accountProfile, home, 0);
    expect(Math.floor(statSync(path(home)).mtimeMs)).toBe(fresh);
  });

  it('touches the state file of the home with it, when there is one', async () => {
    const home = makeHome(directory, 'a');
    const state = join(home, '.claude.json');
    writeFileSync(state, '{}');
    utimesSync(state, 1_000, 1_000);
    const fresh = await homes.freshen(accountProfile, home, 0);
    expect(Math.floor(statSync(state).mtimeMs)).toBe(fresh);
    expect(readFileSync(state, 'utf8')).toBe('{}');
  });

  it('refuses a missing file, a link and a foreign file', async () => {
    const home = makeHome(directory, 'a', null);
    await expect(homes.freshen(accountProfile, home, 0)).rejects.toMatchObject({ code: 'credentials_missing' });
    writeFileSync(join(directory, 'real.json'), login('a'));
    symlinkSync(join(directory, 'real.json'), path(home));
    const before = statSync(join(directory, 'real.json')).mtimeMs;
    await expect(homes.freshen(accountProfile, home, 0)).rejects.toMatchObject({ code: 'credentials_not_ours' });
    expect(statSync(join(directory, 'real.json')).mtimeMs).toBe(before);
    const others = createAccountHomes({ ownUid: OWN_UID + 1, clock, log });
    const own = makeHome(directory, 'b');
    await expect(others.freshen(accountProfile, own, 0)).rejects.toMatchObject({ code: 'credentials_not_ours' });
  });
});

describe('tokens', () => {
  it('are in no answer, no error and no log line, however broken the file is', async () => {
    const broken = [
      login('a'),
      login('a').slice(0, 90),
      `${CANARY}`,
      `{"claudeAiOauth":"${CANARY}"}`,
      `{"${CANARY}":{}}`,
    ];
    const said: string[] = [];
    for (const [index, content] of broken.entries()) {
      const home = makeHome(directory, `home-${index}`, content);
      writeFileSync(join(home, '.claude.json'), `{"oauthAccount":{"accountUuid":"${CANARY}"}, ${CANARY}`);
      said.push(JSON.stringify(await inspect(home)));
      rmSync(join(home, '.credentials.json'));
      mkdirSync(join(home, '.credentials.json'));
      const error: unknown = await homes.freshen(accountProfile, home, 0).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      said.push(`${error} ${JSON.stringify(error)} ${String((error as Error).cause)} ${(error as Error).stack}`);
    }
    expect([...said, JSON.stringify(log.lines)].join('\n')).not.toContain(CANARY);
    expect(said).toHaveLength(2 * broken.length);
  });
});
