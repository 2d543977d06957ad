import { describe, expect, test } from 'vitest';
import { entryLine, withAccount } from '../../src/commands/adoption/config-entry.ts';
import { loginCommand } from '../../src/core/agents/login.ts';

describe('the line in the configuration', () => {
  const ENTRY = { name: 'b', home: '~/b' };

  test.each([
    ['accounts:\n  - { name: a, home: ~/a }\n', 'accounts:\n  - { name: a, home: ~/a }\n  - { name: b, home: ~/b }\n'],
    [
      'accounts: # mine\n- name: a # one\n  home: ~/a # home\n\n# end\nmode: observe\n',
      'accounts: # mine\n- name: a # one\n  home: ~/a # home\n- { name: b, home: ~/b }\n\n# end\nmode: observe\n',
    ],
    [
      'accounts:\n    - name: a\n      home: ~/a',
      'accounts:\n    - name: a\n      home: ~/a\n    - { name: b, home: ~/b }\n',
    ],
  ])('stands below the others and leaves all else as it was: %j', (text, expected) => {
    expect(withAccount(text, ENTRY)).toBe(expected);
  });

  test.each(['accounts: [{ name: a, home: ~/a }]\n', 'mode: act\n', 'accounts: *x\n', '- 1\n', ''])(
    'is left to the user where the list is written otherwise: %j',
    (text) => expect(withAccount(text, ENTRY)).toBeNull(),
  );

  test('quotes what YAML would read as something else', () => {
    expect(entryLine({ name: '007', home: '~/x, y' })).toBe('- { name: "007", home: "~/x, y" }');
  });
});

test('only a Claude Code that has `auth login` is asked so: another would take it for a prompt', () => {
  const kind = { kind: 'claude' } as const;
  expect(loginCommand(kind, '2.1.41').args).toEqual(['auth', 'login']);
  expect(loginCommand(kind, '2.1.40').args).toEqual([]);
  expect(loginCommand(kind, null).args).toEqual([]);
  expect(loginCommand({ kind: 'codex' }, '0.169.0').args).toEqual(['login']);
});
