#!/usr/bin/env node
/** From argv to a command and its exit code: the only file that reads the arguments and the environment, and ends the process. */
import { homedir } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import type { CommandIo, GlobalOptions } from './commands/io.ts';
import { EXIT, machineClock } from './commands/io.ts';
import { addSessionCommands } from './commands/session-words.ts';
import { addTaskCommands } from './commands/task-words.ts';
import { ConfigError, FailoverError, FatalError, problemLine } from './core/errors.ts';
import { redact, snippet } from './core/redact.ts';
import { VERSION } from './core/version.ts';

const interrupted = new AbortController();

const io: CommandIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  home: process.env.HOME || homedir(),
  isTTY: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 80,
  clock: machineClock(),
  signal: interrupted.signal,
  // Opened only where it is read.
  get stdin() {
    return process.stdin;
  },
  version: VERSION,
};

// A reader that has seen enough (`| head`) is no error; nothing more can be told to it.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? process.exitCode : EXIT.error),
);

await main();
// A provider's answer that never ends would hold the process for minutes: see adapters/channels/fetch-whole.ts. What was
// printed goes out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));

async function main(): Promise<void> {
  const program = build((code) => {
    process.exitCode = code;
  });
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** @param end what becomes of a command's exit code */
function build(end: (code: number) => void): Command {
  const program = new Command('claude-failover');
  program
    .description('Keeps coding agents in tmux working when one of your accounts hits its limit.')
    .option('--config <file>', 'the configuration file')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false })
    .configureOutput({ writeOut: io.out, writeErr: io.err });
  const globals = (): GlobalOptions => program.opts<GlobalOptions>();
  const json = () => new Option('--json', 'print JSON');
  const command = (usage: string, description: string): Command => program.command(usage).description(description);
  /** How this very program is run again. */
  const ownWords = [process.execPath, process.argv[1] ?? 'claude-failover'];
  /** Commands that end by themselves at Ctrl-C instead of being cut off. */
  const patient = (): void => void process.once('SIGINT', () => interrupted.abort());

  command('run', 'run the daemon in the foreground')
    .option('--once', 'one tick of every loop, then end')
    .option('--allow-unshared', 'start although homes do not share their sessions')
    .action(async (options: { once?: boolean; allowUnshared?: boolean }) => {
      const { runDaemon } = await import('./daemon.ts');
      const how = { ...globals(), once: options.once === true, allowUnshared: options.allowUnshared === true };
      const { env, home, isTTY } = io;
      const host = {
        env,
        home,
        isTTY,
        pid: process.pid,
        uid: process.getuid?.() ?? 0,
        onSignal: (name: NodeJS.Signals, listener: () => void) => void process.on(name, listener),
      };
      end(await runDaemon(how, host));
    });
  command('init', 'take your present configuration directory over as the home of an account, behind a link')
    .option('--pool <pool>', 'needed when there are several')
    .option('--account <account>', 'whose home it becomes; without it the first one')
    .option('--home <dir>', 'where that home will be; only while there is no configuration, like the next two')
    .option('--agent <agent>', 'whose directory: claude, codex or gemini')
    .option('--mode <mode>', 'what the link is: config_dir, secure_storage, env or file_link')
    .option('--hooks', 'install the hooks of Claude Code too')
    .option('--dry-run', 'say what would be done and which processes it would affect, change nothing')
    .option('--yes', 'do it without a question')
    .action(async (options) => {
      const { init } = await import('./commands/init.ts');
      end(await init(ownWords, { ...globals(), ...options }, io));
    });
  command('unadopt', 'give that directory back to its place, as it was')
    .option('--pool <pool>', 'needed when there are several')
    .option('--dry-run', 'say what would be done, change nothing')
    .option('--yes', 'do it without a question')
    .action(async (options) => {
      const { unadopt } = await import('./commands/unadopt.ts');
      end(await unadopt({ ...globals(), ...options }, io));
    });
  command('status', 'how things stand: accounts, panes, what needs attention')
    .addOption(json())
    .option('--watch', 'again every two seconds')
    .action(async (options) => {
      patient();
      const { status } = await import('./commands/status.ts');
      end(await status({ ...globals(), ...options }, io));
    });
  command('why', 'explain a swap or a pane')
    .argument('[swap|pane]', 'id of a swap, `last`, or a pane: id, label or tmux session', 'last')
    .addOption(json())
    .action(async (subject: string, options) => {
      const { why } = await import('./commands/why.ts');
      end(await why(subject, { ...globals(), ...options }, io));
    });
  command('swap', 'swap by hand')
    .option('--to <account>', 'the account to swap to; without it the daemon chooses')
    .option('--pool <pool>', 'needed when there are several')
    .option('--force', 'also to an account at its limit or just left, and while paused')
    .option('--reason <text>', 'goes into the record')
    .option('--dry-run', 'say what would happen, change nothing')
    .addOption(json())
    .action(async (options) => {
      patient();
      const { swap } = await import('./commands/swap.ts');
      end(await swap({ ...globals(), ...options }, io));
    });
  command('pause', 'stop every automatic action at once; works without the daemon too')
    .argument('[reason...]')
    .option('--for <duration>', 'it ends by itself after this long, such as 1h')
    .action(async (words: string[], options: { for?: string }) => {
      const { pause } = await import('./commands/kill-switch.ts');
      end(await pause(words.join(' '), { ...globals(), ...options }, io));
    });
  command('resume', 'end the pause').action(async () => {
    const { resume } = await import('./commands/kill-switch.ts');
    end(await resume(globals(), io));
  });
  command('recover', 'verify links and homes, and let the pools act again')
    .option('--pool <pool>', 'only this pool')
    .addOption(json())
    .action(async (options) => {
      const { recover } = await import('./commands/recover.ts');
      end(await recover({ ...globals(), ...options }, io));
    });
  const incidents = command('incidents', 'the swaps so far and the walls that no pattern explained, newest first')
    .option('--limit <n>', 'at most this many', '20')
    .addOption(json())
    .action(async (options) => {
      const { incidents } = await import('./commands/lists.ts');
      end(await incidents({ ...globals(), ...options }, io));
    });
  incidents
    .command('list')
    .description('the same')
    .action(async (_options, self: Command) => {
      const { incidents } = await import('./commands/lists.ts');
      end(await incidents(self.optsWithGlobals(), io));
    });
  incidents
    .command('show')
    .description('the whole record of one: screen, votes, decision, steps, panes')
    .argument('<id|last>', 'id of a swap, `last`, or of a wall (wall-12)')
    .action(async (id: string, _options, self: Command) => {
      const { showIncident } = await import('./commands/incidents.ts');
      end(await showIncident(id, self.optsWithGlobals(), io));
    });
  command('replay', 'run the detector again on a recorded incident; exit 1 when its verdict differs')
    .argument('<id|last>', 'as for `incidents show`')
    .addOption(json())
    .action(async (id: string, options) => {
      const { replay } = await import('./commands/incidents.ts');
      end(await replay(id, { ...globals(), ...options }, io));
    });
  command('events', 'what was written down, newest first')
    .option('--type <types>', 'only these, with commas between them')
    .option('--since <when>', 'a time (ISO 8601) or a duration such as 2h')
    .option('--account <account>', 'only those of this account')
    .option('--limit <n>', 'at most this many', '20')
    .addOption(json())
    .action(async (options) => {
      const { events } = await import('./commands/lists.ts');
      end(await events({ ...globals(), ...options }, io));
    });
  const accounts = command('accounts', 'the accounts: list, add, login, enable, disable, reset-quota');
  accounts
    .command('list', { isDefault: true })
    .description('how each account stands')
    .addOption(json())
    .action(async (options) => {
      const { listAccounts } = await import('./commands/accounts.ts');
      end(await listAccounts({ ...globals(), ...options }, io));
    });
  accounts
    .command('add')
    .description('make a home for one more account, log in to it with the CLI itself, and add it to the configuration')
    .argument('<account>')
    .option('--pool <pool>', 'needed when there are several')
    .option('--home <dir>', 'its home; without it beside the others')
    .action(async (name: string, options) => {
      const { addAccount } = await import('./commands/accounts-add.ts');
      end(await addAccount(name, { ...globals(), ...options }, io));
    });
  accounts
    .command('login')
    .description('log in to an account again, with the CLI itself in its home')
    .argument('<account>')
    .action(async (name: string) => {
      const { loginAccount } = await import('./commands/accounts-add.ts');
      end(await loginAccount(name, globals(), io));
    });
  for (const [action, says] of [
    ['enable', 'let it be chosen again'],
    ['disable', 'never choose it, also after a restart; the configuration stays as it is'],
    ['reset-quota', 'forget what is known of its limits'],
  ] as const) {
    accounts
      .command(action)
      .description(says)
      .argument('<account>')
      .addOption(json())
      .action(async (name: string, options) => {
        const { changeAccount } = await import('./commands/accounts.ts');
        end(await changeAccount(name, action, { ...globals(), ...options }, io));
      });
  }
  addSessionCommands({ command, json, globals, end, io });
  command('import', 'take over what the Go predecessor knew of its accounts; the daemon must be stopped')
    .argument('<state.json>', 'its state file')
    .option('--dry-run', 'say what would be taken over, change nothing')
    .addOption(json())
    .action(async (file: string, options) => {
      const { importState } = await import('./commands/import.ts');
      end(await importState(file, { ...globals(), ...options }, io));
    });
  const alerts = command('alerts', 'what needs somebody: list, ack, resolve, dismiss');
  alerts
    .command('list', { isDefault: true })
    .description('those that are open, newest first')
    .option('--type <types>', 'only these, with commas between them')
    .option('--all', 'also those that have ended')
    .option('--limit <n>', 'at most this many', '20')
    .addOption(json())
    .action(async (options) => {
      const { listAlerts } = await import('./commands/alerts.ts');
      end(await listAlerts({ ...globals(), ...options }, io));
    });
  const act = (action: 'ack' | 'resolve' | 'dismiss', description: string): void =>
    void alerts
      .command(action)
      .description(description)
      .argument('<id>', 'its number')
      .addOption(json())
      .action(async (id: string, options) => {
        const { changeAlert } = await import('./commands/alerts.ts');
        end(await changeAlert(action, id, { ...globals(), ...options }, io));
      });
  act('ack', 'say that somebody looks after it');
  act('resolve', 'say that it is over; it comes back when it is not');
  act('dismiss', 'say that it does not matter for as long as it lasts');
  command('stats', 'swaps, limits and recoveries of a period')
    .option('--period <period>', 'today, last7d, last30d or all', 'today')
    .addOption(json())
    .action(async (options) => {
      const { stats } = await import('./commands/stats.ts');
      end(await stats({ ...globals(), ...options }, io));
    });
  addTaskCommands({ command, json, globals, end, io });
  command('health', 'whether the daemon is well: exit 0, 3 or 4')
    .addOption(json())
    .action(async (options) => {
      const { health } = await import('./commands/health.ts');
      end(await health({ ...globals(), ...options }, io));
    });
  command('detect', 'explain what the detector makes of a saved screen')
    .argument('[file]', 'the screen as text; - for standard input')
    .option('--agent <agent>', 'the program on the screen: claude, codex, gemini, opencode, other (default: guessed)')
    .option('--now <time>', 'as if it were this time (ISO 8601)')
    .option('--tz <zone>', 'time zone of the screen (IANA)')
    .option('--jsonl', 'read {"id","agent","text","now","tz"} lines from standard input, answer each with a line')
    .addOption(json())
    .action(async (file: string | undefined, options) => {
      const { detectScreen } = await import('./commands/detect.ts');
      end(await detectScreen(file, { ...globals(), ...options }, io));
    });
  command('doctor', 'check everything the daemon depends on, with a remedy for each failure')
    .addOption(json())
    .action(async (options) => {
      const { doctor } = await import('./commands/doctor.ts');
      end(await doctor({ ...globals(), ...options }, io));
    });
  const notify = command('notify', 'the messages to people: test, list, setup');
  notify
    .command('test')
    .description('send one message to each channel and print what the provider said')
    .option('--channel <channel>', 'only this one: telegram, email or webhook')
    .addOption(json())
    .action(async (options) => {
      patient();
      const { notifyTest } = await import('./commands/notify.ts');
      end(await notifyTest({ ...globals(), ...options }, io));
    });
  notify
    .command('list')
    .description('what waits for its channel and what became of the rest, newest first')
    .option('--limit <n>', 'at most this many', '20')
    .addOption(json())
    .action(async (options) => {
      const { notifyList } = await import('./commands/notify.ts');
      end(notifyList({ ...globals(), ...options }, io));
    });
  notify
    .command('setup')
    .description('find out the ids of a chat and its user, and print the lines for the configuration')
    .argument('<channel>', 'telegram')
    .action(async (channel: string) => {
      patient();
      const { notifySetup } = await import('./commands/notify-setup.ts');
      end(await notifySetup(channel, globals(), io));
    });
  const hook = command('hook', 'keep what a hook of Claude Code tells; reads its payload from standard input')
    .allowExcessArguments()
    .allowUnknownOption()
    .action(async () => {
      // Nothing of ours may stand in a conversation, not even that the program is being replaced.
      end(await import('./commands/hook.ts').then(({ hook }) => hook(globals(), io)).catch(() => EXIT.ok));
    });
  hook
    .command('install')
    .description('have Claude Code run the hook and the status line')
    .option('--settings <file>', 'this settings.json; without it those of every home of your pools')
    .option('--claude <version>', 'the version of Claude Code that reads it; without it `claude --version` is asked')
    .option('--dry-run', 'say what would be written, write nothing')
    .action(async (options) => {
      const { installHooks } = await import('./commands/hook-install.ts');
      end(await installHooks(ownWords, { ...globals(), ...options }, io));
    });
  hook
    .command('uninstall')
    .description('take them out again')
    .option('--settings <file>', 'only this settings.json')
    .option('--project <directory>', 'only the safety hook of this project')
    .option('--dry-run', 'say what would be written, write nothing')
    .action(async (options) => {
      if (options.project !== undefined) {
        const { uninstallSafetyHook } = await import('./commands/hook-project.ts');
        return end(uninstallSafetyHook({ ...globals(), ...options }, io));
      }
      const { uninstallHooks } = await import('./commands/hook-install.ts');
      end(await uninstallHooks({ ...globals(), ...options }, io));
    });
  command('statusline', 'keep the quota figures that Claude Code gives its status line; reads them from standard input')
    .argument('[words...]', 'more words of the wrapped command')
    .option('--wrap <command>', 'run this status line with the same input and print what it prints')
    .allowUnknownOption()
    .action(async (words: string[], options) => {
      patient();
      process.once('SIGTERM', () => interrupted.abort());
      const { statusline } = await import('./commands/statusline.ts');
      end(await statusline(words, { ...globals(), ...options }, io));
    });
  const config = command('config', 'the configuration: check, show, path');
  config
    .command('check')
    .description('validate the file and print every problem')
    .action(async () => {
      const { checkConfig } = await import('./commands/config.ts');
      end(checkConfig(globals(), io));
    });
  config
    .command('show')
    .description('print the configuration in force, defaults filled in')
    .option('--effective', 'the same; kept for scripts')
    .addOption(json())
    .action(async (options) => {
      const { showConfig } = await import('./commands/config.ts');
      end(await showConfig({ ...globals(), ...options }, io));
    });
  config
    .command('path')
    .description('print which file is used')
    .action(async () => {
      const { configPath } = await import('./commands/config.ts');
      end(configPath(globals(), io));
    });
  command('version', 'print the version').action(() => {
    io.out(`claude-failover ${VERSION}\n`);
  });
  return program;
}

/** @returns the exit code */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    if (error.code !== 'commander.help') io.err('next: claude-failover --help, or claude-failover <command> --help\n');
    return EXIT.usage;
  }
  const line = (text: string): string => redact(text).replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?');
  if (error instanceof ConfigError) {
    for (const problem of error.problems) io.err(`${line(problemLine(error.file, problem))}\n`);
    return EXIT.config;
  }
  if (error instanceof FailoverError) {
    io.err(`claude-failover: ${line(error.message)}\n${error.hint === null ? '' : `next: ${line(error.hint)}\n`}`);
    return error instanceof FatalError ? error.exitCode : EXIT.error;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  io.err(`claude-failover: ${snippet(message, 400).replace(/\n/g, ' ')}\n`);
  io.err('next: the log of the daemon may say more (journalctl --user -u claude-failover); please report this\n');
  return EXIT.error;
}
