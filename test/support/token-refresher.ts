/**
 * A child process that refreshes its token as Claude Code does, again and again, through the account link, until its input
 * ends. It plays the server too: a refresh token is good for one use.
 *
 * Arguments: the link, the real homes (comma-separated), `rename` or `in-place`; with `once`, one refresh, which prints
 * `posted` when the server has answered and saves when its input ends. `rename` is Claude Code 2.1.328: two refresh
 * locks, then a compare-and-set under the write lock, written by temporary file and rename. `in-place` is 2.0: one lock, and
 * the file is overwritten through the link.
 */
import { once } from 'node:events';
import { readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from 'proper-lockfile';

const [link = '', homes = '', mode = 'rename', times = 'again'] = process.argv.slice(2);
/** The server's truth: the one refresh token of each family that is still good. */
const goodToken = new Map(homes.split(',').map((home) => [basename(home), tokenAt(home)]));
const report = { refreshes: 0, busy: 0, refused: 0, dropped: 0, compromised: 0 };
let ending = false;
const end = once(process.stdin, 'end').then(() => {
  ending = true;
});
process.stdin.resume();
process.stdout.write('ready\n');

do {
  await refresh();
  await pause(between(5, 25));
} while (!ending);
process.stdout.write(`${JSON.stringify({ ...report, good: Object.fromEntries(goodToken) })}\n`);

async function refresh(): Promise<void> {
  const releases: (() => Promise<void>)[] = [];
  try {
    if (mode === 'rename') releases.push(await take(join(link, '.oauth_refresh.lock'), 60_000));
    releases.push(await take(`${realpathSync(link)}.lock`, 60_000));
  } catch {
    report.busy += 1;
    await releaseAll(releases);
    return;
  }
  try {
    const posted = tokenAt(link);
    const family = posted.split('#')[0] ?? '';
    const isGood = goodToken.get(family) === posted;
    const next = isGood ? `${family}#${Number(posted.split('#')[1]) + 1}` : '';
    if (isGood) goodToken.set(family, next);
    else report.refused += 1;
    if (times === 'once') {
      process.stdout.write('posted\n');
      await end;
    } else {
      await pause(between(50, 150));
    }
    await save(posted, next);
    report.refreshes += 1;
  } finally {
    await releaseAll(releases);
  }
}

async function save(posted: string, next: string): Promise<void> {
  const path = join(link, '.credentials.json');
  if (mode === 'in-place') {
    writeFileSync(path, content(next));
    return;
  }
  const release = await take(join(link, '.storage-write.lock'), 15_000, 20);
  try {
    if (tokenAt(link) !== posted) {
      report.dropped += 1;
      return;
    }
    writeFileSync(`${path}.tmp.${process.pid}`, content(next), { mode: 0o600 });
    renameSync(`${path}.tmp.${process.pid}`, path);
  } finally {
    await releaseAll([release]);
  }
}

function take(path: string, staleMs: number, retries = 0): Promise<() => Promise<void>> {
  return lock(path, {
    lockfilePath: path,
    realpath: false,
    stale: staleMs,
    update: 5_000,
    retries: { retries, minTimeout: 50, maxTimeout: 100 },
    onCompromised: () => {
      report.compromised += 1;
    },
  });
}

async function releaseAll(releases: readonly (() => Promise<void>)[]): Promise<void> {
  for (const release of releases.toReversed()) await release().catch(() => {});
}

function tokenAt(home: string): string {
  const { claudeAiOauth } = JSON.parse(readFileSync(join(home, '.credentials.json'), 'utf8'));
  return claudeAiOauth.refreshToken;
}

function content(token: string): string {
  return JSON.stringify({ claudeAiOauth: { accessToken: token, refreshToken: token, expiresAt: 1 } });
}

function between(low: number, high: number): number {
  return low + Math.random() * (high - low);
}
