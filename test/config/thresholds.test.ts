/** Thresholds, levels and the way home, as the file writes them. */
import { describe, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/core/errors.ts';

const TWO = [
  { name: 'a', home: '~/.claude-a' },
  { name: 'b', home: '~/.claude-b' },
];
const load = (input: object) => toConfig({ accounts: TWO, ...input }, {}, '/home/ada');

function problemsOf(input: object): string[] {
  try {
    load(input);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message, hint }) => `${path}: ${message}${hint === null ? '' : ` (${hint})`}`);
  }
}

describe('[R112] a threshold', () => {
  test.each([95, 1.01, 0, -0.5])('of %s is an error that names its path and how to write 95 %%', (value) => {
    const limit = value > 0 ? 'at most 1' : 'above 0';
    expect(problemsOf({ quota: { auto_pause: { default_5h: value } } })).toEqual([
      `quota.auto_pause.default_5h: must be ${limit} (use 0.95 for 95 %)`,
    ]);
    expect(problemsOf({ accounts: [{ ...TWO[0], auto_pause: { '7d': { threshold: value } } }, TWO[1]] })).toEqual([
      `accounts[0].auto_pause.7d.threshold: must be ${limit} (use 0.95 for 95 %)`,
    ]);
    expect(problemsOf({ quota: { warn: { '5h': [0.8, value] } } })).toEqual([
      `quota.warn.5h[1]: must be ${limit} (use 0.95 for 95 %)`,
    ]);
  });

  test.each(['95%', Number.NaN, Number.POSITIVE_INFINITY])('of %s is no number', (value) => {
    expect(problemsOf({ quota: { auto_pause: { default_7d: value } } })[0]).toMatch(
      /^quota\.auto_pause\.default_7d: expected a number, got .*\(use 0\.95 for 95 %\)$/,
    );
  });

  test('of 1 and of the least fraction is taken', () => {
    const { quota } = load({ quota: { auto_pause: { default_5h: 1, default_7d: 0.001 } } });
    expect(quota.autoPause).toEqual({ '5h': 1, '7d': 0.001 });
  });
});

test('[R109][R110] an account has its own thresholds, and what it leaves blank stays blank: the default is looked up later', () => {
  const auto_pause = { '5h': { threshold: 0.7 }, '7d': { disabled: true } };
  const config = load({ accounts: [{ ...TWO[0], auto_pause }, TWO[1]], quota: { auto_pause: { default_5h: 0.9 } } });
  expect(config.pools[0]?.accounts.map(({ autoPause }) => autoPause)).toEqual([
    { '5h': { threshold: 0.7, disabled: false }, '7d': { threshold: null, disabled: true } },
    { '5h': { threshold: null, disabled: false }, '7d': { threshold: null, disabled: false } },
  ]);
});

test('[R202] the former names of the default thresholds load with a warning', () => {
  const config = load({ quota: { window_5h_threshold: 0.9, window_week_threshold: 0.95 } });
  expect(config.quota.autoPause).toEqual({ '5h': 0.9, '7d': 0.95 });
  expect(config.warnings.map(({ path }) => path)).toEqual(['quota.window_5h_threshold', 'quota.window_week_threshold']);
});

test('[R202][R112] what is wrong with a former name is told where it stands', () => {
  expect(problemsOf({ quota: { window_5h_threshold: 95 } })).toEqual([
    'quota.window_5h_threshold: must be at most 1 (use 0.95 for 95 %)',
  ]);
});

test('[R150] levels are put in order, and none counts twice', () => {
  expect(load({ quota: { warn: { '5h': [0.9, 0.5, 0.9] } } }).quota.warn).toEqual({
    '5h': [0.5, 0.9],
    '7d': [0.8, 0.9],
  });
});

test('[R271] the way home leads to an account of the same pool', () => {
  expect(load({ pools: { default: { return_to: 'a' } } }).pools[0]?.returnTo).toBe('a');
  expect(problemsOf({ pools: { default: { return_to: 'A1' } } })).toEqual([
    'pools.default.return_to: this pool has no such account (did you mean a?)',
  ]);
  expect(problemsOf({ pools: { default: { return_to: 'somebody' } } })).toEqual([
    'pools.default.return_to: this pool has no such account (accounts of this pool: a, b)',
  ]);
});
