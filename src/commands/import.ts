/** `import`: takes over what a former program knew of the accounts, once for each state file. */

import { createHash } from 'node:crypto';
import { constants, copyFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeOwnDirectory } from '../adapters/own-directory.ts';
import type { Config } from '../config/schema.ts';
import { counted } from '../core/counted.ts';
import { errorCode } from '../core/error-code.ts';
import { FailoverError, StoreError } from '../core/errors.ts';
import type { FormerState } from '../core/quota/former-state.ts';
import { readFormerState } from '../core/quota/former-state.ts';
import type { ImportPlan } from '../core/quota/import-plan.ts';
import { planImport } from '../core/quota/import-plan.ts';
import { toIso } from '../core/time.ts';
import { wallStamp } from '../core/wall-time.ts';
import type { LocalStore, PoolStore } from '../ports.ts';
import { acquireDaemonLock } from '../store/lock.ts';
import { openReadOnly } from '../store/read-only.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { loadOffline } from './offline.ts';
import { wrap } from './text.ts';

export interface ImportOptions extends JsonOption {
  readonly dryRun?: boolean;
}

interface StateFile {
  readonly path: string;
  readonly hash: string;
  readonly state: FormerState;
  readonly savedAt: number;
}

const MAX_BYTES = 8 * 1024 * 1024;

/**
 * @returns 0 also when there was nothing to take over
 * @throws {ConfigError}
 * @throws {StoreError}
 * @throws {FailoverError} the file is no state file, or a daemon runs
 */
export async function importState(path: string, options: ImportOptions, io: CommandIo): Promise<number> {
  const { config } = loadOffline(options, io);
  const file = readStateFile(path);
  if (options.dryRun === true) {
    const plan = await withReadOnly(config, (store) => planOf(file, config, store, io.clock.now()));
    return tell(plan, 'dry_run', options, io);
  }
  makeOwnDirectory(config.daemon.stateDir, 'daemon.state_dir');
  const lock = acquireDaemonLock(join(config.daemon.stateDir, 'daemon.lock'), {
    procRoot: '/proc',
    now: io.clock.now(),
  });
  if (lock.kind === 'taken') {
    throw new FailoverError('daemon_running', `the daemon runs (pid ${lock.pid}) and keeps its own records`, {
      hint: 'stop it, import, start it again: systemctl --user stop claude-failover; --dry-run works while it runs',
    });
  }
  try {
    return await importInto(file, config, options, io);
  } finally {
    lock.release();
  }
}

async function importInto(file: StateFile, config: Config, options: ImportOptions, io: CommandIo): Promise<number> {
  const { openStore } = await import('../store/open.ts');
  const now = io.clock.now();
  const store = await openStore({ stateDir: config.daemon.stateDir, now });
  try {
    const key = `imported:${file.hash}`;
    const before = await store.local.meta(key);
    if (before !== null) return tell({ records: [], statuses: [], taken: [], left: [] }, before, options, io);
    for (const { name, accounts } of config.pools)
      await store.pool.ensureAccounts(accounts.map((account) => ({ name: account.name, pool: name })));
    const plan = await planOf(file, config, store.pool, now);
    keepOriginal(file.path, io.version);
    await apply(plan, store.pool, store.local, file, now);
    await store.local.setMeta(key, toIso(now));
    return tell(plan, null, options, io);
  } finally {
    await store.close();
  }
}

async function planOf(
  file: StateFile,
  config: Config,
  store: Pick<PoolStore, 'accounts' | 'quota'>,
  now: number,
): Promise<ImportPlan> {
  const names = config.pools.flatMap(({ accounts }) => accounts.map(({ name }) => name));
  const facts = { names, rows: await store.accounts(), quota: await store.quota(), savedAt: file.savedAt };
  return planImport(file.state, facts, now);
}

async function apply(
  plan: ImportPlan,
  pool: PoolStore,
  local: LocalStore,
  file: StateFile,
  now: number,
): Promise<void> {
  for (const record of plan.records) await pool.mergeQuota(record.account, record.window, () => record);
  for (const { account, status } of plan.statuses) await pool.setStatus(account, status, 'imported', null);
  if (plan.taken.length === 0) return;
  const data = { detail: `${counted(plan.taken.length, 'thing')} taken over from ${file.path}`, taken: plan.taken };
  await local.append([{ type: 'state_imported', data }], now);
}

async function withReadOnly<T>(
  config: Config,
  use: (store: Pick<PoolStore, 'accounts' | 'quota'>) => Promise<T>,
): Promise<T> {
  const nothing = { accounts: async () => [], quota: async () => [] };
  try {
    const store = openReadOnly(config.daemon.stateDir);
    try {
      return await use(store.pool);
    } finally {
      store.close();
    }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store_absent') return use(nothing);
    throw error;
  }
}

function readStateFile(path: string): StateFile {
  const bad = (message: string, hint: string): FailoverError =>
    new FailoverError('import_file', `${path}: ${message}`, { hint });
  let bytes: Buffer;
  let writtenAt: number;
  try {
    const found = statSync(path);
    if (!found.isFile()) throw bad('is no regular file', 'name the state.json of the former program');
    if (found.size > MAX_BYTES) throw bad('is larger than 8 MiB', 'is this the right file?');
    writtenAt = found.mtimeMs;
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof FailoverError) throw cause;
    throw bad(`cannot be read: ${errorCode(cause)}`, 'check the path and its mode');
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw bad('is no JSON', 'name the state.json of the former program, as it wrote it');
  }
  const state = readFormerState(value);
  if (state === null) throw bad('holds no accounts', 'a state file has a list `accounts`, each with a `name`');
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { path, hash, state, savedAt: Math.round(state.savedAt ?? writtenAt) };
}

/** The former program, or our own daemon in the same directory, will write over the file one day. */
function keepOriginal(path: string, version: string): void {
  const copy = `${path}.bak-pre-${version}`;
  try {
    copyFileSync(path, copy, constants.COPYFILE_EXCL);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'EEXIST') return;
    throw new FailoverError('import_copy', `${copy}: the original cannot be kept: ${code}; nothing was taken over`, {
      hint: 'copy the file to a directory of your own and import it from there',
      cause,
    });
  }
}

/** @param how `dry_run`, or when this very file was taken over before */
function tell(plan: ImportPlan, how: string | null, options: ImportOptions, io: CommandIo): number {
  const isDry = how === 'dry_run';
  const importedAt = isDry ? null : how;
  if (options.json === true) {
    const { taken, left } = plan;
    io.out(`${JSON.stringify({ dry_run: isDry, imported_before: importedAt, taken, left })}\n`);
    return EXIT.ok;
  }
  if (importedAt !== null) {
    io.err(`this very file was taken over ${wallStamp(Date.parse(importedAt), io.clock.zone())}; nothing to do\n`);
    return EXIT.ok;
  }
  for (const text of plan.taken)
    io.out(wrap(isDry ? 'would take  ' : 'taken       ', text, io.columns, '            '));
  for (const text of plan.left) io.out(wrap('left        ', text, io.columns, '            '));
  if (plan.taken.length === 0) io.err('there is nothing to take over\n');
  return EXIT.ok;
}
