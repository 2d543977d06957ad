/** A task's text on its way into a session: what is typed for what is seen, and that nothing is ever typed twice. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delivery, DeliveryPolicy, DeliveryStep, DeliveryView } from '../../../src/core/dispatch/delivery.ts';
import { deliver, newDelivery } from '../../../src/core/dispatch/delivery.ts';
import { taskMark, taskText } from '../../../src/core/dispatch/task-text.ts';
import { MINUTE, SECOND } from '../../../src/core/time.ts';
import {
  anAgent,
  aPrompt,
  aReading,
  aTranscript,
  NOON,
  PANE,
  PROPERTY_TIMEOUT_MS,
  RUNS,
} from '../../support/builders.ts';

const TEXT = taskText({
  title: 'Mend the door',
  id: 'house:door',
  path: '/p/house/.agent-queue/claimed/door__1.md',
  body: 'It squeaks.\nOil it.',
  signalPath: '/s/signals/agent-done-auto-1',
});
const POLICY: DeliveryPolicy = {
  text: TEXT,
  mark: taskMark('house:door'),
  promptTimeoutMs: MINUTE,
  submitDelayMs: 500,
  pasteLostMs: 7 * SECOND,
};
const agent = { pid: 30, startTicks: '300' };

function aDelivery(change: Partial<Delivery> = {}): Delivery {
  return { ...newDelivery(PANE, NOON), ...change };
}

function aView(change: Partial<DeliveryView> = {}): DeliveryView {
  return {
    present: true,
    agent: anAgent(),
    reading: aReading(),
    inMode: false,
    clientActivityAt: null,
    transcript: null,
    ...change,
  };
}

const typed = { state: 'typed', typedAt: NOON, pastes: 1, agent } as const satisfies Partial<Delivery>;
const entered = { ...typed, enters: 1 } as const;
const holding = (text: string) => ({ reading: aReading({ composer: { text } }) });
const asking = {
  reading: aReading({ composer: null, dialog: { kind: 'permission', text: 'Do you want to proceed?' } }),
};

function look(delivery: Partial<Delivery>, view: Partial<DeliveryView> = {}, seconds = 0): DeliveryStep {
  return deliver(aDelivery(delivery), aView(view), NOON + seconds * SECOND, POLICY);
}

const told = ({ delivery, action, end }: DeliveryStep): string =>
  end === null ? `${delivery.state}: ${action.kind}` : end.kind === 'failed' ? end.error : end.kind;

describe('before anything was typed', () => {
  test.each<[string, Partial<DeliveryView>, number, string]>([
    ['an empty input line is typed into', {}, 0, 'typed: paste'],
    ['no agent yet: its prompt is awaited [R83]', { agent: null, reading: null }, 59, 'waiting: none'],
    ['no prompt in time: the session did not start [R83]', { agent: null, reading: null }, 60, 'session_died'],
    ['no input line on the screen yet', { reading: aReading({ composer: null }) }, 30, 'waiting: none'],
    ['a running turn is waited for', { reading: aReading({ busy: true }) }, 30, 'waiting: none'],
    ['an agent in the background is not typed into', { agent: anAgent({ foreground: false }) }, 1, 'waiting: none'],
    ['a dialog is left to its person, however long it takes [R69]', asking, 600, 'waiting: none'],
    ['a pane in copy mode is left alone [R275]', { inMode: true }, 1, 'waiting: none'],
    ['a person who typed a moment ago is left alone [R275]', { clientActivityAt: NOON }, 9, 'waiting: none'],
    ['a person who typed long ago is none', { clientActivityAt: NOON - MINUTE }, 0, 'typed: paste'],
    ['text in the input line is somebody’s [R245]', holding('half a senten'), 5, 'waiting: none'],
    ['a session that stays in use gives the task back [R245]', holding('half a senten'), 61, 'given_back'],
    ['a pane that is gone ends the attempt', { present: false }, 0, 'session_died'],
  ])('%s', (_what, view, seconds, expected) => {
    expect(told(look({}, view, seconds))).toBe(expected);
  });

  test('time with a dialog on the screen does not count for the prompt', () => {
    const after = look({}, asking, 600).delivery;
    expect(told(look(after, { agent: null, reading: null }, 650))).toBe('waiting: none');
    expect(told(look(after, { agent: null, reading: null }, 661))).toBe('session_died');
  });
});

describe('after the paste', () => {
  test.each<[string, Partial<Delivery>, Partial<DeliveryView>, number, string]>([
    ['Enter is not sent at once', typed, holding(TEXT), 0.4, 'typed: none'],
    ['a lone Enter follows [R82]', typed, holding(TEXT), 0.5, 'typed: enter'],
    [
      'a placeholder of a long paste is sent too [R82]',
      typed,
      holding('[Pasted text #1 +12 lines]'),
      1,
      'typed: enter',
    ],
    [
      'so are several of them',
      typed,
      holding('[Pasted text #1 +900 lines] [Pasted text #2 +12 lines]'),
      1,
      'typed: enter',
    ],
    ['a person’s words beside one are not ours', typed, holding('[Pasted text #1 +9 lines] and'), 1, 'typed: none'],
    ['only its end in sight is enough', typed, holding(TEXT.slice(-200)), 1, 'typed: enter'],
    ['text after ours is somebody’s', typed, holding(`${TEXT} and`), 1, 'typed: none'],
    ['no Enter while a person types', typed, { ...holding(TEXT), clientActivityAt: NOON }, 1, 'typed: none'],
    ['no Enter while a dialog stands there', typed, asking, 1, 'typed: none'],
    ['a paste that has not arrived yet is waited for', typed, {}, 6.9, 'typed: none'],
    ['one that never arrives is pasted once more', typed, {}, 7, 'typed: paste'],
    ['and no more than that', { ...typed, pastes: 2 }, {}, 7, 'submit_failed'],
    ['not after a person was there', typed, { clientActivityAt: NOON }, 7, 'submit_failed'],
    ['an emptied input line says that it was sent [R82]', entered, {}, 0.1, 'sent: none'],
    ['a turn says so too [R82]', entered, { reading: aReading({ busy: true }) }, 0.1, 'sent: none'],
    ['a dialog waits for its person [R69]', entered, asking, 600, 'typed: none'],
    ['Enter again when it still stands there [R82]', entered, holding(TEXT), 3, 'typed: enter'],
    ['but not at once', entered, holding(TEXT), 2.9, 'typed: none'],
    ['no fourth Enter', { ...entered, enters: 3 }, holding(TEXT), 9, 'typed: none'],
    ['then the attempt fails [R82]', { ...entered, enters: 3 }, holding(TEXT), 10, 'submit_failed'],
    ['an agent that ended takes the attempt with it', entered, { agent: anAgent({ pid: 31 }) }, 1, 'session_died'],
  ])('%s', (_what, delivery, view, seconds, expected) => {
    expect(told(look(delivery, view, seconds))).toBe(expected);
  });

  test('the transcript proves that it arrived, whatever the screen shows [R263]', () => {
    const transcript = aTranscript({ prompts: [aPrompt(NOON + SECOND, { text: TEXT.slice(0, 400) })] });
    expect(told(look(typed, { transcript }, 8))).toBe('sent: none');
    const other = aTranscript({ prompts: [aPrompt(NOON + SECOND, { text: 'something else' })] });
    expect(told(look(typed, { transcript: other }, 7))).toBe('typed: paste');
    const before = aTranscript({ prompts: [aPrompt(NOON - MINUTE, { text: TEXT })] });
    expect(told(look(typed, { transcript: before }, 7))).toBe('typed: paste');
  });
});

test(
  'however the daemon is killed and the session answers, a task is sent at most once and never into anything else [R81 R82 R205 R263]',
  () => {
    const happening = fc.constantFrom(
      'look',
      'kill before key',
      'kill after key',
      'lose paste',
      'lag',
      'person',
      'dialog',
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), fc.boolean(), (happenings, hasTranscript) => {
        let now = NOON;
        let saved = newDelivery(PANE, now);
        const pane = { composer: '', busy: false, dialog: false, personAt: 0, sent: [] as string[], wrong: 0 };
        let lagged: (() => void) | null = null;
        const view = (): DeliveryView =>
          aView({
            reading: aReading({
              busy: pane.busy,
              composer: pane.dialog ? null : { text: pane.composer },
              dialog: pane.dialog ? { kind: 'permission', text: '?' } : null,
            }),
            clientActivityAt: pane.personAt || null,
            transcript: hasTranscript
              ? aTranscript({ prompts: pane.sent.map((text) => aPrompt(now, { text })) })
              : null,
          });
        for (const what of happenings) {
          now += 1500;
          if (what === 'person') {
            pane.personAt = now;
            if (pane.composer === '' && !pane.dialog) pane.composer = 'me';
            else if (pane.composer === 'me') pane.composer = '';
            continue;
          }
          if (what === 'dialog') {
            pane.dialog = !pane.dialog;
            continue;
          }
          const step = deliver(saved, view(), now, POLICY);
          if (step.end !== null) break;
          saved = step.delivery;
          if (what === 'kill before key') continue;
          const act = (): void => {
            if (step.action.kind === 'paste') {
              if (pane.dialog || pane.composer !== '') pane.wrong++;
              if (what !== 'lose paste') pane.composer += step.action.text;
            } else if (step.action.kind === 'enter') {
              if (pane.dialog || pane.composer !== TEXT) pane.wrong++;
              else {
                pane.sent.push(pane.composer);
                pane.composer = '';
                pane.busy = true;
              }
            }
          };
          // A slow server obeys before the next look, at the latest.
          if (what === 'lag') lagged = act;
          else act();
          lagged?.();
          lagged = null;
        }
        expect(pane.sent.length).toBeLessThanOrEqual(1);
        expect(pane.wrong).toBe(0);
        if (saved.state === 'sent') expect(pane.sent.length).toBe(1);
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);
