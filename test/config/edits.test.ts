// biome-ignore-all lint/suspicious/noTemplateCurlyInString: paths as the file writes them
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { LiveConfig } from '../../src/config/live.ts';
import { loadConfigFile, parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/core/errors.ts';

const dir = mkdtempSync(join(tmpdir(), 'cf-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const EXAMPLE = readFileSync(new URL('../../config.example.yaml', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => !/^\s*#|^$/.test(line))
  .join('\n');
const SURROUNDINGS = { env: {}, home: '/home/ada' };

const SCRAPS = [
  '\t',
  ': ',
  '- ',
  '"',
  "'",
  '[',
  '{',
  '}',
  '*a',
  '&a ',
  '!t ',
  '---\n',
  '__proto__: 1\n',
  '<<: *a\n',
  'constructor: {}\n',
  '\u0000',
  '~',
  'null',
  '\ufeff',
  '|\n',
  '${X}',
  '9e999',
  '\r',
];

const edit = fc.record({
  at: fc.nat(EXAMPLE.length),
  remove: fc.nat(40),
  insert: fc.oneof(
    fc.constantFrom(...SCRAPS),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ maxLength: 30 }),
  ),
});

const editedText = fc
  .array(edit, { minLength: 1, maxLength: 4 })
  .map((edits) =>
    edits.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), EXAMPLE),
  );

function isRefused(text: string): boolean {
  try {
    parseConfig('/etc/config.yaml', Buffer.from(text), SURROUNDINGS);
    return false;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = text.split('\n').length + 1;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const { line, column, message } of error.problems) {
      // Only a file that says nothing at all has no line to name.
      const least = message === 'is empty' ? 0 : 1;
      expect(line).toBeGreaterThanOrEqual(least);
      expect(line).toBeLessThanOrEqual(lines + (text.match(/\r/g) ?? []).length);
      expect(column).toBeGreaterThanOrEqual(least);
      expect(message).not.toBe('');
    }
    return true;
  }
}

test('[R201] a thousand random edits are accepted or refused with a place, and nothing else happens', () => {
  let refused = 0;
  fc.assert(
    fc.property(editedText, (text) => {
      if (isRefused(text)) refused += 1;
    }),
    { numRuns: 1_000 },
  );
  expect(refused).toBeGreaterThan(100);
  expect(refused).toBeLessThan(1_000);
});

test('[R201] values of any shape are accepted or refused, and nothing else happens', () => {
  const key = fc.constantFrom(
    'quota',
    'pools',
    'accounts',
    'default',
    'http',
    'name',
    'home',
    '__proto__',
    'constructor',
    'toString',
    'sessions',
    'dedicated',
    'mcp_http',
    'limits',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom(null, true, 0, -1, 1.5, 'a', '/a', '5s'),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6 }),
    ),
  }));
  fc.assert(
    fc.property(value, (any) => void isRefused(JSON.stringify(any))),
    { numRuns: 1_000 },
  );
});

test('[R123] after any sequence of edits the last good configuration is in force', () => {
  const file = join(dir, 'config.yaml');
  const clock = { sleep: () => Promise.resolve() };
  fc.assert(
    fc.property(fc.array(editedText, { maxLength: 4 }), (texts) => {
      writeFileSync(file, EXAMPLE);
      const live = new LiveConfig({ loaded: loadConfigFile({ path: file, ...SURROUNDINGS }), ...SURROUNDINGS, clock });
      for (const text of texts) {
        const before = live.current;
        writeFileSync(file, text);
        const result = live.reload();
        if (result.kind !== 'applied') expect(live.current).toBe(before);
        else expect(live.current).not.toBe(before);
        expect(Object.isFrozen(live.current)).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});
