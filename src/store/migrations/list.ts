/** Every schema version, oldest first. */
import { initial } from './0001-initial.ts';
import { outbox } from './0002-outbox.ts';
import { alerts } from './0003-alerts.ts';
import { leases } from './0004-leases.ts';
import { tasks } from './0005-tasks.ts';
import { workFigures } from './0006-work-figures.ts';
import { taskDecisions } from './0007-task-decisions.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [initial, outbox, alerts, leases, tasks, workFigures, taskDecisions];
