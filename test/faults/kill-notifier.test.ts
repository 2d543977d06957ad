/** kill -9 while alerts are written, read and sent to providers that fail: nothing critical is lost, hardly anything told twice. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { MAX_WAITING } from '../../src/loops/notifier.ts';
import { openReadOnly } from '../../src/store/read-only.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { startChild } from '../support/child.ts';
import type { Mood, Provider } from '../support/providers.ts';
import { startProvider } from '../support/providers.ts';

const IS_LONG = process.env.CF_LONG === '1';
const ALERTS = IS_LONG ? 10_000 : 60;
const KILLS = IS_LONG ? 20 : 1;
/** Of so many requests one meets a failure. */
const EVERY = IS_LONG ? 3 : 5;
const TELLER = new URL('../support/teller.ts', import.meta.url).href;

/** Fails in every way, in turn and often enough that each kill meets something else. */
function moods(kinds: readonly Mood[]): () => Mood {
  let count = 0;
  return () => (++count % EVERY === 0 ? (kinds[(count / EVERY) % kinds.length] ?? { kind: 'well' }) : { kind: 'well' });
}
const limited = (retryAfter: string): Mood => ({ kind: 'status', status: 429, retryAfter });
const UNSURE: readonly Mood[] = [{ kind: 'reset-after' }, { kind: 'hang' }, { kind: 'half-open' }];
const SURE: readonly Mood[] = [
  { kind: 'status', status: 500 },
  limited('1'),
  limited('60'),
  limited(IS_LONG ? '3600' : '120'),
];

test(`${ALERTS} alerts and ${KILLS} kills: no critical one lost, no mail twice, at most one message twice for each kill, a bounded queue [R229]`, {
  timeout: IS_LONG ? 900_000 : 300_000,
}, async () => {
  const stateDir = tempDir();
  const mail = await startProvider(moods([...SURE, ...UNSURE]));
  const hook = await startProvider(moods(SURE));
  const args = [stateDir, mail.url, `${hook.url}/`, String(ALERTS)];
  let most = 0;
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const teller = startChild(TELLER, args);
      expect(await teller.line()).toBe('ready');
      const until = ((kill + 1) * ALERTS) / (KILLS + 1);
      for (let written = 0; written < until; ) written = Number(await teller.line());
      const asked = mail.requests.length + hook.requests.length;
      for (let lines = 0; lines < 20 && mail.requests.length + hook.requests.length < asked + (kill % 4); lines++)
        await teller.line();
      teller.process.kill('SIGKILL');
      await once(teller.process, 'close');
      most = Math.max(most, waitingIn(stateDir));
    }
    const last = startChild(TELLER, args);
    last.finish();
    const reading = (async () => {
      for (;;) await last.line();
    })().catch(() => undefined);
    expect(await once(last.process, 'close')).toEqual([0, null]);
    await reading;

    for (const provider of [mail, hook]) expect(criticalTold(provider)).toBe(ALERTS / 20);
    const texts = mail.accepted.map(({ body }) => (JSON.parse(body) as { text: string }).text);
    expect(new Set(texts).size).toBe(texts.length);
    const ids = hook.requests
      .filter(({ answered }) => answered === 'well')
      .map(({ headers }) => headers['idempotency-key']);
    const twice = ids.length - new Set(ids).size;
    expect(twice).toBeLessThanOrEqual(KILLS);
    expect(most).toBeLessThanOrEqual(MAX_WAITING);
    console.log(
      `${ALERTS} alerts, ${KILLS} kills: ${mail.accepted.length} mails of ${mail.requests.length} tries (0 twice), ` +
        `${ids.length} posts (${twice} twice), at most ${most} waiting`,
    );
  } finally {
    await mail.close();
    await hook.close();
  }
});

function waitingIn(stateDir: string): number {
  const store = openReadOnly(stateDir);
  const waiting = store.outbox(100_000).filter(({ state }) => state === 'waiting').length;
  store.close();
  return waiting;
}

/** Those told one by one, and the last number of each message that counts the rest. */
function criticalTold(provider: Provider): number {
  const single = new Set<string>();
  const storms = new Map<string, number>();
  for (const { body } of provider.accepted) {
    const { text = '', since, key } = JSON.parse(body) as { text?: string; since?: string; key?: string };
    const account = /^(account-\d+) needs a login/.exec(text)?.[1];
    if (account !== undefined) single.add(account);
    const count = /^login needed: (\d+) more/.exec(text)?.[1];
    if (count === undefined) continue;
    // A mail has no field for its incident, but the thread it is in.
    const { headers } = JSON.parse(body) as { headers?: Record<string, string> };
    const episode = key === undefined ? (headers?.References ?? headers?.['Message-ID'] ?? '') : `${key} ${since}`;
    storms.set(episode, Math.max(storms.get(episode) ?? 0, Number(count)));
  }
  return single.size + [...storms.values()].reduce((sum, count) => sum + count, 0);
}
