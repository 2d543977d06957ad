/** Putting the safety hook into real projects, trying it there, and taking it out again. */
import {
  chmodSync,
  existsSync,
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
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSafetyHook } from '../../../src/adapters/safety/safety-hook.ts';
import { uninstallSafetyHook } from '../../../src/commands/hook-project.ts';
import { putSafetyHook, removeSafetyHook, SAFETY_MARK } from '../../../src/core/settings/safety-hook.ts';
import { OWN_UID, temporaryDirectory } from '../../support/account-homes.ts';
import { commandIo } from '../../support/command-io.ts';

/** Each puts it in, and tries it, several times. */
vi.setConfig({ testTimeout: 120_000 });

const USERS = `{
    "permissions": {"allow": ["Bash(ls:*)"], "x": 1.0},
    "hooks": {
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]}],
        "Stop": [ ]
    },
    "é": "\\u00e9"
}
`;

let root: string;
let project: string;
let settings: string;
let script: string;

beforeEach(() => {
  root = temporaryDirectory();
  project = join(root, "it's a project");
  mkdirSync(project);
  settings = join(project, '.claude/settings.json');
  script = join(project, '.claude/hooks/claude-failover-safety.mjs');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function deploy(options: { readonly ownUid?: number; readonly node?: string } = {}): Promise<string | null> {
  const hook = createSafetyHook({
    ownUid: OWN_UID,
    node: process.execPath,
    stateDir: join(root, 'state'),
    signalDir: join(root, 'state/signals'),
    ...options,
  });
  return hook.deploy(project, new AbortController().signal);
}

function usersFile(text: string): void {
  mkdirSync(join(project, '.claude'), { recursive: true });
  writeFileSync(settings, text);
}

const own = (text: string): readonly { matcher: string; hooks: readonly { command: string }[] }[] =>
  JSON.parse(text).hooks.PreToolUse.filter(({ hooks }: { hooks: readonly { command: string }[] }) =>
    hooks.some(({ command }) => command.endsWith(SAFETY_MARK)),
  );

describe('a project', () => {
  test('without settings gains the script with mode 0555 and the entry that runs it, and nothing else stays behind [R86]', async () => {
    expect(await deploy()).toBeNull();
    expect(statSync(script).mode & 0o777).toBe(0o555);
    const [entry] = own(readFileSync(settings, 'utf8'));
    expect(entry?.matcher).toContain('Bash');
    expect(entry?.hooks[0]?.command).toContain('claude-failover-safety.mjs');
    expect([readdirSync(join(project, '.claude')), readdirSync(join(project, '.claude/hooks'))]).toEqual([
      ['hooks', 'settings.json'],
      ['claude-failover-safety.mjs'],
    ]);
  });

  test('with settings keeps every other key as it was written, and its mode [R86]', async () => {
    usersFile(USERS);
    chmodSync(settings, 0o640);
    expect(await deploy()).toBeNull();
    const text = readFileSync(settings, 'utf8');
    const { hooks, ...others } = JSON.parse(text);
    const { hooks: before, ...same } = JSON.parse(USERS);
    expect([others, hooks.PreToolUse[0], hooks.Stop]).toEqual([same, before.PreToolUse[0], []]);
    for (const line of USERS.split('\n').filter((line) => !line.includes('PreToolUse'))) expect(text).toContain(line);
    expect(statSync(settings).mode & 0o777).toBe(0o640);
  });

  test('that has it already is not written again; an older script and an older entry are brought up to date [R86]', async () => {
    usersFile(USERS);
    expect(await deploy()).toBeNull();
    const marks = () => [settings, script].map((file) => [statSync(file).ino, statSync(file).mtimeMs]);
    const before = marks();
    expect(await deploy()).toBeNull();
    expect(marks()).toEqual(before);
    const right = readFileSync(settings, 'utf8');
    chmodSync(script, 0o755);
    writeFileSync(script, 'process.exit(0);\n');
    writeFileSync(settings, right.replace('Bash|Read', 'Bash').replace('.mjs', '.old.mjs'));
    expect(await deploy()).toBeNull();
    expect([readFileSync(settings, 'utf8'), statSync(script).mode & 0o777]).toEqual([right, 0o555]);
    expect(readFileSync(script, 'utf8')).toContain('The safety hook');
  });

  test('gives the settings back as they were when it is taken out, and says what would be changed before [R86]', async () => {
    usersFile(USERS);
    expect(await deploy()).toBeNull();
    const io = commandIo({ home: root });
    expect(uninstallSafetyHook({ project, dryRun: true }, io)).toBe(0);
    expect(io.stdout.match(/^would change /gm)).toHaveLength(2);
    expect(existsSync(script)).toBe(true);
    expect(uninstallSafetyHook({ project }, io)).toBe(0);
    expect([readFileSync(settings, 'utf8'), existsSync(join(project, '.claude/hooks'))]).toEqual([USERS, false]);
    expect(uninstallSafetyHook({ project }, io)).toBe(0);
    expect(io.stdout).toContain('it has no safety hook');
    usersFile('{');
    expect(uninstallSafetyHook({ project }, io)).toBe(1);
    expect(io.stderr).toMatch(/no valid JSON.*\nnext: /);
  });
});

describe('a project is refused, with the cause and what to do, and left as it was [R86]', () => {
  const refused: Readonly<Record<string, readonly [() => void, RegExp]>> = {
    'settings that are no JSON': [
      () => usersFile('{"a": 1,}\n'),
      /settings\.json.*no valid JSON: see line 1, column 9; mend/,
    ],
    'settings with comments': [() => usersFile('// mine\n{}'), /no valid JSON/],
    'settings that are a list': [() => usersFile('[]'), /no JSON object/],
    'hooks that are a list': [() => usersFile('{"hooks": []}'), /"hooks" in it is no object/],
    'an event that is no list': [() => usersFile('{"hooks": {"PreToolUse": {}}}'), /PreToolUse" in it is no list/],
    'hooks switched off': [() => usersFile('{"disableAllHooks": true}'), /disableAllHooks.*mend/],
    'hooks switched off beside it': [
      () => {
        usersFile('{}');
        writeFileSync(join(project, '.claude/settings.local.json'), '{"disableAllHooks":true}');
      },
      /settings\.local\.json switches hooks off; take/,
    ],
    'bytes that are no text': [
      () => {
        usersFile('');
        writeFileSync(settings, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
      },
      /no UTF-8/,
    ],
    'settings of a mebibyte': [() => usersFile(`{"a":"${'x'.repeat(1024 * 1024)}"}`), /has more than 1048576 bytes/],
    'settings nested without end': [
      () => usersFile(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      /JSON|could not be put/,
    ],
    'settings that are a link': [
      () => {
        usersFile('{}');
        rmSync(settings);
        writeFileSync(join(root, 'elsewhere.json'), '{}');
        symlinkSync(join(root, 'elsewhere.json'), settings);
      },
      /settings\.json is a symbolic link.*put a file in its place/,
    ],
    'settings that are a directory': [() => mkdirSync(settings, { recursive: true }), /is not a file; move it away/],
    'a script that is a link': [
      () => {
        mkdirSync(join(script, '..'), { recursive: true });
        symlinkSync('/bin/true', script);
      },
      /safety\.mjs is a symbolic link/,
    ],
    '.claude as a link': [
      () => {
        mkdirSync(join(root, 'other'));
        symlinkSync(join(root, 'other'), join(project, '.claude'));
      },
      /\.claude is a symbolic link.*put a directory in its place/,
    ],
    '.claude as a file': [() => writeFileSync(join(project, '.claude'), ''), /\.claude is not a directory/],
    'hooks that everybody can write': [
      () => {
        mkdirSync(join(script, '..'), { recursive: true });
        chmodSync(join(script, '..'), 0o777);
      },
      /can be written by every user; chmod o-w /,
    ],
    'a project that is not there': [() => rmSync(project, { recursive: true }), /could not be put into .*ENOENT/],
  };

  test.each(Object.entries(refused))('%s', async (_, [prepare, reason]) => {
    prepare();
    const shape = () => (existsSync(settings) && statSync(settings).isFile() ? readFileSync(settings) : null);
    const before = shape();
    expect(await deploy()).toMatch(reason);
    expect(shape()).toEqual(before);
    expect(existsSync(join(root, 'other/hooks'))).toBe(false);
  });

  test('files of another user', async () => {
    usersFile('{}');
    expect(await deploy({ ownUid: OWN_UID + 1 })).toMatch(/belongs to another user \(uid \d+\).*chown it/);
  });

  test('a hook that does not run: its Node is gone', async () => {
    expect(await deploy({ node: '/no/such/node' })).toMatch(/it does not run: .*not found.*try it: \/no\/such\/node /);
  });
});

test('whatever stands in the settings, the hook goes in once and out again without a trace [R86]', () => {
  const entry = fc.record({
    matcher: fc.string(),
    hooks: fc.array(fc.record({ type: fc.string(), command: fc.string() })),
  });
  const hooks = fc.dictionary(fc.constantFrom('PreToolUse', 'Stop', 'x'), fc.array(entry, { minLength: 1 }));
  const settingsText = fc
    .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.option(hooks), fc.constantFrom(0, 2, '\t'))
    .map(([others, mine, space]) => {
      const { hooks: _, disableAllHooks: __, ...rest } = others;
      return JSON.stringify(mine === null ? rest : { ...rest, hooks: { ...mine, Stop: [{ hooks: [] }] } }, null, space);
    });
  fc.assert(
    fc.property(settingsText, (text) => {
      const put = putSafetyHook(text, 'run it');
      if (put.kind === 'refused') throw new Error(put.reason);
      expect(own(put.text)).toHaveLength(1);
      expect(putSafetyHook(put.text, 'run it')).toEqual(put);
      const moved = putSafetyHook(put.text, 'run another');
      expect(moved.kind === 'edited' && own(moved.text)).toHaveLength(1);
      const out = removeSafetyHook(put.text);
      expect(out.kind === 'edited' && JSON.parse(out.text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});
