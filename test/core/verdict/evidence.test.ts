/** What screen and transcript say together. */
import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { gatherEvidence } from '../../../src/core/verdict/evidence.ts';
import type { TranscriptTail } from '../../../src/core/verdict/signals.ts';
import { aFinding, aPrompt, aReading, aRejection, aRow, aTranscript, NOON, signalsOf } from '../../support/builders.ts';

const limited = aReading({ finding: aFinding() });
const idle = aReading();

function gather(reading = limited, transcript: TranscriptTail | null = null) {
  return gatherEvidence(reading, signalsOf(transcript), NOON, NOON);
}

test('with no readable transcript the text alone decides [R252]', () => {
  expect(gather()).toMatchObject({ class: 'quota', structured: false, resetAt: NOON + 2 * HOUR, turnId: null });
  expect(gatherEvidence(limited, null, NOON, NOON)).toMatchObject({ class: 'quota', structured: false });
  expect(gather(limited, aTranscript())).toMatchObject({ class: 'quota', structured: false });
});

test('a rejection as the latest row decides alone [R248 R251]', () => {
  const evidence = gather(idle, aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON - 2 * MINUTE)] }));
  expect(evidence).toMatchObject({
    class: 'quota',
    structured: true,
    turnId: 'row-1',
    turnAt: NOON - 2 * MINUTE,
    window: '5h',
    resetAt: NOON + 2 * HOUR,
  });
  expect(evidence.votes).toMatchObject([{ source: 'transcript', weight: 'decisive', recordId: 'row-1' }]);
});

test.each(['answer', 'throttle', 'auth', 'billing', 'error'] as const)(
  'a latest row of kind %s vetoes a text-only limit [R252]',
  (kind) => {
    const evidence = gather(limited, aTranscript({ lastAssistant: aRow({ kind }) }));
    expect(evidence.class).toBe('none');
    expect(evidence.votes).toMatchObject([
      { source: 'screen', weight: 'supports' },
      { source: 'transcript', weight: 'vetoes', says: kind },
    ]);
  },
);

test('a rejection is dated by its own request, which may be later than the prompt of its turn [R17 R256]', () => {
  const long = { lastAssistant: aRejection(), prompts: [aPrompt(NOON - 3 * HOUR)], requestAt: NOON - 70 * SECOND };
  expect(gather(idle, aTranscript(long))).toMatchObject({ turnAt: NOON - 70 * SECOND, rowAt: NOON - MINUTE });
  expect(gather(idle, aTranscript({ ...long, requestAt: null }))).toMatchObject({ turnAt: NOON - 3 * HOUR });
  expect(gather(idle, aTranscript({ lastAssistant: aRejection() }))).toMatchObject({ turnAt: NOON - MINUTE });
});

test('a prompt from before the clock was set back hides no rejection', () => {
  const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON + 72 * HOUR)] });
  expect(gather(idle, transcript).class).toBe('quota');
});

test('a veto is judged again at the next poll: nothing of it is kept [R252]', () => {
  expect(gather(limited, aTranscript({ lastAssistant: aRow() })).class).toBe('none');
  expect(gather(limited, aTranscript({ lastAssistant: aRejection() })).class).toBe('quota');
});

test('while a turn runs neither the text nor an older rejection is a hit [R15]', () => {
  const busy = aReading({ busy: true, finding: null });
  expect(gather(busy, aTranscript({ lastAssistant: aRejection() })).class).toBe('none');
});

test('a newer prompt that awaits its answer makes an older rejection old news', () => {
  const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON - 10 * SECOND)] });
  expect(gather(idle, transcript)).toMatchObject({ class: 'none', reason: 'a newer prompt awaits its answer' });
});

test('a prompt that nothing answered for two minutes no longer hides the rejection', () => {
  const rejection = aRejection({ at: NOON - 10 * MINUTE });
  const transcript = aTranscript({ lastAssistant: rejection, prompts: [aPrompt(NOON - 2 * MINUTE)] });
  expect(gather(idle, transcript).class).toBe('quota');
});

test("the rejected prompt's own row, written later but with an earlier time, is no newer prompt [R252]", () => {
  const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON - MINUTE - 1)] });
  expect(gather(idle, transcript)).toMatchObject({ class: 'quota', turnAt: NOON - MINUTE - 1 });
});

test('a command of the CLI itself, such as its limit menu, is no prompt that awaits an answer', () => {
  for (const text of ['/rate-limit-options', '<local-command-stdout></local-command-stdout>']) {
    const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON - SECOND, { text })] });
    expect(gather(idle, transcript).class).toBe('quota');
  }
});

test('a rejection without window or reset takes them from the same limit on the screen', () => {
  const bare = aRejection({ window: null, resetAt: null });
  expect(gather(limited, aTranscript({ lastAssistant: bare }))).toMatchObject({
    window: '5h',
    resetAt: NOON + 2 * HOUR,
    family: 'hit-limit',
  });
  expect(gather(idle, aTranscript({ lastAssistant: bare }))).toMatchObject({ window: 'unknown', resetAt: null });
});

test('a rejection whose reset has passed still names its pane as one that was stopped [R54]', () => {
  const past = aRejection({ resetAt: NOON - SECOND });
  expect(gather(idle, aTranscript({ lastAssistant: past }))).toMatchObject({ class: 'quota', resetAt: NOON - SECOND });
});

test.each(['throttle', 'auth', 'billing', 'warning'] as const)(
  'a %s message on the screen keeps its class whatever the latest answer [R254]',
  (kind) => {
    const reading = aReading({ finding: aFinding({ class: kind, window: null, reset: null }) });
    expect(gather(reading, aTranscript({ lastAssistant: aRow() })).class).toBe(kind);
    expect(gather(reading).class).toBe(kind);
  },
);

test('a login wall that the transcript shows too is dated by its own turn [R17 R254]', () => {
  const reading = aReading({ finding: aFinding({ class: 'auth', window: null, reset: null }) });
  const transcript = aTranscript({ lastAssistant: aRow({ kind: 'auth' }), prompts: [aPrompt(NOON - 3 * MINUTE)] });
  expect(gather(reading, transcript)).toMatchObject({ class: 'auth', turnAt: NOON - 3 * MINUTE });
});

test('every source is kept with its words, its time and its weight [R250]', () => {
  const { votes } = gather(limited, aTranscript({ lastAssistant: aRejection() }));
  expect(votes.map(({ source, says, weight, at }) => ({ source, says, weight, at }))).toEqual([
    { source: 'screen', says: 'quota', weight: 'supports', at: NOON },
    { source: 'transcript', says: 'quota', weight: 'decisive', at: NOON - MINUTE },
  ]);
});
