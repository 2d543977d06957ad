/** What a task file says: its front matter read strictly, its name, and the title of its text. */
import type { EpochMs } from '../time.ts';
import { parseDuration } from '../time.ts';
import type { TaskHeader, TaskPriority } from './task.ts';
import { TASK_PRIORITIES } from './task.ts';

export interface TaskParts {
  /** The YAML between the two lines `---`; null: there is none. */
  readonly frontMatter: string | null;
  /** The line of the file on which it begins, counted from 1. */
  readonly frontLine: number;
  readonly body: string;
}

/** One thing wrong with a key. The path names a key and the place in its list. */
export interface HeaderProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type HeaderAnswer =
  | { readonly kind: 'header'; readonly header: TaskHeader }
  | { readonly kind: 'problems'; readonly problems: readonly HeaderProblem[] };

/** A longer front matter is malformed. */
export const MAX_FRONT_MATTER_CHARS = 16_384;
/** The letters a task's file may have in its name, besides `.md`. It becomes a part of paths and of typed text. */
export const STEM: RegExp = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N} ._@+,=-]*$/u;
/** With the claim and the longest ending, a name stays below the 255 bytes of a file system. */
const MAX_STEM_BYTES = 180;

const MAX_TITLE_CHARS = 200;
const MAX_DEPENDENCIES = 100;
const SEGMENT = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Cuts the text in two. @returns null: the front matter has no end
 * @example splitTaskFile('---\nid: a\n---\nDo it.') // { frontMatter: 'id: a\n', frontLine: 2, body: 'Do it.' }
 */
export function splitTaskFile(text: string): TaskParts | null {
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  const first = /^---[ \t]*\r?\n/.exec(text.slice(start, start + 200));
  if (first === null) return { frontMatter: null, frontLine: 1, body: text.slice(start) };
  const from = start + first[0].length;
  const end = /^(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/m.exec(text.slice(from, from + MAX_FRONT_MATTER_CHARS + 5));
  if (end === null) return null;
  return {
    frontMatter: text.slice(from, from + end.index),
    frontLine: 2,
    body: text.slice(from + end.index + end[0].length),
  };
}

/**
 * Reads the values of a front matter.
 *
 * @param values null: there is no front matter
 * @param file  `project` is the name of the project's directory, which a dependency without one means
 */
export function readHeader(
  values: unknown,
  file: { readonly stem: string; readonly project: string; readonly body: string },
): HeaderAnswer {
  const problems: HeaderProblem[] = [];
  const report = (path: HeaderProblem['path'], message: string): null => {
    problems.push({ path, message });
    return null;
  };
  if (values !== null && (typeof values !== 'object' || Array.isArray(values)))
    return {
      kind: 'problems',
      problems: [{ path: [], message: 'the front matter must be a list of keys with values' }],
    };

  const { id, title, priority, depends_on, model, timeout, max_attempts, session, not_before, ...meta } = (values ??
    {}) as Readonly<Record<string, unknown>>;
  const header: TaskHeader = {
    taskId: readId(id, report) ?? file.stem,
    title: readTitle(title, report) ?? headingOf(file.body) ?? file.stem,
    priority: readPriority(priority, report),
    model: readWord(model, 'model', MODEL, 'must be the name of a model', report),
    timeoutMs: readTimeout(timeout, report),
    maxAttempts: readAttempts(max_attempts, report),
    session: readWord(session, 'session', SESSION, 'must be the name of a tmux session', report),
    notBeforeAt: readInstant(not_before, report),
    dependsOn: readDependencies(depends_on, file.project, report),
    meta,
  };
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'header', header };
}

/** Why a file may not have this name; null: it may. @param stem the name without `.md` */
export function stemProblem(stem: string): string | null {
  if (!STEM.test(stem))
    return 'a task is named with letters, digits, blanks and . _ @ + , = -, beginning with a letter, a digit or _';
  if (utf8Bytes(stem) > MAX_STEM_BYTES) return `the name is longer than ${MAX_STEM_BYTES} bytes`;
  return null;
}

/** The first heading of a text. */
export function headingOf(body: string): string | null {
  const heading = /^#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$/m.exec(body.slice(0, MAX_FRONT_MATTER_CHARS))?.[1];
  return heading === undefined ? null : oneLine(heading);
}

/** `project:task_id`, or `task_id` for one of the same project. @returns null: it is neither */
export function parseDependency(text: string, project: string): string | null {
  const parts = text.split(':');
  const segments = parts.length === 1 ? [project, ...parts] : parts;
  if (segments.length !== 2) return null;
  const [, taskId = ''] = segments;
  // The project's own directory may be named in a way that no dependency can be written.
  const named = parts.length === 1 ? [taskId] : segments;
  return named.every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..')
    ? segments.join(':')
    : null;
}

type Report = (path: HeaderProblem['path'], message: string) => null;

/** What may follow `--model`: never another flag. */
const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,99}$/;
const SESSION = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const ID = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?[ ]?(?:Z|[+-]\d{2}:?\d{2})?$/i;

function readId(value: unknown, report: Report): string | null {
  if (value === undefined || value === null) return null;
  // A number is an id as well: `id: 42`.
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text === 'string' && ID.test(text)) return text;
  return report(['id'], 'must be 1 to 128 letters, digits and . _ -, beginning with a letter, a digit or _');
}

function readTitle(value: unknown, report: Report): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return report(['title'], 'must be text');
  return oneLine(value);
}

function readPriority(value: unknown, report: Report): TaskPriority {
  if (value === undefined || value === null) return 'default';
  const known = TASK_PRIORITIES.find((priority) => priority === value);
  if (known === undefined) report(['priority'], `must be one of ${TASK_PRIORITIES.join(', ')}`);
  return known ?? 'default';
}

function readWord(value: unknown, key: string, form: RegExp, message: string, report: Report): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && form.test(value) ? value : report([key], message);
}

function readTimeout(value: unknown, report: Report): number | null {
  if (value === undefined || value === null) return null;
  const ms = typeof value === 'string' ? parseDuration(value) : null;
  return ms !== null && ms >= 1000 && ms <= 7 * 86_400_000
    ? ms
    : report(['timeout'], 'must be a duration from 1s to 7d');
}

function readAttempts(value: unknown, report: Report): number | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100
    ? value
    : report(['max_attempts'], 'must be a whole number from 1 to 100');
}

function readInstant(value: unknown, report: Report): EpochMs | null {
  if (value === undefined || value === null) return null;
  const at = typeof value === 'string' && INSTANT.test(value) ? Date.parse(withZone(value)) : Number.NaN;
  return Number.isNaN(at)
    ? report(['not_before'], 'must be a time such as 2026-01-31T18:00:00+01:00; without a zone it is UTC')
    : at;
}

function withZone(text: string): string {
  const iso = text.replace(/^(\S{10}) (?=\d)/, '$1T').replace(' ', '');
  return /(?:Z|[+-]\d{2}:?\d{2})$/i.test(iso.slice(10)) || iso.length === 10 ? iso : `${iso}Z`;
}

function readDependencies(value: unknown, project: string, report: Report): readonly string[] {
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > MAX_DEPENDENCIES) report(['depends_on'], `must be at most ${MAX_DEPENDENCIES}`);
  const found = list.slice(0, MAX_DEPENDENCIES).flatMap((entry, index) => {
    const dependency = typeof entry === 'string' ? parseDependency(entry, project) : null;
    if (dependency === null)
      report(['depends_on', index], 'must be "project:task_id", with letters, digits and . _ - on both sides');
    return dependency === null ? [] : [dependency];
  });
  return [...new Set(found)];
}

/** Bounded, and without anything that moves a terminal's cursor. */
function oneLine(text: string): string {
  const plain = text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_TITLE_CHARS);
  return plain === '' ? 'untitled' : plain;
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
