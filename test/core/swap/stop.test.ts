/** What is in the way of ending an agent before the link moves. */
import { expect, test } from 'vitest';
import type { Reading } from '../../../src/core/screen/finding.ts';
import { isFresh, obstacleToStop } from '../../../src/core/swap/stop.ts';
import { SECOND } from '../../../src/core/time.ts';
import type { PaneFinding } from '../../../src/core/verdict/pane-finding.ts';
import {
  anAgent,
  aPrompt,
  aReading,
  aRecovery,
  aRow,
  aTranscript,
  CLIMBING,
  NOON,
  noEvidence,
  signalsOf,
} from '../../support/builders.ts';

const { profile } = CLIMBING;

function finding(reading: Partial<Reading> = {}, change: Partial<PaneFinding> = {}): PaneFinding {
  return {
    at: NOON,
    view: { identity: aRecovery().pane, inMode: false, label: 'a:0.0' } as PaneFinding['view'],
    process: anAgent(),
    pool: 'default',
    notSwitchable: null,
    reading: aReading({ composer: { text: '' }, ...reading }),
    readAt: NOON,
    switchedAt: null,
    signals: signalsOf(null),
    evidence: noEvidence(),
    decision: { kind: 'clear', wasBanner: false } as PaneFinding['decision'],
    charge: null,
    launchedUnder: 'work-1',
    consumedBy: null,
    ...change,
  };
}

test('an idle agent with a session, and one that stands before its limit menu, can be ended [R284]', () => {
  expect(obstacleToStop(finding(), aRecovery(), profile)).toBeNull();
  const menu = finding({ composer: null, dialog: { kind: 'limit-menu', text: 'choose' } });
  expect(obstacleToStop(menu, aRecovery(), profile)).toBeNull();
});

test.each<[string, PaneFinding, Parameters<typeof aRecovery>[0], string]>([
  ['a turn runs', finding({ busy: true }), {}, 'it is in the middle of a turn'],
  [
    'a prompt awaits its answer, though the screen shows no turn',
    finding({}, { signals: signalsOf(aTranscript({ prompts: [aPrompt(NOON - 10 * SECOND)] })) }),
    {},
    'it is in the middle of a turn',
  ],
  ['a question waits', finding({ dialog: { kind: 'permission', text: 'rm?' } }), {}, 'a dialog waits: rm?'],
  ['a text stands there', finding({ composer: { text: 'half a th' } }), {}, 'its input line is not empty'],
  ['nothing can be seen', finding({ composer: null }), {}, 'its input line is not on the screen'],
  ['somebody scrolls', finding({}, { view: { ...finding().view, inMode: true } }), {}, 'the pane is in copy mode'],
  [
    'the pane would close with it',
    finding({}, { process: anAgent({ pid: aRecovery().pane.panePid }) }),
    {},
    'no shell runs below it',
  ],
  ['its session is not known', finding(), { sessionId: null }, 'it cannot be resumed by its session id'],
  [
    'its owner wants it left alone',
    finding(),
    { state: 'handed_over', finishedAt: NOON, reason: 'swap_policy: leave' },
    'swap_policy: leave',
  ],
])('not while %s [R270 R284]', (_, seen, row, obstacle) => {
  expect(obstacleToStop(seen, aRecovery(row), profile)).toBe(obstacle);
});

test('a prompt that was answered, or interrupted long ago, is no turn [R284]', () => {
  const seen = (tail: Parameters<typeof aTranscript>[0]) => finding({}, { signals: signalsOf(aTranscript(tail)) });
  const prompts = [aPrompt(NOON - 10 * SECOND)];
  expect(obstacleToStop(seen({ prompts, lastAssistant: aRow({ at: NOON }) }), aRecovery(), profile)).toBeNull();
  expect(obstacleToStop(seen({ prompts: [aPrompt(NOON - 16 * SECOND)] }), aRecovery(), profile)).toBeNull();
});

test('a session is called fresh only when nothing can be lost [R49]', () => {
  const none = { ...signalsOf(null), sessionId: null };
  expect(isFresh(finding({ version: '0.169.0' }, { signals: none }))).toBe(true);
  expect(isFresh(finding({ version: null }, { signals: none }))).toBe(false);
  expect(isFresh(finding({ version: null }, { signals: { ...none, isEmpty: true } }))).toBe(true);
  expect(isFresh(finding({ version: '0.169.0' }))).toBe(false);
});
