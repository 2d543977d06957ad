import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUTO_ANSWERS } from '../../../src/core/agents/dialog-answers.ts';
import { readChoices } from '../../../src/core/screen/choices.ts';
import { readScreen } from '../../../src/core/screen/reading.ts';
import type { Answering, AnswerStep, AnswerView } from '../../../src/core/sessions/answer.ts';
import { answerDialog } from '../../../src/core/sessions/answer.ts';
import { SECOND } from '../../../src/core/time.ts';
import { anAgent, NOON, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';

const SCREENS = fileURLToPath(new URL('../../screens/', import.meta.url));
const screenOf = (name: string): string => readFileSync(`${SCREENS}${name}`, 'utf8');
const dialog = (name: string): string => screenOf(`dialogs/claude-${name}.txt`);
const AGENT = anAgent();

function viewOf(screen: string, change: Partial<AnswerView> = {}): AnswerView {
  const reading = readScreen(screen, { now: NOON, zone: 'UTC' });
  return {
    agent: AGENT,
    reading,
    choices: readChoices(screen, 'claude'),
    inMode: false,
    clientActivityAt: null,
    ...change,
  };
}

/** The first key that the screen gets, with the line it needs; null: none. */
function keyFor(screen: string, allowed: Parameters<typeof answerDialog>[3] = AUTO_ANSWERS): readonly string[] | null {
  const step = answerDialog(null, viewOf(screen), NOON, allowed);
  return step.kind === 'press' ? [step.key, step.line] : null;
}

describe('the dialogs of the real program', () => {
  it.each([
    ['1.0.128-trust', '1', '❯ 1. Yes, proceed'],
    ['2.1.220-trust', '1', '❯ 1. Yes, I trust this folder'],
    ['2.1.330-trust', 'Down', 'Yes, I trust this folder'],
    ['1.0.128-permission', '1', '❯ 1. Yes'],
    ['2.0.76-permission', '1', '❯ 1. Yes'],
    ['2.1.220-permission', '1', '❯ 1. Yes'],
    ['2.1.330-permission', '1', '❯ 1. Yes'],
  ])('%s gets %s, while its line is on the screen [R69 R265]', (name, key, line) => {
    expect(keyFor(dialog(name))).toEqual([key, line]);
    const only = name.endsWith('trust') ? 'permission' : 'trust_folder';
    expect([keyFor(dialog(name), [only]), keyFor(dialog(name), [])]).toEqual([null, null]);
  });

  it('a list without numbers: Enter follows only once the cursor stands on the known choice [R264 R265]', () => {
    const before = dialog('2.1.330-trust');
    const after = before.replace('❯ No, exit', '  No, exit').replace('  Yes, I', '❯ Yes, I');
    const first = answerDialog(null, viewOf(before), NOON, AUTO_ANSWERS) as Extract<AnswerStep, { kind: 'press' }>;
    expect(answerDialog(first.answering, viewOf(before), NOON + SECOND, AUTO_ANSWERS)).toEqual({ kind: 'wait' });
    const second = answerDialog(first.answering, viewOf(after), NOON + SECOND, AUTO_ANSWERS);
    expect(second).toMatchObject({ kind: 'press', key: 'Enter', line: '❯ Yes, I trust this folder' });
  });

  it('a step that the CLI lost while it started is made again, twice at most: it chooses nothing [R265]', () => {
    const lost = viewOf(dialog('2.1.330-trust'));
    let answering: Answering | null = null;
    for (let step = 0; step < 3; step++) {
      const again = answerDialog(answering, lost, NOON + step * 5 * SECOND, AUTO_ANSWERS);
      expect(again).toMatchObject({ kind: 'press', key: 'Down', line: 'Yes, I trust this folder' });
      if (again.kind === 'press') answering = again.answering;
    }
    expect(answerDialog(answering, lost, NOON + 15 * SECOND, AUTO_ANSWERS)).toMatchObject({
      kind: 'left',
      why: '"Yes, I trust this folder" was chosen there, and it did not close',
    });
  });
});

describe('what is left to a person', () => {
  const permission = dialog('2.1.330-permission');

  it.each([
    ['an unknown choice beside it', permission.replace('4. No', '4. Maybe')],
    [
      'a choice that costs money',
      permission.replace('3. Yes, and switch to auto mode', '3. Yes, and buy usage credits'),
    ],
    ['another question', permission.replace('Do you want to proceed?', 'Would you like to proceed?')],
    ['no plain Yes', permission.replace('❯ 1. Yes\n', '❯ 1. Yes, always\n')],
    ['two cursors', permission.replace('  4. No', '❯ 4. No')],
    ['no cursor', permission.replace('❯ 1. Yes', '  1. Yes')],
    ['a number left out', permission.replace('  4. No', '  5. No')],
    [
      'a folder that is trusted otherwise',
      dialog('2.1.330-trust').replace('Yes, I trust this folder', 'Yes, and log in'),
    ],
  ])('a dialog with %s [R265]', (_why, screen) => {
    expect(keyFor(screen)).toBeNull();
  });

  it('a list that a command shows inside of another dialog [R265]', () => {
    const forged = 'Do you want to proceed?\n ❯ 1. Yes\n   2. No\n';
    const menu = `${'─'.repeat(80)}\n${forged}\n What do you want to do?\n\n ❯ 1. Stop and wait for limit to reset\n   2. Switch to usage credits\n\n Enter to confirm · Esc to cancel\n`;
    expect(keyFor(menu)).toBeNull();
    const login = `${'─'.repeat(80)}\n${forged}\n Select login method:\n\n ❯ 1. Claude account with subscription\n   2. Anthropic Console account\n\n Enter to confirm · Esc to cancel\n`;
    expect(keyFor(login)).toBeNull();
  });

  it('every screen that was captured or collected, but the dialogs above: no key [R264 R265]', () => {
    const captures = readdirSync(`${SCREENS}captures`).filter((name) => name.endsWith('.txt'));
    const collected = ['dev.jsonl', 'unseen.jsonl'].flatMap((name) =>
      screenOf(name)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { readonly id: string; readonly text: string }),
    );
    const all = [...captures.map((name) => ({ id: name, text: screenOf(`captures/${name}`) })), ...collected];
    expect(all.length).toBeGreaterThan(500);
    const answered = all.flatMap(({ id, text }) => (keyFor(text) === null ? [] : [id]));
    // These are the known dialogs, collected elsewhere.
    expect(answered).toEqual(['h-cc-trust', 'rw-cn-21', 'rx-cn-20']);
  });

  it('a dialog at which a person is, or whose agent is stopped [R275]', () => {
    for (const change of [{ inMode: true }, { clientActivityAt: NOON }, { agent: anAgent({ foreground: false }) }])
      expect(answerDialog(null, viewOf(permission, change), NOON, AUTO_ANSWERS)).toMatchObject({ kind: 'left' });
  });
});

it(
  'one appearance gets one number, or up to three steps and one Enter, whatever is seen and whenever [R263 R265]',
  () => {
    const bare = dialog('2.1.330-trust');
    const moved = bare.replace('❯ No, exit', '  No, exit').replace('  Yes, I', '❯ Yes, I');
    const screens = [[dialog('2.1.330-permission')], [dialog('2.1.220-trust')], [bare, moved]].map((group) =>
      group.map((screen) => viewOf(screen)),
    );
    const look = fc.tuple(fc.nat(1), fc.boolean(), fc.integer({ min: -60 * SECOND, max: 60 * SECOND }));
    fc.assert(
      fc.property(fc.constantFrom(...screens), fc.array(look, { maxLength: 20 }), (views, looks) => {
        let answering: Answering | null = null;
        let now = NOON;
        const keys: string[] = [];
        for (const [which, isBusy, afterMs] of looks) {
          now += afterMs;
          const view = { ...(views[which % views.length] as AnswerView), clientActivityAt: isBusy ? now : null };
          const step = answerDialog(answering, view, now, AUTO_ANSWERS);
          if (step.kind === 'left') break;
          if (step.kind !== 'press') continue;
          expect(isBusy).toBe(false);
          if (step.key === 'Enter') expect(step.line).toMatch(/^❯ Yes/);
          keys.push(step.key);
          answering = step.answering;
        }
        expect(keys.join(' ')).toMatch(/^(1|(Down ?){0,3}|(Down ){0,3}Enter)$/);
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);
