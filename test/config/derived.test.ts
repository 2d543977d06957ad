import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isMap, isPair, isScalar, parse, parseDocument, visit } from 'yaml';
import { derivedFiles } from '../../scripts/write-schema.ts';
import { ConfigFile } from '../../src/config/file-schema.ts';
import { formatPath, type JsonSchema, jsonSchema, type KeyDoc, keyDocs } from '../../src/config/key-docs.ts';
import { loadConfig } from '../../src/config/load.ts';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const EXAMPLE = read('config.example.yaml');

test.each(derivedFiles().map((file) => [file.name, file.text]))('%s is what `npm run schema` writes', (name, text) => {
  expect(read(name)).toBe(text);
});

test('[R95] the example claims the built-in defaults', () => {
  const { accounts, sessions, ...rest } = parse(EXAMPLE) as Record<string, unknown>;
  const { accounts: _, sessions: __, ...defaults } = ConfigFile.parse({});
  expect(rest).toEqual(defaults);
  const filled = ConfigFile.parse({
    accounts: [
      { name: 'work-1', home: '~/.claude-work-1', priority: 10 },
      { name: 'work-2', home: '~/.claude-work-2', priority: 20 },
    ],
    sessions: { dedicated: [{ name: 'main' }] },
  });
  expect({ accounts, sessions }).toEqual({ accounts: filled.accounts, sessions: filled.sessions });
});

test('[R95] the example names every key and explains it', () => {
  const explained = new Set<string>();
  visit(parseDocument(EXAMPLE), {
    Pair(_, pair, ancestors) {
      const path = ancestors.flatMap((node) => (isPair(node) && isScalar(node.key) ? [String(node.key.value)] : []));
      explained.add([...path, isScalar(pair.key) ? String(pair.key.value) : ''].join('.'));
    },
  });
  // Entries of a map or list that has none by default stand in its comment.
  const isInWords = ({ path }: KeyDoc) =>
    formatPath(path).startsWith('notifications.events.') || (path[1] === 'patterns' && path.includes('[]'));
  const expected = keyDocs()
    .filter((doc) => !isInWords(doc))
    .map((doc) =>
      doc.path
        .filter((part) => part !== '[]')
        .map((part) => (part === '*' ? 'default' : part))
        .join('.'),
    );
  expect([...explained].filter((path) => path !== 'pools.default').sort()).toEqual([...expected].sort());
  const words = EXAMPLE.replace(/\n\s*# /g, ' ');
  for (const doc of keyDocs()) expect(words).toContain(doc.description);
});

test('the example loads without a warning and begins with the line for editors', () => {
  expect(EXAMPLE.split('\n')[0]).toBe('# yaml-language-server: $schema=./config.schema.json');
  const path = new URL('../../config.example.yaml', import.meta.url).pathname;
  expect(loadConfig({ path, env: {}, home: '/home/ada' }).warnings).toEqual([]);
});

test('[R95] every key of the schema has a description, and a default unless it must be given', () => {
  const without = (schema: JsonSchema & { required?: readonly string[] }, path: string): string[] => {
    const own = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
      const key = `${path}.${name}`;
      const isComplete = child.description && (child.default !== undefined || schema.required?.includes(name));
      return [...(isComplete ? [] : [key]), ...without(child, key)];
    });
    const map =
      typeof schema.additionalProperties === 'object' ? without(schema.additionalProperties, `${path}.*`) : [];
    return [...own, ...map, ...(schema.items === undefined ? [] : without(schema.items, `${path}[]`))];
  };
  expect(without(jsonSchema(), '')).toEqual([]);
  expect(
    keyDocs()
      .filter((doc) => doc.default === undefined)
      .map((doc) => formatPath(doc.path)),
  ).toEqual([
    'accounts[].name',
    'accounts[].home',
    'sessions.dedicated[].name',
    'quota.patterns.extra[].id',
    'quota.patterns.ignore[].id',
    'quota.patterns.server_error_extra[].id',
  ]);
});

test('a description of a duration says so, so that its unit is known', () => {
  const durations = keyDocs().filter((doc) => typeof doc.default === 'string' && /^\d+(ms|s|m|h|d)$/.test(doc.default));
  expect(durations.length).toBeGreaterThan(10);
  expect(durations.filter((doc) => !doc.description.startsWith('Duration'))).toEqual([]);
});

test('[R124] the keys that need a restart are marked', () => {
  const marked = keyDocs().filter((doc) => doc.requiresRestart && !doc.isSection && doc.path[0] !== 'daemon');
  expect(marked.map((doc) => formatPath(doc.path))).toEqual([
    'http.enabled',
    'http.listen',
    'http.socket',
    'tmux.binary',
    'tmux.sockets',
    'tmux.command_timeout',
    'pools.*.agent',
    'pools.*.mode',
    'pools.*.link',
    'pools.*.shared_root',
    'watcher.done_signal_dir',
    'notifications.email.enabled',
    'notifications.email.api_key_env',
    'notifications.email.api_key_file',
    'notifications.email.api_key',
    'notifications.email.from',
    'notifications.email.to',
    'notifications.email.api_base',
    'notifications.webhook.enabled',
    'notifications.webhook.url',
    'notifications.webhook.secret_env',
    'notifications.webhook.secret_file',
    'notifications.webhook.secret',
    'notifications.heartbeat_url',
    'notifications.telegram.enabled',
    'notifications.telegram.token_env',
    'notifications.telegram.token_file',
    'notifications.telegram.token',
    'notifications.telegram.chat_ids',
    'notifications.telegram.commands',
    'notifications.telegram.api_base',
  ]);
  expect(keyDocs().filter((doc) => doc.path[0] === 'daemon' && !doc.requiresRestart)).toEqual([]);
});

test('docs/configuration.md names every key', () => {
  const page = read('docs/configuration.md');
  for (const doc of keyDocs().filter(({ isSection }) => !isSection)) {
    expect(page).toContain(`\`${formatPath(doc.path.map((part) => (part === '*' ? '<name>' : part)))}\``);
  }
});

test('every YAML file shown in docs/configuration.md loads', () => {
  const blocks = [...read('docs/configuration.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) {
    expect(isMap(parseDocument(block).contents)).toBe(true);
    expect(block.trimEnd().split('\n').length).toBeLessThanOrEqual(10);
    expect(() => ConfigFile.parse(parse(block))).not.toThrow();
  }
});
