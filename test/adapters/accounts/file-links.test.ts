/** A pool whose credential files are links: read as one, moved one after the other, never over something real. */
import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAccountLink } from '../../../src/adapters/accounts/link.ts';
import type { LinkPlace } from '../../../src/ports.ts';
import { temporaryDirectory } from '../../support/account-homes.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const FILES = ['oauth_creds.json', 'google_accounts.json'] as const;
const accountLink = createAccountLink({ log: new RecordingLog() });
let root: string;
let link: string;
let place: LinkPlace;

beforeEach(() => {
  root = temporaryDirectory();
  link = join(root, '.gemini');
  mkdirSync(link);
  const homes = ['a', 'b'].map((account) => ({ account, home: join(root, account) }));
  for (const { account, home } of homes) {
    mkdirSync(home);
    for (const file of FILES) writeFileSync(join(home, file), account);
  }
  place = { link, files: FILES, homes };
  for (const file of FILES) symlinkSync(join(root, 'a', file), join(link, file));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const shows = () => FILES.map((file) => readFileSync(join(link, file), 'utf8'));

describe('the links are read as one', () => {
  test('that names an account while they agree [R41]', async () => {
    expect(await accountLink.read(place)).toMatchObject({ kind: 'account', account: 'a', target: join(root, 'a') });
  });

  test('also through a relative text, and when the second file or its link is missing [R41]', async () => {
    for (const file of FILES) unlinkSync(join(link, file));
    symlinkSync('../b/oauth_creds.json', join(link, 'oauth_creds.json'));
    expect(await accountLink.read(place)).toMatchObject({ kind: 'account', account: 'b', target: '../b' });
    unlinkSync(join(root, 'b', 'google_accounts.json'));
    symlinkSync('../b/google_accounts.json', join(link, 'google_accounts.json'));
    expect(await accountLink.read(place)).toMatchObject({ kind: 'account', account: 'b' });
  });

  test.each<[string, (file: string) => void, object]>([
    ['split: one was moved and the other was not', (file) => swap(file, join(root, 'b', FILES[1])), { kind: 'split' }],
    ['a file: the CLI wrote it anew', (file) => swap(file, null), { kind: 'file' }],
    ['foreign: it leads to another file', (file) => swap(file, join(root, 'a', FILES[0])), { kind: 'foreign' }],
    ['dangling: the home is gone', (file) => swap(file, join(root, 'gone', FILES[1])), { kind: 'dangling' }],
  ])('%s [R267]', async (_, change, expected) => {
    change(join(link, FILES[1]));
    expect(await accountLink.read(place)).toMatchObject(expected);
  });

  test('missing without the first one [R267]', async () => {
    unlinkSync(join(link, FILES[0]));
    expect(await accountLink.read(place)).toEqual({ kind: 'missing' });
  });
});

test('all of them are moved, and what reads through them sees the other account [R41]', async () => {
  await accountLink.point(link, join(root, 'b'), { files: FILES });
  expect(shows()).toEqual(['b', 'b']);
  expect(await accountLink.read(place)).toMatchObject({ kind: 'account', account: 'b' });
});

test('a second link that is missing is made; a real file stops the move before the first link [R260]', async () => {
  unlinkSync(join(link, FILES[1]));
  await accountLink.point(link, join(root, 'b'), { files: FILES });
  expect(shows()).toEqual(['b', 'b']);

  swap(join(link, FILES[1]), null);
  await expect(accountLink.point(link, join(root, 'a'), { files: FILES })).rejects.toMatchObject({
    code: 'link_not_a_symlink',
  });
  expect(shows()).toEqual(['b', 'a file of its own']);
  unlinkSync(join(link, FILES[0]));
  await expect(accountLink.point(link, join(root, 'a'), { files: FILES })).rejects.toMatchObject({
    code: 'link_not_a_symlink',
  });
});

test('the style of the link is kept: relative stays relative [R41]', () => {
  const inside = join(link, 'accounts', 'a');
  expect(accountLink.targetFor(link, inside, FILES)).toBe(inside);
  swap(join(link, FILES[0]), 'accounts/a/oauth_creds.json');
  expect(accountLink.targetFor(link, inside, FILES)).toBe('accounts/a');
});

test('what a killed daemon left beside each link is removed [R47]', async () => {
  for (const file of FILES) symlinkSync('x', join(link, `${file}.tmp.4194305.0123456789ab`));
  expect(await accountLink.sweepLeftovers(link, FILES)).toBe(2);
});

test('a process belongs to the pool when its directory is the one with the links, by any path [R268]', async () => {
  symlinkSync(link, join(root, 'alias'));
  for (const configDir of [link, join(root, 'alias')])
    expect(await accountLink.accountOf(configDir, place)).toEqual({ throughLink: true, account: 'a' });
  expect(await accountLink.accountOf(join(root, 'b'), place)).toEqual({ throughLink: false, account: 'b' });
  expect(await accountLink.accountOf(root, place)).toBeNull();
});

test('with credentials alone behind the link, the settings of the directory decide who follows it [R41 R268]', async () => {
  const [active, configDir] = [join(root, 'active'), join(root, '.claude')];
  symlinkSync(join(root, 'a'), active);
  mkdirSync(configDir);
  const settings = { configDir, variable: 'CLAUDE_SECURESTORAGE_CONFIG_DIR' };
  const storage: LinkPlace = { link: active, homes: place.homes, settings };
  const write = (env: object) => writeFileSync(join(configDir, 'settings.json'), JSON.stringify({ env }));
  expect(await accountLink.accountOf(configDir, storage)).toBeNull();
  write({ CLAUDE_SECURESTORAGE_CONFIG_DIR: active });
  expect(await accountLink.accountOf(configDir, storage)).toEqual({ throughLink: true, account: 'a' });
  write({ CLAUDE_SECURESTORAGE_CONFIG_DIR: join(root, 'b') });
  expect(await accountLink.accountOf(configDir, storage)).toEqual({ throughLink: false, account: 'b' });
  expect(await accountLink.accountOf(root, storage)).toBeNull();
  writeFileSync(join(configDir, 'settings.json'), '{ not json');
  expect(await accountLink.accountOf(configDir, storage)).toBeNull();
});

/** Puts another link in its place, or with null a real file. */
function swap(path: string, target: string | null): void {
  unlinkSync(path);
  if (target === null) writeFileSync(path, 'a file of its own');
  else symlinkSync(target, path);
}

test('a link is never left pointing at nothing: its text always names the file itself [R41]', async () => {
  await accountLink.point(link, join(root, 'b'), { files: FILES });
  expect(FILES.map((file) => readlinkSync(join(link, file)))).toEqual(FILES.map((file) => join(root, 'b', file)));
});
