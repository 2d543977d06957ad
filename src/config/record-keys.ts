/** The keys of what the daemon keeps account of: logins, alerts, daily figures, and what is forgotten when. */
import { z } from 'zod';
import { duration, size, whole } from './key-types.ts';

const share = () => z.number().min(0).max(1);

export const Credentials = z.strictObject({
  check_interval: duration('10s', '1d')
    .default('10m')
    .describe('Duration between two looks at the login of each home.'),
  expiry_warn: duration('0ms', '7d')
    .default('24h')
    .describe('Duration before the end of a login that the CLI cannot renew, from which on that is told.'),
});

export const Janitor = z.strictObject({
  interval: duration('1m', '1d')
    .default('1h')
    .describe('Duration between two removals of old records, and between two looks at the files of the queues.'),
  claimed_stale_after: duration('1m', '365d')
    .default('2h')
    .describe('Duration without a sign of life after which the claim that another daemon has on a task ends.'),
  done_archive_after: duration('1h', '3650d')
    .default('7d')
    .describe('Duration after which what lies in `done/` goes to `archive/`.'),
  failed_keep: duration('1h', '3650d').default('30d').describe('Duration: the same for `failed/`.'),
  archive_delete_after: duration('1h', '3650d')
    .default('90d')
    .describe('Duration after which what lies in `archive/` is deleted.'),
  signal_ttl: duration('1m', '365d')
    .default('24h')
    .describe('Duration after which a signal file that nobody waited for is deleted.'),
  tmp_ttl: duration('1m', '365d')
    .default('1h')
    .describe('Duration after which half-written files, and records whose task is gone, are deleted.'),
  log_retention_days: whole(0, 36_500)
    .default(30)
    .describe(
      'Days for which events and records of swaps are kept; 0: for ever. CLAUDE_FAILOVER_LOG_RETENTION_DAYS outranks it.',
    ),
  log_max_records: whole(0, 1_000_000_000)
    .default(1_000_000)
    .describe('Events that are kept at most; 0: any number. CLAUDE_FAILOVER_LOG_MAX_RECORDS outranks it.'),
  min_free_disk: size('0KiB').default('500MiB').describe('Size: less room than this where the database lies is told.'),
});

export const Alerts = z.strictObject({
  interval: duration('5s', '1h').default('1m').describe('Duration between two runs of the rules.'),
  error_window: duration('1m', '1d').default('5m').describe('Duration over which failures are counted.'),
  error_rate: share().default(0.1).describe('Share of failed operations from which on that is a warning.'),
  error_rate_critical: share().default(0.5).describe('The same, critical.'),
  error_min_samples: whole(2, 1_000_000).default(10).describe('Operations that must have been made for it.'),
  account_down_rate: share()
    .default(0.5)
    .describe("Share of an account's sessions with login or server errors from which on the account is down."),
  account_down_min: whole(2, 1_000_000)
    .default(10)
    .describe('Failures that must have been seen for it; two sessions are enough in a pool of less than four.'),
  dedupe_cooldown: duration('0ms', '1d')
    .default('5m')
    .describe('Duration after the end of an alert in which the same one is not raised again, unless it is worse.'),
  quota_info: share().default(0.8).describe('Share of a window that is used, from which on that is noted.'),
  quota_warning: share().default(0.9).describe('The same, as a warning.'),
  quota_critical: share().default(1).describe('The same, critical.'),
  spike: z
    .strictObject({
      swaps_per_hour: whole(2, 10_000)
        .default(4)
        .describe('Swaps of one pool within an hour that are a warning; twice as many are critical.'),
      dispatches_per_minute: whole(2, 100_000)
        .default(20)
        .describe(
          'Tasks that were begun within a minute, from which on that is a warning; twice as many are critical.',
        ),
      dispatches_per_day: whole(2, 10_000_000).default(1000).describe('The same within a day.'),
      notifications_per_hour: whole(2, 100_000)
        .default(60)
        .describe(
          'Incidents told on one channel within an hour, their messages sent or still waiting, from which on that is a warning; twice as many are critical.',
        ),
      queue_depth: whole(2, 1_000_000)
        .default(100)
        .describe('Tasks that wait for a session, from which on that is a warning; twice as many are critical.'),
    })
    .prefault({})
    .describe('What counts as unusually busy.'),
});

export const Stats = z.strictObject({
  daily_at: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day, such as "00:05"')
    .default('00:05')
    .describe('When the figures of the day before are closed, UTC.'),
});
