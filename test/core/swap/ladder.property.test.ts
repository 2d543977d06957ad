/** Whatever happens in a pane, the ladder never presses or types what could do harm, and always ends. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentProcess } from '../../../src/core/panes.ts';
import type { Dialog } from '../../../src/core/screen/finding.ts';
import { climb } from '../../../src/core/swap/ladder.ts';
import type { LadderAction, LadderView } from '../../../src/core/swap/ladder-step.ts';
import type { RecoveryRow, RecoveryState } from '../../../src/core/swap/swap.ts';
import { OPEN_RECOVERY } from '../../../src/core/swap/swap.ts';
import { MINUTE, SECOND } from '../../../src/core/time.ts';
import type { AssistantRow, PromptRow } from '../../../src/core/verdict/signals.ts';
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

const MISHAPS = [
  'none',
  'key lost',
  'draft',
  'cleared',
  'dialog',
  'person',
  'copy mode',
  'busy',
  'crash',
  'other agent',
  'gone',
  'blind',
  'answer',
  'bare refusal',
  'refusal',
  'error',
  'foreign prompt',
  'no shell',
  'shell used',
] as const;
type Mishap = (typeof MISHAPS)[number];

/** One look at the pane, with what goes wrong (or right) just before it. */
const look = fc.record({
  afterMs: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 200, max: 5 * SECOND }) },
    { weight: 2, arbitrary: fc.integer({ min: 5 * SECOND, max: 70 * SECOND }) },
  ),
  mishap: fc.oneof(
    { weight: 14, arbitrary: fc.constant<Mishap>('none') },
    { weight: 3, arbitrary: fc.constant<Mishap>('key lost') },
    { weight: 2, arbitrary: fc.constantFrom(...MISHAPS) },
  ),
  dialog: fc.constantFrom(...DIALOGS),
});
type Look = typeof look extends fc.Arbitrary<infer T> ? T : never;

const start = fc.record({
  version: fc.constantFrom('2.1.328', '2.0.76', null),
  sessionId: fc.constantFrom(aRecovery().sessionId, aRecovery().sessionId, aRecovery().sessionId, 'latest', null),
  hasTranscript: fc.boolean(),
  hasMenu: fc.boolean(),
  refusesExit: fc.boolean(),
  stopsFirst: fc.boolean(),
  wasIdle: fc.boolean(),
  /** After so many looks it is settled where the link points. */
  settlesAfter: fc.integer({ min: 0, max: 30 }),
  flip: fc.constantFrom('done', 'failed'),
});
type Start = typeof start extends fc.Arbitrary<infer T> ? T : never;

/** A pane that does with keys what a terminal and an agent would do. */
class Pane {
  private agent: AgentProcess | null = anAgent();
  private composer = '';
  private shellLine = '';
  private dialog: Dialog | null;
  private interrupts = 0;
  private lastAssistant: AssistantRow = aRejection();
  private readonly prompts: PromptRow[] = [];
  private readonly start: Start;

  constructor(start: Start) {
    this.start = start;
    this.dialog = start.hasMenu ? { kind: 'limit-menu', text: 'choose' } : null;
  }

  suffer({ mishap, dialog }: Look, now: number): LadderView {
    if (mishap === 'draft') this.composer += 'x';
    if (mishap === 'cleared') this.composer = '';
    if (mishap === 'dialog') this.dialog = { kind: dialog, text: 'choose' };
    if (mishap === 'crash') this.agent = null;
    if (mishap === 'other agent') this.agent = anAgent({ pid: 99, startTicks: '999' });
    if (mishap === 'answer') this.lastAssistant = aRow({ at: now });
    if (mishap === 'bare refusal') this.lastAssistant = aRow({ at: now, kind: 'rejected' });
    if (mishap === 'refusal') this.lastAssistant = aRejection({ at: now });
    if (mishap === 'error') this.lastAssistant = aRow({ at: now, kind: 'error' });
    if (mishap === 'foreign prompt') this.prompts.push(aPrompt(now));
    if (mishap === 'shell used' && this.agent === null) this.shellLine += ' --x';
    const { agent, composer, dialog: shown, lastAssistant, prompts } = this;
    const isBlind = agent === null || mishap === 'blind';
    return aView({
      present: mishap !== 'gone',
      agent,
      reading: isBlind
        ? null
        : aReading({
            busy: mishap === 'busy',
            composer: shown === null ? { text: composer } : null,
            dialog: shown,
            finding: aFinding(),
          }),
      shellInFront: agent === null && mishap !== 'no shell',
      screenText: mishap === 'blind' ? null : `$ ${this.shellLine}\n`,
      screenChangedAt: now,
      inMode: mishap === 'copy mode',
      clientActivityAt: mishap === 'person' ? now - 9 * SECOND : now - 10 * SECOND,
      transcript: this.start.hasTranscript && mishap !== 'blind' ? aTranscript({ lastAssistant, prompts }) : null,
    });
  }

  obey(action: LadderAction, now: number): void {
    if (action.kind === 'paste') {
      if (this.agent === null) this.shellLine += action.text;
      else this.composer += action.text;
    } else if (action.kind === 'press') this.press(action.key, now);
  }

  private press(key: 'Enter' | 'Escape' | 'C-c', now: number): void {
    if (key === 'Escape') this.dialog = null;
    else if (key === 'C-c') {
      this.composer = '';
      if (++this.interrupts === 2) this.agent = null;
    } else if (this.agent === null) {
      if (this.shellLine.includes('--resume')) this.agent = anAgent({ pid: 31, startTicks: '400' });
      this.shellLine = '';
    } else {
      if (this.composer === EXIT && !this.start.refusesExit) this.agent = null;
      else if (this.composer !== '') this.prompts.push(aPrompt(now, { text: this.composer }));
      this.composer = '';
    }
  }
}

/** What must stand in the agent's input line for an Enter in this state. */
function typedIn({ state }: RecoveryRow): string {
  return state === 'exiting' ? EXIT : PROMPT;
}

/** Checks one key against what stood on the screen when it was decided. */
function expectHarmless(row: RecoveryRow, view: LadderView, action: LadderAction, now: number): void {
  if (action.kind === 'none') return;
  const key = action.kind === 'press' ? action.key : 'paste';
  const { agent, reading } = view;
  const composer = reading?.composer?.text ?? '';
  const dialog = reading?.dialog ?? null;
  expect(OPEN_RECOVERY).toContain(row.state);
  expect(view.present && !view.inMode && now - (view.clientActivityAt ?? 0) >= 10 * SECOND).toBe(true);
  if (dialog !== null || key === 'Escape') expect([dialog?.kind, key]).toEqual(['limit-menu', 'Escape']);
  if (key === 'paste') expect([composer, reading?.busy ?? false]).toEqual(['', false]);
  if (key === 'C-c') expect([['', EXIT].includes(composer), reading?.busy ?? false]).toEqual([true, false]);
  if (key === 'Enter' && agent !== null) expect(composer).toBe(typedIn(row));
  if (agent === null) expect(view.shellInFront).toBe(true);
  if (key === 'Enter' && agent === null) {
    expect([row.state, view.screenText?.trimEnd().endsWith(`--resume ${row.sessionId}`)]).toEqual([
      'relaunching',
      true,
    ]);
  }
}

test(
  'no key meets a dialog but Escape the limit menu; no prompt goes out a third time; nothing is typed over a person; nothing is started before the link stands; it ends by its deadline [R263 R264 R270 R275 R56]',
  () => {
    const reached = new Map<RecoveryState, number>();
    fc.assert(
      fc.property(start, fc.array(look, { minLength: 15, maxLength: 60 }), (given, looks) => {
        const pane = new Pane(given);
        const { version, sessionId, stopsFirst: stopFirst, wasIdle } = given;
        const { launch } = aRecovery();
        const flags = stopFirst ? { stopFirst, wasIdle } : {};
        let row = aRecovery({ version, sessionId, launch: launch && { ...launch, ...flags } });
        let now = NOON;
        let isTyped = false;
        let prompts = 0;
        let commands = 0;
        let starts = 0;
        for (const [index, one] of looks.entries()) {
          now += one.afterMs;
          const flip = !stopFirst ? 'done' : index < given.settlesAfter ? 'pending' : given.flip;
          const view = pane.suffer(one, now);
          const { row: next, action } = climb(row, view, now, { ...CLIMBING, flip });
          expectHarmless(row, view, action, now);
          // Nothing is started while the link may still move, and nobody is told to go on who met no limit or still has it.
          if (flip === 'pending') expect(view.agent === null && action.kind !== 'none').toBe(false);
          if (stopFirst && (row.launch?.wasIdle === true || flip !== 'done')) expect(prompts).toBe(0);
          if (action.kind === 'paste' && action.text === PROMPT) isTyped = true;
          if (isTyped && action.kind === 'press' && action.key === 'Enter' && view.reading?.composer?.text === PROMPT) {
            prompts++;
            isTyped = false;
          }
          expect(prompts).toBeLessThanOrEqual(2);
          if (action.kind === 'paste' && action.text.includes('--resume')) commands++;
          if (action.kind === 'press' && action.key === 'Enter' && view.agent === null) starts++;
          expect([commands <= 2, starts <= 1]).toEqual([true, true]);
          expect(next.enters).toBeLessThanOrEqual(6);
          expect(OPEN_RECOVERY.includes(next.state)).toBe(next.finishedAt === null);
          if (next.state !== row.state) reached.set(next.state, (reached.get(next.state) ?? 0) + 1);
          if (one.mishap !== 'key lost') pane.obey(action, now);
          row = next;
        }
        now = CLIMBING.deadlineAt + MINUTE;
        const view = pane.suffer({ afterMs: 0, mishap: 'none', dialog: 'other' }, now);
        expect(OPEN_RECOVERY).not.toContain(climb(row, view, now, CLIMBING).row.state);
      }),
      { numRuns: RUNS },
    );
    // Else the histories are too tame to prove anything.
    const often: readonly RecoveryState[] = [
      'menu',
      'prompted',
      'exiting',
      'interrupting',
      'stopped',
      'relaunching',
      'reprompted',
      'recovered',
      'handed_over',
      'gone',
    ];
    expect(often.filter((state) => (reached.get(state) ?? 0) < RUNS / 100)).toEqual([]);
  },
  PROPERTY_TIMEOUT_MS,
);
