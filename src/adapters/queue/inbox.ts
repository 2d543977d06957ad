/** A look at an inbox: names first, then what they are, then the front matter of those that are new. */
import { opendir } from 'node:fs/promises';
import type { TaskRefusal } from '../../core/queue/task.ts';
import { MAX_FRONT_MATTER_CHARS, stemProblem } from '../../core/queue/task-file.ts';
import type { EpochMs } from '../../core/time.ts';
import { MINUTE, SECOND } from '../../core/time.ts';
import type { InboxFile, InboxScan, QueueProject, RefusedFile } from '../../ports/queue.ts';
import type { HeldDirectory } from './directories.ts';
import type { FileTerms } from './files.ts';
import { inodeOf, look, openFile, readText, versionOf } from './files.ts';
import type { ReadTask, ReadYaml } from './read-task.ts';
import { readTask } from './read-task.ts';

/** A file that was written to within this time may still be being written. */
export const SETTLE_MS = SECOND;
/** An empty file is a task that somebody begins to write, for so long. */
const EMPTY_MS = MINUTE;
/** Tasks looked at in one pass, and names besides. */
export const MAX_FILES = 10_000;
const MAX_NAMES = 50_000;
const MAX_IGNORED = 100;
/** The front matter, and enough of the text for its first heading. */
const HEAD_BYTES = 4 * MAX_FRONT_MATTER_CHARS + 1024;
/** Files that are looked at side by side. */
const ABREAST = 16;

/** What is remembered of a file, so that it is read once. */
interface Seen {
  readonly version: string;
  readonly since: EpochMs;
  readonly read: ReadTask | null;
}

/** Remembers the files of one inbox. */
export class InboxReader {
  #seen = new Map<string, Seen>();

  async scan(
    inbox: HeldDirectory,
    project: QueueProject,
    now: EpochMs,
    terms: FileTerms,
    readYaml: ReadYaml,
  ): Promise<InboxScan> {
    const names = await listNames(inbox);
    const seen = new Map<string, Seen>();
    const files: InboxFile[] = [];
    const refused: RefusedFile[] = [];
    let settlesAt: EpochMs | null = null;
    const unsettled: string[] = [];
    const stems = names.tasks.slice(0, MAX_FILES);
    for (let at = 0; at < stems.length; at += ABREAST) {
      const found = await Promise.all(
        stems.slice(at, at + ABREAST).map((name) => this.#one(inbox, name, project, now, terms, readYaml)),
      );
      for (const { name, seen: one, file, refusal, settlesAt: until } of found) {
        if (one !== null) seen.set(name.toString('latin1'), one);
        if (file !== null) files.push(file);
        if (refusal !== null) refused.push(refusal);
        if (until === null) continue;
        unsettled.push(stemOf(name, '.md'));
        settlesAt = Math.min(settlesAt ?? until, until);
      }
    }
    this.#seen = seen;
    const present = new Set(names.tasks.map((name) => name.toString('utf8')));
    return {
      files: await withMarkers(inbox, files, names.markers),
      refused,
      unsettled,
      settlesAt: settlesAt === null ? null : Math.max(settlesAt, now + SETTLE_MS / 4),
      isPartial: names.isPartial || stems.length < names.tasks.length,
      ignored: names.ignored,
      dispatched: await timesOf(inbox, names.dispatched),
      strayMarkers: [...names.markers].filter((stem) => !present.has(`${stem}.md`)),
    };
  }

  async #one(
    inbox: HeldDirectory,
    name: Buffer,
    project: QueueProject,
    now: EpochMs,
    terms: FileTerms,
    readYaml: ReadYaml,
  ): Promise<Found> {
    const nothing: Found = { name, seen: null, file: null, refusal: null, settlesAt: null };
    const looked = await look(inbox, name, terms);
    if (looked.kind === 'gone') return nothing;
    const { stats } = looked;
    if (looked.kind === 'unfit')
      return { ...nothing, refusal: refusalOf(name, looked, stats === null ? '' : inodeOf(stats)) };
    if (stats === null) return nothing;
    const inode = inodeOf(stats);
    const refuse = (refusal: TaskRefusal, detail: string): Found => ({
      ...nothing,
      refusal: refusalOf(name, { refusal, detail }, inode),
    });
    const text = decoded(name);
    const problem = text === null ? 'the name is not UTF-8' : stemProblem(text.slice(0, -3));
    if (text === null || problem !== null) return refuse('name_invalid', problem ?? '');
    const stem = text.slice(0, -3);

    const version = versionOf(stats);
    const before = this.#seen.get(name.toString('latin1'));
    const isSame = before?.version === version && before.since <= now;
    const since = isSame ? before.since : now;
    const mtimeMs = Number(stats.mtimeNs) / 1e6;
    const graceMs = stats.size === 0n ? EMPTY_MS : SETTLE_MS;
    const isOld = looked.kind === 'fit' && now - mtimeMs >= graceMs;
    if (!isOld && now - since < graceMs) {
      const until = looked.kind === 'fit' && mtimeMs <= now ? Math.min(since, mtimeMs) : since;
      return { ...nothing, seen: { version, since, read: null }, settlesAt: until + graceMs };
    }
    if (looked.kind === 'linked') {
      const detail = 'the same file has another name; put a copy there, or move it';
      return { ...refuse('hard_link', detail), seen: { version, since, read: null } };
    }
    if (isSame && before.read !== null)
      return toFound(name, { version, since, read: before.read }, { stem, inode, mtimeMs, bytes: Number(stats.size) });

    const opened = await openFile(inbox, name, terms);
    if (opened.kind === 'unfit') return refuse(opened.refusal, opened.detail);
    if (opened.kind !== 'open') return { ...nothing, settlesAt: now };
    try {
      if (versionOf(opened.stats) !== version) return { ...nothing, settlesAt: now };
      const read = await readHead(opened.handle, Number(stats.size), { stem, project: project.name }, readYaml);
      return toFound(name, { version, since, read }, { stem, inode, mtimeMs, bytes: Number(stats.size) });
    } finally {
      await opened.handle.close();
    }
  }
}

interface Found {
  readonly name: Buffer;
  readonly seen: Seen | null;
  readonly file: InboxFile | null;
  readonly refusal: RefusedFile | null;
  readonly settlesAt: EpochMs | null;
}

function toFound(
  name: Buffer,
  seen: Seen & { readonly read: ReadTask },
  file: Omit<InboxFile, 'header' | 'blockedSinceAt'>,
): Found {
  const { read } = seen;
  return {
    name,
    seen,
    file: read.kind === 'task' ? { ...file, header: read.header, blockedSinceAt: null } : null,
    refusal: read.kind === 'task' ? null : refusalOf(name, read, file.inode),
    settlesAt: null,
  };
}

async function readHead(
  handle: Parameters<typeof readText>[0],
  bytes: number,
  file: { readonly stem: string; readonly project: string },
  readYaml: ReadYaml,
): Promise<ReadTask> {
  const text = await readText(handle, Math.min(bytes, HEAD_BYTES));
  return readTask(text, file, readYaml, bytes <= HEAD_BYTES);
}

function refusalOf(
  name: Buffer,
  { refusal, detail }: { readonly refusal: TaskRefusal; readonly detail: string },
  inode: string,
): RefusedFile {
  return { name, shownName: shown(name), inode, refusal, detail };
}

interface Names {
  readonly tasks: readonly Buffer[];
  /** Stems with a `.blocked` marker. */
  readonly markers: ReadonlySet<string>;
  readonly dispatched: readonly string[];
  readonly ignored: readonly string[];
  readonly isPartial: boolean;
}

/** Reads the directory piece by piece: a flood of names is not held in memory. */
async function listNames(inbox: HeldDirectory): Promise<Names> {
  const tasks: Buffer[] = [];
  const markers = new Set<string>();
  const dispatched: string[] = [];
  const ignored: string[] = [];
  let count = 0;
  // The types know only names that are text.
  const directory = await opendir(inbox.self, { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
  for await (const entry of directory) {
    const name = entry.name as unknown as Buffer;
    if (name[0] === DOT) continue;
    if (++count > MAX_NAMES) break;
    const text = name.toString('latin1');
    if (text.endsWith('.md')) tasks.push(name);
    else if (text.endsWith('.md.blocked')) markers.add(stemOf(name, '.md.blocked'));
    else if (text.endsWith('.md.dispatched') && dispatched.length < MAX_IGNORED)
      dispatched.push(stemOf(name, '.md.dispatched'));
    else if (ignored.length < MAX_IGNORED) ignored.push(shown(name));
  }
  tasks.sort(Buffer.compare);
  return { tasks, markers, dispatched: dispatched.sort(), ignored: ignored.sort(), isPartial: count > MAX_NAMES };
}

const DOT = '.'.charCodeAt(0);

function stemOf(name: Buffer, ending: string): string {
  return name.subarray(0, name.length - ending.length).toString('utf8');
}

async function withMarkers(
  inbox: HeldDirectory,
  files: readonly InboxFile[],
  markers: ReadonlySet<string>,
): Promise<readonly InboxFile[]> {
  const marked = files.filter(({ stem }) => markers.has(stem)).map(({ stem }) => stem);
  const since = new Map((await timesOf(inbox, marked, '.md.blocked')).map(({ stem, mtimeMs }) => [stem, mtimeMs]));
  return files.map((file) => (since.has(file.stem) ? { ...file, blockedSinceAt: since.get(file.stem) ?? null } : file));
}

/** When these markers were written; those that are no files, or gone, are left out. */
async function timesOf(
  inbox: HeldDirectory,
  stems: readonly string[],
  ending = '.md.dispatched',
): Promise<readonly { readonly stem: string; readonly mtimeMs: number }[]> {
  const anyFile: FileTerms = { owners: { ownUid: -1, trustedUids: [] }, maxBytes: Number.MAX_SAFE_INTEGER };
  const times: { stem: string; mtimeMs: number }[] = [];
  for (const stem of stems) {
    const looked = await look(inbox, `${stem}${ending}`, anyFile);
    if (looked.kind !== 'gone' && looked.stats?.isFile() === true)
      times.push({ stem, mtimeMs: Number(looked.stats.mtimeNs) / 1e6 });
  }
  return times.sort((a, b) => a.mtimeMs - b.mtimeMs);
}

const STRICT = new TextDecoder('utf-8', { fatal: true });

/** Null: it is not text. */
function decoded(name: Buffer): string | null {
  try {
    return STRICT.decode(name);
  } catch {
    return null;
  }
}

/** A name for a person and for a log: what moves a cursor or is no text is escaped. */
export function shown(name: Buffer): string {
  return name.toString('utf8').replace(/[\p{Cc}\p{Cf}\u2028\u2029\uFFFD]/gu, (letter) => {
    const code = letter.codePointAt(0) ?? 0;
    return code === 0xfffd ? '?' : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
