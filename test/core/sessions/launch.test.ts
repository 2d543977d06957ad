/** Starting and ending an agent by keys: each only when what was seen allows it, and at most one at a look. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claude } from '../../../src/core/agents/claude.ts';
import type { LaunchPolicy, LaunchStep, LaunchView, Typing } from '../../../src/core/sessions/launch.ts';
import { belowLaunch, launching, launchLine, leaving, NOTHING_TYPED } from '../../../src/core/sessions/launch.ts';
import type { LifecycleRow } from '../../../src/core/sessions/lifecycle.ts';
import { MINUTE, SECOND } from '../../../src/core/time.ts';
import { anAgent, aReading, NOON, PROPERTY_TIMEOUT_MS } from '../../support/builders.ts';
import { aSession } from '../../support/kept.ts';

const NOW = NOON + 5 * SECOND;
const POLICY: LaunchPolicy = { launchTimeoutMs: MINUTE, exitGraceMs: 10 * SECOND, submitDelayMs: 500, profile: claude };
const PLAN = { argv: ['claude', '--model', 'opus'], cwd: '/p', configDir: null };
const LINE = ' cd /p && claude --model opus';

function view(change: Partial<LaunchView> = {}): LaunchView {
  const shell = { agent: null, reading: null, shellInFront: true, screenText: '$ ', screenChangedAt: NOON };
  return { ...shell, inMode: false, clientActivityAt: null, ...change };
}
const atPrompt = (change: Partial<LaunchView> = {}): LaunchView =>
  view({ agent: anAgent({ foreground: true }), reading: aReading(), shellInFront: false, ...change });
const typing = (what: Typing['what'], keys: number, at = NOON): Typing => ({ what, keys, at });
const launch = (row: Partial<LifecycleRow>, seen: LaunchView, now = NOW): LaunchStep =>
  launching(aSession({ state: 'launching', launch: PLAN, stateSince: NOON, ...row }), seen, now, POLICY);
const leave = (row: Partial<LifecycleRow>, seen: LaunchView, now = NOW): LaunchStep =>
  leaving(aSession({ state: 'draining', stateSince: NOON, ...row }), seen, now, POLICY);

describe('the line that starts an agent', () => {
  it(
    'reaches the program word by word, whatever the words are [R87]',
    () => {
      const word = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\x00-\x1f\x7f-\x9f]/.test(text));
      fc.assert(
        fc.property(fc.array(word, { maxLength: 4 }), word, (words, value) => {
          const argv = ['printf', '%s\\0', 'A', ...words];
          const line = launchLine({ argv, cwd: '/', configDir: value === '' ? null : value }, 'CF_TEST_DIR') ?? '';
          const out = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
          expect(out.split('\0').slice(0, -1)).toEqual(['A', ...words]);
        }),
        { numRuns: 60 },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  it('names the link where the CLI does not use it by itself', () => {
    expect(launchLine({ ...PLAN, configDir: '/home/a b/link' }, 'CLAUDE_CONFIG_DIR')).toBe(
      " cd /p && CLAUDE_CONFIG_DIR='/home/a b/link' claude --model opus",
    );
  });

  it('is none where a word holds what a terminal obeys, or there is no program', () => {
    expect(launchLine({ ...PLAN, argv: ['claude', 'a\x03b'] }, 'X')).toBeNull();
    expect(launchLine({ ...PLAN, cwd: '/p\nrm' }, 'X')).toBeNull();
    expect(launchLine({ ...PLAN, argv: [] }, 'X')).toBeNull();
  });
});

describe('starting', () => {
  it.each<[string, Partial<LifecycleRow>, LaunchView, LaunchStep['kind']]>([
    ['types the command into a shell that waits', {}, view(), 'paste'],
    ['waits for a shell that still prints', {}, view({ screenChangedAt: NOW - 100 }), 'wait'],
    ['waits for a shell without a prompt', {}, view({ screenText: ' \n' }), 'wait'],
    ['types nothing where no shell waits', {}, view({ shellInFront: false }), 'wait'],
    ['types nothing where a person types [R275]', {}, view({ clientActivityAt: NOW - 9 * SECOND }), 'wait'],
    ['types nothing in copy mode', {}, view({ inMode: true }), 'wait'],
    [
      'sends the command that stands on the line',
      { typing: typing('command', 0) },
      view({ screenText: `$${LINE}` }),
      'press',
    ],
    [
      'sends a command that the edge has wrapped',
      { typing: typing('command', 0) },
      view({ screenText: `$ cd /p && claude\n--model opus` }),
      'press',
    ],
    [
      'does not send what else stands there',
      { typing: typing('command', 0) },
      view({ screenText: `$${LINE} rm -rf` }),
      'wait',
    ],
    ['does not send it at once', { typing: typing('command', 0, NOW - 100) }, view({ screenText: `$${LINE}` }), 'wait'],
    ['waits for the agent', { typing: typing('command', 1) }, view({ screenText: `$${LINE}` }), 'wait'],
    ['is over when the prompt is there', { typing: typing('command', 1) }, atPrompt(), 'ready'],
    [
      'waits while the agent is busy',
      { typing: typing('command', 1) },
      atPrompt({ reading: aReading({ busy: true }) }),
      'wait',
    ],
    [
      'tells a dialog',
      { typing: typing('command', 1) },
      atPrompt({ reading: aReading({ dialog: { kind: 'trust', text: 'Trust?' } }) }),
      'dialog',
    ],
    ['of a shell alone is over when it waits', { launch: null }, view(), 'ready'],
  ])('%s', (_, row, seen, expected) => {
    expect(launch(row, seen).kind).toBe(expected);
  });

  it('gives up after its time and says what stood in the way', () => {
    const late = NOON + 2 * MINUTE;
    expect(launch({}, view({ shellInFront: false }), late)).toMatchObject({ kind: 'failed' });
    const screenText = `$${LINE}\nclaude: command not found\n$ `;
    expect(launch({ typing: typing('command', 1) }, view({ screenText }), late)).toEqual({
      kind: 'failed',
      detail: 'its agent did not start: claude: command not found',
    });
  });

  it('reads only what stands below the command', () => {
    const row = aSession({ launch: PLAN });
    expect(belowLaunch(`old ❯ \n$${LINE}\nnew`, row, claude)).toBe('new');
    expect(belowLaunch('no command', row, claude)).toBe('no command');
  });
});

describe('ending', () => {
  it.each<[string, Partial<LifecycleRow>, LaunchView, LaunchStep['kind']]>([
    ['types the exit command at an empty prompt', {}, atPrompt(), 'paste'],
    ['waits while it is busy', {}, atPrompt({ reading: aReading({ busy: true }) }), 'wait'],
    ['does not type behind a draft', {}, atPrompt({ reading: aReading({ composer: { text: 'a draft' } }) }), 'wait'],
    [
      'does not type into a dialog',
      {},
      atPrompt({ reading: aReading({ dialog: { kind: 'permission', text: '' } }) }),
      'wait',
    ],
    ['does not type where a person types [R275]', {}, atPrompt({ clientActivityAt: NOW }), 'wait'],
    [
      'sends the exit command',
      { typing: typing('exit', 0) },
      atPrompt({ reading: aReading({ composer: { text: '/exit' } }) }),
      'press',
    ],
    ['waits for its end', { typing: typing('exit', 1) }, atPrompt(), 'wait'],
    ['is over when the shell waits', { typing: typing('exit', 1) }, view(), 'left'],
    ['is not over while the shell prints', { typing: typing('exit', 1) }, view({ screenChangedAt: NOW }), 'wait'],
  ])('%s', (_, row, seen, expected) => {
    expect(leave(row, seen).kind).toBe(expected);
  });

  it('interrupts what does not leave, twice and never harder, and then says so', () => {
    const busy = atPrompt({ reading: aReading({ busy: true }) });
    const first = leave({}, busy, NOON + 11 * SECOND);
    expect(first).toMatchObject({ kind: 'press', key: 'C-c', typing: { what: 'interrupt', keys: 1 } });
    const at = NOON + 11 * SECOND;
    expect(leave({ typing: typing('interrupt', 1, at) }, busy, at + 100).kind).toBe('wait');
    expect(leave({ typing: typing('interrupt', 1, at) }, busy, at + SECOND)).toMatchObject({
      key: 'C-c',
      typing: { keys: 2 },
    });
    expect(leave({ typing: typing('interrupt', 2, at) }, busy, at + SECOND).kind).toBe('wait');
    expect(leave({ typing: typing('interrupt', 2, at) }, busy, at + 11 * SECOND)).toEqual({
      kind: 'failed',
      detail: 'its agent does not end',
    });
  });

  it('begins with nothing typed', () => {
    expect(aSession().typing).toEqual(NOTHING_TYPED);
  });
});
