/** Finds what somebody else changed in the homes of a pool: told with its remedy, and never put right from here. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import type { NewEvent, Severity } from '../core/events.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import { moveAside } from '../core/shell.ts';
import type { AccountHomes, Clock, LocalStore, Logger, SharedEntries } from '../ports.ts';
import { homeProblem, interruptedWords, loginCommandFor } from './remedies.ts';

export interface Drift {
  /** The same for as long as it is the same. */
  readonly key: string;
  readonly type: 'drift' | 'account_not_usable';
  readonly severity: Severity;
  readonly account: string | null;
  readonly detail: string;
  readonly remedy: string;
  /** Nothing stops because of it. */
  readonly isMinor: boolean;
}

/** Tells what is new, and what has ended; once each. */
export type DriftTeller = (pool: string, found: readonly Drift[], log: Logger) => Promise<void>;

export function createDriftTeller(ports: {
  readonly local: Pick<LocalStore, 'append'>;
  readonly clock: Pick<Clock, 'now'>;
}): DriftTeller {
  const told = new Map<string, ReadonlyMap<string, Drift>>();
  return async (pool, found, log) => {
    // What was so at the start and stops nobody was said then.
    const before = told.get(pool) ?? new Map(found.filter(({ isMinor }) => isMinor).map((drift) => [drift.key, drift]));
    const now = new Map(found.map((drift) => [drift.key, drift]));
    const begun = [...now.values()].filter(({ key }) => !before.has(key));
    const inOrder = new Set([...before.values()].filter(({ key }) => !now.has(key)).map(({ account }) => account));
    for (const { account } of now.values()) inOrder.delete(account);
    const events: NewEvent[] = [
      ...begun.map(
        ({ type, severity, account, detail, remedy }): NewEvent => ({
          type,
          severity,
          pool,
          ...(account !== null && { account }),
          data: { detail, remedy },
        }),
      ),
      ...[...inOrder].map(
        (account): NewEvent => ({
          type: 'drift_ended',
          pool,
          ...(account !== null && { account }),
          data: { detail: `${account ?? pool} is in order again` },
        }),
      ),
    ];
    if (events.length > 0) await ports.local.append(events, ports.clock.now());
    for (const { type, account, detail, remedy } of begun) log.warn({ pool, account, detail, remedy }, type);
    told.set(pool, now);
  };
}

/** A login that is not the account's own. */
export function identityDrift(account: AccountFacts, all: readonly AccountFacts[]): Drift | null {
  const { name, home, row } = account;
  const identity = home?.identity ?? null;
  if (identity === null) return null;
  const base = { type: 'drift', severity: 'critical', account: name, isMinor: false } as const;
  const login = loginCommandFor(name);
  const twin = all.find((other) => other !== account && (other.row?.identity ?? other.home?.identity) === identity);
  const known = row?.identity ?? null;
  if (known !== null && known !== identity) {
    const whose = twin === undefined ? 'another identity' : `${twin.name}, whose own home is elsewhere`;
    return {
      ...base,
      key: `${name}: identity ${identity}`,
      detail: `the home of ${name} is now logged in as ${whose}`,
      remedy: `log in to it as before: ${login}; a new login gets a home of its own: claude-failover accounts add`,
    };
  }
  if (known !== null || twin === undefined) return null;
  return {
    ...base,
    key: `${name}: twin ${identity}`,
    detail: `${name} holds the login of ${twin.name} once more: there is nothing to swap to between them`,
    remedy: `log in to ${name} with the other account: ${login}`,
  };
}

/** A home or a credentials file that cannot be used. */
export function homeDrift({ name, home, row }: AccountFacts, profile: AgentProfile): Drift | null {
  // What a login by hand will mend was told when the login ended.
  if (home === null || (home.credentials === 'blanked' && row?.status === 'expired')) return null;
  const wrong = homeProblem(name, home, profile);
  if (wrong === null) return null;
  const what = home.problem ?? home.credentials;
  const detail = `${name} cannot be used: ${wrong[0]}`;
  const key = `${name}: unusable ${what}`;
  return {
    key,
    type: 'account_not_usable',
    severity: 'warning',
    account: name,
    detail,
    remedy: wrong[1],
    isMinor: false,
  };
}

export interface DriftPorts {
  readonly sharedEntries: Pick<SharedEntries, 'validate'>;
  readonly homes: Pick<AccountHomes, 'inspect' | 'interruptedWrites'>;
  /** Missing shared entries were allowed at the start. */
  readonly allowUnshared: boolean;
}

/** What lies in and beside the homes: entries that are no longer shared, interrupted writes, a login where none should be. */
export async function poolDrifts(
  ports: DriftPorts,
  pool: PoolConfig,
  profile: AgentProfile,
  accounts: readonly AccountFacts[],
): Promise<readonly Drift[]> {
  const usable = accounts.flatMap(({ home }) => (home !== null && home.problem === null ? [home.home] : []));
  const { required, optional } = profile.sharedEntries;
  const isShared = required.length + optional.length > 0;
  const problems = isShared ? await ports.sharedEntries.validate(profile, usable, pool.sharedRoot) : [];
  const found = problems.filter(({ severity, diverges }) => (severity === 'warning' ? diverges : !ports.allowUnshared));
  const drifts = found.map(({ home, entry, severity, message, remedy }): Drift => {
    const account = accounts.find((candidate) => candidate.home?.home === home)?.name ?? null;
    const isMinor = severity === 'warning';
    const base = { type: 'drift', severity: isMinor ? 'warning' : 'critical', isMinor } as const;
    return { ...base, key: `${home}/${entry}: ${message}`, account, detail: message, remedy };
  });
  for (const { name, home } of accounts) {
    const paths = home === null ? [] : await ports.homes.interruptedWrites(profile, home.home);
    if (paths.length === 0) continue;
    const [detail, remedy] = interruptedWords(name, paths);
    drifts.push({ key: detail, type: 'drift', severity: 'warning', account: name, detail, remedy, isMinor: true });
  }
  if (pool.mode === 'secure_storage') {
    const stray = await strayLogin(ports, pool, profile);
    if (stray !== null) drifts.push(stray);
  }
  return drifts;
}

/** A session without the variable logs in to the directory of the CLI itself: a second family of tokens. */
async function strayLogin({ homes }: DriftPorts, pool: PoolConfig, profile: AgentProfile): Promise<Drift | null> {
  const { credentials } = await homes.inspect(profile, pool.sharedRoot);
  if (credentials === 'missing') return null;
  const [file = ''] = profile.credentialFiles;
  const path = `${pool.sharedRoot}/${file}`;
  return {
    key: `${pool.name}: stray login`,
    type: 'drift',
    severity: 'critical',
    isMinor: false,
    account: null,
    detail: `a login lies in ${path}: a session runs without ${profile.credentialsDir?.env ?? 'the variable'}, on an account of its own`,
    remedy: `end that session, look at the env block of ${pool.sharedRoot}/settings.json, then: ${moveAside(path)}`,
  };
}
