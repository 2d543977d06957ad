/** Tasks as the daemon types them: which one a prompt holds, how the stand-in does it, and how it says that it is done. */
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * What is done with a task is said by lines of its text, `stand-in: <word> [value]`:
 * `take 2000ms` works so long · `silent` ends without a word · `hook` lets its hook tell · `fail` says that it cannot be done · `move done` and
 * `move failed` put the file there · `die` ends the agent in the middle · `ask` opens a dialog first.
 *
 * @typedef {object} Task
 * @property {string} id
 * @property {number | null} takesMs
 * @property {boolean} dies
 * @property {boolean} asks
 * @property {(sessionId: string) => void} end
 */

/** @param {string} text a prompt @returns {Task | null} */
export function taskIn(text) {
  const id = /^Task id: (.+)$/m.exec(text)?.[1];
  const file = /^File: (.+)$/m.exec(text)?.[1];
  const signal = /^When all of it is done, write the file (.+) with one line of JSON:$/m.exec(text)?.[1];
  if (id === undefined || file === undefined || signal === undefined) return null;
  const wish = (/** @type {string} */ word) => new RegExp(`^stand-in: ${word}(?: (.*))?$`, 'm').exec(text);
  const takes = wish('take')?.[1];
  const moves = wish('move')?.[1];
  return {
    id,
    takesMs: takes === undefined ? null : Number.parseInt(takes, 10),
    dies: wish('die') !== null,
    asks: wish('ask') !== null,
    end(sessionId) {
      if (wish('silent') !== null) return;
      if (wish('hook') !== null) return hookLine(dirname(dirname(signal)), sessionId, 'Stop');
      if (moves !== undefined) return move(file, moves);
      const status = wish('fail') === null ? 'done' : 'failed';
      // In one step, as a careful agent does it.
      writeFileSync(`${signal}.new`, JSON.stringify({ task_id: id, status, summary: `${status} by the stand-in` }));
      renameSync(`${signal}.new`, signal);
    },
  };
}

/** @param {string} file @param {string} into */
function move(file, into) {
  const folder = join(dirname(dirname(file)), into);
  mkdirSync(folder, { recursive: true });
  renameSync(file, join(folder, basename(file).replace(/__[^_]+\.md$/, '.md')));
}

/** One line as `claude-failover hook` writes it. @param {string} stateDir @param {string} sessionId @param {string} event */
function hookLine(stateDir, sessionId, event) {
  const folder = join(stateDir, 'hooks');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const line = {
    event,
    session_id: sessionId,
    cwd: process.cwd(),
    transcript_path: null,
    error: null,
    error_details: null,
    last_assistant_message: null,
    at: Date.now(),
  };
  appendFileSync(join(folder, `${sessionId}.jsonl`), `${JSON.stringify(line)}\n`, { mode: 0o600 });
}
