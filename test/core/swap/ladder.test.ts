/** The recovery of one pane, rung by rung: what is done for what is seen. */
import { describe, expect, test } from 'vitest';
import type { Dialog } from '../../../src/core/screen/finding.ts';
import { climb } from '../../../src/core/swap/ladder.ts';
import type { LadderPolicy, LadderStep, LadderView } from '../../../src/core/swap/ladder-step.ts';
import type { RecoveryRow, RecoveryState } from '../../../src/core/swap/swap.ts';
import { OPEN_RECOVERY } from '../../../src/core/swap/swap.ts';
import { MINUTE, SECOND } from '../../../src/core/time.ts';
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
  SESSION_ID,
} from '../../support/builders.ts';

const dialog = (kind: Dialog['kind']): Dialog => ({ kind, text: `a ${kind} dialog` });
const showing = (change: Parameters<typeof aReading>[0]) => ({ reading: aReading(change) });
const composing = (text: string) => showing({ composer: { text } });

/** One look, `seconds` after the row's last key. */
function look(row: Partial<RecoveryRow>, view: Partial<LadderView> = {}, seconds = 0, policy: LadderPolicy = CLIMBING) {
  return climb(aRecovery(row), aView(view), NOON + seconds * SECOND, policy);
}

const keyOf = ({ action }: LadderStep) =>
  action.kind === 'paste' ? `paste ${action.text}` : action.kind === 'press' ? action.key : 'none';
const told = (step: LadderStep) => `${step.row.state}: ${keyOf(step)}`;

const prompted = { state: 'prompted', promptedAt: NOON, prompts: 1 } as const satisfies Partial<RecoveryRow>;
const sent = { ...prompted, enters: 1 } as const;
const exiting = { state: 'exiting' } as const;
const old = { version: '2.0.76' } as const;
const LAUNCHED = { argv: ['claude'], cwd: '/p', configDir: null, pid: 1, startTicks: '1' };
const noAgent = {
  agent: null,
  reading: null,
  shellInFront: true,
  screenText: `[ada@desk project]$  claude --resume ${SESSION_ID}\n\n`,
} as const;
const newAgent = anAgent({ pid: 31, startTicks: '400' });
const resume = `paste  claude --resume ${SESSION_ID}`;

test('a spinner under which the turn was refused is no new turn, until something was asked again [R262]', () => {
  const refused = { ...showing({ busy: true }), transcript: aTranscript({ lastAssistant: aRejection() }) };
  expect(told(look({}, refused, 5))).toBe('waiting: none');
  expect(told(look({}, refused, 60))).toBe('handed_over: none');
  const rejection = aRejection();
  const asked = aTranscript({ lastAssistant: rejection, prompts: [aPrompt(rejection.at + 1)] });
  expect(look({}, { ...refused, transcript: asked }, 5).row).toMatchObject({ state: 'recovered', recoveredBy: 'self' });
  expect(look({}, { ...refused, isGuess: true }, 5).row).toMatchObject({ state: 'recovered' });
});

test('a turn counts as progress by how long it runs since Enter, however long the prompt stood there before [R262]', () => {
  const late = { ...sent, promptedAt: NOON - 20 * SECOND };
  const working = { ...showing({ busy: true }), transcript: aTranscript() };
  expect(told(look(late, working, 0.1))).toBe('prompted: none');
  expect(look(late, working, 5).row).toMatchObject({ state: 'recovered', reason: 'a turn is running' });
});

describe('an agent that rested when the swap was planned and must end first', () => {
  const rested = { ...old, launch: { ...LAUNCHED, stopFirst: true, wasIdle: true } };
  const limited = showing({ finding: aFinding(), composer: { text: '' } });
  const rejected = { transcript: aTranscript({ lastAssistant: aRejection() }) };
  const answered = { transcript: aTranscript({ lastAssistant: aRow() }) };
  const isIdle = (launch: object, view: Partial<LadderView>) =>
    look(
      { ...rested, launch: { ...rested.launch, ...launch } },
      { agent: anAgent({ pid: 1, startTicks: '1' }), ...view },
      3,
    ).row.launch?.wasIdle;

  test('is told to go on when its turn has met the limit meanwhile [R51 R270]', () => {
    expect(isIdle({}, { ...limited, ...rejected })).toBe(false);
    expect(isIdle({}, { ...limited, transcript: null })).toBe(false);
    expect(isIdle({}, { ...limited, ...answered, isGuess: true })).toBe(false);
  });

  test('is told nothing when the limit stood there before, or its own transcript denies it [R263]', () => {
    expect(isIdle({ limitStood: true }, { ...limited, ...rejected })).toBe(true);
    expect(isIdle({}, { ...limited, ...answered })).toBe(true);
    expect(isIdle({}, { ...composing(''), ...rejected })).toBe(true);
  });
});

describe('every state', () => {
  test.each(OPEN_RECOVERY)('%s: a pane that is gone ends its recovery', (state) => {
    expect(look({ state }, { present: false }).row).toMatchObject({ state: 'gone', finishedAt: NOON });
  });

  test.each(OPEN_RECOVERY)('%s: an agent that is not in the foreground is left alone [R275]', (state) => {
    const step = look({ state, promptedAt: NOON }, { agent: anAgent({ foreground: false }) }, 1);
    expect(step).toMatchObject({
      row: { state: 'handed_over', reason: 'its agent is not in the foreground' },
      action: { kind: 'none' },
    });
  });

  test.each(OPEN_RECOVERY)('%s: it does not wait for an instant from before the clock was set back [R56]', (state) => {
    expect(look({ state }, {}, -61)).toMatchObject({
      row: { state: 'handed_over', reason: 'the clock was set back meanwhile' },
    });
  });

  test.each(OPEN_RECOVERY)('%s: it ends by its deadline, whatever is seen [R56]', (state) => {
    const step = climb(aRecovery({ state }), aView(), CLIMBING.deadlineAt, CLIMBING);
    expect(step).toMatchObject({ row: { state: 'handed_over', reason: 'it took too long' }, action: { kind: 'none' } });
  });

  test.each(['recovered', 'handed_over', 'gone'] as const)('%s is an end: nothing changes it any more', (state) => {
    const row = aRecovery({ state, finishedAt: NOON });
    for (const view of [aView(), aView({ present: false })]) {
      expect(climb(row, view, CLIMBING.deadlineAt, CLIMBING)).toEqual({ row, action: { kind: 'none' } });
    }
  });

  test.each([
    ['waiting', showing({ dialog: dialog('limit-menu'), composer: null })],
    ['waiting', {}],
    ['prompted', composing('continue')],
    ['exiting', composing('/exit')],
    ['exiting', composing('')],
    ['exiting', noAgent],
    ['interrupting', composing('')],
    ['relaunching', noAgent],
    ['relaunching', { agent: newAgent, reading: aReading() }],
    ['reprompted', composing('continue')],
  ] as const satisfies readonly (readonly [RecoveryState, Partial<LadderView>])[])(
    '%s: no key while somebody uses the session or the pane is in copy mode: wait, then hand over [R275]',
    (state, view) => {
      const row = { state, enters: state === 'interrupting' ? 1 : 0, prompts: 1, promptedAt: NOON };
      for (const person of [{ inMode: true }, { clientActivityAt: NOON + 1 }]) {
        expect(keyOf(look(row, { ...view, ...person }, 5))).toBe('none');
      }
      for (const person of [{ inMode: true }, { clientActivityAt: NOON + 55 * SECOND }]) {
        expect(told(look(row, { ...view, ...person }, 60))).toBe('handed_over: none');
      }
    },
  );

  test.each(OPEN_RECOVERY.filter((state) => !['waiting', 'menu', 'stopped'].includes(state)))(
    '%s: no key at all while a dialog stands there; it is left to the user [R264 R265]',
    (state) => {
      const view = showing({
        dialog: dialog('foreign-session'),
        composer: { text: state === 'exiting' ? '/exit' : 'continue' },
      });
      const step = look({ state, enters: 1, promptedAt: NOON }, view, 30);
      expect(told(step)).toBe('handed_over: none');
      expect(step.row.reason).toBe('a dialog waits for you: a foreign-session dialog');
    },
  );
});

describe('an agent that must not run while the link moves', () => {
  const launch = { ...(aRecovery().launch ?? LAUNCHED), stopFirst: true };
  const pending: LadderPolicy = { ...CLIMBING, flip: 'pending' };
  const failed: LadderPolicy = { ...CLIMBING, flip: 'failed' };

  test('is ended even where its version would follow the link, and waits at its shell [R270]', () => {
    expect(told(look({ launch }, {}, 0, pending))).toBe('exiting: paste /exit');
    expect(told(look({ ...exiting, launch, enters: 1 }, noAgent, 1, pending))).toBe('stopped: none');
    for (const seconds of [1, 60, 500])
      expect(told(look({ state: 'stopped', launch }, noAgent, seconds, pending))).toBe('stopped: none');
  });

  test('is started again on its session once the link has moved, and told to go on if it had met a limit [R270]', () => {
    expect(told(look({ state: 'stopped', launch }, noAgent, 1))).toBe(`relaunching: ${resume}`);
    const started = { agent: newAgent, reading: aReading() };
    expect(told(look({ state: 'relaunching', launch, enters: 1 }, started, 1))).toBe('reprompted: paste continue');
  });

  test('that was idle is started again and told nothing [R284]', () => {
    const idle = { ...launch, wasIdle: true };
    const started = { agent: newAgent, reading: aReading() };
    expect(look({ state: 'relaunching', launch: idle, enters: 1 }, started, 1)).toMatchObject({
      row: { state: 'recovered', recoveredBy: 'restart', prompts: 0 },
      action: { kind: 'none' },
    });
  });

  test('is started again on the account it had when the swap does not go through [R22]', () => {
    expect(told(look({ state: 'stopped', launch }, noAgent, 1, failed))).toBe(`relaunching: ${resume}`);
    const started = { agent: newAgent, reading: aReading() };
    expect(look({ state: 'relaunching', launch, enters: 1 }, started, 1, failed).row).toMatchObject({
      state: 'handed_over',
      reason: 'the swap did not go through; it was started again on the account it had',
    });
    expect(told(look({ launch }, {}, 0, failed))).toBe('handed_over: none');
  });

  test('that begins a turn before it is ended is left to it: the swap does not happen [R284]', () => {
    const busy = showing({ busy: true });
    expect(told(look({ launch }, busy, 5, pending))).toBe('waiting: none');
    expect(look({ launch }, busy, 60, pending).row).toMatchObject({ state: 'handed_over', reason: 'it began a turn' });
  });

  test('without a session is started as it was, where that was seen before it ended [R49]', () => {
    const fresh = { ...launch, wasIdle: true, isFresh: true };
    expect(told(look({ state: 'stopped', launch: fresh, sessionId: null }, noAgent, 1))).toBe(
      'relaunching: paste  claude',
    );
    expect(told(look({ state: 'stopped', launch, sessionId: null }, noAgent, 1))).toBe('handed_over: none');
  });

  test('whose limit menu Escape does not close is ended by Ctrl-C, which confirms nothing [R264]', () => {
    const always: LadderPolicy = { ...pending, profile: { ...CLIMBING.profile, stopFirst: 'always' } };
    const menu = showing({ dialog: dialog('limit-menu'), composer: null });
    expect(told(look({ state: 'menu', launch, enters: 1 }, menu, 4, always))).toBe('interrupting: C-c');
    expect(told(look({ state: 'interrupting', launch, enters: 1 }, menu, 1, always))).toBe('interrupting: C-c');
    expect(told(look({ state: 'menu', launch, enters: 3 }, menu, 4, pending))).toBe('handed_over: none');
  });
});

describe('first rung: hot', () => {
  test('with an empty input line the prompt is typed, and written down before [R51 R245 R263]', () => {
    const step = look({});
    expect(told(step)).toBe('prompted: paste continue');
    expect(step.row).toMatchObject({ promptedAt: NOON, prompts: 1, enters: 0, finishedAt: null });
  });

  test('a client that was last active ten seconds ago is no obstacle [R275]', () => {
    expect(keyOf(look({}, { clientActivityAt: NOON - 10 * SECOND }))).toBe('paste continue');
    expect(keyOf(look({}, { clientActivityAt: NOON + 10 * MINUTE }))).toBe('paste continue');
  });

  test.each([
    ['its input line holds something', composing('draft')],
    ['its input line is not on the screen', showing({ composer: null })],
    ['its screen could not be read', { reading: null }],
  ])('nothing is typed while %s: wait, then hand over [R275]', (_, view) => {
    expect(told(look({}, view, 59))).toBe('waiting: none');
    expect(told(look({}, view, 60))).toBe('handed_over: none');
  });

  test('a prompt that somebody else gave and nobody answered yet is not doubled [R263]', () => {
    const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON + 1)] });
    expect(told(look({}, { transcript }, 5))).toBe('waiting: none');
    // It was interrupted, or its time was written by a clock that has been set back.
    expect(told(look({}, { transcript }, 17))).toBe('prompted: paste continue');
    const ahead = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON + 60 * SECOND)] });
    expect(told(look({}, { transcript: ahead }, 5))).toBe('prompted: paste continue');
    const menu = aTranscript({
      lastAssistant: aRejection(),
      prompts: [aPrompt(NOON + 1, { text: '/rate-limit-options' })],
    });
    expect(told(look({}, { transcript: menu }, 5))).toBe('prompted: paste continue');
  });

  test('an agent that went on by itself is recovered, without a key [R263]', () => {
    const transcript = aTranscript({ lastAssistant: aRow({ at: NOON + 1 }) });
    expect(look({}, { transcript }, 2)).toMatchObject({
      row: { state: 'recovered', recoveredBy: 'self' },
      action: { kind: 'none' },
    });
  });

  test('a turn that runs is left alone, and is progress after a while [R262 R284]', () => {
    const running = { ...showing({ busy: true }), transcript: aTranscript({ prompts: [aPrompt(NOON)] }) };
    expect(told(look({}, running, 4))).toBe('waiting: none');
    expect(look({}, running, 5).row).toMatchObject({ state: 'recovered', recoveredBy: 'self' });
    expect(look({}, { ...running, transcript: null }, 5).row).toMatchObject({ state: 'recovered' });
  });

  test.each([
    ['it has ended', noAgent],
    ['another one runs there', { agent: newAgent }],
  ])('the agent is left alone when %s', (_, view) => {
    expect(told(look({}, view))).toBe('handed_over: none');
  });

  test('an unchanged answer from before is no recovery [R262]', () => {
    const transcript = aTranscript({ lastAssistant: aRow({ at: NOON }) });
    expect(told(look({}, { transcript }))).toBe('prompted: paste continue');
  });
});

describe('the limit menu', () => {
  const menu = showing({ dialog: dialog('limit-menu'), composer: null });

  test('it is closed with Escape, never with Enter [R264]', () => {
    expect(told(look({}, menu))).toBe('menu: Escape');
    expect(told(look({ state: 'menu', enters: 1 }, menu, 2))).toBe('menu: none');
    expect(told(look({ state: 'menu', enters: 1 }, menu, 3))).toBe('menu: Escape');
  });

  test('one that does not close after three Escapes is left to the user [R264]', () => {
    expect(told(look({ state: 'menu', enters: 3 }, menu, 3))).toBe('handed_over: none');
  });

  test('once it is closed the prompt is typed [R51]', () => {
    expect(told(look({ state: 'menu', enters: 1 }))).toBe('prompted: paste continue');
  });

  test.each(['permission', 'trust', 'login', 'foreign-session', 'other'] as const)(
    'a %s dialog is never answered [R265]',
    (kind) => {
      expect(told(look({}, showing({ dialog: dialog(kind), composer: null })))).toBe('handed_over: none');
    },
  );
});

describe('sending the prompt', () => {
  test('Enter follows the paste after a pause, and only while the prompt stands in the input line [R263]', () => {
    expect(told(look(prompted, composing('continue'), 0.4))).toBe('prompted: none');
    const step = look(prompted, composing('continue'), 0.5);
    expect(told(step)).toBe('prompted: Enter');
    expect(step.row.enters).toBe(1);
  });

  test('an Enter that the agent ignored is sent again, three times at most', () => {
    expect(told(look(sent, composing('continue'), 1))).toBe('prompted: none');
    expect(told(look(sent, composing('continue'), 2))).toBe('prompted: Enter');
    expect(told(look({ ...prompted, enters: 6 }, composing('continue'), 2))).toBe('handed_over: none');
  });

  test('other words in the input line are those of a person: no Enter, hand over [R245 R275]', () => {
    const other = composing('continue please');
    // The frame that shows our paste may be half drawn.
    expect(told(look(prompted, other, 2))).toBe('prompted: none');
    expect(told(look(prompted, other, 3))).toBe('handed_over: none');
    expect(told(look(prompted, { ...other, clientActivityAt: NOON + SECOND }, 2))).toBe('handed_over: none');
  });

  test('a paste that was lost is typed again: its Enter was never pressed, by nobody [R263]', () => {
    expect(told(look(prompted, {}, 2))).toBe('prompted: none');
    const again = look(prompted, {}, 3);
    expect(told(again)).toBe('prompted: paste continue');
    expect(again.row).toMatchObject({ prompts: 2, promptedAt: NOON + 3 * SECOND });
    expect(told(look(prompted, { transcript: null }, 3))).toBe('prompted: paste continue');
    expect(told(look(prompted, { transcript: null, clientActivityAt: NOON + SECOND }, 20))).toBe('handed_over: none');
    expect(told(look(prompted, { clientActivityAt: NOON + SECOND }, 20))).toBe('prompted: paste continue');
  });

  test('what is absent from a transcript that may be of another agent proves nothing [R263]', () => {
    const started = { state: 'reprompted', promptedAt: NOON, prompts: 1 } as const;
    const view = { agent: newAgent, isGuess: true };
    expect(told(look(started, { ...view, clientActivityAt: NOON }, 20))).toBe('handed_over: none');
    expect(told(look({ ...started, enters: 1 }, view, 30))).toBe('reprompted: none');
    expect(told(look({ ...started, enters: 1 }, view, 60))).toBe('handed_over: none');
    expect(told(look({ ...started, enters: 1 }, { ...view, isGuess: false }, 30))).toBe('reprompted: paste continue');
  });

  test('a prompt that was swallowed is typed once more, never a third time [R263]', () => {
    expect(told(look(sent, {}, 29))).toBe('prompted: none');
    expect(told(look(sent, {}, 30))).toBe('prompted: paste continue');
    expect(told(look({ ...sent, prompts: 2 }, {}, 30))).toBe('prompted: none');
    expect(told(look({ ...sent, prompts: 2 }, {}, 60))).toBe('handed_over: none');
  });

  test('one whose Enter was never sent is typed until it stands there, some times at most: text alone comes nowhere [R263]', () => {
    for (const prompts of [2, 3, 4])
      expect(told(look({ ...prompted, prompts }, {}, 3))).toBe('prompted: paste continue');
    expect(told(look({ ...prompted, prompts: 5 }, {}, 3))).toBe('prompted: none');
    expect(told(look({ ...prompted, prompts: 5 }, {}, 60))).toBe('handed_over: none');
  });

  test('a prompt that stands in the transcript is not typed again [R263]', () => {
    const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON + 1, { text: 'continue' })] });
    expect(told(look(sent, { transcript }, 59))).toBe('prompted: none');
  });
});

describe('verifying', () => {
  const answered = (change: Parameters<typeof aRow>[0]) => ({
    transcript: aTranscript({ lastAssistant: aRow({ at: NOON + 1, ...change }) }),
  });

  test('a new answer in the transcript is a recovery [R262]', () => {
    expect(look(sent, answered({}), 2).row).toMatchObject({ state: 'recovered', recoveredBy: 'hot' });
    expect(look({ ...sent, state: 'reprompted' }, { ...answered({}), agent: newAgent }, 2).row).toMatchObject({
      state: 'recovered',
      recoveredBy: 'restart',
    });
  });

  test('a spinner alone is progress only after some seconds, with or without a transcript [R262]', () => {
    for (const transcript of [null, aTranscript()]) {
      const view = { ...showing({ busy: true }), transcript };
      expect(told(look(sent, view, 4))).toBe('prompted: none');
      expect(look(sent, view, 5).row).toMatchObject({ state: 'recovered', recoveredBy: 'hot' });
    }
  });

  test('a turn that is not ours proves nothing before our Enter', () => {
    expect(told(look(prompted, showing({ busy: true }), 30))).toBe('prompted: none');
  });

  test('without a transcript, a screen that changed and lost its limit is progress [R262]', () => {
    const view = { transcript: null, reading: aReading(), screenChangedAt: NOON + 1 };
    expect(told(look(sent, view, 4))).toBe('prompted: none');
    expect(look(sent, view, 5).row).toMatchObject({ state: 'recovered' });
    expect(told(look(sent, { ...view, screenChangedAt: NOON - 1 }, 5))).toBe('prompted: none');
    expect(told(look(sent, { ...view, reading: aReading({ finding: aFinding() }) }, 5))).toBe('prompted: none');
  });

  test.each(['throttle', 'auth', 'billing', 'error'] as const)(
    'an answer of kind %s is told to the user [R254]',
    (kind) => {
      expect(told(look(sent, answered({ kind }), 2))).toBe('handed_over: none');
    },
  );

  test('a refusal with a reset is the next verdict, not this recovery', () => {
    const step = look(sent, { transcript: aTranscript({ lastAssistant: aRejection({ at: NOON + 1 }) }) }, 2);
    expect(told(step)).toBe('handed_over: none');
  });

  test('a bare refusal leads to the next rung: restart [R262]', () => {
    const refused = answered({ kind: 'rejected' });
    expect(told(look(sent, refused, 2))).toBe('exiting: paste /exit');
    expect(told(look({ ...sent, state: 'reprompted' }, { ...refused, agent: newAgent }, 2))).toBe('handed_over: none');
  });

  test('the restart after a refusal types nothing into a busy or filled input line [R275]', () => {
    const refused = answered({ kind: 'rejected' });
    for (const view of [composing('draft'), showing({ busy: true }), showing({ composer: null })]) {
      expect(told(look(sent, { ...refused, ...view }, 2))).toBe('prompted: none');
    }
  });

  test('no answer within the time leads to the next rung [R262]', () => {
    const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON + 1)] });
    expect(told(look(sent, { transcript }, 60))).toBe('exiting: paste /exit');
    expect(told(look({ ...sent, state: 'reprompted' }, { transcript, agent: newAgent }, 60))).toBe('handed_over: none');
    expect(told(look(sent, { transcript, ...showing({ composer: null }) }, 60))).toBe('handed_over: none');
  });

  test('an agent that ends after the prompt is left at its shell', () => {
    expect(told(look(sent, noAgent, 2))).toBe('handed_over: none');
    expect(told(look({ ...sent, state: 'reprompted' }, noAgent, 2))).toBe('handed_over: none');
  });
});

describe('second rung: restart', () => {
  test('a version that keeps its account in memory is restarted [R51 R262]', () => {
    const step = look(old);
    expect(told(step)).toBe('exiting: paste /exit');
    expect(step.row).toMatchObject({
      reason: 'version 2.0.76 keeps its account in memory',
      prompts: 0,
      promptedAt: null,
    });
    expect(told(look({ version: null }))).toBe('exiting: paste /exit');
  });

  test.each([
    ['its session id is not known', { sessionId: null }],
    ['its session id is no UUID', { sessionId: 'latest' }],
    [
      'its launch cannot be typed',
      { launch: { argv: ['claude', '--model', '\x03'], cwd: '/', configDir: null, pid: 30, startTicks: '300' } },
    ],
    [
      'its program is not known',
      { launch: { argv: [], cwd: '/home/ada/project', configDir: null, pid: 30, startTicks: '300' } },
    ],
    ['the pane would close with it', { pane: { ...aRecovery().pane, panePid: 30 } }],
  ])('an agent is not stopped when %s [R49]', (_, change) => {
    expect(told(look({ ...old, ...change }))).toBe('handed_over: none');
  });

  test('an agent that swallowed the prompt twice is not restarted for a third [R263]', () => {
    const transcript = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON + 1)] });
    expect(told(look({ ...sent, prompts: 2 }, { transcript }, 60))).toBe('handed_over: none');
  });

  test('/exit is sent with Enter once it stands in the input line', () => {
    expect(told(look(exiting, composing('/exit'), 0.4))).toBe('exiting: none');
    expect(told(look(exiting, composing('/exit'), 0.5))).toBe('exiting: Enter');
    expect(told(look({ ...exiting, enters: 1 }, composing('/exit'), 2))).toBe('exiting: Enter');
  });

  test('exit refused: after the grace Ctrl-C twice, then hand over, never anything stronger [R51]', () => {
    expect(told(look({ ...exiting, enters: 1 }, {}, 9))).toBe('exiting: none');
    expect(told(look({ ...exiting, enters: 1 }, {}, 10))).toBe('interrupting: C-c');
    const first = { state: 'interrupting', enters: 1 } as const;
    expect(told(look(first, {}, 0.4))).toBe('interrupting: none');
    const second = look(first, {}, 0.5);
    expect(told(second)).toBe('interrupting: C-c');
    expect(second.row.enters).toBe(2);
    expect(told(look({ ...first, enters: 2 }, {}, 9))).toBe('interrupting: none');
    expect(told(look({ ...first, enters: 2 }, {}, 10))).toBe('handed_over: none');
  });

  test('a turn that has begun meanwhile is not interrupted [R284]', () => {
    expect(told(look(exiting, showing({ busy: true }), 10))).toBe('handed_over: none');
    const begun = showing({ busy: true, composer: { text: '/exit' } });
    expect(told(look(exiting, begun, 0.5))).toBe('handed_over: none');
    expect(told(look({ ...exiting, enters: 1 }, begun, 2))).toBe('handed_over: none');
  });

  test("a person's words in the input line are not wiped away by Ctrl-C [R275]", () => {
    for (const state of ['exiting', 'interrupting'] as const) {
      const row = { state, enters: 1 };
      expect(told(look(row, composing('my draft'), 10))).toBe('handed_over: none');
      const attached = { ...composing('my draft'), clientActivityAt: NOON + SECOND };
      expect(told(look(row, attached, 2))).toBe('handed_over: none');
    }
  });

  test('words under the last frame of an agent that is ending are looked at again before they are anybody’s [R263]', () => {
    for (const state of ['exiting', 'interrupting'] as const) {
      expect(told(look({ state, enters: 1 }, composing('what was asked before'), 9))).toBe(`${state}: none`);
    }
  });

  test('back at the shell the resume command is typed, after one more look [R49]', () => {
    expect(told(look(exiting, noAgent, 0.4))).toBe('exiting: none');
    expect(told(look(exiting, noAgent, 0.5))).toBe(`relaunching: ${resume}`);
    expect(told(look({ state: 'interrupting', enters: 2 }, noAgent, 1))).toBe(`relaunching: ${resume}`);
  });

  test.each(['exiting', 'relaunching'] as const)(
    '%s: nothing is typed where no shell waits for a command: wait, then hand over [R275]',
    (state) => {
      const view = { ...noAgent, shellInFront: false };
      expect(told(look({ state }, view, 59))).toBe(`${state}: none`);
      const step = look({ state }, view, 60);
      expect(told(step)).toBe('handed_over: none');
      expect(step.row.reason).toBe('no shell waits for a command there');
    },
  );

  test.each(['exiting', 'relaunching'] as const)(
    '%s: a key that a person pressed since our last one leaves the shell to that person [R275]',
    (state) => {
      const since = { ...noAgent, clientActivityAt: NOON + SECOND };
      expect(told(look({ state }, since, 30))).toBe('handed_over: none');
      expect(keyOf(look({ state }, { ...noAgent, clientActivityAt: NOON - SECOND }, 30))).not.toBe('none');
    },
  );

  test.each([
    ['is not there', '[ada@desk project]$ '],
    ['is only the beginning of another', `$ claude --resume ${SESSION_ID} --model opus`],
    ['has output below it', `$ claude --resume ${SESSION_ID}\nSave before you leave? [Y/n]`],
    ['cannot be seen', null],
    ['stands there twice', `$ claude --resume ${SESSION_ID} claude --resume ${SESSION_ID}`],
  ])('Enter is not pressed when the command %s [R275]', (_, screenText) => {
    const view = { ...noAgent, screenText };
    const row = { state: 'relaunching', launch: { ...(aRecovery().launch ?? LAUNCHED), retyped: true } } as const;
    expect(told(look(row, view, 59))).toBe('relaunching: none');
    expect(told(look(row, view, 60))).toBe('handed_over: none');
  });

  test('a command that left the screen as it was is lost, and is typed once more [R47 R49]', () => {
    const before = `$ claude --resume ${SESSION_ID}\nas it was the last time\n$ `;
    const lost = { ...noAgent, screenText: before };
    const { row } = look(exiting, lost, 1);
    const at = (seconds: number, view: Partial<LadderView>, from = row) =>
      climb(from, aView({ ...noAgent, ...view }), NOON + (1 + seconds) * SECOND, CLIMBING);
    expect(told(at(2, lost))).toBe('relaunching: none');
    const again = at(3, lost);
    expect(told(again)).toBe(`relaunching: ${resume}`);
    expect(told(at(10, lost, again.row))).toBe('relaunching: none');
    expect(told(at(64, lost, again.row))).toBe('handed_over: none');
    for (const screenText of [null, `${before}claude --resume ${SESSION_ID} --model opus`, `${before}x`, '$ '])
      expect(told(at(30, { screenText }))).toBe('relaunching: none');
    expect(told(at(30, { ...lost, shellInFront: false }))).toBe('relaunching: none');
    expect(told(at(4, { screenText: `${before} claude --resume ${SESSION_ID}` }, again.row))).toBe(
      'relaunching: Enter',
    );
  });

  test('a command that wraps on the screen is known again', () => {
    const screenText = `$ claude --resume \n${SESSION_ID.slice(0, 9)}\n${SESSION_ID.slice(9)}\n\n\n`;
    expect(told(look({ state: 'relaunching' }, { ...noAgent, screenText }, 1))).toBe('relaunching: Enter');
  });

  test('another agent that was started in its place is left alone', () => {
    expect(told(look(exiting, { agent: newAgent }, 1))).toBe('handed_over: none');
  });

  test('the command is sent once, and an agent that does not start is told [R56]', () => {
    const relaunching = { state: 'relaunching' } as const;
    expect(told(look(relaunching, noAgent, 0.4))).toBe('relaunching: none');
    expect(told(look(relaunching, noAgent, 0.5))).toBe('relaunching: Enter');
    for (const view of [
      { ...noAgent, screenText: '$ ' },
      { ...noAgent, shellInFront: false },
    ]) {
      expect(told(look({ ...relaunching, enters: 1 }, view, 59))).toBe('relaunching: none');
      expect(told(look({ ...relaunching, enters: 1 }, view, 60))).toBe('handed_over: none');
    }
  });

  test('an Enter that a kill kept back is pressed again where the command still stands on the line [R47 R205]', () => {
    const pressed = { state: 'relaunching', enters: 1 } as const;
    expect(told(look(pressed, noAgent, 9))).toBe('relaunching: none');
    expect(told(look(pressed, { ...noAgent, clientActivityAt: NOON + SECOND }, 30))).toBe('relaunching: none');
    const again = look(pressed, noAgent, 10);
    expect(told(again)).toBe('relaunching: Enter');
    expect(again.row.enters).toBe(2);
    expect(told(look({ ...pressed, enters: 3 }, noAgent, 59))).toBe('relaunching: none');
    expect(told(look({ ...pressed, enters: 3 }, noAgent, 60))).toBe('handed_over: none');
  });

  test('the relaunched agent is prompted as soon as its input line is free [R51]', () => {
    const started = { agent: newAgent, transcript: aTranscript() };
    const row = { state: 'relaunching', enters: 1 } as const;
    expect(told(look(row, { ...started, ...showing({ composer: null }) }, 3))).toBe('relaunching: none');
    expect(told(look(row, { ...started, ...showing({ busy: true }) }, 3))).toBe('relaunching: none');
    expect(told(look(row, { ...started, ...showing({ composer: null }) }, 60))).toBe('handed_over: none');
    const step = look(row, { ...started, ...showing({}) }, 3);
    expect(told(step)).toBe('reprompted: paste continue');
    expect(step.row).toMatchObject({ prompts: 1, promptedAt: NOON + 3 * SECOND });
  });

  test('one that loses what is typed in its first seconds is prompted after them [R51 R262]', () => {
    const agent = { ...newAgent, startedAt: NOON + 2 * SECOND };
    const view = { agent, transcript: aTranscript(), ...showing({}) };
    const slow = { ...CLIMBING, profile: { ...CLIMBING.profile, settleMs: 6000 } };
    const row = { state: 'relaunching', enters: 1 } as const;
    expect(told(look(row, view, 7.9, slow))).toBe('relaunching: none');
    expect(told(look(row, view, 8, slow))).toBe('reprompted: paste continue');
  });
});

test('the whole way of an old CLI: exit, shell, resume, prompt, answer [R51 R262]', () => {
  let row = aRecovery(old);
  const keys: string[] = [];
  const at = (seconds: number, view: Partial<LadderView>) => {
    const step = climb(row, aView(view), NOON + seconds * SECOND, CLIMBING);
    row = step.row;
    if (step.action.kind !== 'none') keys.push(keyOf(step));
  };
  const banner = { finding: aFinding() };
  at(0, {});
  at(1, showing({ composer: { text: '/exit' }, ...banner }));
  at(2, noAgent);
  at(3, noAgent);
  at(4, noAgent);
  at(6, { agent: newAgent, ...showing({ composer: null }) });
  at(8, { agent: newAgent, ...showing(banner) });
  at(9, { agent: newAgent, ...showing({ composer: { text: 'continue' }, ...banner }) });
  at(10, { agent: newAgent, ...showing({ busy: true }) });
  at(12, { agent: newAgent, transcript: aTranscript({ lastAssistant: aRow({ at: NOON + 11 * SECOND }) }) });
  expect(keys).toEqual(['paste /exit', 'Enter', resume, 'Enter', 'paste continue', 'Enter']);
  expect(row).toMatchObject({ state: 'recovered', recoveredBy: 'restart', finishedAt: NOON + 12 * SECOND });
});

test('a daemon that is killed between writing and typing does not type twice what arrived [R263]', () => {
  const afterPaste = look(prompted, composing('continue'), 5);
  expect(told(afterPaste)).toBe('prompted: Enter');
  const arrived = aTranscript({ lastAssistant: aRejection(), prompts: [aPrompt(NOON + 1, { text: 'continue' })] });
  expect(told(look(prompted, { transcript: arrived }, 5))).toBe('prompted: none');
});

test('the grace and the deadline are those of the configuration', () => {
  const quick: LadderPolicy = {
    ...CLIMBING,
    verifyTimeoutMs: 5 * SECOND,
    exitGraceMs: SECOND,
    deadlineAt: NOON + MINUTE,
  };
  expect(told(look({}, composing('draft'), 5, quick))).toBe('handed_over: none');
  expect(told(look(exiting, {}, 1, quick))).toBe('interrupting: C-c');
});
