/** A task that somebody asks for: its name and the text of its file. */
import type { HeaderProblem } from './task-file.ts';
import { headingOf, readHeader, stemProblem } from './task-file.ts';

/** As a task's front matter calls these; what is left out is not written. */
export interface NewTask {
  readonly id?: string;
  readonly title?: string;
  readonly priority?: string;
  readonly model?: string;
  readonly timeout?: string;
  readonly max_attempts?: number;
  readonly session?: string;
  readonly not_before?: string;
  readonly depends_on?: readonly string[];
  /** What is to be done. */
  readonly text: string;
}

export const NEW_TASK_KEYS = [
  'id',
  'title',
  'priority',
  'model',
  'timeout',
  'max_attempts',
  'session',
  'not_before',
  'depends_on',
  'text',
] as const satisfies readonly (keyof NewTask)[];

export type ComposedTask =
  | { readonly kind: 'task'; readonly stem: string; readonly text: string }
  | { readonly kind: 'problems'; readonly problems: readonly HeaderProblem[] };

/**
 * Checks the wish as the file will be checked, and writes it down.
 *
 * @param project the name of its project's directory
 * @param newId   makes the name of a task without an id unique
 */
export function composeTask(wish: NewTask, project: string, newId: () => string): ComposedTask {
  const { text, ...values } = wish;
  if (text.trim() === '')
    return { kind: 'problems', problems: [{ path: ['text'], message: 'must say what is to be done' }] };
  const stem = wish.id ?? `${slugOf(wish.title ?? headingOf(text) ?? 'task')}-${newId()}`;
  const answer = readHeader(values, { stem, project, body: text });
  if (answer.kind === 'problems') return answer;
  const problem = stemProblem(stem);
  if (problem !== null) return { kind: 'problems', problems: [{ path: ['id'], message: problem }] };
  const lines = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    // JSON is YAML, and nothing in it can be taken for anything else.
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  const end = text.endsWith('\n') ? '' : '\n';
  return { kind: 'task', stem, text: `---\n${lines.join('')}---\n${text}${end}` };
}

function slugOf(title: string): string {
  const words = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '');
  return words.slice(0, 40).replace(/-+$/, '') || 'task';
}
