/** Moves a damaged database out of the way, whole, and makes sure that a kill in between is not forgotten. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { EpochMs } from '../core/time.ts';
import { toIso } from '../core/time.ts';
import { syncPath } from './migrate.ts';

export interface Quarantined {
  readonly from: string;
  /** The directory that now holds the file and its log. */
  readonly to: string;
  readonly reason: string;
}

/** Renames the file, its log and its index into a new directory below `quarantine/`. Call `settle` once a fresh one stands. */
export function moveAside(path: string, reason: string, now: EpochMs): Quarantined {
  const root = join(dirname(path), 'quarantine');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  writeFileSync(pendingMark(path), reason, { mode: 0o600, flush: true });
  const to = newDirectory(join(root, `${toIso(now)?.replaceAll(':', '-')}-corrupt`));
  for (const part of [path, `${path}-wal`, `${path}-shm`]) {
    if (existsSync(part)) renameSync(part, join(to, basename(part)));
  }
  for (const directory of [to, root, dirname(path)]) syncPath(directory);
  return { from: path, to, reason };
}

/** Why a quarantine was begun that has not been settled; null: none was. */
export function unsettledReason(path: string): string | null {
  return existsSync(pendingMark(path)) ? readFileSync(pendingMark(path), 'utf8') : null;
}

export function settle(path: string): void {
  rmSync(pendingMark(path), { force: true });
}

function pendingMark(path: string): string {
  return join(dirname(path), 'quarantine', 'pending');
}

function newDirectory(wanted: string): string {
  for (let count = 1; ; count++) {
    const directory = count === 1 ? wanted : `${wanted}-${count}`;
    if (existsSync(directory)) continue;
    mkdirSync(directory, { mode: 0o700 });
    return directory;
  }
}
