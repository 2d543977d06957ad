/** The command line that brings an agent back, as a real shell reads it. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claude } from '../../../src/core/agents/claude.ts';
import { codex } from '../../../src/core/agents/codex.ts';
import { gemini } from '../../../src/core/agents/gemini.ts';
import type { AgentProfile } from '../../../src/core/agents/profile.ts';
import { readScreen } from '../../../src/core/screen/reading.ts';
import { belowCommand, quote, resumeCommand } from '../../../src/core/swap/resume-command.ts';
import type { RecoveryRow } from '../../../src/core/swap/swap.ts';
import { aRecovery, NOON, SESSION_ID } from '../../support/builders.ts';

type Launch = NonNullable<RecoveryRow['launch']>;
const HERE = '/home/ada/project';

function command(argv: readonly string[], change: Partial<Launch> = {}, shellCwd = HERE): string | null {
  return resumeCommand(aRecovery({ launch: { ...launch, argv, ...change } }), claude, shellCwd);
}

const launch: Launch = { argv: ['claude'], cwd: HERE, configDir: null, pid: 30, startTicks: '300' };

/** What `sh` makes of these words. */
function shellReads(words: string): string[] {
  return execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
}

test('an agent is resumed with its own argv and its session id [R49]', () => {
  expect(command(['claude', '--model', 'opus'])).toBe(` claude --model opus --resume ${SESSION_ID}`);
});

test.each<[AgentProfile, readonly string[], string]>([
  [codex, ['codex'], `codex resume ${SESSION_ID}`],
  [codex, ['codex', 'resume', '0b1c2d3e-4f50-4617-8a9b-0c1d2e3f0000'], `codex resume ${SESSION_ID}`],
  [codex, ['codex', 'resume', '--last', 'go on'], `codex resume ${SESSION_ID}`],
  [codex, ['codex', '-s', 'read-only', '--search', 'fix it'], `codex -s read-only --search resume ${SESSION_ID}`],
  [codex, ['node', '/x/bin/codex', '-i', 'a.png', 'look'], `node /x/bin/codex resume ${SESSION_ID}`],
  [gemini, ['node', '/usr/bin/gemini'], `node /usr/bin/gemini --resume ${SESSION_ID}`],
  [gemini, ['gemini', '-r', 'latest', '-y', 'a prompt'], `gemini -y --resume ${SESSION_ID}`],
  [gemini, ['gemini', '-i', 'a prompt', '-m', 'pro'], `gemini -m pro --resume ${SESSION_ID}`],
])(
  '%#. Codex and Gemini CLI are resumed by the id, with neither an older one nor a prompt [R49 R270]',
  (profile, argv, expected) => {
    expect(resumeCommand(aRecovery({ launch: { ...launch, argv } }), profile, HERE)).toBe(` ${expected}`);
  },
);

test('Gemini CLI is told the directory in which its own one lies [R49]', () => {
  const row = aRecovery({ launch: { ...launch, argv: ['gemini'], configDir: '/srv/g/.gemini' } });
  expect(resumeCommand(row, gemini, HERE)).toBe(` GEMINI_CLI_HOME=/srv/g gemini --resume ${SESSION_ID}`);
});

test('its configuration directory is set to the link where it was set at launch [R49]', () => {
  expect(command(['claude'], { configDir: '/srv/my link' })).toBe(
    ` CLAUDE_CONFIG_DIR='/srv/my link' claude --resume ${SESSION_ID}`,
  );
});

test('a shell that stands elsewhere goes to the directory in which the session was begun', () => {
  expect(command(['claude'], {}, '/tmp')).toBe(` cd /home/ada/project && claude --resume ${SESSION_ID}`);
});

test.each([null, '', 'latest', 'not-a-uuid; rm -rf ~', `${SESSION_ID}\n`, SESSION_ID.toUpperCase(), `${SESSION_ID}0`])(
  'a session id that is no UUID is never typed into a shell: %j [R49 R50]',
  (sessionId) => {
    expect(resumeCommand(aRecovery({ sessionId }), claude, HERE)).toBeNull();
  },
);

test('an agent whose launch is not known is not started', () => {
  expect(resumeCommand(aRecovery({ launch: null }), claude, HERE)).toBeNull();
  expect(command([])).toBeNull();
});

describe('what chose a session before is dropped, in every spelling', () => {
  test.each([
    [['--resume', 'old']],
    [['--resume=old']],
    [['--resume']],
    [['-r', 'old']],
    [['-rold']],
    [['--continue']],
    [['-c']],
    [['--session-id', SESSION_ID]],
    [[`--session-id=${SESSION_ID}`]],
    [['--fork-session', '--resume', 'old']],
    [['--from-pr', '12', '-c']],
  ])('%j [R49]', (flags) => {
    expect(command(['claude', ...flags, '--verbose'])).toBe(` claude --verbose --resume ${SESSION_ID}`);
    expect(command(['claude', '--model', 'opus', ...flags])).toBe(` claude --model opus --resume ${SESSION_ID}`);
  });

  test("flags of the interpreter before the CLI are not the CLI's own [R49]", () => {
    const cli = '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js';
    expect(command(['node', '-r', './trace.js', cli, '-c'])).toBe(` node -r ./trace.js ${cli} --resume ${SESSION_ID}`);
  });
});

describe('a prompt on the command line is not given a second time', () => {
  test.each([
    [['deploy it'], ''],
    [['--verbose', 'deploy it'], ' --verbose'],
    [['--dangerously-skip-permissions', 'deploy it'], ' --dangerously-skip-permissions'],
    [['--model', 'opus', 'deploy it'], ' --model opus'],
    [['--model=opus', 'deploy it'], " '--model=opus'"],
    [['deploy it', '--model', 'opus'], ' --model opus'],
    [['-c', 'deploy it'], ''],
    [['--resume', 'old', 'deploy it'], ''],
    [['--verbose', '--', 'deploy it'], ' --verbose'],
  ])('%j [R263]', (words, kept) => {
    expect(command(['claude', ...words])).toBe(` claude${kept} --resume ${SESSION_ID}`);
  });

  test.each([
    [['--add-dir', '../a', '../b', '--verbose']],
    [['--allowedTools', 'Read', 'Edit']],
    [['--append-system-prompt', 'be brief']],
    [['--some-new-flag', 'value']],
  ])('the values of %j are no prompt [R49]', (words) => {
    expect(shellReads(command(['claude', ...words]) ?? '')).toEqual(['claude', ...words, '--resume', SESSION_ID]);
  });

  test('where the CLI is not recognised in the argv nothing is taken for a prompt', () => {
    expect(command(['bun', '/opt/agent.js'])).toBe(` bun /opt/agent.js --resume ${SESSION_ID}`);
  });
});

describe('quoting', () => {
  test('plain words stay readable, all others are quoted', () => {
    expect(['claude', '/a-b/c.d', 'a@b:c,d%e+f'].map(quote)).toEqual(['claude', '/a-b/c.d', 'a@b:c,d%e+f']);
    expect(
      ['', '~', '*', 'a b', '$HOME', '`id`', 'a;b', '#x', '=ls', 'A=b', '!!'].every((word) =>
        quote(word).startsWith("'"),
      ),
    ).toBe(true);
  });

  test('a hostile argv reaches the agent letter for letter and runs nothing [R49]', () => {
    const hostile = [
      '--x',
      "'; touch /tmp/cf-pwned; '",
      '$(id)',
      '`id`',
      '\\',
      '"',
      "''",
      '\n',
      '*',
      '~',
      '{a,b}',
      '!$',
      '&& id',
    ];
    const all = ['claude', '--add-dir', ...hostile.slice(1)];
    expect(shellReads(command(all) ?? '')).toEqual([...all, '--resume', SESSION_ID]);
  });

  test('a directory with quotes and new lines is entered as it is [R49]', () => {
    const cwd = '/tmp/it\'s\n"here" $(id)';
    const words = (command(['claude'], { cwd }) ?? '').slice(' cd '.length).split(' && claude')[0] ?? '';
    expect(shellReads(words)).toEqual([cwd]);
  });

  test.each(['\x03', '\x1b[201~', '\t', '\r', '\x7f', '\u009b'])(
    'a word with a key in it, %j, cannot be typed: then nothing is [R50]',
    (key) => {
      expect(command(['claude', '--model', `a${key}b`])).toBeNull();
      expect(command(['claude'], { cwd: `/a${key}b` })).toBeNull();
    },
  );

  test('whatever the words, a shell reads back exactly them [R49]', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 200 }), (words) => {
        expect(shellReads(words.map(quote).join(' '))).toEqual(words);
      }),
      { numRuns: 50 },
    );
  });
});

describe('an agent that left its last screen above the command', () => {
  const rule = '─'.repeat(60);
  const left = [
    '> /exit',
    '  ⎿  Goodbye!',
    rule,
    '>',
    rule,
    '  ⏵⏵ bypass permissions on',
    `$  claude --resume ${SESSION_ID}`,
  ];
  const started = [
    ' * ▐▛███▜▌ *   Claude Code v2.0.76',
    '',
    '> do the work',
    "  ⎿  You've hit your limit · resets 5pm",
    '',
    rule,
    '>',
    rule,
  ];
  const composerOf = (lines: readonly string[], state: RecoveryRow['state']): string | undefined => {
    const text = belowCommand(lines.join('\n'), aRecovery({ state, sessionId: SESSION_ID }), claude);
    return readScreen(text, { now: NOON, zone: 'UTC' }).composer?.text;
  };

  test.each(['relaunching', 'reprompted'] as const)(
    'is not taken for ready until its own input line stands below: %s [R263]',
    (state) => {
      expect(composerOf(left, state)).toBeUndefined();
      expect(composerOf([...left, ...started], state)).toBe('');
      expect(composerOf(started, state)).toBe('');
    },
  );

  test('is read whole before it is started again', () => {
    expect(composerOf(left.slice(0, -1), 'prompted')).toBe('');
  });
});
