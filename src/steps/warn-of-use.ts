/** Tells when an account's use of a window crosses a level: once for each window and level. */
import type { Config } from '../config/schema.ts';
import type { NewEvent } from '../core/events.ts';
import type { QuotaRecord } from '../core/quota/record.ts';
import type { ToldLevel } from '../core/quota/warnings.ts';
import { stepWarning } from '../core/quota/warnings.ts';
import { quotaWindowName } from '../core/quota/window-name.ts';
import { toIso } from '../core/time.ts';
import type { Clock, LocalStore, TickContext } from '../ports.ts';

export interface WarnPorts {
  readonly local: Pick<LocalStore, 'append' | 'meta' | 'setMeta'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** What was told survives a restart. */
const TOLD_KEY = 'quota_warned';

type Told = Readonly<Record<string, ToldLevel>>;

/** @param records as they stand after their newest figure */
export async function warnOfUse(
  ports: WarnPorts,
  records: readonly QuotaRecord[],
  context: TickContext,
): Promise<void> {
  if (records.length === 0) return;
  const now = ports.clock.now();
  const before = await readTold(ports);
  const told: Record<string, ToldLevel> = { ...before };
  const events: NewEvent[] = [];
  for (const record of records) {
    const key = `${record.account}/${record.window}`;
    const step = stepWarning(record, told[key] ?? null, levelsOf(record, context.config), now);
    if (step.told === null) delete told[key];
    else told[key] = step.told;
    if (step.warning === null) continue;
    const { window, level, used, resetAt, severity } = step.warning;
    const detail = `${record.account} has used ${Math.floor(used * 100)} % of its ${quotaWindowName(window)} window`;
    const data = { detail, window, used, level, reset_at: toIso(resetAt), source: record.source };
    const pool = poolOf(record.account, context.config);
    events.push({ type: 'quota_warning', severity, account: record.account, ...(pool === null ? {} : { pool }), data });
    context.log[severity === 'info' ? 'info' : 'warn']({ pool, account: record.account, ...data }, 'quota warning');
  }
  await writeTold(ports, before, told);
  if (events.length > 0) await ports.local.append(events, now);
}

/** What was told of accounts that no configuration names any more is forgotten. */
export async function forgetWarnings(ports: WarnPorts, config: Config): Promise<void> {
  const before = await readTold(ports);
  const kept = Object.entries(before).filter(([key]) => poolOf(key.slice(0, key.lastIndexOf('/')), config) !== null);
  await writeTold(ports, before, Object.fromEntries(kept));
}

function levelsOf(record: QuotaRecord, { quota }: Config): readonly number[] {
  return record.window === '5h' || record.window === '7d' ? quota.warn[record.window] : [];
}

function poolOf(account: string, config: Config): string | null {
  return config.pools.find((pool) => pool.accounts.some(({ name }) => name === account))?.name ?? null;
}

async function readTold(ports: WarnPorts): Promise<Told> {
  const text = await ports.local.meta(TOLD_KEY);
  try {
    return text === null ? {} : (JSON.parse(text) as Told);
  } catch {
    // A word too much does less harm than none.
    return {};
  }
}

async function writeTold(ports: WarnPorts, before: Told, after: Told): Promise<void> {
  const text = JSON.stringify(after);
  if (text !== JSON.stringify(before)) await ports.local.setMeta(TOLD_KEY, text);
}
