/** How a pane's message becomes a hit: at once, over several polls, or not at all. */
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import type { Hit, PaneDecision, PaneMemory } from '../../../src/core/verdict/confirm.ts';
import { FRESH_PANE, stepPane } from '../../../src/core/verdict/confirm.ts';
import type { Evidence } from '../../../src/core/verdict/evidence.ts';
import { anEvidence, CONFIRM, NOON, noEvidence } from '../../support/builders.ts';

/** One pane, polled by hand. */
function aPane() {
  let memory: PaneMemory = FRESH_PANE;
  return (seconds: number, evidence: Evidence, busy = false): PaneDecision => {
    const step = stepPane(memory, { paneKey: 'p', evidence, busy, at: NOON + seconds * SECOND }, CONFIRM);
    memory = step.memory;
    return step.decision;
  };
}

function hitOf(decision: PaneDecision): Hit {
  if (!('hit' in decision)) throw new Error(`no hit: ${decision.kind}`);
  return decision.hit;
}

const withoutReset = anEvidence({ resetAt: null, text: 'Usage limit reached', window: 'unknown' });
const structured = anEvidence({ structured: true, turnId: 'row-1', turnAt: NOON - MINUTE });

describe('with a reset', () => {
  test('a hit with a reset that lies ahead is confirmed on the first poll [R2]', () => {
    expect(aPane()(0, anEvidence())).toMatchObject({ kind: 'confirmed', how: 'instant' });
  });

  test('a reset in the past never confirms a hit [R34]', () => {
    expect(aPane()(0, anEvidence({ resetAt: NOON }))).toMatchObject({
      kind: 'stale',
      reason: 'its reset lies in the past',
    });
  });

  test('a banner is stale once the reset that it was first seen before has passed [R33]', () => {
    const poll = aPane();
    expect(poll(0, anEvidence({ resetAt: NOON + 10 * SECOND })).kind).toBe('confirmed');
    expect(poll(10, anEvidence({ resetAt: NOON + 10 * SECOND }))).toMatchObject({
      kind: 'stale',
      reason: 'its reset has passed while it stood there',
    });
  });

  test('a clock-only time keeps the instant it had at first sight, it does not move on to tomorrow [R33]', () => {
    const poll = aPane();
    poll(0, anEvidence({ window: 'unknown', resetAt: NOON + 10 * SECOND }));
    const later = poll(12, anEvidence({ window: 'unknown', resetAt: NOON + 10 * SECOND + DAY }));
    expect(later).toMatchObject({ kind: 'stale', hit: { resetAt: NOON + 10 * SECOND } });
  });

  test('the anchor also holds where the row states no reset and only the screen does [R33]', () => {
    const poll = aPane();
    poll(0, { ...structured, resetAt: NOON + 10 * SECOND });
    expect(poll(12, { ...structured, resetAt: NOON + DAY }).kind).toBe('stale');
  });

  test.each([
    ['5h', 5 * HOUR + 15 * MINUTE, 'confirmed'],
    ['5h', 5 * HOUR + 15 * MINUTE + 1, 'stale'],
    ['7d', 7 * DAY + HOUR, 'confirmed'],
    ['7d', 7 * DAY + HOUR + 1, 'suspected'],
    ['unknown', 30 * DAY, 'confirmed'],
    ['model', 30 * DAY, 'confirmed'],
  ] as const)(
    'a %s text whose reset is %d ms ahead is %s: a session text beyond its bound is stale, a weekly one wants proof [R33]',
    (window, aheadMs, kind) => {
      expect(aPane()(0, anEvidence({ window, resetAt: NOON + aheadMs })).kind).toBe(kind);
    },
  );

  test('a weekly text beyond its bound is confirmed by polls [R33]', () => {
    const poll = aPane();
    const late = anEvidence({ window: '7d', resetAt: NOON + 8 * DAY });
    poll(0, late);
    expect(poll(20, late)).toMatchObject({ kind: 'confirmed', how: 'polls', hit: { resetAt: NOON + 8 * DAY } });
  });

  test('the bound of a text does not apply to a row that the CLI wrote [R33 R251]', () => {
    expect(aPane()(0, { ...structured, resetAt: NOON + 6 * HOUR }).kind).toBe('confirmed');
  });
});

describe('without a reset', () => {
  test('a row is believed for a time from when it was written, not from when it was first seen [R33 R251]', () => {
    const row = { ...structured, resetAt: null };
    expect(aPane()(0, { ...row, rowAt: NOON - HOUR + SECOND })).toMatchObject({
      kind: 'confirmed',
      hit: { endsAt: NOON + SECOND },
    });
    expect(aPane()(0, { ...row, rowAt: NOON - HOUR }).kind).toBe('stale');
    expect(aPane()(0, { ...row, rowAt: NOON - 3 * DAY }).kind).toBe('stale');
  });

  test('what was seen before the clock was set back neither counts as a poll nor is believed until then', () => {
    const poll = aPane();
    poll(3 * 86_400, withoutReset);
    poll(3 * 86_400 + 20, withoutReset);
    expect(poll(0, withoutReset)).toMatchObject({ kind: 'suspected', polls: 1, hit: { endsAt: NOON + HOUR } });
    expect(aPane()(0, { ...structured, resetAt: null, rowAt: NOON + 3 * DAY })).toMatchObject({
      hit: { endsAt: NOON + HOUR },
    });
  });

  test('a turn that was seen before the clock was set back did not begin in the future', () => {
    const poll = aPane();
    poll(3 * 86_400, noEvidence());
    expect(hitOf(poll(2, anEvidence())).turnAt).toBeLessThanOrEqual(NOON + 2 * SECOND);
  });

  test('a hit without a reset needs two polls and 20 s [R3]', () => {
    const poll = aPane();
    expect(poll(0, withoutReset)).toMatchObject({ kind: 'suspected', polls: 1 });
    expect(poll(2, withoutReset)).toMatchObject({ kind: 'suspected', polls: 2 });
    expect(poll(19, withoutReset).kind).toBe('suspected');
    expect(poll(20, withoutReset)).toMatchObject({ kind: 'confirmed', how: 'polls' });
  });

  test('20 s alone are not enough: the number of polls counts too [R3]', () => {
    let memory = FRESH_PANE;
    const policy = { ...CONFIRM, confirmPolls: 4 };
    const kinds = [0, 10, 20, 30].map((seconds) => {
      const seen = { paneKey: 'p', evidence: withoutReset, busy: false, at: NOON + seconds * SECOND };
      const step = stepPane(memory, seen, policy);
      memory = step.memory;
      return step.decision.kind;
    });
    expect(kinds).toEqual(['suspected', 'suspected', 'suspected', 'confirmed']);
  });

  test('poll suspected hit cleared on recovery: the next hit starts again at 1 [R4 R6]', () => {
    const poll = aPane();
    poll(0, withoutReset);
    expect(poll(15, noEvidence())).toMatchObject({ kind: 'clear', wasSuspected: true });
    expect(poll(20, withoutReset)).toMatchObject({ kind: 'suspected', polls: 1, sinceMs: 0 });
  });

  test('a text that flickers at every other poll is never confirmed [R4 R5]', () => {
    const poll = aPane();
    for (let second = 0; second < 600; second += 4) {
      expect(poll(second, withoutReset).kind).toBe('suspected');
      poll(second + 2, noEvidence());
    }
  });

  test('another pattern family starts its own count [R5]', () => {
    const poll = aPane();
    poll(0, withoutReset);
    expect(poll(25, { ...withoutReset, family: 'other' })).toMatchObject({ kind: 'suspected', polls: 1 });
  });

  test('a gap over the longest one breaks "consecutive", one of exactly that length does not [R5]', () => {
    const poll = aPane();
    poll(0, withoutReset);
    expect(poll(31, withoutReset)).toMatchObject({ kind: 'suspected', polls: 1 });
    expect(poll(61, withoutReset).kind).toBe('confirmed');
  });

  test('a limit without a reset is not believed for ever: after the lock of an unknown reset it is stale [R35 R140]', () => {
    const poll = aPane();
    for (let second = 0; second < 3600; second += 20) poll(second, withoutReset);
    expect(poll(3600, withoutReset)).toMatchObject({ kind: 'stale', hit: { endsAt: NOON + HOUR } });
  });
});

describe('from the transcript', () => {
  test('a rejection in the transcript is confirmed by itself [R251]', () => {
    expect(aPane()(0, { ...structured, resetAt: null })).toMatchObject({ kind: 'confirmed', how: 'structured' });
  });

  test('a rejection whose reset has passed is stale, not gone: its pane still waits to go on [R33 R54]', () => {
    const poll = aPane();
    poll(0, { ...structured, resetAt: NOON + 5 * SECOND });
    expect(poll(5, { ...structured, resetAt: NOON + 5 * SECOND }).kind).toBe('stale');
  });

  test('the row alone names the hit, whatever the screen shows beside it [R18]', () => {
    const poll = aPane();
    const first = hitOf(poll(0, structured));
    const second = hitOf(poll(2, { ...structured, family: 'transcript-rejection', text: 'other words' }));
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(hitOf(poll(4, { ...structured, turnId: 'row-2' })).fingerprint).not.toBe(first.fingerprint);
  });

  test('a transcript that cannot be read for a poll does not make a new hit of the old text [R18]', () => {
    const poll = aPane();
    const first = hitOf(poll(0, structured));
    const blind = hitOf(poll(2, anEvidence()));
    expect(blind).toMatchObject({ fingerprint: first.fingerprint, turnAt: first.turnAt, firstSeenAt: NOON });
  });
});

describe('which hit, and whose turn', () => {
  test('the same text painted again is the same hit [R18]', () => {
    const poll = aPane();
    const first = hitOf(poll(0, anEvidence()));
    poll(2, noEvidence());
    expect(hitOf(poll(4, anEvidence())).fingerprint).toBe(first.fingerprint);
  });

  test('a text in another pane, of another family or with other words is another hit [R18]', () => {
    const keys = [anEvidence(), anEvidence({ family: 'x' }), anEvidence({ text: 'resets 3pm' })].map(
      (evidence) => hitOf(aPane()(0, evidence)).fingerprint,
    );
    const elsewhere = stepPane(FRESH_PANE, { paneKey: 'q', evidence: anEvidence(), busy: false, at: NOON }, CONFIRM);
    expect(new Set([...keys, hitOf(elsewhere.decision).fingerprint]).size).toBe(4);
  });

  test('text that stands there at first sight has no turn that was seen [R17]', () => {
    expect(hitOf(aPane()(0, anEvidence()))).toMatchObject({ turnAt: null, turnSeen: false });
  });

  test('the turn began when the pane was first seen busy [R17]', () => {
    const poll = aPane();
    poll(0, noEvidence());
    poll(2, noEvidence(), true);
    poll(4, noEvidence(), true);
    expect(hitOf(poll(6, anEvidence()))).toMatchObject({ turnAt: NOON + 2 * SECOND, turnSeen: true });
    expect(hitOf(poll(8, anEvidence()))).toMatchObject({ turnAt: NOON + 2 * SECOND, turnSeen: true });
  });

  test('a refusal between two polls began after the last poll without it [R17]', () => {
    const poll = aPane();
    poll(0, noEvidence(), true);
    poll(2, noEvidence());
    expect(hitOf(poll(4, anEvidence()))).toMatchObject({ turnAt: NOON + 2 * SECOND, turnSeen: false });
  });

  test("the transcript's own time of the turn comes first [R17]", () => {
    const poll = aPane();
    poll(0, noEvidence(), true);
    expect(hitOf(poll(2, structured))).toMatchObject({ turnAt: NOON - MINUTE, turnSeen: true });
  });
});

describe('what is no limit', () => {
  test.each(['throttle', 'auth', 'billing', 'warning'] as const)(
    'a message of class %s never becomes a hit [R254]',
    (kind) => {
      const poll = aPane();
      for (let second = 0; second < 1200; second += 20) {
        expect(poll(second, anEvidence({ class: kind, resetAt: NOON + DAY }))).toMatchObject({
          kind: 'other',
          class: kind,
        });
      }
    },
  );

  test('a wall of another class is lasting after as many polls and as long as a limit without a reset [R254]', () => {
    const poll = aPane();
    const wall = anEvidence({ class: 'auth' });
    expect(poll(0, wall)).toMatchObject({ lasting: false, turnAt: null });
    expect(poll(19, wall)).toMatchObject({ lasting: false });
    expect(poll(20, wall)).toMatchObject({ lasting: true });
    poll(22, noEvidence());
    expect(poll(24, wall)).toMatchObject({ lasting: false, turnAt: NOON + 22 * SECOND });
  });

  test('a message of another class ends a suspicion [R4]', () => {
    const poll = aPane();
    poll(0, withoutReset);
    poll(10, anEvidence({ class: 'throttle' }));
    expect(poll(20, withoutReset)).toMatchObject({ kind: 'suspected', polls: 1 });
  });
});
