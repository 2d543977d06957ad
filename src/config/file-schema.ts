/** The keys of the configuration file: type, default, unit and description of each. Nothing is converted here. */

import { z } from 'zod';
import { DURATION, parseDuration } from '../core/time.ts';
import { duration, NAME, path, whole } from './key-types.ts';
import { NOTIFICATION_KEYS } from './notification-keys.ts';
import { Dispatcher } from './queue-keys.ts';
import { Alerts, Credentials, Janitor, Stats } from './record-keys.ts';
import { Agents, Checkpoint, Lifecycle, Sessions, swapPolicy, Watcher } from './session-keys.ts';
import { TelegramKeys } from './telegram-keys.ts';

const RESTART = { requiresRestart: true } as const;

/** A share as a fraction; null: the default of its place. */
function fraction() {
  return z.number().gt(0).lte(1);
}

const pauseRule = (window: string) =>
  z
    .strictObject({
      threshold: fraction()
        .nullable()
        .default(null)
        .describe(
          `Fraction above 0, at most 1: from this use of its ${window} window on the account is paused. null: \`quota.auto_pause\`.`,
        ),
      disabled: z
        .boolean()
        .default(false)
        .describe('true: this window never pauses the account, whatever the default.'),
    })
    .prefault({});

const poolName = () => z.string().default('default').describe('The pool it belongs to: a key of `pools`.');

const Account = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, 'expected 1 to 64 letters, digits or . _ @ -')
    .describe('How this account is called everywhere; unique.'),
  pool: poolName(),
  home: path().describe("The account's own configuration directory, where its login lives; unique."),
  priority: whole(0, 1_000_000)
    .nullable()
    .default(null)
    .describe('Lower is taken first (strategy `priority`). null: 10 × its position in the list.'),
  enabled: z.boolean().default(true).describe('false: never chosen as a target.'),
  max_sessions: whole(0, 100_000)
    .default(0)
    .describe('Sessions that may be on this account at most; a full account is no target. 0: any number.'),
  auto_pause: z
    .strictObject({
      '5h': pauseRule('5-hour').describe('Its 5-hour window.'),
      '7d': pauseRule('weekly').describe('Its weekly window.'),
    })
    .prefault({})
    .describe(
      'From which use on the account is left alone before its limit. Blank: the defaults of `quota.auto_pause`.',
    ),
});

const Pool = z.strictObject({
  agent: z
    .enum(['claude', 'codex', 'gemini'])
    .default('claude')
    .describe('The CLI whose accounts these are.')
    .meta(RESTART),
  mode: z
    .enum(['config_dir', 'secure_storage', 'env', 'file_link'])
    .nullable()
    .default(null)
    .describe(
      'What the link is: the whole configuration directory (`config_dir`), only the credentials (`secure_storage`), the account of the next launch (`env`), the credential files (`file_link`). null: `config_dir` for Claude Code, `file_link` for Codex and Gemini CLI.',
    )
    .meta(RESTART),
  link: path()
    .nullable()
    .default(null)
    .describe(
      'The symbolic link that is flipped; with `file_link` the directory of the CLI in which its credential files are links. null: `~/.claude`, `~/.codex` or `~/.gemini`; with `secure_storage` and `env` `claude-failover/<pool>/active` below `$XDG_DATA_HOME` (`~/.local/share`).',
    )
    .meta(RESTART),
  shared_root: path()
    .nullable()
    .default(null)
    .describe(
      'Directory of what all accounts of the pool share (transcripts), so that a session can be resumed; with `secure_storage` the configuration directory of the CLI. null: `~/.claude-shared`, with `secure_storage` `~/.claude`. Without meaning with `file_link`.',
    )
    .meta(RESTART),
  strategy: z
    .enum(['priority', 'most_headroom', 'earliest_reset'])
    .default('priority')
    .describe('Which usable account is taken next.'),
  return_to: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'Account that is taken again when it can be used and the sessions are idle. null: the pool stays where it is.',
    ),
});

const Daemon = z.strictObject({
  state_dir: path().default('~/.local/state/claude-failover').describe('Database and journal; mode 0700.'),
  runtime_dir: path()
    .nullable()
    .default(null)
    .describe(
      'Socket and process files. null: `$XDG_RUNTIME_DIR/claude-failover`, without that variable `<state_dir>/run`.',
    ),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('The least severe level that is written.'),
      format: z
        .enum(['auto', 'json', 'pretty'])
        .default('auto')
        .describe('`auto`: pretty on a terminal, otherwise one JSON object a line.'),
    })
    .prefault({})
    .describe('What is written to standard output.'),
  shutdown_grace: duration('1s', '5m')
    .default('20s')
    .describe('Duration: how long running work may finish after SIGTERM.'),
  circuit_breaker: z
    .strictObject({
      swaps_per_hour: whole(1, 1000)
        .default(6)
        .describe('Automatic swaps of one pool within an hour; one more puts that pool into observe.'),
    })
    .prefault({})
    .describe('Stops a pool that swaps too often.'),
});

const Http = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether the TCP door is open. The unix socket always is.').meta(RESTART),
  listen: z
    .string()
    .default('127.0.0.1:8765')
    .describe('host:port of the TCP door; a host that is not loopback needs a token.')
    .meta(RESTART),
  socket: path()
    .default('<runtime_dir>/api.sock')
    .describe('The unix socket through which the commands reach the daemon; mode 0600, at most 107 bytes.')
    .meta(RESTART),
  bearer_token_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable, never the token itself')
    .default('CLAUDE_FAILOVER_TOKEN')
    .describe('Name of the environment variable that holds the token.'),
  bearer_token_file: path()
    .nullable()
    .default(null)
    .describe(
      'File that holds the token; readable by its owner only. Without both, `$CREDENTIALS_DIRECTORY/claude-failover-token` is tried.',
    ),
  enable_trigger: z.boolean().default(false).describe('Whether requests over TCP may change anything.'),
});

const Tmux = z.strictObject({
  binary: z
    .string()
    .min(1)
    .default('tmux')
    .describe('The tmux program: a name found through PATH, or a path.')
    .meta(RESTART),
  sockets: z
    .array(z.string().min(1))
    .min(1)
    .default(['default'])
    .describe('The tmux servers to watch: names as in `tmux -L`, or paths as in `tmux -S`.')
    .meta(RESTART),
  command_timeout: duration('100ms', '5m')
    .default('5s')
    .describe('Duration: after this a tmux command counts as hung.')
    .meta(RESTART),
  submit_delay: duration('0ms', '1m')
    .default('500ms')
    .describe('Duration between pasted text and the Enter that sends it.'),
});

const Watch = z.strictObject({
  exclude: z.array(z.string().min(1)).default([]).describe('Globs of session names that are never looked at.'),
  adopted: z
    .strictObject({
      swap_policy: swapPolicy().default('resume').describe('As in `sessions.dedicated[].swap_policy`.'),
    })
    .prefault({})
    .describe('Panes in which an agent is found although their session is not configured.'),
});

const patternKeys = {
  id: z
    .string()
    .regex(NAME, 'expected 1 to 64 letters, digits, _ or -, beginning with a letter or digit')
    .describe('How the pattern is called in evidence (`user:<id>`); unique.'),
  regex: z
    .string()
    .min(1)
    .max(1000)
    .nullable()
    .default(null)
    .describe(
      'A regular expression, searched anywhere in a message; letter case does not matter. Give this or `substring`.',
    ),
  substring: z.string().min(3).max(400).nullable().default(null).describe('A text, searched the same way.'),
  agent: z
    .enum(['claude', 'codex', 'gemini', 'opencode'])
    .nullable()
    .default(null)
    .describe('Only on screens of this CLI. null: of every one.'),
};
const patternList = <T extends z.ZodType>(entry: T) => z.array(entry).max(50).default([]);

const Patterns = z.strictObject({
  extra: patternList(
    z.strictObject({
      ...patternKeys,
      class: z
        .enum(['quota', 'throttle', 'auth', 'billing', 'warning'])
        .default('quota')
        .describe('What the message means; only `quota` can lead to a swap.'),
      window: z
        .enum(['5h', '7d', 'model', 'daily', 'monthly', 'unknown'])
        .nullable()
        .default(null)
        .describe('Which limit it names. null: as its words and its reset tell.'),
    }),
  ).describe('More messages that matter, where the CLI itself speaks.'),
  ignore: patternList(z.strictObject(patternKeys)).describe('Messages that mean nothing, whatever else matches.'),
  server_error_extra: patternList(z.strictObject(patternKeys)).describe(
    'More signs of a failing server: no limit in that message or above it counts.',
  ),
});

const Quota = z.strictObject({
  poll_interval: duration('200ms', '1h').default('2s').describe('Duration: how often all panes are looked at.'),
  confirm_polls: whole(2, 10)
    .default(2)
    .describe('Consecutive polls (2 to 10) that must show a limit whose text names no reset time.'),
  confirm_min_age: duration('0ms', '1h')
    .default('20s')
    .describe('Duration for which such a limit must have stood, besides.'),
  reactivate_cooldown: duration('0ms')
    .default('5m')
    .describe('Duration: the value of the next two keys where they are null.'),
  swap_cooldown: duration('0ms')
    .nullable()
    .default(null)
    .describe('Duration after a completed swap in which the pool makes no other. null: `reactivate_cooldown`.'),
  account_reactivate_cooldown: duration('0ms')
    .nullable()
    .default(null)
    .describe('Duration after an account was left in which it is not taken again. null: `reactivate_cooldown`.'),
  min_dedicated_hits: whole(1, 100)
    .default(1)
    .describe('Panes that must show the limit before text alone leads to a swap.'),
  snippet_chars: whole(0, 120).default(120).describe('Characters of screen text kept as evidence, at most 120.'),
  unknown_reset_lock: duration('1m')
    .default('60m')
    .describe('Duration for which an account counts as exhausted when no reset time is known.'),
  sample_stale_after: duration('1m')
    .default('2h')
    .describe('Duration after which a figure of use no longer pauses an account.'),
  verify_window: duration('5s', '1h')
    .default('2m')
    .describe('Duration for which one session alone tries an account whose limit ended while nobody looked.'),
  auto_pause: z
    .strictObject({
      default_5h: fraction()
        .nullable()
        .default(null)
        .describe('Fraction of the 5-hour window for accounts without a threshold of their own. null: none.'),
      default_7d: fraction()
        .nullable()
        .default(null)
        .describe('Fraction of the weekly window for accounts without a threshold of their own. null: none.'),
    })
    .prefault({})
    .describe('From which use on an account is left alone before its limit.'),
  threshold_action: z
    .enum(['swap_when_idle', 'swap_now', 'notify'])
    .default('swap_when_idle')
    .describe('What happens when the active account crosses its threshold.'),
  threshold_grace: duration('0ms', '1d')
    .default('10m')
    .describe('Duration that `swap_when_idle` waits for idle sessions at most.'),
  warn: z
    .strictObject({
      '5h': z.array(fraction()).default([0.8, 0.9]).describe('Fractions of the 5-hour window, each told once.'),
      '7d': z.array(fraction()).default([0.8, 0.9]).describe('Fractions of the weekly window, each told once.'),
    })
    .prefault({})
    .describe('From which use on a warning is written.'),
  model_limit_swaps: z.boolean().default(false).describe('Whether the limit of a single model leads to a swap.'),
  swap_on_account_down: z
    .boolean()
    .default(false)
    .describe('Whether a pool leaves an account that is down because its login is refused.'),
  patterns: Patterns.prefault({}).describe('Your own wordings, beside the built-in ones.'),
});

const Switcher = z.strictObject({
  timeout: duration('10s', '2h').default('10m').describe('Duration: a swap and its recoveries take no longer.'),
  exit_grace: duration('1s', '5m')
    .default('10s')
    .describe('Duration the CLI gets to leave by itself before it is interrupted.'),
  verify_timeout: duration('1s', '30m').default('60s').describe('Duration within which a resumed pane must show life.'),
  retry_backoff: z
    .strictObject({
      initial: duration('1s', '1d').default('1m').describe('Duration of the first pause; it doubles each time.'),
      max: duration('1s', '1d').default('15m').describe('Duration: the longest pause.'),
    })
    .prefault({})
    .describe('Pause after a swap that failed.'),
});

const Leases = z.strictObject({
  ttl: z
    .string()
    .regex(DURATION, 'expected a duration with its unit: ms, s, m, h or d')
    .refine((text) => (parseDuration(text) ?? 0) <= (parseDuration('7d') ?? 0), 'must be at most 7d')
    .default('5m')
    .describe('Duration after which the claim of a session that gave no sign of life ends. 0s: 5m.'),
  on_error: z
    .enum(['deny', 'allow'])
    .default('deny')
    .describe(
      'While the claims cannot be read: whether an account with `max_sessions` counts as full (`deny`) or as empty (`allow`). Sessions that run go on.',
    ),
});

const Notifications = z.strictObject({
  ...NOTIFICATION_KEYS,
  telegram: TelegramKeys.prefault({}).describe('Messages to Telegram, and commands from there.'),
});

/** The whole file. Unknown keys are refused. */
export const ConfigFile = z
  .strictObject({
    version: z.literal(1).default(1).describe('Version of this format.'),
    mode: z
      .enum(['act', 'observe'])
      .default('act')
      .describe('`observe`: record what would be done, type nothing, flip nothing.'),
    daemon: Daemon.prefault({}).describe('The process itself.').meta(RESTART),
    http: Http.prefault({}).describe('The API: a unix socket, and a narrower TCP door.'),
    tmux: Tmux.prefault({}).describe('How tmux is reached.'),
    watch: Watch.prefault({}).describe(
      'Which panes are looked at. Every pane in which an agent runs is, unless excluded.',
    ),
    pools: z
      .record(z.string(), Pool)
      .prefault({ default: {} })
      .describe('One active account, one link and one cooldown each. No swap ever crosses pools.'),
    accounts: z.array(Account).default([]).describe('The accounts, at least two in each pool.'),
    agents: Agents.prefault({}).describe('How an agent is started.'),
    sessions: Sessions.prefault({}).describe('Configured tmux sessions.'),
    quota: Quota.prefault({}).describe('When a limit is believed, and what follows.'),
    switcher: Switcher.prefault({}).describe('How a swap is carried out.'),
    watcher: Watcher.prefault({}).describe('When the work of a session has ended, or got stuck.'),
    lifecycle: Lifecycle.prefault({}).describe('Keeping records and reality together.'),
    checkpoint: Checkpoint.prefault({}).describe('What is kept of work under way.'),
    dispatcher: Dispatcher.prefault({}).describe('Tasks: where they are found, and when they are given out.'),
    leases: Leases.prefault({}).describe('How sessions claim accounts.'),
    credentials: Credentials.prefault({}).describe('Whether the logins of the accounts still hold.'),
    alerts: Alerts.prefault({}).describe('What is worth an alert.'),
    stats: Stats.prefault({}).describe('Daily figures.'),
    janitor: Janitor.prefault({}).describe('What is forgotten, and when.'),
    notifications: Notifications.prefault({}).describe('Who is told, and how.'),
  })
  .describe('Configuration of claude-failover. Durations: a number and ms, s, m, h or d.');

/** The file with every default filled in; still snake_case and still text where the file has text. */
export type ConfigValues = z.output<typeof ConfigFile>;
