import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCliLocks } from '../../../src/adapters/accounts/cli-locks.ts';
import { createAccountLink } from '../../../src/adapters/accounts/link.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { accountProfile, makeHome, temporaryDirectory } from '../../support/account-homes.ts';
import { startChild } from '../../support/child.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const FLIPS = process.env.CF_LONG === '1' ? 1_000 : 100;
const LIMIT_MS = FLIPS * 2_000;
/** So many refreshes make a proof. */
const ENOUGH = 5;

const clock = systemClock();
const log = new RecordingLog();
const locks = createCliLocks({ clock, log });
const accountLink = createAccountLink({ log });

let directory: string;
let link: string;
let homes: readonly [string, string];

beforeEach(() => {
  directory = temporaryDirectory();
  const token = (name: string): string =>
    JSON.stringify({ claudeAiOauth: { accessToken: `${name}#0`, refreshToken: `${name}#0`, expiresAt: 1 } });
  homes = [makeHome(directory, 'a', token('a')), makeHome(directory, 'b', token('b'))];
  link = join(directory, 'active');
  symlinkSync(homes[0], link);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Outcome {
  readonly refreshes: number;
  readonly busy: number;
  readonly dropped: number;
  readonly refused: number;
  readonly compromised: number;
  /** Accounts whose file does not hold the token that the server still accepts. */
  readonly lost: readonly string[];
  /** As long as half of the holds took at most. */
  readonly usualHoldMs: number;
  readonly longestHoldMs: number;
}

/** Flips to and fro under the locks while a stand-in for the CLI refreshes its token through the link. */
async function flipUnderRefresh(mode: 'rename' | 'in-place', flips: number): Promise<Outcome> {
  const refresher = startChild('./token-refresher.ts', [link, homes.join(','), mode]);
  expect(await refresher.line()).toBe('ready');
  const holdsMs: number[] = [];
  let refreshed = 0;
  // It may stand still while the first flips are made.
  for (let flip = 1; flip <= flips || (refreshed <= ENOUGH && flip <= 20 * flips); flip++) {
    const [to, from] = flip % 2 === 0 ? homes : [homes[1], homes[0]];
    const held = await acquire([from, to]);
    await accountLink.point(link, to);
    expect(held.compromised()).toBeNull();
    // A token has its number in its name, and nobody writes one now.
    refreshed = homes.reduce((sum, home) => sum + Number(tokenIn(home).split('#')[1]), 0);
    await held.release();
    holdsMs.push(clock.monotonic() - held.sinceMs);
    await clock.sleep(Math.random() * 40);
  }
  refresher.finish();
  const { good, ...report } = JSON.parse(await refresher.line());
  holdsMs.sort((a, b) => a - b);
  const [usualHoldMs = 0, longestHoldMs = 0] = [holdsMs[Math.floor(holdsMs.length / 2)], holdsMs.at(-1)];
  return { ...report, lost: lostOf(good), usualHoldMs, longestHoldMs };
}

const lostOf = (good: Readonly<Record<string, string>>): readonly string[] =>
  homes.map((home) => basename(home)).filter((name, at) => tokenIn(homes[at] ?? '') !== good[name]);

interface Held {
  readonly sinceMs: number;
  release(): Promise<void>;
  compromised(): string | null;
}

async function acquire(both: readonly string[]): Promise<Held> {
  for (;;) {
    const sinceMs = clock.monotonic();
    const attempt = await locks.acquire(accountProfile, both);
    if (attempt.kind === 'held') return { ...attempt, sinceMs };
    await clock.sleep(5 + Math.random() * 10);
  }
}

function tokenIn(home: string): string {
  return JSON.parse(readFileSync(join(home, '.credentials.json'), 'utf8')).claudeAiOauth.refreshToken;
}

describe('flips while a token is being refreshed', () => {
  it.each(['rename', 'in-place'] as const)(
    'lose no credentials under the locks, written by %s [R259]',
    async (mode) => {
      const outcome = await flipUnderRefresh(mode, FLIPS / 2);
      console.info(`${FLIPS / 2} flips under locks (${mode}): ${JSON.stringify(outcome)}`);
      expect(outcome).toMatchObject({ lost: [], dropped: 0, refused: 0, compromised: 0 });
      expect(outcome.refreshes).toBeGreaterThan(ENOUGH);
      expect(outcome.usualHoldMs).toBeLessThan(1_000);
      // From then on the CLI would take a lock that is not kept fresh for left over.
      expect(outcome.longestHoldMs).toBeLessThan(15_000);
    },
    LIMIT_MS,
  );

  it.each([
    ['rename', ['a']],
    ['in-place', ['a', 'b']],
  ] as const)('lose credentials without the locks, written by %s: the proof above can fail', async (mode, lost) => {
    const refresher = startChild('./token-refresher.ts', [link, homes.join(','), mode, 'once']);
    expect([await refresher.line(), await refresher.line()]).toEqual(['ready', 'posted']);
    await accountLink.point(link, homes[1]);
    refresher.finish();
    expect(lostOf(JSON.parse(await refresher.line()).good)).toEqual(lost);
  });
});
