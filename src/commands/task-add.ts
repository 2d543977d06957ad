/** `task add`: writes a task into the inbox of a project; the daemon need not run. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createQueueDir } from '../adapters/queue/queue-dir.ts';
import { readTask } from '../adapters/queue/read-task.ts';
import type { Config } from '../config/schema.ts';
import { readYaml } from '../config/yaml-source.ts';
import { FailoverError } from '../core/errors.ts';
import type { NewTask } from '../core/queue/new-task.ts';
import { composeTask } from '../core/queue/new-task.ts';
import { taskKey } from '../core/queue/task.ts';
import { splitTaskFile, stemProblem } from '../core/queue/task-file.ts';
import type { EpochMs } from '../core/time.ts';
import { parseDuration } from '../core/time.ts';
import type { QueueDir, QueueProject } from '../ports/queue.ts';
import { askDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { loadOffline, NO_LOG } from './offline.ts';

export interface TaskAddOptions extends JsonOption {
  readonly project: string;
  readonly id?: string;
  readonly title?: string;
  readonly priority?: string;
  readonly model?: string;
  readonly timeout?: string;
  readonly maxAttempts?: string;
  readonly session?: string;
  /** A time in ISO 8601, or a duration from now. */
  readonly notBefore?: string;
  /** Tasks with commas between them. */
  readonly dependsOn?: string;
}

/** @param file the text; `-`: standard input @returns 0, 1 it cannot be written, 2 it is no task as it stands */
export async function addTask(file: string, options: TaskAddOptions, io: CommandIo): Promise<number> {
  const { config } = loadOffline(options, io);
  const queueDir = createQueueDir({
    terms: () => config.dispatcher,
    ownUid: process.getuid?.() ?? 0,
    readYaml,
    log: NO_LOG,
  });
  const project = await projectOf(queueDir, config, options.project);
  const text = await readText(file, config.dispatcher.maxTaskBytes, io);
  const now = io.clock.now();
  const composed = isComposed(text)
    ? takeAsItIs(text, file, options, project, now)
    : composeTask(wishOf(text, options, now), project.name, () => suffix(now));
  if (composed.kind === 'problems') {
    for (const { path, message } of composed.problems) {
      const where = path.join('.');
      io.err(`claude-failover: ${where === '' ? '' : `${where} `}${message}\n`);
    }
    return EXIT.usage;
  }
  const path = await queueDir.add(project.path, composed.stem, composed.text);
  const id = taskKey(project.name, composed.stem);
  if (path === null)
    throw new FailoverError('name_taken', `a task named ${composed.stem} waits in ${project.name} already`, {
      hint: 'choose another --id, or see: claude-failover task list',
    });
  // The daemon hears of the file by itself as well.
  await askDaemon((await locate(options, io)).socket, '/trigger/dispatch', { body: {}, timeoutMs: 5_000 });
  io.out(options.json === true ? `${JSON.stringify({ id, path })}\n` : `${id} waits in ${path}\n`);
  return EXIT.ok;
}

/** It has a front matter of its own: then nothing is added to it. */
function isComposed(text: string): boolean {
  const parts = splitTaskFile(text);
  return parts === null || parts.frontMatter !== null;
}

type Composed = ReturnType<typeof composeTask>;

function takeAsItIs(
  text: string,
  file: string,
  options: TaskAddOptions,
  project: QueueProject,
  now: EpochMs,
): Composed {
  const { text: _, ...given } = wishOf('x', options, now);
  const extra = Object.keys(given);
  const wrong = (message: string): Composed => ({ kind: 'problems', problems: [{ path: [], message }] });
  if (extra.length > 0) return wrong(`the text has a front matter of its own: put ${extra.join(', ')} there`);
  const named = file === '-' ? `task-${suffix(now)}` : basename(file).replace(/\.md$/i, '');
  const stem = stemProblem(named) === null ? named : `task-${suffix(now)}`;
  const read = readTask(text, { stem, project: project.name }, readYaml);
  return read.kind === 'task' ? { kind: 'task', stem, text } : wrong(read.detail);
}

function wishOf(text: string, options: TaskAddOptions, now: EpochMs): NewTask {
  const { id, title, priority, model, timeout, maxAttempts, session, notBefore, dependsOn } = options;
  const inMs = notBefore === undefined ? null : parseDuration(notBefore);
  const not_before = inMs === null ? notBefore : new Date(now + inMs).toISOString();
  const given = {
    id,
    title,
    priority,
    model,
    timeout,
    max_attempts: maxAttempts === undefined ? undefined : Number(maxAttempts),
    session,
    not_before,
    depends_on: dependsOn?.split(',').map((name) => name.trim()),
  };
  return { ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), text };
}

/** A project with a queue; a directory that has none yet gets one. @throws {FailoverError} there is no such directory */
async function projectOf(queueDir: QueueDir, config: Config, name: string): Promise<QueueProject> {
  const { projectsDir } = config.dispatcher;
  if (projectsDir === null)
    throw new FailoverError('no_projects', 'dispatcher.projects_dir is not set: there is no queue', {
      hint: 'set it in the configuration to the directory of your projects',
    });
  const { projects, flaws } = await queueDir.projects();
  const known = projects.find((project) => project.name === name || project.path === name);
  if (known !== undefined) return known;
  const flaw = flaws.find((one) => one.isRefused && (one.project === name || one.path === name));
  if (flaw !== undefined) throw new FailoverError('queue_refused', `the queue of ${name} is not used: ${flaw.detail}`);
  const made = await queueDir.found(name);
  if (made !== null) return made;
  const names = projects.map((project) => project.name).join(', ') || 'none so far';
  throw new FailoverError('unknown_project', `${name} is no directory in ${projectsDir}`, {
    hint: `projects with a queue: ${names}`,
  });
}

/** @throws {FailoverError} */
async function readText(file: string, maxBytes: number, io: CommandIo): Promise<string> {
  if (file !== '-') {
    const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      throw new FailoverError('no_file', `${file} cannot be read (${cause.code ?? cause.message})`, { cause });
    });
    return decoded(bytes, maxBytes);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of io.stdin ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  return decoded(Buffer.concat(chunks), maxBytes);
}

/** Room for the front matter is left. */
const FRONT_MATTER_BYTES = 512;

function decoded(bytes: Uint8Array, maxBytes: number): string {
  if (bytes.length > maxBytes - FRONT_MATTER_BYTES)
    throw new FailoverError('too_large', `a task has at most ${maxBytes} bytes`, {
      hint: 'shorten it, or raise dispatcher.max_task_bytes',
    });
  return new TextDecoder().decode(bytes);
}

/** Sorts by time and is short enough to be typed. */
function suffix(now: EpochMs): string {
  const stamp = new Date(now).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14);
  return `${stamp}-${(process.pid % 65_536).toString(16).padStart(4, '0')}`;
}
