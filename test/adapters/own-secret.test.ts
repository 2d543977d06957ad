/** The daemon's own key: made once, kept private, replaced when it is no key. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keyedHash, randomName } from '../../src/adapters/own-secret.ts';
import { tempDir } from '../store/support/temp-dir.ts';

test('the key is made once, for its owner only, and holds through restarts', () => {
  const directory = tempDir();
  const path = join(directory, 'buttons.key');
  const first = keyedHash(path)('text');
  expect(first).toMatch(/^[\w-]{43}$/);
  expect(keyedHash(path)('text')).toBe(first);
  expect(keyedHash(path)('Text')).not.toBe(first);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(['buttons.key']);
  expect(keyedHash(join(tempDir(), 'buttons.key'))('text')).not.toBe(first);
});

test.each([
  ['empty', ''],
  ['cut', 'abcd'],
])('a key that is %s is replaced: no button of before works', (_, text) => {
  const path = join(tempDir(), 'buttons.key');
  writeFileSync(path, text, { mode: 0o644 });
  keyedHash(path);
  expect(readFileSync(path, 'utf8').trim()).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a key that others could read is shut again', () => {
  const path = join(tempDir(), 'buttons.key');
  const hash = keyedHash(path)('x');
  writeFileSync(path, readFileSync(path, 'utf8'), { mode: 0o644 });
  expect(keyedHash(path)('x')).toBe(hash);
  expect(statSync(path).mode & 0o077).toBe(0);
});

test('a place that cannot be used is said with its path', () => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, '');
  expect(() => keyedHash(join(file, 'key'))).toThrow(/key cannot be used: ENOTDIR/);
});

test('names are random', () => {
  expect(randomName(6)).toMatch(/^[\w-]{8}$/);
  expect(randomName(6)).not.toBe(randomName(6));
});
