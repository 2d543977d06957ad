import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAccountLink } from '../../../src/adapters/accounts/link.ts';
import { LinkError } from '../../../src/core/errors.ts';
import type { LinkPlace } from '../../../src/ports.ts';
import { makeHome, temporaryDirectory } from '../../support/account-homes.ts';
import { type Child, startChild } from '../../support/child.ts';
import { RecordingLog } from '../../support/recording-log.ts';

let directory: string;
let place: LinkPlace;
let link: string;
let homeA: string;
let homeB: string;
const accountLink = createAccountLink({ log: new RecordingLog() });

beforeEach(() => {
  directory = temporaryDirectory();
  homeA = makeHome(directory, 'a');
  homeB = makeHome(directory, 'b');
  link = join(directory, 'active');
  place = {
    link,
    homes: [
      { account: 'a', home: homeA },
      { account: 'b', home: homeB },
    ],
  };
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('reading the link', () => {
  it('finds the account of an absolute and of a relative target', async () => {
    symlinkSync(homeA, link);
    const state = await accountLink.read(place);
    expect(state).toMatchObject({ kind: 'account', account: 'a', target: homeA });
    const movedAt = state.kind === 'account' ? state.movedAt : undefined;
    expect(movedAt).toBe(Math.round(lstatSync(place.link).mtimeMs));
    rmSync(link);
    symlinkSync('./b', link);
    expect(await accountLink.read(place)).toMatchObject({ kind: 'account', account: 'b', target: './b' });
  });

  it('finds the account by the real path, whatever links lie between', async () => {
    symlinkSync(homeB, join(directory, 'alias'));
    symlinkSync('alias', link);
    expect(await accountLink.read(place)).toMatchObject({ kind: 'account', account: 'b', target: 'alias' });
    symlinkSync(homeA, join(directory, 'home-a'));
    const throughAlias = { link, homes: [{ account: 'a', home: join(directory, 'home-a') }] };
    rmSync(link);
    symlinkSync(homeA, link);
    expect(await accountLink.read(throughAlias)).toMatchObject({ kind: 'account', account: 'a', target: homeA });
  });

  it('tells a directory, a file and a missing link apart [R267]', async () => {
    expect(await accountLink.read(place)).toEqual({ kind: 'missing' });
    mkdirSync(link);
    expect(await accountLink.read(place)).toEqual({ kind: 'directory' });
    rmSync(link, { recursive: true });
    writeFileSync(link, '');
    expect(await accountLink.read(place)).toEqual({ kind: 'file' });
  });

  it('tells a foreign target, a dangling one and a loop apart [R267]', async () => {
    const elsewhere = makeHome(directory, 'elsewhere');
    symlinkSync(elsewhere, link);
    expect(await accountLink.read(place)).toEqual({ kind: 'foreign', target: elsewhere });
    rmSync(link);
    symlinkSync(join(homeA, '.credentials.json'), link);
    expect(await accountLink.read(place)).toMatchObject({ kind: 'foreign' });
    rmSync(link);
    symlinkSync('gone', link);
    expect(await accountLink.read(place)).toEqual({ kind: 'dangling', target: 'gone', account: null });
    rmSync(homeB, { recursive: true });
    rmSync(link);
    symlinkSync('b', link);
    expect(await accountLink.read(place)).toEqual({ kind: 'dangling', target: 'b', account: 'b' });
    rmSync(link);
    symlinkSync('active', link);
    expect(await accountLink.read(place)).toEqual({ kind: 'loop', target: 'active' });
  });

  it('calls a link below a file unreadable', async () => {
    writeFileSync(join(directory, 'plain'), '');
    const below = { ...place, link: join(directory, 'plain', 'active') };
    expect(await accountLink.read(below)).toEqual({ kind: 'unreadable', reason: 'ENOTDIR' });
  });
});

/** It may read nothing for a while: what happens meanwhile it does not see. */
function noticing(reader: Child): { hasNoticed(): boolean } {
  let noticed = false;
  void reader.line().then((line) => {
    noticed = line === 'noticed';
  });
  return { hasNoticed: () => noticed };
}

describe('pointing the link', () => {
  it('puts exactly the given text and leaves nothing beside it', async () => {
    symlinkSync(homeA, link);
    await accountLink.point(link, 'b');
    expect(readlinkSync(link)).toBe('b');
    expect(readdirSync(directory).sort()).toEqual(['a', 'active', 'b']);
  });

  it('never replaces a file or a directory', async () => {
    writeFileSync(link, 'mine');
    await expect(accountLink.point(link, homeB)).rejects.toThrow(LinkError);
    expect(lstatSync(link).isFile()).toBe(true);
    rmSync(link);
    mkdirSync(link);
    await expect(accountLink.point(link, homeB)).rejects.toMatchObject({ code: 'link_not_a_symlink' });
    expect(lstatSync(link).isDirectory()).toBe(true);
    expect(readdirSync(directory).sort()).toEqual(['a', 'active', 'b']);
  });

  it('makes a missing link only when that is allowed', async () => {
    await expect(accountLink.point(link, homeB)).rejects.toMatchObject({ code: 'link_not_a_symlink' });
    expect(await accountLink.read(place)).toEqual({ kind: 'missing' });
    await accountLink.point(link, homeB, { allowMissing: true });
    expect(await accountLink.read(place)).toMatchObject({ kind: 'account', account: 'b' });
  });

  it('says so when the directory is gone', async () => {
    const away = join(directory, 'away', 'active');
    await expect(accountLink.point(away, homeB)).rejects.toMatchObject({ code: 'link_failed' });
  });

  it('shows one of the two targets to every one of 10,000 reads during 100 flips [R42]', async () => {
    symlinkSync(homeA, link);
    const reader = startChild('./link-reader.ts', [link, '10000']);
    expect(await reader.line()).toBe('ready');
    const { hasNoticed } = noticing(reader);
    for (let flip = 1; flip <= 100 || !hasNoticed(); flip++)
      await accountLink.point(link, flip % 2 === 0 ? homeA : homeB);
    reader.finish();
    const { reads, failures, targets } = JSON.parse(await reader.line());
    expect(reads).toBeGreaterThanOrEqual(10_000);
    expect(failures).toBe(0);
    expect(targets.sort()).toEqual([homeA, homeB]);
  });

  it('is seen to fail by the same reader when a link is removed and made again', async () => {
    symlinkSync(homeB, link);
    const reader = startChild('./link-reader.ts', [link, '0']);
    expect(await reader.line()).toBe('ready');
    const { hasNoticed } = noticing(reader);
    for (let flip = 1; !hasNoticed(); flip++) {
      rmSync(link);
      symlinkSync(homeB, link);
      if (flip % 100 === 0) await new Promise(setImmediate);
    }
    reader.finish();
    expect(JSON.parse(await reader.line()).failures).toBeGreaterThan(0);
  });
});

describe('the text of the link', () => {
  it('is absolute, unless the present link is relative and the home lies below its directory', () => {
    expect(accountLink.targetFor(link, homeB)).toBe(homeB);
    symlinkSync(homeA, link);
    expect(accountLink.targetFor(link, homeB)).toBe(homeB);
    rmSync(link);
    symlinkSync('a', link);
    expect(accountLink.targetFor(link, homeB)).toBe('b');
    expect(accountLink.targetFor(link, '/somewhere/else')).toBe('/somewhere/else');
  });
});

describe('leftovers of killed flips', () => {
  it('are removed only when they are links of a dead process of ours', async () => {
    symlinkSync(homeA, link);
    const dead = `${link}.tmp.4194999.0123456789ab`;
    const ownEarlier = `${link}.tmp.${process.pid}.0123456789ab`;
    const alive = `${link}.tmp.${process.ppid}.0123456789ab`;
    const file = `${link}.tmp.4194999.ba9876543210`;
    const strange = `${link}.tmp.notes`;
    for (const path of [dead, ownEarlier, alive, strange]) symlinkSync(homeB, path);
    writeFileSync(file, '');
    expect(await accountLink.sweepLeftovers(link)).toBe(2);
    expect(readdirSync(directory).map((name) => join(directory, name))).toEqual(
      [homeA, homeB, link, alive, file, strange].sort(),
    );
  });
});

describe('whose home a configuration directory is [R268]', () => {
  it('tells the link itself, an alias of the link, and a home apart', async () => {
    symlinkSync(homeA, link);
    symlinkSync(link, join(directory, 'alias'));
    expect(await accountLink.accountOf(link, place)).toEqual({ throughLink: true, account: 'a' });
    expect(await accountLink.accountOf(`${link}/`, place)).toEqual({ throughLink: true, account: 'a' });
    expect(await accountLink.accountOf(join(directory, 'alias'), place)).toEqual({ throughLink: true, account: 'a' });
    expect(await accountLink.accountOf(homeA, place)).toEqual({ throughLink: false, account: 'a' });
    expect(await accountLink.accountOf(homeB, place)).toEqual({ throughLink: false, account: 'b' });
  });

  it('recognises the link through another name of its directory', async () => {
    symlinkSync(homeB, link);
    symlinkSync(directory, `${directory}-alias`);
    try {
      expect(await accountLink.accountOf(join(`${directory}-alias`, 'active'), place)).toEqual({
        throughLink: true,
        account: 'b',
      });
    } finally {
      rmSync(`${directory}-alias`);
    }
  });

  it('is nobody for any other directory, a loop or a missing one', async () => {
    symlinkSync('active', link);
    expect(await accountLink.accountOf(link, place)).toBeNull();
    expect(await accountLink.accountOf(directory, place)).toBeNull();
    expect(await accountLink.accountOf(join(homeA, 'below'), place)).toBeNull();
  });
});
