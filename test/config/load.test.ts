// biome-ignore-all lint/suspicious/noTemplateCurlyInString: paths as the file writes them
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findConfig } from '../../src/config/find.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/core/errors.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ACCOUNTS = 'accounts:\n  - {name: a, home: ~/a}\n  - {name: b, home: ~/b}\n';

function write(text: string | Uint8Array): string {
  const file = join(dir, 'config.yaml');
  writeFileSync(file, text);
  return file;
}

function rejection(path: string, env: Record<string, string> = {}): ConfigError {
  try {
    loadConfig({ path, env, home: dir });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

const placesOf = (error: ConfigError) =>
  error.problems.map(({ line, column, path }) => `${line}:${column} ${path}`.trim());

test('[R203] a file of ten lines with two accounts and one session loads', () => {
  const text = `${ACCOUNTS}sessions:\n  dedicated:\n    - {name: main}\n`;
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(10);
  const config = loadConfig({ path: write(text), env: {}, home: dir });
  expect(config.pools[0]?.accounts).toHaveLength(2);
  expect(config.sessions.dedicated).toEqual([
    { name: 'main', pool: 'default', swapPolicy: 'resume', project: null, agent: 'claude', acceptTasks: false },
  ]);
  expect(config.file).toBe(join(dir, 'config.yaml'));
});

test.each([
  { name: 'an unknown key at the top', text: `${ACCOUNTS}quotta: {}\n`, places: ['4:1 quotta'] },
  {
    name: 'an unknown key in a section',
    text: 'quota:\n  poll_interval: 2s\n  polls: 3\n',
    places: ['3:3 quota.polls'],
  },
  { name: 'a value of the wrong kind', text: 'tmux:\n  submit_delay:   500\n', places: ['2:19 tmux.submit_delay'] },
  { name: 'a value out of range', text: '# note\n\nquota: {confirm_polls: 1}\n', places: ['3:24 quota.confirm_polls'] },
  {
    name: 'a missing key',
    text: 'accounts:\n  - home: /a\n  - {name: b, home: /b}\n',
    places: ['2:5 accounts[0].name'],
  },
  {
    name: 'a required key without a value',
    text: 'accounts:\n  - name: a\n    home:\n',
    places: ['3:5 accounts[0].home'],
  },
  { name: 'a key given twice', text: 'mode: act\nquota:\n  poll_interval: 2s\nmode: observe\n', places: ['4:1 mode'] },
  { name: 'a tab', text: 'quota:\n\tpoll_interval: 2s\n', places: ['2:1'] },
  { name: 'a quote that is not closed', text: 'mode: "act\n', places: ['2:1'] },
  { name: 'a second ": " on a line', text: 'mode: act: now\n', places: ['1:7'] },
  { name: 'a bracket that is not closed', text: 'tmux:\n  sockets: [a\nmode: act\n', places: ['3:1'] },
  { name: 'an alias', text: 'accounts:\n  - &x {name: a, home: /a}\n  - *x\n', places: ['3:5 accounts[1]'] },
  { name: 'a tag', text: 'mode: !secret act\n', places: ['1:15 mode'] },
  { name: 'a second document', text: 'mode: act\n---\nmode: act\n', places: ['2:1'] },
  {
    name: 'a variable that is not set',
    text: 'accounts:\n  - name: a\n    home: ${NO_SUCH_THING}/a\n',
    places: ['3:11 accounts[0].home'],
  },
  {
    name: 'a nested home',
    text: 'accounts:\n  - {name: a, home: /a}\n  - {name: b, home: /a/b}\n',
    places: ['3:21 accounts[1].home'],
  },
  {
    name: 'a session name that tmux would rewrite',
    text: 'sessions:\n  dedicated:\n    - name: a.b\n',
    places: ['3:13 sessions.dedicated[0].name'],
  },
  { name: 'the key __proto__', text: 'quota:\n  __proto__:\n    poll_interval: 1s\n', places: ['2:3 quota.__proto__'] },
  {
    name: 'a pool called __proto__',
    text: 'pools:\n  default: {}\n  __proto__: {link: /l}\n',
    places: ['3:3 pools.__proto__'],
  },
  { name: 'a list where sections are expected', text: '- a\n- b\n', places: ['1:1'] },
  { name: 'a bare word', text: 'hello\n', places: ['1:1'] },
  {
    name: 'a dialog that is never answered',
    text: 'watcher:\n  auto_answers: [permission, login]\n',
    places: ['2:30 watcher.auto_answers[1]'],
  },
  { name: 'windows line ends', text: 'mode: act\r\nquota:\r\n  polls: 1\r\n', places: ['3:3 quota.polls'] },
  { name: 'a former name of a section', text: 'mcp_http:\n  listn: x\n', places: ['2:3 mcp_http.listn'] },
])('[R201] $name is told at its line and column', ({ text, places }) => {
  expect(placesOf(rejection(write(text)))).toEqual(places);
});

test('[R201] every problem is listed at once, in the order of the file', () => {
  const text =
    'mode: acct\nmode: act\nquota:\n  polls: 3\naccounts:\n  - {name: a, home: /a}\n  - {name: a, home: /b}\nx: *y\n';
  expect(placesOf(rejection(write(text)))).toEqual([
    '1:7 mode',
    '2:1 mode',
    '4:3 quota.polls',
    '7:12 accounts[1].name',
    '8:4 x',
  ]);
});

test('warnings carry their place as well', () => {
  const config = loadConfig({
    path: write('accounts:\n  - {name: a, home: /a, limits: {x: 1}}\n'),
    env: {},
    home: dir,
  });
  expect(config.warnings.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
    '1:1 pools.default',
    '2:25 accounts[0].limits',
  ]);
});

test('text of the file is not repeated by messages of the parser', () => {
  for (const text of [
    'mode: act\n- hunter2\n: hunter2\n',
    'a: *hunter2\n',
    'a: "hunter2\n',
    '%hunter2\n---\na: 1\n',
    'a: !hunter2 x\n',
    'a: b: hunter2\n',
  ]) {
    expect(JSON.stringify(rejection(write(text)).problems)).not.toContain('hunter2');
  }
});

test('an alias bomb and deep nesting are refused', () => {
  const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`);
  expect(rejection(write(`a0: &a0 x\n${levels.join('\n')}\n`)).problems.length).toBeGreaterThan(0);
  expect(rejection(write('['.repeat(20_000))).problems[0]?.message).toBe('is nested too deeply');
  const { problems } = rejection(write(`mode: ${'['.repeat(200)}${']'.repeat(200)}`));
  expect(problems.map(({ message }) => message)).toContain('is nested too deeply');
});

test('a variable that is not quoted inside { } is told how', () => {
  const { problems } = rejection(write('accounts:\n  - { name: a, home: ${PLACE}/a }\n'));
  expect(problems).toMatchObject([{ line: 2, hint: 'quote values with ${…} inside { }' }]);
});

test('a usual configuration that is a link to nowhere is an error, not absent', () => {
  const place = join(dir, 'ada/.config/claude-failover');
  mkdirSync(place, { recursive: true });
  symlinkSync('gone.yaml', join(place, 'config.yaml'));
  expect(findConfig({ env: {}, home: join(dir, 'ada') })).toBe(join(place, 'config.yaml'));
});

test.each([
  { name: 'a missing file', make: () => join(dir, 'no.yaml'), message: 'does not exist' },
  { name: 'a directory', make: () => dir, message: 'is a directory' },
  { name: 'a device', make: () => '/dev/null', message: 'is not a regular file' },
  { name: 'an empty file', make: () => write(''), message: 'is empty' },
  { name: 'a file of comments', make: () => write('# nothing\n\n'), message: 'is empty' },
  { name: 'a file above 1 MiB', make: () => write('#'.repeat(1024 * 1024 + 1)), message: 'is larger than 1 MiB' },
  { name: 'bytes that are no UTF-8', make: () => write(Buffer.from([0x6d, 0xff, 0xfe])), message: 'is not UTF-8 text' },
  { name: 'a path through a file', make: () => join(write('mode: act'), 'x'), message: 'cannot be read: ENOTDIR' },
  {
    name: 'a link that leads to itself',
    make: () => {
      symlinkSync('loop', join(dir, 'loop'));
      return join(dir, 'loop');
    },
    message: 'is a link that leads back to itself',
  },
  {
    name: 'a link to nowhere',
    make: () => {
      symlinkSync('nowhere.yaml', join(dir, 'dangling'));
      return join(dir, 'dangling');
    },
    message: 'is a link to a file that does not exist',
  },
])('$name is refused with its own message', ({ make, message }) => {
  const path = make();
  const error = rejection(path);
  expect(error.problems).toMatchObject([{ line: 0, column: 0, path: '', message }]);
  expect(error.file).toBe(path);
});

test('the file is the one named, then the one of the environment, then the one of the user', () => {
  const user = join(dir, '.config/claude-failover/config.yaml');
  mkdirSync(join(dir, '.config/claude-failover'), { recursive: true });
  writeFileSync(user, ACCOUNTS);
  const env = { CLAUDE_FAILOVER_CONFIG: '~/env.yaml' };
  expect(findConfig({ path: '/x/named.yaml', env, home: dir })).toBe('/x/named.yaml');
  expect(findConfig({ env, home: dir })).toBe(join(dir, 'env.yaml'));
  expect(findConfig({ path: null, env: {}, home: dir })).toBe(user);
  expect(loadConfig({ env: {}, home: dir }).file).toBe(user);
});

test('a file that is named but missing is an error, although another place has one', () => {
  mkdirSync(join(dir, '.config/claude-failover'), { recursive: true });
  writeFileSync(join(dir, '.config/claude-failover/config.yaml'), ACCOUNTS);
  expect(() => loadConfig({ env: { CLAUDE_FAILOVER_CONFIG: join(dir, 'no.yaml') }, home: dir })).toThrow(ConfigError);
});

test('[R235] an address that others can reach needs a token', () => {
  const path = write(`${ACCOUNTS}http:\n  listen: 0.0.0.0:80\n`);
  const error = rejection(path);
  expect(placesOf(error)).toEqual(['5:11 http.listen']);
  expect(loadConfig({ path, env: { CLAUDE_FAILOVER_TOKEN: 't0ken' }, home: dir }).http.listen?.host).toBe('0.0.0.0');
  expect(loadConfig({ path, env: {}, home: dir, checkToken: false }).http.listen?.port).toBe(80);
});

test.each(['localhost:1', '127.0.0.9:1', '[::1]:1'])('[R235] %s needs none', (listen) => {
  const path = write(`${ACCOUNTS}http: {listen: "${listen}"}\n`);
  expect(loadConfig({ path, env: {}, home: dir }).http.listen).not.toBeNull();
});

test.each(['127.0.0.1.example.com:1', '10.0.0.1:1', '[::]:1', 'myhost:1'])('[R235] %s needs one', (listen) => {
  expect(placesOf(rejection(write(`${ACCOUNTS}http: {listen: "${listen}"}\n`)))).toEqual(['4:16 http.listen']);
});
