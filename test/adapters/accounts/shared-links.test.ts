import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSharedEntries } from '../../../src/adapters/accounts/shared-links.ts';
import { accountProfile, makeHome, OWN_UID, temporaryDirectory } from '../../support/account-homes.ts';
import { RecordingLog } from '../../support/recording-log.ts';

let directory: string;
let home: string;
let shared: string;
const entries = createSharedEntries({ ownUid: OWN_UID, log: new RecordingLog() });

beforeEach(() => {
  directory = temporaryDirectory();
  home = makeHome(directory, 'a');
  shared = join(directory, 'shared');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ensure = () => entries.ensure(accountProfile, home, shared);
const validate = (...homes: readonly string[]) => entries.validate(accountProfile, homes, shared);

describe('making the shared entries of a home [R46]', () => {
  it('makes the required directories and links them, and of the optional entries only those that are there', async () => {
    mkdirSync(shared);
    writeFileSync(join(shared, 'settings.json'), '{}');
    expect(await ensure()).toEqual([]);
    expect(readdirSync(home).sort()).toEqual(['.credentials.json', 'projects', 'sessions', 'settings.json']);
    expect(readlinkSync(join(home, 'projects'))).toBe(join(shared, 'projects'));
    expect(statSync(join(shared, 'projects')).mode & 0o777).toBe(0o700);
    expect(readdirSync(shared).sort()).toEqual(['projects', 'sessions', 'settings.json']);
    expect(await ensure()).toEqual([]);
    expect(await validate(home)).toEqual([]);
  });

  it('makes the shared root itself, for its owner alone', async () => {
    expect(await ensure()).toEqual([]);
    expect(statSync(shared).mode & 0o777).toBe(0o700);
  });

  it('does nothing to a home that is the shared root', async () => {
    expect(await entries.ensure(accountProfile, home, home)).toEqual([]);
    expect(readdirSync(home)).toEqual(['.credentials.json']);
  });

  it('accepts a relative link and a link to a shared entry that is not there yet', async () => {
    symlinkSync('../shared/projects', join(home, 'projects'));
    symlinkSync(join(shared, 'history.jsonl'), join(home, 'history.jsonl'));
    expect(await ensure()).toEqual([]);
    expect(readlinkSync(join(home, 'projects'))).toBe('../shared/projects');
    expect(readlinkSync(join(home, 'history.jsonl'))).toBe(join(shared, 'history.jsonl'));
  });

  it('never touches a real directory, a file or another link, and tells the remedy', async () => {
    mkdirSync(join(shared, 'todos'), { recursive: true });
    writeFileSync(join(shared, 'settings.json'), '{}');
    mkdirSync(join(home, 'projects'));
    writeFileSync(join(home, 'projects', 'mine'), 'mine');
    symlinkSync('/somewhere', join(home, 'sessions'));
    writeFileSync(join(home, 'settings.json'), '{"own":true}');
    const problems = await ensure();
    expect(problems.map(({ entry, severity }) => [entry, severity])).toEqual([
      ['projects', 'fatal'],
      ['sessions', 'fatal'],
      ['settings.json', 'warning'],
    ]);
    for (const { remedy, message } of problems) {
      expect(remedy).toContain(`ln -s ${shared}/`);
      expect(message).toContain(home);
    }
    expect(readFileSync(join(home, 'projects', 'mine'), 'utf8')).toBe('mine');
    expect(readlinkSync(join(home, 'sessions'))).toBe('/somewhere');
    expect(readFileSync(join(home, 'settings.json'), 'utf8')).toBe('{"own":true}');
    expect(readlinkSync(join(home, 'todos'))).toBe(join(shared, 'todos'));
  });

  it('refuses a shared entry that is a file where a directory must be', async () => {
    mkdirSync(shared);
    writeFileSync(join(shared, 'projects'), '');
    expect(await ensure()).toMatchObject([{ entry: 'projects', severity: 'fatal' }]);
    expect(readdirSync(home)).not.toContain('projects');
  });

  it('never shares credentials or state', async () => {
    mkdirSync(shared);
    for (const name of ['.credentials.json', '.claude.json']) writeFileSync(join(shared, name), '');
    await ensure();
    expect(lstatSync(join(home, '.credentials.json')).isFile()).toBe(true);
    expect(readdirSync(home)).not.toContain('.claude.json');
  });
});

describe('validating all homes [R46]', () => {
  it('tells all problems of all homes at once and changes nothing', async () => {
    const other = makeHome(directory, 'b');
    mkdirSync(join(shared, 'projects'), { recursive: true });
    mkdirSync(join(shared, 'sessions'));
    writeFileSync(join(shared, 'settings.json'), '{}');
    symlinkSync(join(shared, 'projects'), join(home, 'projects'));
    const problems = await validate(home, other, join(directory, 'gone'));
    expect(problems.map((found) => [found.home, found.entry, found.severity])).toEqual([
      [home, 'sessions', 'fatal'],
      [home, 'settings.json', 'warning'],
      [other, 'projects', 'fatal'],
      [other, 'sessions', 'fatal'],
      [other, 'settings.json', 'warning'],
      [join(directory, 'gone'), '.', 'fatal'],
    ]);
    expect(readdirSync(other)).toEqual(['.credentials.json']);
  });

  it('tells a missing shared root, and one of another user', async () => {
    expect(await validate(home)).toMatchObject(
      ['projects', 'sessions'].map((entry) => ({
        entry,
        remedy: expect.stringMatching(/^mkdir -p -m 700 \S+\/shared /),
      })),
    );
    mkdirSync(shared);
    const others = createSharedEntries({ ownUid: OWN_UID + 1, log: new RecordingLog() });
    expect(await others.validate(accountProfile, [home], shared)).toMatchObject([{ entry: '.', severity: 'fatal' }]);
  });

  it('quotes paths with blanks in its remedies', async () => {
    const odd = makeHome(directory, "it's a home");
    mkdirSync(join(shared, 'projects'), { recursive: true });
    mkdirSync(join(shared, 'sessions'));
    const [first] = await validate(odd);
    expect(first?.remedy).toBe(`ln -s ${shared}/projects '${directory}/it'\\''s a home/projects'`);
  });
});
