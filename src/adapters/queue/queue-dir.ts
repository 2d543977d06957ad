/** The files of all queues, behind one port: every call opens the directories it needs, works in them and lets them go. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../core/error-code.ts';
import type { AgentHeartbeat, QueueDir, TaskFiles } from '../../ports/queue.ts';
import type { Logger } from '../../ports.ts';
import { claimTask, dropRecord, exists, listClaims, pathIn, releaseClaim, saveRecord, writeNew } from './claims.ts';
import type { QueueDirectories, QueuePart } from './directories.ts';
import { asQueueError, openQueue, QUEUE_DIR } from './directories.ts';
import { ALL_PARTS, doneTasks, finishTask, locateTask, refuseFile, reopenTask } from './ends.ts';
import type { FileTerms } from './files.ts';
import { openFile, readText } from './files.ts';
import { InboxReader } from './inbox.ts';
import { appendEvent, markBlocked, readStatus, unmarkBlocked } from './notes.ts';
import { findDirectory, findProjects } from './projects.ts';
import type { ReadYaml } from './read-task.ts';

/** What the configuration says of the queues, asked for anew at every call. */
export interface QueueTerms {
  /** Null: there is no queue. */
  readonly projectsDir: string | null;
  readonly maxTaskBytes: number;
  readonly trustedUids: readonly number[];
  readonly strict: boolean;
}

export interface QueueDirParts {
  readonly terms: () => QueueTerms;
  readonly ownUid: number;
  readonly readYaml: ReadYaml;
  readonly log: Logger;
}

export function createQueueDir({ terms, ownUid, readYaml, log }: QueueDirParts): QueueDir {
  const readers = new Map<string, InboxReader>();
  const statuses = new Map<string, { readonly version: string; readonly heartbeat: AgentHeartbeat | null }>();
  const owners = () => ({ ownUid, trustedUids: terms().trustedUids });
  const fileTerms = (): FileTerms => ({ owners: owners(), maxBytes: terms().maxTaskBytes });

  /** @throws {QueueError} */
  async function inQueue<T>(
    project: string,
    parts: readonly QueuePart[],
    work: (queue: QueueDirectories) => Promise<T>,
  ): Promise<T> {
    let queue: QueueDirectories | null = null;
    try {
      queue = await openQueue(project, parts, owners());
      return await work(queue);
    } catch (error) {
      throw asQueueError(error, join(project, QUEUE_DIR));
    } finally {
      await queue?.close();
    }
  }

  return {
    async projects() {
      const { projectsDir, strict } = terms();
      if (projectsDir === null) return { projects: [], flaws: [] };
      try {
        const found = await findProjects(projectsDir, owners(), strict);
        const paths = new Set(found.projects.map(({ path }) => path));
        for (const path of readers.keys()) if (!paths.has(path)) readers.delete(path);
        return found;
      } catch (error) {
        throw asQueueError(error, projectsDir);
      }
    },
    async found(name) {
      const { projectsDir } = terms();
      return projectsDir === null ? null : findDirectory(projectsDir, name);
    },
    scan: (project, now) =>
      inQueue(project.path, ['inbox'], (queue) => {
        const reader = readers.get(project.path) ?? new InboxReader();
        readers.set(project.path, reader);
        return reader.scan(queue.part('inbox'), project, now, fileTerms(), readYaml);
      }),
    claim: (project, file, record) =>
      inQueue(project.path, ['inbox', 'claimed'], (queue) =>
        claimTask(queue, project, file, record, fileTerms(), readYaml),
      ),
    claims: (project) => inQueue(project, ['claimed'], (queue) => listClaims(queue, fileTerms())),
    dropClaim: (files) => inQueue(files.project, ['claimed'], (queue) => dropRecord(queue, files)),
    read: (files) =>
      inQueue(files.project, ['claimed'], async (queue) => {
        const opened = await openFile(queue.part('claimed'), claimedName(files), fileTerms());
        if (opened.kind === 'gone') return { kind: 'gone' };
        if (opened.kind === 'unfit') return { kind: 'refused', refusal: opened.refusal, detail: opened.detail };
        if (opened.kind === 'linked')
          return { kind: 'refused', refusal: 'hard_link', detail: 'the same file has another name' };
        try {
          return { kind: 'text', text: await readText(opened.handle, fileTerms().maxBytes) };
        } finally {
          await opened.handle.close();
        }
      }),
    saveClaim: (project, stem, record) => inQueue(project, ['claimed'], (queue) => saveRecord(queue, stem, record)),
    locate: (files) => inQueue(files.project, ALL_PARTS, (queue) => locateTask(queue, files)),
    release: (files) => inQueue(files.project, ['inbox', 'claimed'], (queue) => releaseClaim(queue, files)),
    finish: (files, into, result) =>
      inQueue(files.project, ALL_PARTS, (queue) => finishTask(queue, files, into, result, owners())),
    refuse: (project, file, result) =>
      inQueue(project, ['inbox', 'failed'], (queue) => refuseFile(queue, file, result, owners())),
    reopen: (project, stem, path) =>
      inQueue(project, ['inbox', 'done', 'failed'], (queue) => reopenTask(queue, stem, path)),
    async add(project, stem, text) {
      await mkdir(join(project, QUEUE_DIR)).catch((error: unknown) => {
        if (errorCode(error) !== 'EEXIST') throw asQueueError(error, join(project, QUEUE_DIR));
      });
      return inQueue(project, ['inbox'], async (queue) => {
        const inbox = queue.part('inbox');
        const draft = `.tmp-${randomBytes(6).toString('hex')}`;
        await writeNew(inbox, draft, text);
        try {
          // A rename would replace a task of this name.
          await link(inbox.at(draft), inbox.at(`${stem}.md`));
          return pathIn(inbox, `${stem}.md`);
        } catch (error) {
          if (errorCode(error) === 'EEXIST') return null;
          throw error;
        } finally {
          await rm(inbox.at(draft), { force: true });
        }
      });
    },
    doneAmong: (project, taskIds) => inQueue(project, ['done'], (queue) => doneTasks(queue, taskIds, owners())),
    markBlocked: (project, stem, why, at) =>
      inQueue(project, ['inbox'], (queue) => markBlocked(queue.part('inbox'), stem, why, at)),
    unmarkBlocked: (project, stem) => inQueue(project, ['inbox'], (queue) => unmarkBlocked(queue.part('inbox'), stem)),
    adoptDispatched: (project, stem) =>
      inQueue(project, ['inbox'], async (queue) => {
        const inbox = queue.part('inbox');
        if (await exists(inbox, `${stem}.md`)) return false;
        try {
          await rename(inbox.at(`${stem}.md.dispatched`), inbox.at(`${stem}.md`));
          return true;
        } catch (error) {
          if (errorCode(error) === 'ENOENT') return false;
          throw error;
        }
      }),
    note: (project, event) => inQueue(project, [], (queue) => appendEvent(queue, event, ownUid)),
    heartbeat: (project) =>
      inQueue(project, [], async (queue) => {
        const known = statuses.get(project) ?? null;
        const status = await readStatus(queue, fileTerms(), known?.version ?? null);
        if (status === 'same') return known?.heartbeat ?? null;
        if (status.kind === 'none') {
          statuses.delete(project);
          return null;
        }
        const heartbeat = status.kind === 'read' ? status.heartbeat : null;
        if (status.kind === 'unreadable') log.warn({ project, why: status.why }, 'a status.json is not understood');
        statuses.set(project, { version: status.version, heartbeat });
        return heartbeat;
      }),
  };
}

function claimedName({ stem, claimId }: TaskFiles): string {
  return `${stem}__${claimId}.md`;
}
