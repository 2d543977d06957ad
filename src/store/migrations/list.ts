/** Every schema version, oldest first. */
import { initial } from './0001-initial.ts';
import { leases } from './0006-leases.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [initial, leases];
