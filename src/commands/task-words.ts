/** The words of `task` and `queue` on the command line; what they do is loaded when they are called. */
import type { Words } from './words.ts';

export function addTaskCommands({ command, json, globals, end, io }: Words): void {
  const task = command('task', 'the tasks of the queues: add, list, show, retry, cancel');
  task
    .command('add')
    .description('put a task into the inbox of a project; works without the daemon too')
    .argument('<file>', 'its text; - for standard input')
    .requiredOption('--project <project>', 'a directory in dispatcher.projects_dir')
    .option('--id <id>', 'how it is called; other tasks name it so')
    .option('--title <title>', 'without it the first heading of the text')
    .option('--priority <priority>', 'critical, high, default or low')
    .option('--model <model>', 'without it by priority')
    .option('--timeout <duration>', 'an attempt takes no longer, such as 2h')
    .option('--max-attempts <n>', 'how often it is tried')
    .option('--session <session>', 'the tmux session that does it')
    .option('--not-before <when>', 'a time (ISO 8601) or a duration from now')
    .option('--depends-on <tasks>', 'project:task that must be done before, with commas between them')
    .addOption(json())
    .action(async (file: string, options) => {
      const { addTask } = await import('./task-add.ts');
      end(await addTask(file, { ...globals(), ...options }, io));
    });
  task
    .command('list', { isDefault: true })
    .description('those whose state changed last come first')
    .option('--status <states>', 'only these, with commas between them')
    .option('--project <project>', 'only those of this project')
    .option('--limit <n>', 'at most this many', '20')
    .addOption(json())
    .action(async (options) => {
      const { listTasks } = await import('./task.ts');
      end(await listTasks({ ...globals(), ...options }, io));
    });
  task
    .command('show')
    .description('everything that is known of one, with its attempts')
    .argument('<task>', 'project:task, or only the task where one project has it')
    .addOption(json())
    .action(async (name: string, options) => {
      const { showTask } = await import('./task.ts');
      end(await showTask(name, { ...globals(), ...options }, io));
    });
  task
    .command('retry')
    .description('begin one anew that has ended, or its next attempt at once')
    .argument('<task>', 'as for `task show`')
    .addOption(json())
    .action(async (name: string, options) => {
      const { changeTask } = await import('./task.ts');
      end(await changeTask('retry', name, { ...globals(), ...options }, io));
    });
  task
    .command('cancel')
    .description('end one, whatever its state; its file goes to failed/')
    .argument('<task>', 'as for `task show`')
    .option('--reason <text>', 'goes into the record')
    .addOption(json())
    .action(async (name: string, options) => {
      const { changeTask } = await import('./task.ts');
      end(await changeTask('cancel', name, { ...globals(), ...options }, io));
    });
  command('queue', 'how many tasks wait and run, and which inboxes are looked at')
    .addOption(json())
    .action(async (options) => {
      const { showQueue } = await import('./queue.ts');
      end(await showQueue({ ...globals(), ...options }, io));
    });
}
