/** How votes of several sources become one verdict: who decides alone, who must agree, who overrules. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { chargeTurn, chargeVotes } from '../../../src/core/verdict/attribute.ts';
import { FRESH_PANE, stepPane } from '../../../src/core/verdict/confirm.ts';
import type { Evidence } from '../../../src/core/verdict/evidence.ts';
import { gatherEvidence, judgeClaims } from '../../../src/core/verdict/evidence.ts';
import type { HookRecord, QuotaFigure, SessionSignals } from '../../../src/core/verdict/signals.ts';
import type { Claim } from '../../../src/core/verdict/votes.ts';
import {
  aFinding,
  aPrompt,
  aReading,
  aRejection,
  aRow,
  aTranscript,
  aVote,
  CONFIRM,
  NOON,
  PROPERTY_TIMEOUT_MS,
  RUNS,
  SESSION_ID,
  signalsOf,
} from '../../support/builders.ts';

const bare = aReading({ finding: aFinding({ window: 'unknown', reset: null, text: 'Usage limit reached' }) });
const idle = aReading();

function aHook(change: Partial<HookRecord> = {}): HookRecord {
  const at = change.at ?? NOON - 5 * SECOND;
  return {
    id: `StopFailure@${at}`,
    event: 'StopFailure',
    at,
    sessionId: SESSION_ID,
    error: 'rate_limit',
    details: null,
    text: 'Usage limit reached',
    ...change,
  };
}

function aFigure(change: Partial<QuotaFigure> = {}): QuotaFigure {
  const at = change.at ?? NOON - 5 * SECOND;
  return { window: '5h', usedPercent: 100, resetAt: NOON + HOUR, source: 'statusline', at, since: at, ...change };
}

function gather(reading = bare, change: Partial<SessionSignals> = {}, switchedAt: number | null = null): Evidence {
  return gatherEvidence(reading, { ...signalsOf(null), ...change }, NOON, NOON, switchedAt);
}

function decide(evidence: Evidence) {
  return stepPane(FRESH_PANE, { paneKey: 'p', evidence, busy: false, at: NOON }, CONFIRM).decision;
}

describe('two sources that agree', () => {
  test('the screen and a StopFailure hook decide at the first poll what the screen alone would leave to more [R251]', () => {
    expect(decide(gather()).kind).toBe('suspected');
    expect(decide(gather(bare, { hook: aHook() }))).toMatchObject({ kind: 'confirmed', how: 'agreed' });
  });

  test('the screen and figures at 100 % decide at once, and the figures give the reset that the text lacks', () => {
    const evidence = gather(bare, { figures: [aFigure()] });
    expect(evidence).toMatchObject({ class: 'quota', agreed: true, window: '5h', resetAt: NOON + HOUR, turnId: null });
    expect(decide(evidence)).toMatchObject({ kind: 'confirmed', how: 'agreed' });
  });

  test('figures of another window than the one that the screen names do not count', () => {
    const weekly = aReading({ finding: aFinding({ window: '7d', reset: null }) });
    expect(gather(weekly, { figures: [aFigure()] })).toMatchObject({
      class: 'quota',
      agreed: false,
      structured: false,
    });
  });

  test('a hook and figures without any text on the screen are two sources as well', () => {
    const evidence = gather(idle, { hook: aHook(), figures: [aFigure()] });
    expect(evidence).toMatchObject({ class: 'quota', agreed: true, family: 'hook-and-figures', resetAt: NOON + HOUR });
  });

  test('a transcript that may be of another agent decides only what the screen shows too', () => {
    const guess = { transcript: aTranscript({ lastAssistant: aRejection() }), isGuess: true };
    expect(gather(idle, guess)).toMatchObject({ class: 'none' });
    expect(gather(bare, guess)).toMatchObject({ class: 'quota', agreed: true, turnId: 'row-1' });
    const answered = { transcript: aTranscript({ lastAssistant: aRow() }), isGuess: true };
    expect(gather(bare, answered)).toMatchObject({ class: 'quota', structured: false, conflict: null });
    expect(gather(bare, { hook: aHook(), isGuess: true })).toMatchObject({ class: 'quota', structured: false });
  });
});

describe('what never decides', () => {
  test('a StopFailure hook alone: it fires for a throttle too [R251]', () => {
    expect(gather(idle, { hook: aHook() })).toMatchObject({ class: 'none', conflict: null });
  });

  test('figures alone, however high', () => {
    expect(gather(idle, { figures: [aFigure({ usedPercent: 140 })] }).class).toBe('none');
  });

  test.each([
    ['a hook from before the last switch', { hook: aHook({ at: NOON - 2 * MINUTE }) }, 'older than the last switch'],
    ['figures unchanged since before it', { figures: [aFigure({ since: NOON - HOUR })] }, 'older than the last switch'],
    ['a hook of half an hour ago', { hook: aHook({ at: NOON - 31 * MINUTE }) }, 'older than the last switch|too old'],
    ['figures whose reset has passed', { figures: [aFigure({ resetAt: NOON - 1 })] }, 'its reset has passed'],
    ['figures from the future', { figures: [aFigure({ at: NOON + DAY })] }, 'ahead of the clock'],
    [
      'a hook older than the newest prompt',
      { hook: aHook(), transcript: aTranscript({ prompts: [aPrompt(NOON - SECOND)] }) },
      'newer rows',
    ],
  ] as const)('%s', (_name, signals, note) => {
    const evidence = gather(bare, signals, NOON - MINUTE);
    expect(evidence).toMatchObject({ class: 'quota', structured: false });
    expect(evidence.votes.map((vote) => vote.note).join()).toMatch(new RegExp(note));
  });

  test('a prompt that the newest hook reports makes an older rejection old news', () => {
    const hook = aHook({ event: 'UserPromptSubmit', error: null, text: null, at: NOON - 5 * SECOND });
    const transcript = aTranscript({ lastAssistant: aRejection() });
    expect(gather(idle, { transcript, hook })).toMatchObject({
      class: 'none',
      reason: 'a newer prompt awaits its answer',
    });
  });
});

describe('a contradiction holds, and is shown', () => {
  test.each([
    ['overloaded', 'throttle'],
    ['authentication_failed', 'auth'],
    ['billing_error', 'billing'],
  ])('a limit on the screen and a hook that says %s', (error, says) => {
    const evidence = gather(bare, { hook: aHook({ error, text: null }) });
    expect(evidence.class).toBe('none');
    expect(evidence.conflict).toContain(says);
    expect(evidence.votes).toContainEqual(expect.objectContaining({ source: 'hook', says, weight: 'vetoes' }));
  });

  test('a hook of `rate_limit` whose words are those of a throttle is one [R254]', () => {
    const text = 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}';
    expect(gather(bare, { hook: aHook({ text }) })).toMatchObject({ class: 'none', conflict: expect.any(String) });
  });

  test('a turn that a hook saw end well, in a version in which that is sure', () => {
    const hook = aHook({ event: 'Stop', error: null, text: 'Done.' });
    expect(gather(bare, { hook })).toMatchObject({ class: 'none', conflict: expect.any(String) });
    expect(gather(bare, { hook, version: '2.1.60' })).toMatchObject({ class: 'quota', structured: false });
    expect(gather(bare, { hook: { ...hook, at: NOON - 31 * MINUTE } })).toMatchObject({ class: 'quota' });
  });

  test('an answer as the latest row, whatever the figures', () => {
    const transcript = aTranscript({ lastAssistant: aRow() });
    const evidence = gather(bare, { transcript, figures: [aFigure({ at: NOON })] });
    expect(evidence).toMatchObject({ class: 'none', conflict: expect.stringContaining('a normal answer') });
  });

  test('but a transcript that was not written on since the failure is not current', () => {
    const transcript = aTranscript({ lastAssistant: aRow({ at: NOON - 10 * MINUTE }) });
    expect(gather(bare, { transcript, hook: aHook() })).toMatchObject({ class: 'quota', agreed: true });
    expect(gather(bare, { transcript })).toMatchObject({ class: 'none' });
    const fresh = aTranscript({ lastAssistant: aRow({ at: NOON - 10 * SECOND }) });
    expect(gather(bare, { transcript: fresh, hook: aHook() })).toMatchObject({ class: 'none' });
  });
});

test('a Codex rollout counts as a transcript does [R248]', () => {
  const rollout = aTranscript({ lastAssistant: aRejection() });
  expect(gather(idle, { rollout })).toMatchObject({ class: 'quota', structured: true, family: 'rollout-rejection' });
  expect(gather(bare, { rollout: aTranscript({ lastAssistant: aRow() }) }).class).toBe('none');
});

test('a clearly lower figure after the hit informs and changes nothing', () => {
  const evidence = gather(bare, { figures: [aFigure({ usedPercent: 12.34 })] });
  expect(evidence).toMatchObject({ class: 'quota', structured: false });
  expect(evidence.votes).toContainEqual(
    expect.objectContaining({ weight: 'informs', text: '12.3 % of the 5h window is used' }),
  );
});

test('a text that was there at first sight is dated by the hook of its turn [R17 R256]', () => {
  const decision = decide(gather(bare, { hook: aHook({ at: NOON - 2 * HOUR }) }));
  expect(decision).toMatchObject({ kind: 'suspected', hit: { turnAt: NOON - 2 * HOUR, turnSeen: false } });
});

test('each vote names the account under which its turn ran [R250]', () => {
  const switchedAt = NOON - 10 * MINUTE;
  const transcript = aTranscript({ lastAssistant: aRejection(), requestAt: NOON - 2 * MINUTE });
  const figures = [aFigure({ since: NOON - HOUR })];
  const { votes } = gather(bare, { transcript, figures }, switchedAt);
  const turn = {
    followsLink: true,
    turnAt: NOON - 2 * MINUTE,
    processStartedAt: NOON - DAY,
    firstSeenAt: NOON,
    launchedUnder: 'a',
    activations: [
      { pool: 'p', account: 'b', since: switchedAt, cause: 'swap' as const },
      { pool: 'p', account: 'a', since: NOON - DAY, cause: 'adopted' as const },
    ],
  };
  const charged = chargeVotes(votes, turn, chargeTurn(turn));
  expect(charged.map(({ source, account }) => [source, account])).toEqual([
    ['screen', 'b'],
    ['transcript', 'b'],
    ['statusline', 'a'],
  ]);
});

describe('any combination of votes', () => {
  const at = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: NOON - 2 * MINUTE, max: NOON }) },
    { weight: 1, arbitrary: fc.integer({ min: NOON - 3 * HOUR, max: NOON + 2 * MINUTE }) },
  );
  const window = fc.constantFrom('5h' as const, '7d' as const, 'unknown' as const, null);
  const resetAt = fc.option(fc.integer({ min: NOON - HOUR, max: NOON + 5 * HOUR }));
  const others = ['throttle', 'auth', 'billing'] as const;
  const claim: fc.Arbitrary<Claim> = fc
    .record({
      of: fc.constantFrom('screen', 'row', 'prompt', 'hook', 'figure'),
      at,
      ageMs: fc.oneof(fc.constant(0), fc.nat(HOUR)),
      window,
      resetAt,
      isGuess: fc.boolean(),
      n: fc.nat(3),
      says: fc.constantFrom(
        'quota' as const,
        'quota' as const,
        'quota' as const,
        'answer' as const,
        'error' as const,
        'turn' as const,
        ...others,
      ),
    })
    .map(({ of, says, ageMs, n, ...rest }) => {
      const { weight: _w, note: _n, account: _a, ...blank } = aVote(rest);
      const made = { ...blank, ...rest, since: rest.at - ageMs, recordId: `r${n}`, turnAt: rest.at };
      if (of === 'row')
        return { ...made, kind: 'row', source: 'transcript', says: says === 'turn' ? 'answer' : says } as const;
      if (of === 'prompt') return { ...made, kind: 'prompt', source: 'transcript', says: 'turn' } as const;
      if (of === 'hook') return { ...made, kind: 'hook', source: 'hook', says } as const;
      if (of === 'figure')
        return { ...made, kind: 'figure', source: 'statusline', says: says === 'quota' ? says : 'nothing' } as const;
      const shown = says === 'answer' || says === 'error' || says === 'turn' ? 'quota' : says;
      return { ...made, kind: 'screen', source: 'screen', says: shown, isGuess: false } as const;
    });
  const scene = fc.record({
    claims: fc.array(claim, { maxLength: 6 }),
    busy: fc.boolean(),
    switchedAt: fc.option(fc.integer({ min: NOON - 4 * HOUR, max: NOON })),
  });
  const judge = ({ claims, ...around }: typeof scene extends fc.Arbitrary<infer T> ? T : never) =>
    judgeClaims(claims, { ...around, now: NOON, screenReason: 'as the screen says' });
  const newest = (claims: readonly Claim[], kind: Claim['kind']) =>
    Math.max(...claims.filter((one) => one.kind === kind).map((one) => one.at));

  test(
    'is judged without regard to its order, the same every time, and with each vote kept',
    () => {
      fc.assert(
        fc.property(
          scene.chain((one) =>
            fc.tuple(fc.constant(one), fc.shuffledSubarray(one.claims, { minLength: one.claims.length })),
          ),
          ([one, shuffled]) => {
            const first = judge(one);
            expect(judge({ ...one, claims: shuffled })).toEqual(first);
            expect(first.votes.length).toBe(one.claims.length);
          },
        ),
        { numRuns: RUNS },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test(
    'leads to a limit only by a row, by the text of the screen or by two kinds of records; never by a hook alone, never against a newer answer, and at once only by what is not stale [R251 R252]',
    () => {
      let limits = 0;
      let agreed = 0;
      fc.assert(
        fc.property(scene, (one) => {
          const found = judge(one);
          if (found.class !== 'quota') return;
          limits += 1;
          const { claims } = one;
          const kinds = new Set(claims.filter(({ says }) => says === 'quota').map(({ kind }) => kind));
          expect(kinds.has('screen') || kinds.has('row') || (kinds.has('hook') && kinds.has('figure'))).toBe(true);
          if (found.structured && !kinds.has('row')) expect(kinds.size).toBeGreaterThan(1);

          const row = claims
            .filter(({ kind }) => kind === 'row')
            .sort((a, b) => a.at - b.at)
            .at(-1);
          const isAlone = claims.filter(({ kind, at: time }) => kind === 'row' && time === row?.at).length === 1;
          if (isAlone && row?.says === 'answer' && !row.isGuess) {
            // Only a failure that was reported long after it makes an answer old.
            expect(found.agreed).toBe(true);
            expect(newest(claims, 'hook')).toBeGreaterThan(row.at);
          }
          if (!found.agreed || found.turnId !== null) return;
          agreed += 1;
          const counted = found.votes.filter(
            ({ kind, weight }) => weight === 'supports' && kind !== 'screen' && kind !== 'row',
          );
          const figures = found.votes.filter(
            ({ kind, says, note }) => kind === 'figure' && says === 'quota' && note === '',
          );
          for (const vote of counted.filter(({ kind }) => kind === 'hook')) {
            expect(vote.isGuess).toBe(false);
            expect(vote.at).toBeGreaterThanOrEqual(Math.max(newest(claims, 'row'), newest(claims, 'prompt')));
            expect(vote.since).toBeGreaterThan(one.switchedAt ?? Number.NEGATIVE_INFINITY);
          }
          expect(counted.length + figures.length).toBeGreaterThan(0);
        }),
        { numRuns: RUNS * 2 },
      );
      // Else the scenes are too tame to prove anything.
      expect(limits).toBeGreaterThan(RUNS / 10);
      expect(agreed).toBeGreaterThan(RUNS / 100);
    },
    PROPERTY_TIMEOUT_MS,
  );

  test('a row from before the last switch is never charged to the account that is active since [R251 R256]', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: HOUR }), fc.integer({ min: 1, max: HOUR }), (beforeMs, agoMs) => {
        const switchedAt = NOON - agoMs;
        const row = aRejection({ at: switchedAt - beforeMs });
        const evidence = gather(idle, { transcript: aTranscript({ lastAssistant: row }) }, switchedAt);
        const decision = decide(evidence);
        if (!('hit' in decision)) throw new Error('the row was not taken as a limit');
        const charge = chargeTurn({
          followsLink: true,
          turnAt: decision.hit.turnAt,
          processStartedAt: NOON - DAY,
          firstSeenAt: NOON,
          launchedUnder: null,
          activations: [
            { pool: 'p', account: 'new', since: switchedAt, cause: 'swap' },
            { pool: 'p', account: 'old', since: NOON - DAY, cause: 'adopted' },
          ],
        });
        expect(charge?.account).toBe('old');
      }),
    );
  });
});
