/** What is typed into a session to give it a task: a short pointer, the task's own text, and how to say that it is done. */

export interface TaskText {
  readonly title: string;
  /** `<project>:<task id>`. */
  readonly id: string;
  /** Where the claimed file lies. */
  readonly path: string;
  /** The text below the front matter. Data: nothing of it is ever evaluated. */
  readonly body: string;
  /** The file whose appearance says that the task has ended. */
  readonly signalPath: string;
  /** What the session did before it was cut short; absent: nothing is known. */
  readonly context?: string;
}

const MAX_TITLE = 120;

/** Begins with a word, so that no task can begin with a mark the CLI obeys (`/`, `!`, `#`). */
export function taskText({ title, id, path, body, signalPath, context }: TaskText): string {
  const say = (status: string, summary: string): string => JSON.stringify({ task_id: id, status, summary });
  return [
    `Task: ${oneLine(title).slice(0, MAX_TITLE)}`,
    taskMark(id),
    `File: ${oneLine(path)}`,
    '',
    body.trim() === '' ? '(The task has no text beyond its title.)' : body.trimEnd(),
    ...(context === undefined
      ? []
      : ['', 'It was begun before and cut short. The last that was seen of it:', '', context]),
    '',
    `When all of it is done, write the file ${oneLine(signalPath)} with one line of JSON:`,
    say('done', 'what was done, in a sentence'),
    'If it cannot be done, write there instead:',
    say('failed', 'why, in a sentence'),
  ].join('\n');
}

/** The line by which a typed task is known again, on a screen or in a transcript. */
export function taskMark(id: string): string {
  return `Task id: ${oneLine(id)}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
