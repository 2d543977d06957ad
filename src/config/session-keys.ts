/** The keys about sessions and the agents in them: which are kept, how one is started, and when its state is judged. */
import { z } from 'zod';
import { AUTO_ANSWERS } from '../core/agents/dialog-answers.ts';
import { duration, NAME, path, whole } from './key-types.ts';

export const swapPolicy = () => z.enum(['resume', 'leave', 'notify']);

/** A word of a command line: what a terminal would obey cannot be typed. */
const word = () =>
  z
    .string()
    .max(4096)
    .regex(/^[^\x00-\x1f\x7f-\x9f]*$/, 'must not contain control characters');

const sessionName = () =>
  z.string().regex(NAME, 'expected 1 to 64 letters, digits, _ or -, beginning with a letter or digit');

const agent = () => z.enum(['claude']).default('claude').describe('The CLI that runs in it: that of its pool.');

const pool = () => z.string().default('default').describe('The pool it belongs to: a key of `pools`.');

const Dedicated = z.strictObject({
  name: sessionName().describe('Name of the tmux session; unique.'),
  pool: pool(),
  swap_policy: swapPolicy()
    .default('resume')
    .describe('After a swap: `resume` its work, `leave` it alone, or `notify` only.'),
  project: path()
    .nullable()
    .default(null)
    .describe(
      'Directory in which the session is made, with its agent, when tmux does not have it. null: it is only watched.',
    ),
  agent: agent(),
  accept_tasks: z
    .boolean()
    .default(false)
    .describe('Whether a task may be given to it that names it as its `session`.'),
});

const Autonomous = z.strictObject({
  prefix: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_-]{0,55}$/,
      'expected 1 to 56 letters, digits, _ or -, beginning with a letter or digit',
    )
    .default('ccl-auto-')
    .describe('Names are the prefix and a number: from `start_index` on, `max` of them.'),
  start_index: whole(0, 999_999).default(11).describe('The number of the first one.'),
  min: whole(0, 200).default(0).describe('So many are kept, whether or not there is work.'),
  max: whole(0, 200).default(0).describe('Never more than this. 0: no session works by itself.'),
  workdir: path().default('~').describe('Directory in which they are made; each task is done in its own project.'),
  agent: agent(),
  pool: pool(),
});

export const Sessions = z.strictObject({
  dedicated: z.array(Dedicated).default([]).describe('Sessions watched even before an agent is found in them.'),
  autonomous: Autonomous.prefault({}).describe('Sessions that the daemon makes and gives tasks to.'),
});

const model = (priority: string, name: string) =>
  z
    .string()
    .regex(MODEL, 'expected a name such as sonnet, with letters, digits and . _ : / @ [ ] -')
    .default(name)
    .describe(`The model for tasks of priority \`${priority}\` that name none.`);

/** What may follow `--model`: never another flag. */
export const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,99}$/;

const Agent = (command: string) =>
  z.strictObject({
    command: word()
      .min(1)
      .default(command)
      .describe('The program: a name found by the shell of the session, or a path.'),
    args: z
      .array(word())
      .max(100)
      .default([])
      .describe('Its arguments, each one by itself; none goes through a shell.'),
    models: z
      .strictObject({
        critical: model('critical', 'opus'),
        high: model('high', 'sonnet'),
        default: model('default', 'sonnet'),
        low: model('low', 'sonnet'),
      })
      .prefault({})
      .describe('Models of tasks.'),
  });

export const Agents = z.strictObject({
  claude: Agent('claude').prefault({}).describe('Claude Code.'),
});

export const Lifecycle = z.strictObject({
  reconcile_interval: duration('1s', '1h')
    .default('15s')
    .describe('Duration between two comparisons of what is recorded with what is there.'),
  recreate: z.boolean().default(true).describe('Whether a session that is kept and has gone is made again.'),
  launch_timeout: duration('1s', '30m')
    .default('60s')
    .describe('Duration within which an agent that was started must show its prompt.'),
  max_restarts_per_hour: whole(1, 1000)
    .default(6)
    .describe('A session that had to be made again more often than this is left alone for an hour, and that is told.'),
});

export const Watcher = z.strictObject({
  interval: duration('200ms', '1h').default('30s').describe('Duration between two looks at whether a task has ended.'),
  idle_timeout: duration('1s', '7d').default('60m').describe('Duration after which a task counts as timed out.'),
  idle_polls: whole(1, 100)
    .default(2)
    .describe('Consecutive looks at which the prompt must stand idle before that alone says that a task has ended.'),
  min_runtime: duration('0ms', '1d').default('20s').describe('Duration after its start in which it does not say so.'),
  stall_after: duration('1s', '7d')
    .default('10m')
    .describe('Duration without any change on the screen after which a session that works counts as stalled.'),
  stall_kill_after: duration('1s', '7d')
    .default('20m')
    .describe('Duration after which a session that stays stalled is given up and made anew.'),
  auto_answers: z
    .array(z.enum(AUTO_ANSWERS))
    .max(10)
    .default([])
    .describe(
      'Dialogs that are answered in the sessions of `sessions.autonomous` while they do a task: `trust_folder` (yes), `permission` (yes, this once). All others wait for a person.',
    ),
  done_signal_dir: path()
    .default('<state_dir>/signals')
    .describe('Directory in which a session puts the file `agent-done-<session>` when its task is done.')
    .meta({ requiresRestart: true }),
});

export const Checkpoint = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether what a working session shows is kept for the one that goes on.'),
  interval: duration('1s', '1d').default('5m').describe('Duration between two checkpoints of a session that works.'),
  keep: whole(1, 1000).default(20).describe('Checkpoints that are kept of each session.'),
  lines: whole(1, 5000).default(200).describe('Lines of the screen and what scrolled off it, counted from the end.'),
});
