/** The keys about the daemon's own records, and the variables that outrank two of them. */
import { describe, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/core/errors.ts';

const TWO = [
  { name: 'a', home: '~/.claude-a' },
  { name: 'b', home: '~/.claude-b' },
];

function config(input: object, env: Record<string, string> = {}) {
  return toConfig({ accounts: TWO, ...input }, env, '/home/ada');
}

function problems(input: object, env: Record<string, string> = {}): readonly string[] {
  try {
    config(input, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

describe('how long records are kept', () => {
  test('the environment outranks the file, 0 disables a rule [R170]', () => {
    const env = { CLAUDE_FAILOVER_LOG_RETENTION_DAYS: '7', CLAUDE_FAILOVER_LOG_MAX_RECORDS: '0' };
    expect(config({ janitor: { log_retention_days: 90 } }, env).janitor).toMatchObject({
      logRetentionDays: 7,
      logMaxRecords: 0,
    });
    expect(config({ janitor: { log_retention_days: 0 } }).janitor.logRetentionDays).toBe(0);
    expect(config({}, { CLAUDE_FAILOVER_LOG_RETENTION_DAYS: '' }).janitor.logRetentionDays).toBe(30);
  });

  test('a negative number is rejected, wherever it stands [R170]', () => {
    expect(problems({ janitor: { log_retention_days: -1, log_max_records: -5 } })).toHaveLength(2);
    for (const text of ['-1', '1.5', 'many'])
      expect(problems({}, { CLAUDE_FAILOVER_LOG_MAX_RECORDS: text })).toEqual([
        'janitor.log_max_records: CLAUDE_FAILOVER_LOG_MAX_RECORDS in the environment must be a number, 0 or more',
      ]);
  });
});

test('thresholds that contradict each other are rejected [R161]', () => {
  expect(problems({ alerts: { quota_warning: 0.7 } })).toEqual([
    'alerts.quota_warning: must lie between quota_info and quota_critical',
  ]);
  expect(problems({ alerts: { error_rate: 0.6 } })).toEqual([
    'alerts.error_rate_critical: must not be less than error_rate',
  ]);
  expect(problems({ alerts: { quota_info: 0.5, quota_warning: 0.7, error_rate_critical: 1 } })).toEqual([]);
});

test('times of day and sizes have a form of their own', () => {
  expect(config({ stats: { daily_at: '13:30' }, janitor: { min_free_disk: '2GiB' } })).toMatchObject({
    stats: { dailyAtMs: 48_600_000 },
    janitor: { minFreeDiskBytes: 2 ** 31 },
  });
  expect(problems({ stats: { daily_at: '25:00' }, janitor: { min_free_disk: '2GB' } })).toHaveLength(2);
});
