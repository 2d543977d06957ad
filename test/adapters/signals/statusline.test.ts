import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStatuslineReader, type StatuslineReader } from '../../../src/adapters/signals/statusline.ts';
import { sampleOf, writeSample } from '../../../src/adapters/signals/statusline-sample.ts';
import { temporaryDirectory } from '../../support/account-homes.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { captured, OTHER_SESSION, SESSION } from '../../support/session-files.ts';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const OWN_UID = process.getuid?.() ?? 0;
const payload = JSON.parse(captured('claude-latest-q5h.statusline.json')).sl;

let stateDir: string;
let homeA: string;
let homeB: string;
let link: string;
let clock: FakeClock;
let reader: StatuslineReader;

beforeEach(() => {
  stateDir = temporaryDirectory();
  [homeA, homeB, link] = [join(stateDir, 'home-a'), join(stateDir, 'home-b'), join(stateDir, 'link')];
  mkdirSync(homeA);
  mkdirSync(homeB);
  symlinkSync(homeA, link);
  clock = new FakeClock('2026-11-20T10:00:00Z');
  reader = createStatuslineReader({ stateDir, ownUid: OWN_UID, clock });
});

afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const file = () => join(stateDir, 'quota', `${SESSION}.json`);
const read = () => reader.read(SESSION, link);

function write(change: object = {}, at = NOW): void {
  const sample = sampleOf({ ...payload, ...change }, link, at);
  if (sample === null) throw new Error('no payload of a status line');
  writeSample(stateDir, sample, clock);
}

/** Changes the file as another program would. */
function plant(change: object): void {
  write();
  writeFileSync(file(), JSON.stringify({ ...JSON.parse(readFileSync(file(), 'utf8')), ...change }));
}

const limits = (used: unknown, resets_at: unknown) => ({
  rate_limits: { five_hour: { used_percentage: used, resets_at } },
});

describe('the figures of a session', () => {
  it('are those that the real CLI gave its status line [R248]', async () => {
    write();
    const common = { source: 'statusline', at: NOW, since: NOW, home: homeA };
    expect(await read()).toEqual({
      figures: [
        { window: '5h', usedPercent: 100, resetAt: 1_795_178_067_000, ...common },
        { window: '7d', usedPercent: 34, resetAt: 1_795_512_867_000, ...common },
      ],
      version: '2.1.328',
      skipped: {},
    });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('are none for a version that reports none', async () => {
    const old = JSON.parse(captured('claude-2.0.76-q5h.statusline.json')).sl;
    write({ ...old, session_id: SESSION, rate_limits: undefined });
    expect(await read()).toEqual({ figures: null, version: '2.0.76', skipped: {} });
  });

  it('that stay the same keep the time and the home of their first report: after a flip they are not the new account’s [R117]', async () => {
    write({}, NOW - 60_000);
    rmSync(link);
    symlinkSync(homeB, link);
    write({}, NOW);
    expect((await read()).figures?.[0]).toMatchObject({ at: NOW, since: NOW - 60_000, home: homeA });
    write(limits(3, NOW / 1000 + 3600), NOW);
    expect((await read()).figures).toEqual([
      {
        window: '5h',
        usedPercent: 3,
        resetAt: NOW + 3_600_000,
        source: 'statusline',
        at: NOW,
        since: NOW,
        home: homeB,
      },
    ]);
  });

  it('of a sample that was taken in another account’s directory are not taken over [R117]', async () => {
    write();
    expect(await reader.read(SESSION, homeB)).toMatchObject({ figures: null, skipped: { other_config_dir: 1 } });
    expect((await reader.read(SESSION, homeA)).figures).not.toBeNull();
  });

  it.each([
    ['seconds', NOW / 1000 + 3600],
    ['milliseconds', NOW + 3_600_000],
    ['ISO 8601', '2026-11-20T11:00:00Z'],
    ['ISO 8601 with an offset', '2026-11-20T12:00:00.170987+01:00'],
  ])('may state their reset in %s', async (unit, resetsAt) => {
    write(limits(50, resetsAt));
    const resetAt = (await read()).figures?.[0]?.resetAt ?? 0;
    expect(Math.floor(resetAt / 1000)).toBe((NOW + 3_600_000) / 1000);
    expect(unit).not.toBe('');
  });

  it.each([
    ['used up in a window that has ended since', { used_percentage: 100, resets_at: NOW / 1000 - 1 }, 'window_over'],
    ['below nothing', { used_percentage: -1, resets_at: null }, 'unsound_figure'],
    ['beyond all measure', { used_percentage: 1e9, resets_at: null }, 'unsound_figure'],
    ['no number', { used_percentage: '100' }, 'unsound_figure'],
    ['with a reset in a year', { used_percentage: 5, resets_at: NOW / 1000 + 365 * 86_400 }, 'unsound_figure'],
  ])('are passed over and counted when they are %s', async (_what, window, reason) => {
    plant({ rate_limits: { five_hour: window } });
    expect(await read()).toMatchObject({ figures: null, skipped: { [reason]: 1 } });
  });

  it('from a clock that ran ahead are as old as their file', async () => {
    plant({ at: NOW + 3_600_000, since: NOW + 3_600_000 });
    utimesSync(file(), NOW / 1000 - 60, NOW / 1000 - 60);
    expect((await read()).figures?.[0]).toMatchObject({ at: NOW - 60_000, since: NOW - 60_000 });
  });

  it('of several models are those of the fullest one', async () => {
    const reset = NOW / 1000 + 3600;
    write({
      rate_limits: {
        seven_day_opus: { used_percentage: 40, resets_at: reset },
        seven_day_sonnet: { used_percentage: 90, resets_at: reset },
        seven_day_other: { used_percentage: 10, resets_at: reset },
      },
    });
    expect((await read()).figures).toMatchObject([{ window: 'model', usedPercent: 90 }]);
  });
});

describe('a sample that cannot be used', () => {
  it('is passed over with its reason', async () => {
    expect(await read()).toMatchObject({ figures: null, skipped: {} });
    plant({ session: OTHER_SESSION });
    expect(await read()).toMatchObject({ figures: null, skipped: { other_session: 1 } });
    plant({ at: 'never' });
    expect(await read()).toMatchObject({ figures: null, skipped: { bad_sample: 1 } });
    writeFileSync(file(), '{"half":');
    expect(await read()).toMatchObject({ figures: null, skipped: { bad_json: 1 } });
    writeFileSync(file(), '[1]');
    expect(await read()).toMatchObject({ figures: null, skipped: { bad_json: 1 } });
    writeFileSync(file(), ' '.repeat(100_000));
    expect(await read()).toMatchObject({ figures: null, skipped: { too_long: 1 } });
    rmSync(file());
    symlinkSync('/dev/zero', file());
    expect(await read()).toMatchObject({ figures: null, skipped: { link: 1 } });
    rmSync(file());
    write();
    const stranger = createStatuslineReader({ stateDir, ownUid: OWN_UID + 1, clock });
    expect(await stranger.read(SESSION, link)).toMatchObject({ figures: null, skipped: { foreign_owner: 1 } });
  });

  it('is replaced by the next one, whatever it holds', async () => {
    mkdirSync(join(stateDir, 'quota'));
    writeFileSync(file(), 'nonsense');
    write();
    expect((await read()).figures).toHaveLength(2);
    writeFileSync(file(), JSON.stringify({ since: 'x', rate_limits: 5 }));
    write();
    expect((await read()).figures).toHaveLength(2);
  });

  it.each([[null], ['text'], [{}], [{ session_id: '../../x' }]])('is not made of %j', (value) => {
    expect(sampleOf(value, '/x', NOW)).toBeNull();
  });

  it('holds numbers of windows and no other text of them', () => {
    const sample = sampleOf(
      {
        ...payload,
        rate_limits: {
          five_hour: { used_percentage: 1, resets_at: 'a secret', token: 'sk-ant-x' },
          'Bad Name': { used_percentage: 1 },
          seven_day: { used_percentage: Number.NaN },
        },
      },
      '/x',
      NOW,
    );
    expect(sample?.rate_limits).toEqual({ five_hour: { used_percentage: 1, resets_at: null } });
  });
});
