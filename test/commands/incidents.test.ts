/** `incidents show` and `replay` on a real database, with no daemon in sight. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { detectScreen } from '../../src/commands/detect.ts';
import { replay, showIncident } from '../../src/commands/incidents.ts';
import { incidents } from '../../src/commands/lists.ts';
import { readScreen } from '../../src/core/screen/reading.ts';
import { HOUR, MINUTE } from '../../src/core/time.ts';
import { chargeVotes } from '../../src/core/verdict/attribute.ts';
import { FRESH_PANE, stepPane } from '../../src/core/verdict/confirm.ts';
import { gatherEvidence } from '../../src/core/verdict/evidence.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import { recordEvidence, storedScreen } from '../../src/core/verdict/recorded.ts';
import type { TranscriptTail } from '../../src/core/verdict/signals.ts';
import { openStore } from '../../src/store/open.ts';
import { aRejection, aRow, aTranscript, CONFIRM, signalsOf } from '../support/builders.ts';
import type { CapturedIo } from '../support/command-io.ts';
import { commandIo } from '../support/command-io.ts';
import { NOW, paneRecord, recovery, SWAP_ID, swapRecord, swapRow } from '../support/daemon-facts.ts';

const ACCOUNTS = 'accounts:\n  - {name: work-1, home: ~/one}\n  - {name: work-2, home: ~/two}\n';
const RULE = '─'.repeat(80);
const COMPOSER = `\n${RULE}\n❯ \n${RULE}\n  ? for shortcuts`;
const LIMITED = `❯ say sk-ant-api03-planted\n  ⎿  You've hit your session limit · resets 2pm (Europe/Berlin)\n${COMPOSER}`;
const STRANGE = `❯ go\n  ⎿  The allotment limit is spent, wait a while\n${COMPOSER}`;

let home: string;
let config: string;
let io: CapturedIo;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cf-'));
  config = join(home, 'c.yaml');
  writeFileSync(config, ACCOUNTS);
  io = commandIo({ home });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** What the daemon would have found at that time. */
function found(screen: string, transcript: TranscriptTail | null, at: number): PaneFinding {
  const reading = readScreen(screen, { now: at, zone: 'Europe/Berlin' });
  const evidence = gatherEvidence(reading, signalsOf(transcript), at, at);
  const { decision } = stepPane(FRESH_PANE, { paneKey: 'p', evidence, busy: reading.busy, at }, CONFIRM);
  const charge = { account: 'work-1', reason: 'active when its request was sent' };
  const turn = {
    followsLink: true,
    turnAt: at,
    processStartedAt: at - HOUR,
    firstSeenAt: at,
    launchedUnder: 'work-1',
    activations: [],
  };
  const votes = chargeVotes(evidence.votes, turn, charge);
  return { ...paneRecord().finding, at, readAt: at, reading, evidence: { ...evidence, votes }, decision, charge };
}

/** Eight months ago: the banner's 2pm is long past, but lay ahead then. */
const THEN = NOW - 240 * 24 * HOUR - 3 * HOUR;

async function leaveSwap(screen = LIMITED, transcript: TranscriptTail | null = null): Promise<void> {
  const store = await openStore({ stateDir: join(home, '.local/state/claude-failover'), now: NOW });
  const { incident } = swapRecord();
  if (incident === null) throw new Error('the builder made no incident');
  const evidence = [
    { pane: 'docs:0.0', decision: 'instant' },
    {
      pane: 'main:0.0',
      pattern: 'hit-limit',
      decision: 'instant',
      reason: 'it says so',
      ...recordEvidence(found(screen, transcript, THEN), 'Europe/Berlin', 120),
    },
  ];
  await store.local.createSwap(
    swapRow({ pool: 'default' }),
    { ...incident, screen: storedScreen(screen), evidence },
    [],
  );
  await store.local.saveRecovery(recovery('main:0.0'));
  await store.close();
}

async function leaveWall(): Promise<number> {
  const store = await openStore({ stateDir: join(home, '.local/state/claude-failover'), now: NOW });
  const evidence = recordEvidence(found(STRANGE, null, THEN), 'Europe/Berlin', 120);
  const text = 'The allotment limit is spent, wait a while';
  const data = { detail: text, wording: text, text, screen: storedScreen(STRANGE), evidence };
  await store.local.append([{ type: 'unknown_wall', pane: 'main:0.0', session: 'main', data }], NOW - MINUTE);
  const [event] = await store.local.events({ types: ['unknown_wall'], limit: 1 });
  await store.close();
  return event?.id ?? 0;
}

describe('incidents show', () => {
  test('prints the masked screen, votes with their accounts, the rule, who was passed over, steps and panes [R250 R280]', async () => {
    await leaveSwap(LIMITED, aTranscript({ lastAssistant: aRejection({ at: THEN }) }));
    expect(await showIncident('last', { config }, io)).toBe(0);
    expect(io.stdout).toContain(`Swap ${SWAP_ID}`);
    expect(io.stdout).toContain("  |   ⎿  You've hit your session limit · resets 2pm (Europe/Berlin)");
    expect(io.stdout).toContain('  | ❯ say [masked]');
    expect(io.stdout).not.toContain('sk-ant');
    expect(io.stdout).toMatch(/transcript +decisive: quota \(rejected\) at [\d: -]+ under work-1/);
    expect(io.stdout).toContain('passed over work-3: weekly limit reached');
    expect(io.stdout).toMatch(/\+0\.8 s {2}flipped/);
    expect(io.stdout).toMatch(/main:0\.0 +recovered/);
  });

  test('knows a swap by its id, says what it does not know, and how it is found', async () => {
    await leaveSwap();
    expect(await showIncident(SWAP_ID, { config, json: true }, io)).toBe(0);
    expect(JSON.parse(io.stdout)).toMatchObject({ kind: 'swap', incident: { screen: expect.stringContaining('2pm') } });
    expect(await showIncident('wall-7', { config }, io)).toBe(1);
    expect(io.stderr).toBe(
      'claude-failover: there is no incident wall-7\nnext: claude-failover incidents lists them\n',
    );
  });

  test('without a database there is nothing to show', async () => {
    expect(await showIncident('last', { config }, io)).toBe(4);
    expect(await replay('last', { config }, io)).toBe(4);
  });

  test('a wall that no pattern explained is listed and shown as well [R257]', async () => {
    const number = await leaveWall();
    expect(await incidents({ config }, io)).toBe(0);
    expect(io.stdout).toMatch(new RegExp(`wall-${number} +11:59 +main:0\\.0 +The allotment limit is spent`));
    io.stdout = '';
    expect(await showIncident(`wall-${number}`, { config }, io)).toBe(0);
    expect(io.stdout).toContain('  |   ⎿  The allotment limit is spent, wait a while');
    expect(io.stdout).toMatch(/put aside +unknown-wording/);
    expect(await showIncident(`wall-${number}`, { config, json: true }, io)).toBe(0);
  });
});

describe('replay', () => {
  test.each([
    ['the text of the screen', null],
    ['a rejection in the transcript', aTranscript({ lastAssistant: aRejection({ at: THEN, resetAt: THEN + HOUR }) })],
    ['an answer that overruled the text', aTranscript({ lastAssistant: aRow({ at: THEN }) })],
  ])('of a verdict by %s comes to the same, as of then and in the zone of then [R280]', async (_name, transcript) => {
    await leaveSwap(LIMITED, transcript);
    expect(await replay('last', { config }, io)).toBe(0);
    expect(io.stdout).toContain(`Replay of ${SWAP_ID}: the same verdict`);
    io.stdout = '';
    await replay(SWAP_ID, { config, json: true }, io);
    expect(JSON.parse(io.stdout)).toMatchObject({ same: true, as_of: new Date(THEN).toISOString() });
  });

  test('with a pattern that ignores the words differs, and exits 1', async () => {
    await leaveSwap();
    writeFileSync(config, `${ACCOUNTS}quota: {patterns: {ignore: [{id: mine, substring: session limit}]}}\n`);
    expect(await replay('last', { config }, io)).toBe(1);
    expect(io.stdout).toMatch(/a different verdict\n(?:.*\n)+ +then +quota .*\n(?:.*\n)* +now +nothing that matters/);
  });

  test('of an unknown wall shows what a new pattern makes of it [R257 R258]', async () => {
    const number = await leaveWall();
    expect(await replay(`wall-${number}`, { config }, io)).toBe(0);
    writeFileSync(
      config,
      `${ACCOUNTS}quota: {patterns: {extra: [{id: mine, substring: allotment limit, window: 7d}]}}\n`,
    );
    io.stdout = '';
    expect(await replay(`wall-${number}`, { config }, io)).toBe(1);
    expect(io.stdout).toMatch(/now +quota \(user:mine\), weekly/);
  });

  test('of a swap by hand, or of a record without evidence, says that it cannot be done', async () => {
    const store = await openStore({ stateDir: join(home, '.local/state/claude-failover'), now: NOW });
    const { incident } = swapRecord();
    if (incident === null) throw new Error('the builder made no incident');
    await store.local.createSwap(swapRow({ pool: 'default' }), { ...incident, screen: null }, []);
    await store.close();
    expect(await replay('last', { config }, io)).toBe(1);
    expect(io.stderr).toContain(`${SWAP_ID} cannot be replayed: no screen was recorded with it`);
  });
});

test('detect tells what the patterns of a configuration make of a screen [R258]', async () => {
  const file = join(home, 'screen.txt');
  writeFileSync(file, STRANGE);
  expect(await detectScreen(file, { json: true }, io)).toBe(0);
  writeFileSync(config, `${ACCOUNTS}quota: {patterns: {extra: [{id: mine, substring: allotment limit}]}}\n`);
  await detectScreen(file, { config }, io);
  expect(io.stdout).toContain('"class":"none"');
  expect(io.stdout).toMatch(/class +quota\npattern +user:mine, line 2/);
});
