/** Eligibility and exhaustion are decided in one place, from facts in memory. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../../../src');
const read = (path: string) => readFileSync(path, 'utf8');
const codeOf = (path: string) => read(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join(SRC, file));

/** What eligibility is made of. */
const INPUTS =
  'limitReached|lockUntil|verifyRequired|leftAt|duplicateOf|leases|maxSessions|autoPause|sampleStaleAfterMs';
/** Reading a field, not naming one in a literal or a type. */
const READS = new RegExp(`(?<!quota|config|values)\\??\\.(?:${INPUTS})\\b(?!\\()`);

test('nothing but the quota rules reads what eligibility is made of; the store only carries it [R105]', () => {
  const readers = FILES.filter((file) => READS.test(codeOf(file)))
    .map((file) => relative(SRC, file))
    .filter((file) => !/^(core\/quota|store|config)\//.test(file));
  expect(readers.filter((file) => !CARRIERS.has(file))).toEqual([]);
});

/** They hand the values on, or keep the claims themselves, and choose no account. */
const CARRIERS: ReadonlySet<string> = new Set(['steps/read-pool.ts', 'steps/leases.ts', 'steps/begin-tasks.ts']);

test('the rule would notice a loop that asks a record by itself [R105]', () => {
  expect(READS.test('if (record.limitReached) return')).toBe(true);
  expect(READS.test('account.row?.leftAt ?? 0')).toBe(true);
});

test('no view writes the mark of an account as its state: each goes through the one function [R144]', () => {
  const views = FILES.filter((file) => /\bstate: (?:\w+\.)*(?:row|account)\??\.status\b/.test(codeOf(file)));
  expect(views).toEqual([]);
  const makers = FILES.filter((file) => /\bstate: displayState\(/.test(codeOf(file))).map((file) =>
    relative(SRC, file),
  );
  expect(makers).toEqual(['core/account-view.ts']);
});

test('a decision reads no file and no database: nothing that it is made of can reach one [R121]', () => {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, target = ''] of read(file).matchAll(/^(?:import|export)[^;]*?from '([^']+)';/gms)) {
      if (target.startsWith('.')) visit(join(dirname(file), target));
      else expect([relative(SRC, file), target]).toEqual([relative(SRC, file), 'temporal-polyfill']);
    }
  };
  visit(join(SRC, 'core/quota/policy.ts'));
  const names = [...reached].map((file) => relative(SRC, file));
  expect(names).toContain('core/quota/eligibility.ts');
  expect(names.filter((file) => !file.startsWith('core/'))).toEqual([]);
  for (const file of reached) expect(codeOf(file)).not.toMatch(/\bawait\b|\bPromise\b|\bfetch\(|\bimport\(/);
});
