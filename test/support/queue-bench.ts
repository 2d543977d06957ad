/** A real directory of projects with queues, and a task queue over it with a database of its own. */
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createQueueDir } from '../../src/adapters/queue/queue-dir.ts';
import { type Config, toConfig } from '../../src/config/schema.ts';
import { readYaml } from '../../src/config/yaml-source.ts';
import type { TaskRow } from '../../src/core/queue/task.ts';
import type { QueueDir, TaskStore } from '../../src/ports/queue.ts';
import type { LocalStore } from '../../src/ports.ts';
import { createTaskQueue, type TaskQueue } from '../../src/steps/task-queue.ts';
import { openFor } from '../store/support/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { OWN_UID } from './account-homes.ts';
import { RecordingLog } from './recording-log.ts';

/** The instant from which the tests count: files are written long before it. */
export const NOW = Date.parse('2026-11-20T10:00:00Z');
const WRITTEN_AT_S = NOW / 1000 - 3600;

/** Projects in a directory that is gone after the test. */
export class Projects {
  readonly dir: string = realpathSync(tempDir());

  constructor(...names: readonly string[]) {
    for (const name of names) mkdirSync(join(this.path(name), '.agent-queue/inbox'), { recursive: true });
  }

  path(project: string): string {
    return join(this.dir, project);
  }

  at(project: string, ...parts: readonly string[]): string {
    return join(this.dir, project, '.agent-queue', ...parts);
  }

  /** Writes a task as if that had been an hour ago, `order` seconds later. */
  drop(project: string, name: string, text: string | Buffer = `Do ${name}.\n`, order = 0): string {
    const path = this.at(project, 'inbox', `${name}.md`);
    writeFileSync(path, text);
    utimesSync(path, WRITTEN_AT_S + order, WRITTEN_AT_S + order);
    return path;
  }

  /** The names in a part of the queue, sorted; none when it is not there. */
  names(project: string, part: string): readonly string[] {
    const path = this.at(project, part);
    return existsSync(path) ? readdirSync(path).sort() : [];
  }

  result(project: string, part: string, name: string): Record<string, unknown> {
    return JSON.parse(readFileSync(this.at(project, part, `${name}.result.json`), 'utf8')) as Record<string, unknown>;
  }
}

export function configFor(projectsDir: string | null, dispatcher: object = {}): Config {
  const accounts = [
    { name: 'a', home: '/home/ada/.claude-a' },
    { name: 'b', home: '/home/ada/.claude-b' },
  ];
  return toConfig({ accounts, dispatcher: { projects_dir: projectsDir, ...dispatcher } }, {}, '/home/ada');
}

export function queueDirFor(config: () => Config, log = new RecordingLog()): QueueDir {
  return createQueueDir({ terms: () => config().dispatcher, ownUid: OWN_UID, readYaml, log });
}

export interface QueueBench {
  readonly queue: TaskQueue;
  readonly dir: QueueDir;
  readonly tasks: TaskStore;
  readonly local: LocalStore;
  readonly log: RecordingLog;
  config: Config;
  /** Every row, by id. */
  rows(): Promise<Readonly<Record<string, TaskRow>>>;
  /** What was written into the journal, oldest first. */
  events(): Promise<readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[]>;
}

export interface BenchOptions {
  readonly stateDir?: string;
  readonly daemonId?: string;
  readonly dispatcher?: object;
  readonly isAtWork?: (project: string) => boolean;
  /** Puts something between the queue and its ports. */
  readonly wrap?: (ports: { dir: QueueDir; tasks: TaskStore }) => { dir: QueueDir; tasks: TaskStore };
}

let ids = 0;

/** A daemon's queue over these projects; two of them with their own state are two daemons. */
export async function queueBench(projects: Projects, options: BenchOptions = {}): Promise<QueueBench> {
  const log = new RecordingLog();
  const bench = { config: configFor(projects.dir, options.dispatcher) };
  const store = await openFor(options.stateDir ?? tempDir());
  const ports = { dir: queueDirFor(() => bench.config, log), tasks: store.tasks };
  const { dir, tasks } = options.wrap?.(ports) ?? ports;
  const queue = createTaskQueue({
    queueDir: dir,
    tasks,
    daemonId: options.daemonId ?? 'daemon-1',
    newId: () => `20261120-100000-${(ids++).toString(16).padStart(4, '0')}`,
    config: () => bench.config,
    isAtWork: options.isAtWork ?? (() => false),
    log,
  });
  return Object.assign(bench, {
    queue,
    dir: ports.dir,
    tasks: store.tasks,
    local: store.local,
    log,
    async rows() {
      const rows = await store.tasks.tasks({ limit: 100_000 });
      return Object.fromEntries(rows.map((row) => [row.id, row]));
    },
    async events() {
      const events = await store.local.events({ limit: 10_000 });
      return [...events].reverse().map(({ type, data }) => ({ type, data }));
    },
  });
}

/** Claims the most urgent task. */
export async function takeNext(bench: Pick<QueueBench, 'queue'>, now = NOW, session = 'ccl-auto-11') {
  const [row] = await bench.queue.next(now, 1);
  if (row === undefined) throw new Error('no task is due');
  const claimed = await bench.queue.claim(row, { session, account: 'a' }, now);
  if (claimed.kind !== 'claimed') throw new Error(`not claimed: ${claimed.kind}`);
  return claimed;
}
