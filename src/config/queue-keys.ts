/** The keys of the task queue, and their form in the program. */
import { z } from 'zod';
import { parseSize } from '../core/size.ts';
import type { KeyPath } from './finding.ts';
import { duration, ms, path, size, whole } from './key-types.ts';
import type { DispatcherConfig } from './schema.ts';

export const Dispatcher = z.strictObject({
  enabled: z.boolean().default(true).describe('false: tasks are listed, and none is given to a session.'),
  projects_dir: path()
    .nullable()
    .default(null)
    .describe(
      'Directory whose subdirectories are projects: each one with an `.agent-queue/inbox` has a queue. null: no queue.',
    ),
  scan_interval: duration('1s', '1h')
    .default('60s')
    .describe('Duration between two looks at all inboxes; a change is mostly heard of at once.'),
  session_cooldown: duration('0ms', '1d')
    .default('30s')
    .describe('Duration for which a session must have been idle before it is given a task.'),
  post_swap_delay: duration('0ms', '1d')
    .default('30s')
    .describe('Duration after a swap in which no task is given out.'),
  prompt_timeout: duration('1s', '30m')
    .default('60s')
    .describe('Duration within which an agent that was started must show its prompt.'),
  max_attempts: whole(1, 100).default(3).describe('Attempts that a task has which names no number of its own.'),
  retry_backoff: z
    .array(duration('0ms', '7d'))
    .min(1)
    .max(20)
    .default(['1m', '5m', '15m'])
    .describe('Durations of the pauses after the first failed attempt, the second and so on; the last one stays.'),
  blocked_timeout: duration('1m', '20d')
    .default('24h')
    .describe('Duration after which a task whose dependencies are still not done has failed.'),
  max_task_bytes: size('1KiB').default('256KiB').describe('Size: a larger file is not taken as a task.'),
  trusted_uids: z
    .array(whole(0, 4_294_967_295))
    .max(100)
    .default([])
    .describe('Numbers of the users, besides the one of the daemon, whose files are taken as tasks.'),
  strict: z
    .boolean()
    .default(false)
    .describe('true: an inbox into which every user of this host can write is refused. false: that is only told.'),
  safety_hook: z
    .boolean()
    .default(false)
    .describe(
      'true: where `agents.claude.args` skip permissions, a task is only begun after a hook that refuses plainly destructive commands was put into its project.',
    ),
});

export function convertDispatcher(
  values: z.infer<typeof Dispatcher>,
  expand: (text: string, at: KeyPath) => string,
): DispatcherConfig {
  return {
    enabled: values.enabled,
    projectsDir: values.projects_dir === null ? null : expand(values.projects_dir, ['dispatcher', 'projects_dir']),
    scanIntervalMs: ms(values.scan_interval),
    sessionCooldownMs: ms(values.session_cooldown),
    postSwapDelayMs: ms(values.post_swap_delay),
    promptTimeoutMs: ms(values.prompt_timeout),
    maxAttempts: values.max_attempts,
    retryBackoffMs: values.retry_backoff.map(ms),
    blockedTimeoutMs: ms(values.blocked_timeout),
    maxTaskBytes: parseSize(values.max_task_bytes) ?? 0,
    trustedUids: [...values.trusted_uids],
    strict: values.strict,
    safetyHook: values.safety_hook,
  };
}
