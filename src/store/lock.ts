/**
 * A lock file that names its owner's process, so that a dead owner's lock is taken over by exactly one successor.
 *
 * The owner is the end of a chain: `<path>` holds one record, `<path>.over.<token>` the one that took over from the
 * record with that token. Each link of the chain is made by link(2), which fails when the name exists, so a dead owner
 * has at most one successor whatever the timing, and a taker that dies half-way is succeeded in the same manner.
 */

import { createHash, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import { StoreError } from '../core/errors.ts';
import { parseObject } from '../core/json.ts';
import type { EpochMs } from '../core/time.ts';
import { readBootId, readStartTicks } from './process-identity.ts';

export interface LockRecord {
  readonly token: string;
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
  readonly startedAt: EpochMs;
}

export type DaemonLock =
  | {
      readonly kind: 'held';
      /** Removes the lock if it is still ours; a successor's lock stays. */
      release(): void;
    }
  | { readonly kind: 'taken'; readonly pid: number; readonly since: EpochMs };

export interface DaemonLockOptions {
  /** Where the process file system is mounted: `/proc`. */
  readonly procRoot: string;
  readonly now: EpochMs;
}

/**
 * Takes the lock at `path`, over a dead owner if need be. Never waits.
 *
 * @throws {StoreError} the lock file cannot be read or written
 */
export function acquireDaemonLock(path: string, { procRoot, now }: DaemonLockOptions): DaemonLock {
  const own: LockRecord = {
    token: randomUUID(),
    pid: process.pid,
    startTicks: readStartTicks(procRoot, process.pid) ?? '',
    bootId: readBootId(procRoot),
    startedAt: now,
  };
  const draft = `${path}.new.${own.pid}.${own.token}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, JSON.stringify(own), { mode: 0o600, flag: 'wx', flush: true });
    try {
      return take(path, draft, own, procRoot);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch (error) {
    throw new StoreError('lock_failed', `${path}: the lock cannot be taken: ${String(error)}`, {
      hint: 'check owner, mode and free space of its directory',
      cause: error,
    });
  }
}

/** Who holds the lock at `path` and is alive; null: nobody. Changes nothing. */
export function readDaemonLock(path: string, procRoot: string): Pick<LockRecord, 'pid' | 'token'> | null {
  const owner = chainEnd(path);
  return owner !== null && isRunning(owner, readBootId(procRoot), procRoot) ? owner : null;
}

function take(path: string, draft: string, own: LockRecord, procRoot: string): DaemonLock {
  for (;;) {
    const owner = chainEnd(path);
    if (owner !== null && isRunning(owner, own.bootId, procRoot)) {
      return { kind: 'taken', pid: owner.pid, since: owner.startedAt };
    }
    const place = owner === null ? path : successorPath(path, owner);
    if (!linkIfFree(draft, place)) continue;
    if (place !== path && !isEnd(path, own, place)) continue;
    if (place !== path) shorten(path, draft, procRoot);
    return { kind: 'held', release: () => release(path, own) };
  }
}

/**
 * Whether the chain from `path` ends at our claim. It does not when another taker shortened the chain after we read it:
 * the token that our claim names is out of the chain by then, and the claim is void.
 */
function isEnd(path: string, own: LockRecord, claim: string): boolean {
  if (chainEnd(path)?.token === own.token) return true;
  rmSync(claim, { force: true });
  return false;
}

/** Puts our record at the head of the chain; what the chain held before is unreachable from then on. */
function shorten(path: string, draft: string, procRoot: string): void {
  const head = `${draft}.head`;
  linkSync(draft, head);
  renameSync(head, path);
  const claims = `${basename(path)}.over.`;
  const drafts = `${basename(path)}.new.`;
  for (const name of readdirSync(dirname(path))) {
    const isDeadDraft =
      name.startsWith(drafts) && readStartTicks(procRoot, Number.parseInt(name.slice(drafts.length), 10)) === null;
    if (name.startsWith(claims) || isDeadDraft) rmSync(join(dirname(path), name), { force: true });
  }
}

function release(path: string, own: LockRecord): void {
  if (readRecord(path)?.token === own.token) rmSync(path, { force: true });
}

function chainEnd(path: string): LockRecord | null {
  let end: LockRecord | null = null;
  for (let next = readRecord(path); next !== null; next = readRecord(successorPath(path, next))) end = next;
  return end;
}

function successorPath(path: string, owner: LockRecord): string {
  return `${path}.over.${owner.token}`;
}

function isRunning(owner: LockRecord, bootId: string, procRoot: string): boolean {
  return owner.bootId === bootId && readStartTicks(procRoot, owner.pid) === owner.startTicks;
}

function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Null: no such file. A file that is no record counts as one of a dead owner. */
function readRecord(path: string): LockRecord | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  return parseRecord(text) ?? { token: hashOf(`${path} ${text}`), pid: 0, startTicks: '', bootId: '', startedAt: 0 };
}

function parseRecord(text: string): LockRecord | null {
  const { token, pid, startTicks, bootId, startedAt } = parseObject(text) ?? {};
  if (typeof token !== 'string' || !/^[\w-]{1,64}$/.test(token) || typeof pid !== 'number') return null;
  if (typeof startTicks !== 'string' || typeof bootId !== 'string' || typeof startedAt !== 'number') return null;
  return { token, pid, startTicks, bootId, startedAt };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
