import { describe, expect, test } from 'vitest';
import { HOUR } from '../../src/core/time.ts';
import { wallTime, wallTimeAhead } from '../../src/core/wall-time.ts';
import { explainPane, explainSwap } from '../../src/core/why.ts';
import { aVote } from '../support/builders.ts';
import { NOW, paneRecord, recovery, swapRecord, swapRow } from '../support/daemon-facts.ts';

describe('[R280] a swap explained', () => {
  const text = explainSwap(swapRecord(), NOW);

  test('names who asked, which account was left and taken, and how long it took', () => {
    expect(text).toContain('pool work: work-1 -> work-2, done in 12 s');
    expect(text).toContain('by the limit that pane main:0.0 met');
    expect(text).toMatch(/limit resets +14:00 \(in 2 h\)/);
  });

  test('gives each vote with its source, time, account and words, and the rule', () => {
    expect(text).toContain('main:0.0: charged to work-1 (active when the turn began)');
    expect(text).toMatch(/transcript +decisive: quota \(rejected\) at 2026-01-05 11:54:58: "You've hit/);
    expect(text).toMatch(/rule +hit-limit, 5-hour limit: instant, the transcript holds a rejection/);
    expect(text).toContain('put aside     hit-limit: "usage limit" - it stands in the output of a tool');
  });

  test('gives the decision and every candidate passed over with its reason and its end', () => {
    expect(text).toContain('work-2: eligible, priority 20');
    expect(text).toContain('passed over work-3: weekly limit reached, until 2026-01-06 18:00:00');
  });

  test('gives each step with its time and duration, and what became of each pane', () => {
    expect(text).toMatch(/\+0\.8 s {2}flipped +took 13 ms/);
    expect(text).toMatch(/main:0\.0 +recovered by a prompt \(hot\) after 3 s/);
    expect(text).toMatch(/docs:0\.0 +left to you after 3 s: someone types there/);
  });

  test('keeps to 96 columns', () => {
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(96);
  });

  test('is told in the time zone asked for', () => {
    expect(explainSwap(swapRecord(), NOW, 'Asia/Tokyo')).toContain('2026-01-05 20:55:00');
    expect(explainSwap(swapRecord(), NOW, 'No/Where')).toContain('2026-01-05 11:55:00');
  });

  test('says what is not recorded instead of guessing', () => {
    const failed = swapRow({
      phase: 'failed',
      flippedAt: null,
      error: 'the CLI holds its lock',
      trigger: 'manual',
      triggerPane: null,
    });
    const told = explainSwap({ swap: failed, incident: null, recoveries: [], events: [] }, NOW);
    expect(told).toContain('by hand');
    expect(told).toContain('the link was not moved');
    expect(told).toMatch(/error +the CLI holds its lock/);
    expect(told).toContain('the record of this swap has no evidence');
    expect(told).toContain('none was touched');
  });

  test('never contains the screen', () => {
    const record = swapRecord();
    const incident = record.incident === null ? null : { ...record.incident, screen: 'the-whole-screen' };
    expect(explainSwap({ ...record, incident }, NOW)).not.toContain('the-whole-screen');
  });

  test('lets nothing from a pane move the cursor or show a secret', () => {
    const record = swapRecord({
      swap: swapRow({ error: '\x1b[2J\x9b31m gone', triggerPane: 'main\r\n\x07:0.0' }),
      recoveries: [recovery('x', { state: 'gone', reason: 'said sk-ant-oat01-planted \u202e' })],
    });
    const told = explainSwap(record, NOW);
    expect(told).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(told).not.toContain('sk-ant');
  });

  test('takes evidence of any shape', () => {
    const record = swapRecord();
    const incident =
      record.incident === null
        ? null
        : {
            ...record.incident,
            evidence: [{}, { votes: 'none' }, { votes: [null, 7, {}] }],
            decision: { passedOver: [{ reasons: 3 }] },
          };
    expect(() => explainSwap({ ...record, incident }, NOW)).not.toThrow();
  });
});

describe('a pane explained', () => {
  const text = explainPane(paneRecord(), NOW);

  test('says what is decided now and on what it rests', () => {
    expect(text).toContain('a limit is suspected: poll 1 of 3');
    expect(text).toMatch(/charged to +work-1: active when the limit was first seen/);
    expect(text).toMatch(/screen +supports: quota \(hit-limit\) at 2026-01-05 11:59:58/);
    expect(text).toMatch(/put aside +hit-limit: "usage limit" - it is quoted/);
  });

  test('names what contradicts the screen, and why a vote does not count [R250]', () => {
    const record = paneRecord();
    const { evidence } = record.finding;
    const votes = [
      aVote({ weight: 'supports', account: 'work-1' }),
      aVote({ kind: 'row', source: 'transcript', says: 'answer', rule: 'answer', weight: 'vetoes', account: 'work-2' }),
      aVote({ kind: 'hook', source: 'hook', rule: 'StopFailure rate_limit', note: 'it is older than the last switch' }),
    ];
    const reason = "the transcript's latest row is a normal answer, not a rejection";
    const finding = { ...record.finding, evidence: { ...evidence, votes, conflict: reason, reason } };
    const told = explainPane({ ...record, finding }, NOW).replace(/\s+/g, ' ');
    expect(told).toContain('transcript vetoes: answer (answer)');
    expect(told).toContain('under work-2');
    expect(told).toMatch(/hook informs: quota \(StopFailure rate_limit\) .* - it is older than the last switch/);
    expect(told).toContain('contradicted the sources contradict each other, so nothing is done');
  });

  test('[R237] shows neither the screen, nor what the user is typing, nor the command line', () => {
    expect(text).not.toContain('whole screen');
    expect(text).not.toContain('half a thought');
    expect(text).not.toContain('--secret-argument');
  });
});

test('a wall time names the day only when it is another one', () => {
  expect(wallTime(NOW + HOUR, NOW, 'UTC')).toBe('13:00');
  expect(wallTime(NOW + 20 * HOUR, NOW, 'UTC')).toBe('Tue 08:00');
  expect(wallTime(NOW + 240 * HOUR, NOW, 'UTC')).toBe('2026-01-15 12:00');
  expect(wallTime(NOW + 20 * HOUR, NOW, 'Pacific/Honolulu')).toBe('22:00');
  expect(wallTimeAhead(NOW - HOUR, NOW, 'UTC')).toBe('11:00 (1 h ago)');
});

test.each([
  ['threshold', 'the threshold of work: over it', 'none: no limit asked for it'],
  ['return', 'the way home to spare', 'none: no limit asked for it'],
  ['manual', 'by hand', 'none: it was asked for by hand'],
] as const)('a swap of kind %s says who asked and that no limit did [R119 R271]', (trigger, by, evidence) => {
  const incident = {
    id: 's',
    swapId: 's',
    pool: 'main',
    at: NOW,
    screen: null,
    evidence: [],
    decision: {},
    steps: [],
    result: null,
  };
  const swap = swapRow({ trigger, from: 'work', to: 'spare', reason: 'over it' });
  const text = explainSwap({ swap, incident, recoveries: [], events: [] }, NOW);
  expect(text).toContain(by);
  expect(text).toContain(evidence);
});
