/** A wall in words that no pattern knows: when it is one, and when it has stood long enough to be told. */
import { describe, expect, test } from 'vitest';
import { readScreen } from '../../../src/core/screen/reading.ts';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { FRESH_PANE, stepPane } from '../../../src/core/verdict/confirm.ts';
import { gatherEvidence } from '../../../src/core/verdict/evidence.ts';
import type { PaneFinding } from '../../../src/core/verdict/pane-finding.ts';
import type { SessionSignals } from '../../../src/core/verdict/signals.ts';
import type { WallMemory } from '../../../src/core/verdict/unknown-wall.ts';
import { stepWall, unexplainedWall } from '../../../src/core/verdict/unknown-wall.ts';
import { aPrompt, aRow, aTranscript, CONFIRM, NOON, signalsOf } from '../../support/builders.ts';
import { paneRecord } from '../../support/daemon-facts.ts';

const RULE = '─'.repeat(80);
const COMPOSER = `\n${RULE}\n❯ \n${RULE}\n  ? for shortcuts`;

function found(screen: string, signals: SessionSignals | null = null): PaneFinding {
  const reading = readScreen(screen, { now: NOON, zone: 'UTC' });
  const evidence = gatherEvidence(reading, signals, NOON, NOON);
  const { decision } = stepPane(FRESH_PANE, { paneKey: 'p', evidence, busy: reading.busy, at: NOON }, CONFIRM);
  const { finding } = paneRecord();
  const shown = { text: screen, hash: 'h', capturedAt: NOON, changedAt: NOON };
  return { ...finding, view: { ...finding.view, screen: shown }, reading, signals, evidence, decision };
}

const row = (kind: 'error' | 'throttle' | 'answer', text: string) =>
  signalsOf(aTranscript({ lastAssistant: aRow({ kind, text }) }));
const STRANGE = 'Your allotment limit is used up for now · come back in a while';

describe('what is a wall that nobody can name [R257]', () => {
  test('a row of the turn, or a notice above the input line, that speaks of a limit', () => {
    expect(unexplainedWall(found(`❯ go\n  ⎿  ${STRANGE}\n${COMPOSER}`))).toMatchObject({ text: STRANGE });
    expect(unexplainedWall(found(`❯ go\n\n● ${STRANGE}\n${COMPOSER}`))?.text).toContain(STRANGE);
  });

  test('an error row of the transcript, whatever its words', () => {
    const text = 'API Error: 418 the teapot is empty';
    expect(unexplainedWall(found(`❯ go\n${COMPOSER}`, row('error', text)))).toMatchObject({
      text,
      key: expect.stringContaining('row-1'),
    });
    expect(unexplainedWall(found(`❯ go\n${COMPOSER}`, row('throttle', STRANGE)))?.text).toBe(STRANGE);
  });

  test.each([
    ['a limit that a pattern knows', found(`❯ go\n  ⎿  You've hit your session limit · resets 2pm\n${COMPOSER}`)],
    ['an answer that speaks of limits', found(`❯ go\n\n● ${STRANGE}\n${COMPOSER}`, row('answer', STRANGE))],
    ['a turn that runs', found(`❯ go\n  ⎿  ${STRANGE}\n\n✽ Hatching… (3s · esc to interrupt)\n${COMPOSER}`)],
    ['a screen without an input line', found(`  ⎿  ${STRANGE}\n`)],
    ['an idle agent that says nothing of it', found(`● Done.\n${COMPOSER}`)],
    ['a long answer without a transcript', found(`● ${'The limit of this loop is ten. '.repeat(12)}\n${COMPOSER}`)],
    [
      'a prompt that awaits its answer',
      found(
        `❯ go\n${COMPOSER}`,
        signalsOf(
          aTranscript({ lastAssistant: aRow({ kind: 'error', text: STRANGE }), prompts: [aPrompt(NOON - 5 * SECOND)] }),
        ),
      ),
    ],
  ])('not %s', (_name, finding) => {
    expect(unexplainedWall(finding)).toBeNull();
  });

  test('the wording is the same whatever the numbers in it', () => {
    const words = (n: number) =>
      unexplainedWall(found(`❯ go\n  ⎿  Strange limit, ${n} of 9 left\n${COMPOSER}`))?.wording;
    expect(words(1)).toBe(words(20));
    expect(words(1)).toBe('strange limit, # of # left');
  });
});

describe('when it is told [R257]', () => {
  const wall = { text: STRANGE, wording: STRANGE, key: `row|${STRANGE}` };

  function watch(...sights: readonly (readonly [atMs: number, wall: typeof wall | null])[]): readonly number[] {
    let memory: WallMemory | null = null;
    const raised: number[] = [];
    for (const [atMs, seen] of sights) {
      const step = stepWall(memory, seen, NOON + atMs);
      memory = step.memory;
      if (step.raise) raised.push(atMs);
    }
    return raised;
  }

  test('seen three times over five minutes, and then once', () => {
    expect(watch([0, wall], [2 * MINUTE, wall], [5 * MINUTE, wall], [6 * MINUTE, wall])).toEqual([5 * MINUTE]);
  });

  test('not when it was seen twice, or for less than that', () => {
    expect(watch([0, wall], [10 * MINUTE, wall])).toEqual([]);
    expect(watch([0, wall], [SECOND, wall], [2 * SECOND, wall], [4 * MINUTE, wall])).toEqual([]);
  });

  test('work that goes on, or another row, begins anew', () => {
    const next = { ...wall, key: `row-2|${STRANGE}` };
    expect(watch([0, wall], [2 * MINUTE, wall], [3 * MINUTE, null], [5 * MINUTE, wall], [6 * MINUTE, wall])).toEqual(
      [],
    );
    expect(watch([0, wall], [2 * MINUTE, wall], [5 * MINUTE, next], [6 * MINUTE, next])).toEqual([]);
  });

  test('a clock that was set back does not hold it up', () => {
    expect(watch([HOUR, wall], [0, wall], [MINUTE, wall], [5 * MINUTE, wall])).toEqual([5 * MINUTE]);
  });
});
