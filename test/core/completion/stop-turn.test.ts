import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CancelledTurn, TurnView } from '../../../src/core/completion/stop-turn.ts';
import { stopTurn } from '../../../src/core/completion/stop-turn.ts';
import { MINUTE, SECOND } from '../../../src/core/time.ts';
import { anAgent, aPrompt, aReading, NOON, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';

const AGENT = anAgent();
const TURN: CancelledTurn = {
  agent: { pid: AGENT.pid, startTicks: AGENT.startTicks },
  mark: 'Task id: house:door',
  cancelledAt: NOON,
  pressedAt: null,
  isObserved: false,
};
const BUSY = aReading({ busy: true, composer: { text: '' } });
const VIEW: TurnView = { agent: AGENT, reading: BUSY, prompts: null, inMode: false, clientActivityAt: null };
const PERMISSION = { kind: 'permission', text: 'Do you want to proceed?' } as const;

describe('the turn of a cancelled task', () => {
  it('gets one Escape, and has ended when nothing runs any more [R212]', () => {
    expect(stopTurn(TURN, VIEW, NOON)).toEqual({ kind: 'press' });
    const pressed = { ...TURN, pressedAt: NOON };
    expect(stopTurn(pressed, VIEW, NOON + 9 * SECOND)).toEqual({ kind: 'wait' });
    const idle = { ...VIEW, reading: aReading({ composer: { text: '' } }) };
    expect(stopTurn(pressed, idle, NOON + SECOND)).toEqual({ kind: 'over', detail: 'Escape ended its turn' });
    expect(stopTurn(pressed, VIEW, NOON + 10 * SECOND)).toMatchObject({ kind: 'not_stopped' });
  });

  it('that asks for a permission is refused it by the same key; any other dialog is left alone [R265]', () => {
    expect(stopTurn(TURN, { ...VIEW, reading: aReading({ dialog: PERMISSION }) }, NOON)).toEqual({ kind: 'press' });
    for (const kind of ['limit-menu', 'trust', 'login', 'foreign-session', 'other'] as const) {
      const reading = aReading({ dialog: { kind, text: '?' }, busy: true });
      expect(stopTurn(TURN, { ...VIEW, reading }, NOON)).toMatchObject({ kind: 'not_stopped' });
    }
  });

  it.each([
    ['nothing of it was typed', { ...TURN, agent: null }, VIEW],
    ['another agent runs there', TURN, { ...VIEW, agent: anAgent({ pid: 99_999 }) }],
    ['no agent runs there', TURN, { ...VIEW, agent: null }],
    [
      'a person began another one',
      { ...TURN, isObserved: true },
      { ...VIEW, prompts: [aPrompt(NOON, { text: 'Task id: house:door' }), aPrompt(NOON + 1, { text: 'and now?' })] },
    ],
  ] as const)('is over when %s [R273]', (_why, turn, view) => {
    expect(stopTurn(turn, view, NOON)).toMatchObject({ kind: 'over' });
  });

  it('is over when nothing runs some seconds later: one that has just begun need not be on the screen yet [R273]', () => {
    const idle = { ...VIEW, reading: aReading({ composer: { text: '' } }) };
    expect(stopTurn(TURN, idle, NOON + 2 * SECOND)).toEqual({ kind: 'wait' });
    expect(stopTurn(TURN, VIEW, NOON + 2 * SECOND)).toEqual({ kind: 'press' });
    expect(stopTurn(TURN, idle, NOON + 3 * SECOND)).toEqual({ kind: 'over', detail: 'no turn was running' });
  });

  it('waits for a person for a minute, then says that it goes on [R275]', () => {
    for (const view of [
      { ...VIEW, inMode: true },
      { ...VIEW, clientActivityAt: NOON },
    ]) {
      expect(stopTurn(TURN, view, NOON)).toEqual({ kind: 'wait' });
      const later = { ...view, clientActivityAt: NOON + MINUTE };
      expect(stopTurn(TURN, later, NOON + MINUTE)).toMatchObject({ kind: 'not_stopped' });
    }
  });

  it(
    'never gets a second key, whatever its screen shows [R263]',
    () => {
      const view = fc.record({
        agent: fc.constantFrom(AGENT, null),
        reading: fc.constantFrom(BUSY, aReading({ composer: { text: '' } }), aReading({ dialog: PERMISSION }), null),
        prompts: fc.constant(null),
        inMode: fc.boolean(),
        clientActivityAt: fc.option(fc.integer({ min: NOON - MINUTE, max: NOON + MINUTE })),
      });
      fc.assert(
        fc.property(fc.array(fc.tuple(view, fc.integer({ min: -MINUTE, max: MINUTE })), { maxLength: 20 }), (looks) => {
          let turn = TURN;
          let now = NOON;
          let keys = 0;
          for (const [seen, afterMs] of looks) {
            now += afterMs;
            const step = stopTurn(turn, seen, now);
            if (step.kind === 'press') {
              keys += 1;
              turn = { ...turn, pressedAt: now };
              expect([seen.agent, seen.inMode]).toEqual([AGENT, false]);
            }
            if (step.kind === 'over' || step.kind === 'not_stopped') break;
          }
          expect(keys).toBeLessThanOrEqual(1);
        }),
        { numRuns: RUNS },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
});
