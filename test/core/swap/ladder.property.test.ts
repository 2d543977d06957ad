/** Whatever a pane shows, the ladder never presses or types what could do harm, and always ends. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentProcess } from '../../../src/core/panes.ts';
import type { Dialog, Reading } from '../../../src/core/screen/finding.ts';
import type { LadderView } from '../../../src/core/swap/ladder.ts';
import { climb } from '../../../src/core/swap/ladder.ts';
import type { RecoveryRow } from '../../../src/core/swap/swap.ts';
import { OPEN_RECOVERY } from '../../../src/core/swap/swap.ts';
import { MINUTE, SECOND } from '../../../src/core/time.ts';
import type { AssistantRow, TranscriptTail } from '../../../src/core/verdict/signals.ts';
import {
  aFinding,
  anAgent,
  aPrompt,
  aReading,
  aRecovery,
  aRejection,
  aRow,
  aTranscript,
  aView,
  CLIMBING,
  NOON,
  PROPERTY_TIMEOUT_MS,
  RUNS,
} from '../../support/builders.ts';

const PROMPT = CLIMBING.profile.continuePrompt;
const EXIT = CLIMBING.profile.exitCommand;
const DIALOGS: readonly Dialog['kind'][] = ['limit-menu', 'permission', 'trust', 'login', 'foreign-session', 'other'];

const reading: fc.Arbitrary<Reading | null> = fc.option(
  fc
    .record({
      busy: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      composer: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom('', PROMPT, EXIT).map((text) => ({ text })) },
        { weight: 1, arbitrary: fc.constantFrom({ text: 'a draft' }, { text: `${PROMPT} ` }, null) },
      ),
      dialog: fc.oneof(
        { weight: 6, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constantFrom(...DIALOGS).map((kind) => ({ kind, text: 'choose' })) },
      ),
      finding: fc.constantFrom(null, aFinding()),
    })
    .map(aReading),
  { freq: 10 },
);
const agent: fc.Arbitrary<AgentProcess | null> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(anAgent()) },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constant(anAgent({ pid: 31, startTicks: '400' })) },
);
/** What the transcript shows at that look; rows and prompts are dated relative to it. */
const rows = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('none', 'old rejection', 'unreadable') },
  { weight: 1, arbitrary: fc.constantFrom('answer', 'bare refusal', 'refusal', 'error', 'prompt') },
);
const look = fc.record({
  afterMs: fc.oneof(fc.integer({ min: 100, max: 3 * SECOND }), fc.integer({ min: SECOND, max: 2 * MINUTE })),
  present: fc.oneof({ weight: 60, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  agent,
  reading,
  inMode: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  activeAgoMs: fc.option(fc.integer({ min: 0, max: 30 * SECOND }), { freq: 4 }),
  rows,
});
type Look = typeof look extends fc.Arbitrary<infer T> ? T : never;

const row: fc.Arbitrary<RecoveryRow> = fc
  .record({
    version: fc.constantFrom('2.1.328', '2.0.76', null),
    sessionId: fc.constantFrom(aRecovery().sessionId, aRecovery().sessionId, null, 'latest'),
  })
  .map(aRecovery);

function transcriptAt(kind: Look['rows'], now: number): TranscriptTail | null {
  const at = (change: Partial<AssistantRow>) => aTranscript({ lastAssistant: aRow({ at: now, ...change }) });
  switch (kind) {
    case 'unreadable':
      return null;
    case 'none':
      return aTranscript();
    case 'old rejection':
      return aTranscript({ lastAssistant: aRejection() });
    case 'answer':
      return at({});
    case 'bare refusal':
      return at({ kind: 'rejected' });
    case 'refusal':
      return at({ kind: 'rejected', resetAt: now + MINUTE });
    case 'error':
      return at({ kind: 'error' });
    case 'prompt':
      return aTranscript({ prompts: [aPrompt(now)] });
  }
}

function viewAt(seen: Look, now: number): LadderView {
  return aView({
    present: seen.present,
    agent: seen.agent,
    reading: seen.agent === null ? null : seen.reading,
    screenChangedAt: now,
    inMode: seen.inMode,
    clientActivityAt: seen.activeAgoMs === null ? null : now - seen.activeAgoMs,
    transcript: transcriptAt(seen.rows, now),
  });
}

test(
  'no key meets a dialog but Escape the limit menu; no prompt goes out a third time; nothing is typed over a person; it ends by its deadline [R263 R264 R275 R56]',
  () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(row, fc.array(look, { minLength: 1, maxLength: 40 }), (start, looks) => {
        let current = start;
        let now = NOON;
        let prompts = 0;
        let enters = 0;
        for (const seen of looks) {
          now += seen.afterMs;
          const view = viewAt(seen, now);
          const { row: next, action } = climb(current, view, now, CLIMBING);
          if (action.kind !== 'none') {
            const key = action.kind === 'press' ? action.key : 'paste';
            const composer = view.reading?.composer?.text ?? '';
            expect(OPEN_RECOVERY).toContain(current.state);
            expect(view.present && !view.inMode).toBe(true);
            expect(seen.activeAgoMs === null || seen.activeAgoMs >= 10 * SECOND).toBe(true);
            const dialog = view.reading?.dialog ?? null;
            if (dialog !== null) expect([dialog.kind, key]).toEqual(['limit-menu', 'Escape']);
            if (key === 'Escape') expect(dialog?.kind).toBe('limit-menu');
            if (key === 'paste') expect(composer).toBe('');
            if (key === 'Enter')
              expect(view.agent === null ? '' : composer).toBe(view.agent === null ? '' : typedIn(current));
            if (key === 'C-c') expect(['', EXIT]).toContain(composer);
            if (key === 'C-c' || key === 'paste') expect(view.reading?.busy ?? false).toBe(false);
            if (action.kind === 'paste' && action.text === PROMPT) prompts++;
            enters = next.state === current.state && key === 'Enter' ? enters + 1 : 0;
            expect(enters).toBeLessThanOrEqual(3);
          }
          expect(prompts).toBeLessThanOrEqual(2);
          if (now >= CLIMBING.deadlineAt) expect(OPEN_RECOVERY).not.toContain(next.state);
          expect(OPEN_RECOVERY.includes(next.state)).toBe(next.finishedAt === null);
          reached.add(next.state);
          current = next;
        }
      }),
      { numRuns: RUNS },
    );
    // Else the histories are too tame to prove anything.
    expect([...reached].sort()).toEqual(
      [
        'exiting',
        'gone',
        'handed_over',
        'interrupting',
        'menu',
        'prompted',
        'recovered',
        'relaunching',
        'reprompted',
        'waiting',
      ].sort(),
    );
  },
  PROPERTY_TIMEOUT_MS,
);

/** What must stand in the agent's input line for an Enter in this state. */
function typedIn({ state }: RecoveryRow): string {
  return state === 'exiting' ? EXIT : PROMPT;
}
