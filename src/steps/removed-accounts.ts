/** What becomes of an account that the configuration no longer names: its claims end, its records are set aside. */
import type { Config } from '../config/schema.ts';
import type { NewEvent } from '../core/events.ts';
import type { Clock, LocalStore, PoolStore, TickContext } from '../ports.ts';

export interface RemovedPorts {
  readonly local: Pick<LocalStore, 'meta' | 'setMeta' | 'append'>;
  readonly shared: Pick<PoolStore, 'removeAccounts' | 'releaseLeases'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** The accounts that this host's configuration named when it was last looked at. Those of other hosts are none of ours. */
const KNOWN_KEY = 'configured_accounts';

/** Nothing is deleted: named again, the account is as it was. The journal keeps the name. */
export async function setAsideRemoved(ports: RemovedPorts, { config, log }: TickContext): Promise<void> {
  const named = namesOf(config);
  const before = await ports.local.meta(KNOWN_KEY);
  const text = JSON.stringify(named);
  if (before === text) return;
  const gone = readNames(before).filter((name) => !named.includes(name));
  const now = ports.clock.now();
  for (const account of gone) await ports.shared.releaseLeases({ account }, 'account_removed', now);
  const removed = gone.length === 0 ? [] : await ports.shared.removeAccounts(gone, now);
  const events = removed.map((account): NewEvent => {
    const detail = `${account} is no longer in the configuration; its quota and leases are set aside`;
    return { type: 'account_removed', account, data: { detail } };
  });
  if (events.length > 0) await ports.local.append(events, now);
  for (const account of removed) log.info({ account }, 'account removed from the configuration');
  // Last, so that what was cut short is done again.
  await ports.local.setMeta(KNOWN_KEY, text);
}

function namesOf(config: Config): readonly string[] {
  return config.pools.flatMap(({ accounts }) => accounts.map(({ name }) => name)).sort();
}

function readNames(text: string | null): readonly string[] {
  const value: unknown = text === null ? [] : JSON.parse(text);
  return Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
}
