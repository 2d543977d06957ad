/** The sections about the daemon's own records, from the file's values to the program's. */

import { timeOfDayMs } from '../core/alerts/stats.ts';
import { parseSize } from '../core/size.ts';
import type { Env } from './expand-path.ts';
import type { ConfigValues } from './file-schema.ts';
import { error, type Finding } from './finding.ts';
import { ms } from './key-types.ts';
import type { Config } from './schema.ts';

/** Variables that outrank a key. */
const RETENTION_ENV = {
  log_retention_days: 'CLAUDE_FAILOVER_LOG_RETENTION_DAYS',
  log_max_records: 'CLAUDE_FAILOVER_LOG_MAX_RECORDS',
} as const;

export function convertRecords(
  { credentials, alerts, stats, janitor }: ConfigValues,
  env: Env,
  findings: Finding[],
): Pick<Config, 'credentials' | 'alerts' | 'stats' | 'janitor'> {
  const { quota_info, quota_warning, quota_critical, error_rate, error_rate_critical } = alerts;
  if (quota_info > quota_warning || quota_warning > quota_critical)
    findings.push(error(['alerts', 'quota_warning'], 'must lie between quota_info and quota_critical'));
  if (error_rate > error_rate_critical)
    findings.push(error(['alerts', 'error_rate_critical'], 'must not be less than error_rate'));
  const fromEnv = (key: keyof typeof RETENTION_ENV): number => {
    const text = env[RETENTION_ENV[key]];
    if (text === undefined || text === '') return janitor[key];
    if (/^\d{1,9}$/.test(text)) return Number(text);
    findings.push(
      error(['janitor', key], `${RETENTION_ENV[key]} in the environment must be a number, 0 or more`, 'or unset it'),
    );
    return janitor[key];
  };
  return {
    credentials: { checkIntervalMs: ms(credentials.check_interval), expiryWarnMs: ms(credentials.expiry_warn) },
    alerts: {
      intervalMs: ms(alerts.interval),
      errorWindowMs: ms(alerts.error_window),
      errorRate: error_rate,
      errorRateCritical: error_rate_critical,
      errorMinSamples: alerts.error_min_samples,
      accountDownRate: alerts.account_down_rate,
      accountDownMin: alerts.account_down_min,
      dedupeCooldownMs: ms(alerts.dedupe_cooldown),
      quotaInfo: quota_info,
      quotaWarning: quota_warning,
      quotaCritical: quota_critical,
      spike: {
        swapsPerHour: alerts.spike.swaps_per_hour,
        dispatchesPerMinute: alerts.spike.dispatches_per_minute,
        dispatchesPerDay: alerts.spike.dispatches_per_day,
        notificationsPerHour: alerts.spike.notifications_per_hour,
        queueDepth: alerts.spike.queue_depth,
      },
    },
    stats: { dailyAtMs: timeOfDayMs(stats.daily_at) ?? 0 },
    janitor: {
      intervalMs: ms(janitor.interval),
      logRetentionDays: fromEnv('log_retention_days'),
      logMaxRecords: fromEnv('log_max_records'),
      minFreeDiskBytes: parseSize(janitor.min_free_disk) ?? 0,
      claimedStaleAfterMs: ms(janitor.claimed_stale_after),
      doneArchiveAfterMs: ms(janitor.done_archive_after),
      failedKeepMs: ms(janitor.failed_keep),
      archiveDeleteAfterMs: ms(janitor.archive_delete_after),
      signalTtlMs: ms(janitor.signal_ttl),
      tmpTtlMs: ms(janitor.tmp_ttl),
    },
  };
}
