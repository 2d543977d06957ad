import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installHooks, uninstallHooks } from '../../src/commands/hook-install.ts';
import { eventsFor, install, uninstall } from '../../src/commands/hook-settings.ts';
import { placeOfFlaw } from '../../src/core/settings/json-flaw.ts';
import { temporaryDirectory } from '../support/account-homes.ts';
import { commandIo } from '../support/command-io.ts';

const PROGRAM = ['/usr/bin/node', '/opt/claude failover/main.js'];
const LATEST = '2.1.328';
const HOOK = "/usr/bin/node '/opt/claude failover/main.js' hook || true # claude-failover";

const USERS = `{
    "model": "opus",   "permissions": {"allow": ["Bash(ls:*)"], "x": 1.0},
    "hooks": {
        "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
        "PreToolUse": [
            {
                "matcher": "Bash",
                "hooks": []
            }
        ]
    },
    "statusLine": {"type": "command", "command": "~/bin/line.sh 'a b' \\"c\\" # x", "padding": 0},
    "é": "\\u00e9"
}
`;

let home: string;

beforeEach(() => {
  home = temporaryDirectory();
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function edited(edit: ReturnType<typeof install>): string {
  if (edit.kind === 'refused') throw new Error(edit.reason);
  return edit.text;
}

describe('the text of the settings', () => {
  test('gains our hooks and keeps all else as it was written', () => {
    const text = edited(install(USERS, PROGRAM, LATEST));
    const after = JSON.parse(text);
    const before = JSON.parse(USERS);
    for (const event of ['SessionStart', 'UserPromptSubmit', 'StopFailure', 'Notification', 'SessionEnd'])
      expect(after.hooks[event]).toEqual([{ hooks: [{ type: 'command', command: HOOK, timeout: 5 }] }]);
    expect(after.hooks.Stop[0]).toEqual(before.hooks.Stop[0]);
    expect(after.hooks.Stop[1].hooks[0].command).toBe(HOOK);
    expect(after.hooks.PreToolUse).toEqual(before.hooks.PreToolUse);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(text.split('\n').slice(0, 2)).toEqual(USERS.split('\n').slice(0, 2));
    expect(text).toContain('"é": "\\u00e9"');
  });

  test('wraps the status line of the user, and only once [R130]', () => {
    const own = '~/bin/line.sh \'a b\' "c" # x';
    const once = edited(install(USERS, PROGRAM, LATEST));
    expect(JSON.parse(once).statusLine).toEqual({
      type: 'command',
      command: `/usr/bin/node '/opt/claude failover/main.js' statusline --wrap '${own.replaceAll("'", "'\\''")}' || true # claude-failover`,
      padding: 0,
    });
    expect(edited(install(once, PROGRAM, LATEST))).toBe(once);
  });

  test('is the same again after taking out what was put in', () => {
    for (const text of [
      USERS,
      '{}',
      '{"a":1}',
      '{\n\t"a": {}\n}\n',
      '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}, "b": [1, 2]}',
      USERS.replaceAll('\n', '\r\n'),
    ]) {
      expect(edited(uninstall(edited(install(text, PROGRAM, LATEST))))).toBe(text);
    }
  });

  test('follows the program to another place', () => {
    const moved = edited(install(edited(install(USERS, PROGRAM, LATEST)), ['/usr/local/bin/claude-failover'], LATEST));
    expect(moved).toBe(edited(install(USERS, ['/usr/local/bin/claude-failover'], LATEST)));
    expect(edited(uninstall(moved))).toBe(USERS);
  });

  test.each([
    ['2.1.328', 6],
    ['2.1.78', 6],
    ['2.0.76', 5],
    ['1.0.128', 5],
    ['1.0.60', 3],
    [null, 5],
  ])('names no event that version %s does not know: it would drop the whole file', (version, count) => {
    const outcome = install(USERS, PROGRAM, version);
    const { hooks } = JSON.parse(edited(outcome));
    const ours = Object.keys(hooks).filter((event) => JSON.stringify(hooks[event]).includes('claude-failover'));
    expect(ours).toHaveLength(count);
    expect(eventsFor(version)).toHaveLength(count);
    expect('StopFailure' in hooks).toBe(count === 6);
    expect(outcome).toMatchObject({ notes: count === 6 ? [] : [expect.stringContaining('without StopFailure')] });
    // An event that was put in for a newer version is taken out again.
    const after = JSON.parse(edited(install(edited(install(USERS, PROGRAM, LATEST)), PROGRAM, version)));
    expect('StopFailure' in after.hooks).toBe(count === 6);
  });

  test('loses only our own hooks where others share a group with them', () => {
    const text = JSON.stringify({
      hooks: {
        Stop: [
          {
            hooks: [
              { type: 'command', command: HOOK },
              { type: 'command', command: 'mine' },
            ],
          },
        ],
      },
    });
    expect(JSON.parse(edited(uninstall(text)))).toEqual({
      hooks: { Stop: [{ hooks: [{ type: 'command', command: 'mine' }] }] },
    });
  });

  test('without our hooks is left as it is', () => {
    expect(edited(uninstall(USERS))).toBe(USERS);
    expect(edited(uninstall('{"hooks": {"Stop": []}}'))).toBe('{"hooks": {"Stop": []}}');
  });

  test('leaves a status line alone that is no command, and says so', () => {
    const outcome = install('{"statusLine": {"type": "static", "text": "x"}}', PROGRAM, LATEST);
    expect(outcome).toMatchObject({ kind: 'edited', notes: [expect.stringContaining('left alone')] });
    expect(JSON.parse(edited(outcome)).statusLine).toEqual({ type: 'static', text: 'x' });
  });

  test.each([
    ['{"a": 1,\n  "token": "sk-ant-secret", oops}', /no valid JSON: see line 2, column 29$/],
    ['', /line 1, column 1$/],
    ['{"a": [1, 2}\n}', /line 1, column 12$/],
    ['{"a": 1}\n{}', /line 2, column 1$/],
    ['{"a": 01}', /line 1, column 7$/],
    ['// a comment\n{}', /line 1, column 1/],
    ['[]', /no JSON object/],
    ['{"hooks": []}', /"hooks" in it is no object/],
    ['{"hooks": {"Stop": {}}}', /"hooks.Stop" in it is no list/],
  ])('that is not as expected is refused with its place and never quoted: %j', (text, reason) => {
    for (const outcome of [install(text, PROGRAM, LATEST), uninstall(text)]) {
      expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringMatching(reason) });
      expect(JSON.stringify(outcome)).not.toContain('secret');
    }
  });

  test('has its flaw found wherever it is cut off', () => {
    for (let length = 0; length < USERS.trimEnd().length; length++) {
      const [line = 0, column = 0] = placeOfFlaw(USERS.slice(0, length)).match(/\d+/g)?.map(Number) ?? [];
      const lines = USERS.slice(0, length).split('\n');
      expect(line).toBeLessThanOrEqual(lines.length);
      expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
    }
  });

  test('keeps every value of whatever object it is, in any formatting', () => {
    const indent = fc.constantFrom(undefined, 1, 2, 4, '\t');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), indent, (settings, unit) => {
        const { hooks: _hooks, statusLine: _line, ...rest } = settings;
        const text = JSON.stringify(rest, null, unit);
        const { hooks, statusLine, ...after } = JSON.parse(edited(install(text, PROGRAM, LATEST)));
        expect(JSON.stringify(after)).toBe(JSON.stringify(JSON.parse(text)));
        expect(Object.keys(hooks)).toHaveLength(6);
        expect(statusLine.command).toMatch(/ statusline \|\| true # claude-failover$/);
        expect(edited(uninstall(edited(install(text, PROGRAM, LATEST))))).toBe(text);
      }),
      { numRuns: 100 },
    );
  });
});

describe('hook install', () => {
  const settings = () => join(home, 'settings.json');
  const run = async (options: object = {}, verb: 'install' | 'uninstall' = 'install') => {
    const io = commandIo({ home });
    const given = { settings: settings(), claude: LATEST, ...options };
    const code = verb === 'install' ? await installHooks(PROGRAM, given, io) : await uninstallHooks(given, io);
    return { code, out: io.stdout, err: io.stderr };
  };

  test('writes in one step, keeps the mode, and finds nothing to do the next time', async () => {
    writeFileSync(settings(), USERS);
    chmodSync(settings(), 0o640);
    expect(await run()).toMatchObject({ code: 0, out: expect.stringContaining(`wrote       ${settings()}`), err: '' });
    expect(statSync(settings()).mode & 0o777).toBe(0o640);
    expect(readdirSync(home)).toEqual(['settings.json']);
    expect(await run()).toMatchObject({ code: 0, out: expect.stringContaining('unchanged') });
    expect(await run({}, 'uninstall')).toMatchObject({ code: 0 });
    expect(readFileSync(settings(), 'utf8')).toBe(USERS);
  });

  test('only says what it would do with --dry-run', async () => {
    writeFileSync(settings(), USERS);
    expect(await run({ dryRun: true })).toMatchObject({ code: 0, out: expect.stringContaining('would write') });
    expect(readFileSync(settings(), 'utf8')).toBe(USERS);
  });

  test('asks the installed Claude Code for its version', async () => {
    const bin = join(home, 'bin');
    mkdirSync(bin);
    const says = (text: string) => writeFileSync(join(bin, 'claude'), `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 });
    for (const [text, isKnown] of [
      ['2.1.328 (Claude Code)', true],
      ['2.0.76 (Claude Code)', false],
      ['what?', false],
    ] as const) {
      says(text);
      const io = commandIo({ home, env: { PATH: `${bin}:/usr/bin:/bin` } });
      expect(await installHooks(PROGRAM, { settings: settings() }, io)).toBe(0);
      expect('StopFailure' in JSON.parse(readFileSync(settings(), 'utf8')).hooks).toBe(isKnown);
    }
  });

  test('makes a missing file, private', async () => {
    expect(await run()).toMatchObject({ code: 0 });
    expect(statSync(settings()).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(settings(), 'utf8')).statusLine.type).toBe('command');
    expect(await run({ settings: join(home, 'no/such/settings.json') })).toMatchObject({ code: 1 });
  });

  test('follows a link to the real file and leaves the link', async () => {
    mkdirSync(join(home, 'dotfiles'));
    writeFileSync(join(home, 'dotfiles/claude.json'), '{}');
    symlinkSync('dotfiles/claude.json', settings());
    expect(await run()).toMatchObject({ code: 0 });
    expect(lstatSync(settings()).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(home, 'dotfiles/claude.json'), 'utf8')).toContain('claude-failover');
    rmSync(join(home, 'dotfiles/claude.json'));
    expect(await run()).toMatchObject({ code: 1, err: expect.stringContaining('leads nowhere') });
  });

  test('refuses what it cannot read as settings and leaves it as it is', async () => {
    writeFileSync(settings(), '{"env": {"ANTHROPIC_API_KEY": "sk-ant-secret"},,}');
    const { code, err } = await run();
    expect(code).toBe(1);
    expect(err).toMatch(/no valid JSON: see line 1, column \d+\nnext: mend the file/);
    expect(err).not.toContain('secret');
    expect(readFileSync(settings(), 'utf8')).toContain('secret');
    rmSync(settings());
    mkdirSync(settings());
    expect(await run()).toMatchObject({ code: 1, err: expect.stringContaining('no file') });
  });

  test('without a file edits that of the link and of every home, each real file once', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(home, `.claude-${name}`));
    for (const path of [a, b, c]) mkdirSync(path ?? '');
    symlinkSync(a ?? '', join(home, '.claude'));
    writeFileSync(join(a ?? '', 'settings.json'), '{}');
    symlinkSync(join(a ?? '', 'settings.json'), join(b ?? '', 'settings.json'));
    const config = join(home, 'c.yaml');
    const accounts = [a, b, c, join(home, 'gone')].map((path, i) => `  - name: n${i}\n    home: ${path}`).join('\n');
    writeFileSync(config, `version: 1\naccounts:\n${accounts}\n`);
    const io = commandIo({ home });
    expect(await installHooks(PROGRAM, { config, claude: LATEST }, io)).toBe(0);
    expect(io.stdout.match(/^wrote/gm)).toHaveLength(2);
    const written = readFileSync(join(c ?? '', 'settings.json'), 'utf8');
    // The same configuration must be found by the hook, whose environment is that of the CLI.
    expect(JSON.parse(written).hooks.Stop[0].hooks[0].command).toContain(` --config ${config} hook || true`);
    expect(lstatSync(join(b ?? '', 'settings.json')).isSymbolicLink()).toBe(true);
    expect(existsSync(join(home, 'gone'))).toBe(false);
    const back = commandIo({ home });
    expect(await uninstallHooks({ config }, back)).toBe(0);
    expect(readFileSync(join(a ?? '', 'settings.json'), 'utf8')).toBe('{}');
  });
});
