/** One look at every inbox: which tasks are there, which may start, and which files are no tasks. */

import { QueueError } from '../core/errors.ts';
import type { NewEvent } from '../core/events.ts';
import { judgeDependencies, type Readiness } from '../core/queue/dependencies.ts';
import { compareTasks } from '../core/queue/order.ts';
import { refusalResult } from '../core/queue/result.ts';
import type { TaskRow } from '../core/queue/task.ts';
import { CLAIMED, taskKey, WAITING } from '../core/queue/task.ts';
import { taskEvent } from '../core/queue/task-event.ts';
import type { EpochMs } from '../core/time.ts';
import { MINUTE } from '../core/time.ts';
import type { ClaimFile, InboxFile, InboxScan, QueueFlaw, QueueProject, RefusedFile } from '../ports/queue.ts';
import { endTask } from './queue-ends.ts';
import { dropClaim, settleEnds } from './queue-repair.ts';
import type { QueueState } from './queue-state.ts';
import { newRow, recordOf, UNTRIED } from './queue-state.ts';
import type { ScanOutcome } from './task-queue.ts';

const MAX_ROWS = 100_000;
/** A claim gives a sign of life so often, so that another daemon does not take it for forgotten. */
const HEARTBEAT_MS = MINUTE;

/** What one look at one project found. */
interface Look {
  readonly project: QueueProject;
  readonly scan: InboxScan;
  readonly claims: readonly ClaimFile[];
}

/** What is written at the end of the look, in one transaction. */
interface Changes {
  readonly save: Map<string, TaskRow>;
  readonly gone: string[];
  readonly events: NewEvent[];
}

export async function scanQueues(state: QueueState, now: EpochMs): Promise<ScanOutcome> {
  await settleEnds(state);
  const looks = await lookAround(state, now);
  const rows = new Map<string, TaskRow>();
  for (const row of await state.tasks.tasks({ statuses: [...WAITING, ...CLAIMED], limit: MAX_ROWS }))
    rows.set(row.id, row);

  const changes: Changes = { save: new Map(), gone: [], events: [] };
  const waiting: TaskRow[] = [];
  state.inbox.clear();
  for (const look of looks) waiting.push(...(await takeStock(state, look, rows, changes, now)));
  const doomed = await judgeWaiting(state, waiting, looks, changes, now);
  await state.tasks.save([...changes.save.values()], changes.gone, changes.events, now);
  let isAdopted = false;
  for (const { row, readiness, project } of doomed)
    await state.within(project, () => endWaiting(state, row, readiness, now));
  for (const look of looks) {
    await state.within(look.project, async () => {
      await keepClaims(state, look, rows, now);
      if (await adoptMarkers(state, look, now)) isAdopted = true;
    });
  }
  tellFlaws(state);

  for (const id of state.written.keys()) if (!state.inbox.has(id)) state.written.delete(id);
  state.scannedAt = now;
  const settling = looks.flatMap(({ scan }) => (scan.settlesAt === null ? [] : [scan.settlesAt]));
  return {
    projects: state.projects,
    flaws: state.flaws,
    settlesAt: settling.length === 0 ? null : Math.min(...settling),
    isPartial: isAdopted || looks.some(({ scan }) => scan.isPartial),
  };
}

/** A project that cannot be looked at keeps its rows as they are, and does not stand in the way of the others. */
async function lookAround(state: QueueState, now: EpochMs): Promise<readonly Look[]> {
  const looks: Look[] = [];
  try {
    const { projects, flaws } = await state.dir.projects();
    state.projects = projects;
    state.flaws = flaws;
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    const path = state.config.dispatcher.projectsDir ?? '';
    state.projects = [];
    state.flaws = [{ project: '', path, kind: 'unreadable', detail: error.message, isRefused: true }];
  }
  for (const project of state.projects) {
    await state.within(project, async () => {
      // In this order: a task that is taken in between is in neither, or seen as taken.
      const scan = await state.dir.scan(project, now);
      looks.push({ project, scan, claims: await state.dir.claims(project.path) });
      state.ignored.set(project.path, scan.ignored);
    });
  }
  return looks;
}

/** Each one once, and again when it was gone in between. */
function tellFlaws(state: QueueState): void {
  const told = (flaw: QueueFlaw): string => `flaw ${flaw.path}: ${flaw.detail}`;
  const known = new Set(state.flaws.map(told));
  state.forgetNews((what) => !what.startsWith('flaw ') || known.has(what));
  for (const flaw of state.flaws)
    if (state.isNews(told(flaw))) state.log.warn({ ...flaw }, 'a queue is not as it should be');
}

/** @returns the tasks of this project that wait, as they are now */
async function takeStock(
  state: QueueState,
  { project, scan, claims }: Look,
  rows: ReadonlyMap<string, TaskRow>,
  changes: Changes,
  now: EpochMs,
): Promise<readonly TaskRow[]> {
  const taken = new Set(claims.map(({ inode }) => inode));
  const inFlight = new Set(
    claims.flatMap((claim) => (claim.inode === null ? [] : [claim.record?.taskId ?? claim.stem])),
  );
  const waiting = new Map<string, TaskRow>();
  const refused: RefusedFile[] = [...scan.refused];
  const found = scan.files
    .filter(({ inode }) => !taken.has(inode))
    .map((file) => ({ file, row: newRow(project, file, inboxPath(project, file.stem), now) }))
    .sort((a, b) => compareTasks(a.row, b.row));
  for (const { file, row } of found) {
    const known = rows.get(row.id) ?? null;
    if (inFlight.has(row.taskId) || (known !== null && CLAIMED.includes(known.status)) || waiting.has(row.id)) {
      refused.push(duplicateOf(file, row));
      continue;
    }
    const isKnown = known !== null && state.written.get(row.id) === file.header && known.path === row.path;
    const current = known === null ? await beginAnew(state, row, changes) : isKnown ? known : brought(known, row);
    if (current !== known) changes.save.set(current.id, current);
    state.written.set(row.id, file.header);
    waiting.set(current.id, current);
    state.inbox.set(current.id, { project, file });
  }
  const unsettled = new Set(scan.unsettled);
  for (const row of rows.values()) {
    if (row.project !== project.path || !WAITING.includes(row.status) || waiting.has(row.id)) continue;
    if (!scan.isPartial && !unsettled.has(row.stem)) changes.gone.push(row.id);
  }
  for (const file of refused) await refuse(state, project, file, rows, changes, now);
  await state.within(project, async () => {
    for (const stem of scan.strayMarkers) await state.dir.unmarkBlocked(project.path, stem);
  });
  return [...waiting.values()];
}

/** A task of which nothing is known, or which ended and was put there again. */
async function beginAnew(state: QueueState, row: TaskRow, changes: Changes): Promise<TaskRow> {
  const before = await state.tasks.task(row.id);
  changes.events.push(
    taskEvent('task_queued', row, before === null ? {} : { reason: `it was ${before.status} before` }),
  );
  return row;
}

/** The row that is there with what its file says now; the very same when that is nothing new. */
function brought(known: TaskRow, found: TaskRow): TaskRow {
  const { status, statusSince, ...file } = found;
  const next = { ...known, ...file, ...triesOf(known), status: known.status, statusSince: known.statusSince };
  return JSON.stringify(next) === JSON.stringify(known) ? known : next;
}

/** What a file that waits cannot say. */
function triesOf(row: TaskRow): Partial<TaskRow> {
  return Object.fromEntries(Object.keys(UNTRIED).map((key) => [key, row[key as keyof typeof UNTRIED]]));
}

function duplicateOf(file: InboxFile, row: TaskRow): RefusedFile {
  const name = Buffer.from(`${file.stem}.md`);
  const detail = `a task with the id ${row.taskId} waits or is being done already`;
  return { name, shownName: `${file.stem}.md`, inode: file.inode, refusal: 'duplicate_id', detail };
}

/** Into `failed/`, with its reason. What cannot even be moved is left and told once. */
async function refuse(
  state: QueueState,
  project: QueueProject,
  file: RefusedFile,
  rows: ReadonlyMap<string, TaskRow>,
  changes: Changes,
  now: EpochMs,
): Promise<void> {
  const claimId = state.newId();
  const reason = `${file.refusal}: ${file.detail}`;
  const told = `refused ${project.path} ${file.shownName} ${file.inode} ${file.refusal}`;
  let path: string | null;
  try {
    path = await state.dir.refuse(
      project.path,
      file,
      refusalResult(file.shownName, claimId, file.refusal, file.detail, now),
    );
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    if (!state.isNews(told)) return;
    const row = { id: taskKey(project.name, file.shownName), project: project.path, title: file.shownName };
    const left = `${reason}; it cannot be moved to failed/: ${error.message}`;
    changes.events.push(
      taskEvent('task_refused', { ...row, workSession: null, account: null }, { reason: left, left: true }),
    );
    return;
  }
  if (path === null) return;
  const stem = path.slice(path.lastIndexOf('/') + 1, -'.md'.length);
  const isTaken = (id: string) => (rows.has(id) && !changes.gone.includes(id)) || changes.save.has(id);
  const plain = taskKey(project.name, stem);
  const row: TaskRow = {
    ...UNTRIED,
    id: isTaken(plain) ? `${plain}__${claimId}` : plain,
    project: project.path,
    taskId: stem,
    stem,
    path,
    title: file.shownName,
    priority: 'default',
    model: null,
    timeoutMs: null,
    maxAttempts: null,
    session: null,
    notBeforeAt: null,
    dependsOn: [],
    meta: {},
    status: 'failed',
    statusSince: now,
    createdAt: now,
    finishedAt: now,
    errorKind: 'refused',
    reason,
  };
  changes.save.set(row.id, row);
  changes.events.push(taskEvent('task_refused', row, { reason, refusal: file.refusal, file: file.shownName }));
  await state.note(row, 'task_refused', now);
}

/** A task that will never start. */
interface Doomed {
  readonly row: TaskRow;
  readonly readiness: Readiness;
  readonly project: QueueProject;
}

/** @returns those that will never start */
async function judgeWaiting(
  state: QueueState,
  waiting: readonly TaskRow[],
  looks: readonly Look[],
  changes: Changes,
  now: EpochMs,
): Promise<readonly Doomed[]> {
  const done = await doneDependencies(state, waiting, looks);
  const marked = new Map([...state.inbox].map(([id, { file }]) => [id, file.blockedSinceAt]));
  const verdicts = judgeDependencies(
    waiting,
    (dependency) => done.has(dependency),
    (id) => marked.get(id) ?? null,
    now,
    state.config.dispatcher.blockedTimeoutMs,
  );
  const doomed: Doomed[] = [];
  for (const row of waiting) {
    const readiness = verdicts.get(row.id) ?? { kind: 'ready' };
    const project = state.inbox.get(row.id)?.project;
    const since = marked.get(row.id) ?? null;
    if (project === undefined) continue;
    if (readiness.kind === 'cycle' || readiness.kind === 'expired') doomed.push({ row, readiness, project });
    else if (readiness.kind === 'blocked') {
      await state.within(project, () => block(state, row, readiness.reason, since, changes, now));
    } else await state.within(project, () => unblock(state, row, since, changes, now));
  }
  return doomed;
}

async function doneDependencies(
  state: QueueState,
  waiting: readonly TaskRow[],
  looks: readonly Look[],
): Promise<ReadonlySet<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const dependency of waiting.flatMap(({ dependsOn }) => dependsOn)) {
    const at = dependency.lastIndexOf(':');
    const project = dependency.slice(0, at);
    wanted.set(project, (wanted.get(project) ?? new Set()).add(dependency.slice(at + 1)));
  }
  const done = new Set<string>();
  for (const [name, taskIds] of wanted) {
    const project = looks.find((look) => look.project.name === name)?.project;
    if (project === undefined) continue;
    await state.within(project, async () => {
      for (const taskId of await state.dir.doneAmong(project.path, [...taskIds])) done.add(taskKey(name, taskId));
    });
  }
  return done;
}

async function unblock(
  state: QueueState,
  row: TaskRow,
  markedSince: EpochMs | null,
  changes: Changes,
  now: EpochMs,
): Promise<void> {
  if (markedSince !== null) await state.dir.unmarkBlocked(row.project, row.stem);
  if (row.status !== 'blocked') return;
  changes.save.set(row.id, { ...row, status: 'queued', statusSince: now, reason: null });
  changes.events.push(taskEvent('task_queued', row, { reason: 'what it waited for is done' }));
}

async function block(
  state: QueueState,
  row: TaskRow,
  reason: string,
  markedSince: EpochMs | null,
  changes: Changes,
  now: EpochMs,
): Promise<void> {
  if (markedSince === null) await state.dir.markBlocked(row.project, row.stem, reason, now);
  if (row.status === 'blocked' && row.reason === reason) return;
  const since = row.status === 'blocked' ? row.statusSince : (markedSince ?? now);
  changes.save.set(row.id, { ...row, status: 'blocked', statusSince: since, reason });
  if (row.status !== 'blocked') changes.events.push(taskEvent('task_blocked', row, { reason }));
}

/** A task whose dependencies will never be done. */
async function endWaiting(state: QueueState, row: TaskRow, readiness: Readiness, now: EpochMs): Promise<void> {
  const entry = state.inbox.get(row.id);
  if (entry === undefined || readiness.kind === 'ready') return;
  const claimId = state.newId();
  const record = recordOf({ ...row, claimId, claimedAt: now }, state.daemonId);
  const taken = await state.dir.claim(entry.project, entry.file, record);
  state.inbox.delete(row.id);
  if (taken.kind === 'gone' || taken.kind === 'changed') return;
  await state.tasks.change(row.id, WAITING, { claimId, claimedAt: now });
  const kind = readiness.kind === 'cycle' ? 'dependency_cycle' : 'dependency_timeout';
  const end = { status: 'failed', outcome: kind, errorKind: kind, completion: null, summary: null } as const;
  await endTask(state, row.id, { ...end, reason: readiness.reason }, now);
}

/** A sign of life for the claims of this daemon. */
async function keepClaims(
  state: QueueState,
  { project, claims }: Look,
  rows: ReadonlyMap<string, TaskRow>,
  now: EpochMs,
): Promise<void> {
  const held = new Map([...rows.values()].map((row) => [row.claimId, row]));
  for (const claim of claims) {
    const row = held.get(claim.claimId);
    if (row === undefined) {
      if ((await state.tasks.taskByClaim(claim.claimId)) === null) await dropClaim(state, project.path, claim);
    } else if (claim.inode !== null && Math.abs(now - claim.heartbeatAt) >= HEARTBEAT_MS)
      await state.dir.saveClaim(project.path, claim.stem, recordOf(row, state.daemonId));
  }
}

/** A marker of the Go predecessor whose session is gone: its task waits again. @returns whether there was one */
async function adoptMarkers(state: QueueState, { project, scan }: Look, now: EpochMs): Promise<boolean> {
  let isAny = false;
  for (const { stem, mtimeMs } of scan.dispatched) {
    if (now - mtimeMs < state.config.janitor.claimedStaleAfterMs || state.isAtWork(project.path)) continue;
    if (!state.isNews(`dispatched ${project.path}/${stem}`)) continue;
    if (!(await state.dir.adoptDispatched(project.path, stem))) continue;
    isAny = true;
    state.log.info({ project: project.path, task: stem }, 'a task that an earlier program had given out waits again');
  }
  return isAny;
}

function inboxPath(project: QueueProject, stem: string): string {
  return `${project.path}/.agent-queue/inbox/${stem}.md`;
}
