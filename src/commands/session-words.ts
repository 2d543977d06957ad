/** The words of `sessions` and `janitor` on the command line; what they do is loaded when they are called. */
import type { Words } from './words.ts';

export function addSessionCommands({ command, json, globals, end, io }: Words): void {
  const sessions = command('sessions', 'the agents in their panes: list, attach, adopt, restart, terminate');
  sessions
    .command('list', { isDefault: true })
    .description('every pane with an agent and the account it counts on, and the sessions that are kept')
    .addOption(json())
    .action(async (options) => {
      const { listSessions } = await import('./sessions.ts');
      end(await listSessions({ ...globals(), ...options }, io));
    });
  sessions
    .command('terminate')
    .description('end every claim of a session on every account; what runs goes on')
    .argument('<session>', 'tmux session, label or pane id')
    .addOption(json())
    .action(async (name: string, options) => {
      const { terminateSession } = await import('./sessions.ts');
      end(await terminateSession(name, { ...globals(), ...options }, io));
    });
  sessions
    .command('restart')
    .description('give an autonomous session a new shell; its task begins again elsewhere')
    .argument('<session>', 'tmux session')
    .addOption(json())
    .action(async (name: string, options) => {
      const { restartSession } = await import('./kept.ts');
      end(await restartSession(name, { ...globals(), ...options }, io));
    });
  sessions
    .command('attach')
    .description('show a session in this terminal')
    .argument('<session>', 'tmux session')
    .action(async (name: string) => {
      const { attachSession } = await import('./kept.ts');
      end(await attachSession(name, globals(), io));
    });
  sessions
    .command('adopt')
    .description('print the lines that make a session a dedicated one')
    .argument('<session>', 'tmux session')
    .action(async (name: string) => {
      const { adoptSession } = await import('./kept.ts');
      end(await adoptSession(name, globals(), io));
    });
  command('janitor', 'tidy up the queues and the state directory now')
    .option('--dry-run', 'say what would be done, change nothing')
    .addOption(json())
    .action(async (options) => {
      const { sendJanitor } = await import('./kept.ts');
      end(await sendJanitor({ ...globals(), ...options }, io));
    });
}
