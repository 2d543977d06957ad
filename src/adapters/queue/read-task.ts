/** Reads the text of a task file: its front matter through the YAML reader it is given, problems told with their place. */
import type { TaskHeader } from '../../core/queue/task.ts';
import { MAX_FRONT_MATTER_CHARS, readHeader, splitTaskFile } from '../../core/queue/task-file.ts';

/** A YAML reader whose messages never repeat the text. */
export type ReadYaml = (text: string) => {
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  at(path: readonly (string | number)[], part: 'key' | 'value'): { readonly line: number; readonly column: number };
};

interface YamlProblem {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  readonly hint: string | null;
}

export type ReadTask =
  | { readonly kind: 'task'; readonly header: TaskHeader }
  | { readonly kind: 'unfit'; readonly refusal: 'malformed' | 'empty'; readonly detail: string };

/** Of a long list of problems so many are told. */
const MAX_TOLD = 5;

/** @param isWhole false: `text` is only the beginning of the file */
export function readTask(
  text: string,
  file: { readonly stem: string; readonly project: string },
  readYaml: ReadYaml,
  isWhole = true,
): ReadTask {
  const parts = splitTaskFile(text);
  if (parts === null)
    return malformed([
      `1:1 the front matter has no end: close it with a line --- within ${MAX_FRONT_MATTER_CHARS} characters`,
    ]);
  const yaml = parts.frontMatter === null ? null : readYaml(parts.frontMatter);
  const place = (line: number, column: number): string => `${line + parts.frontLine - 1}:${column}`;
  if (yaml !== null && yaml.problems.length > 0) {
    return malformed(
      yaml.problems.map(({ line, column, path, message, hint }) => {
        const where = [place(line, column), ...(path === '' ? [] : [path])].join(' ');
        return `${where} ${message}${hint === null ? '' : ` (${hint})`}`;
      }),
    );
  }
  const answer = readHeader(yaml?.value ?? null, { ...file, body: parts.body });
  if (answer.kind === 'problems') {
    return malformed(
      answer.problems.map(({ path, message }) => {
        const { line, column } = yaml?.at(path, 'value') ?? { line: 1, column: 1 };
        return `${[place(line, column), ...(path.length === 0 ? [] : [shownPath(path)])].join(' ')} ${message}`;
      }),
    );
  }
  if (isWhole && parts.body.trim() === '')
    return { kind: 'unfit', refusal: 'empty', detail: 'it has no text that says what is to be done' };
  return { kind: 'task', header: answer.header };
}

function malformed(lines: readonly string[]): ReadTask {
  const told = lines.slice(0, MAX_TOLD);
  const more = lines.length > told.length ? `; and ${lines.length - told.length} more` : '';
  return { kind: 'unfit', refusal: 'malformed', detail: `${told.join('; ')}${more}` };
}

function shownPath(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}
