/** `notify test` and `notify list`: whether the channels work, and what waits for them. */
import { hostname } from 'node:os';
import { openChannels } from '../app/channels.ts';
import { loadConfigFile } from '../config/load.ts';
import type { Message } from '../core/alerts/message.ts';
import { SECOND, toIso } from '../core/time.ts';
import { wallTime } from '../core/wall-time.ts';
import type { Channel, SendResult } from '../ports.ts';
import { openReadOnly } from '../store/read-only.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { clean, table } from './text.ts';

export interface TestOptions extends JsonOption {
  /** A kind, or the name of one channel. */
  readonly channel?: string;
}

interface Verdict {
  readonly channel: string;
  readonly result: SendResult['kind'];
  readonly detail: string | null;
}

const DEADLINE_MS = 10 * SECOND;

/** Sends one message to each channel, past the outbox, and prints what the provider said. @returns 0: all took it */
export async function notifyTest(options: TestOptions, io: CommandIo): Promise<number> {
  const { config } = loadConfigFile({ path: options.config ?? null, env: io.env, home: io.home });
  const silent: string[] = [];
  const log = {
    warn: (fields: Readonly<Record<string, unknown>>, message: string) => {
      if (options.channel === undefined || `${fields.channel}` === options.channel.split(':', 1)[0])
        silent.push(`${fields.channel}: ${message}: ${fields.reason}`);
    },
  };
  const all = await openChannels(config, { env: io.env, clock: io.clock, log });
  const { channel: wanted } = options;
  const channels = all.filter(({ kind, name }) => wanted === undefined || wanted === kind || wanted === name);
  for (const line of silent) io.err(`${clean(line)}\n`);
  if (channels.length === 0) {
    const which = wanted === undefined ? 'no channel is set up' : 'there is no such channel, or it is not set up';
    io.err(
      `claude-failover: ${which}\nnext: see notifications in the configuration; docs/notifications.md shows how\n`,
    );
    return wanted === undefined || silent.length > 0 ? EXIT.error : EXIT.usage;
  }
  const verdicts = await Promise.all(channels.map((channel) => tryOut(channel, io)));
  if (options.json === true) io.out(`${JSON.stringify({ channels: verdicts }, null, 2)}\n`);
  else
    for (const { channel, result, detail } of verdicts)
      io.out(`${channel}: ${result === 'sent' ? 'sent' : `failed: ${detail}`}\n`);
  return verdicts.every(({ result }) => result === 'sent') ? EXIT.ok : EXIT.error;
}

async function tryOut(channel: Channel, io: CommandIo): Promise<Verdict> {
  const now = io.clock.now();
  const deadline = io.clock.deadline(DEADLINE_MS, io.signal);
  const message: Message = {
    key: 'test',
    event: 'test',
    severity: 'info',
    revision: 1,
    since: now,
    at: now,
    settled: true,
    host: hostname(),
    title: 'A test from claude-failover',
    lines: ['Messages about your accounts arrive here'],
    slots: [],
    quote: null,
    needs: null,
    subject: { pool: null, account: null, session: null, swap: null, alert: null },
  };
  const idempotencyKey = `cf/${hostname().replace(/[^\w.-]/g, '-')}/test-${now}`;
  try {
    const result = await channel.send(message, {
      previous: null,
      mode: 'follow',
      idempotencyKey,
      signal: deadline.signal,
    });
    const detail = result.kind === 'sent' ? null : clean(result.reason);
    return { channel: channel.name, result: result.kind, detail };
  } finally {
    deadline.clear();
  }
}

export interface ListOptions extends JsonOption {
  readonly limit?: string;
}

/** Prints the outbox, newest first; works without the daemon. */
export function notifyList(options: ListOptions, io: CommandIo): number {
  const limit = /^\d{1,4}$/.test(options.limit ?? '') ? Number(options.limit) : 0;
  if (limit < 1 || limit > 1000) {
    io.err('claude-failover: --limit must be a number from 1 to 1000\n');
    return EXIT.usage;
  }
  const { config } = loadConfigFile({ path: options.config ?? null, env: io.env, home: io.home });
  const store = openReadOnly(config.daemon.stateDir);
  const lines = store.outbox(limit);
  store.close();
  if (options.json === true) {
    const messages = lines.map((line) => ({
      ...line,
      createdAt: toIso(line.createdAt),
      notBefore: toIso(line.notBefore),
      finishedAt: toIso(line.finishedAt),
    }));
    io.out(`${JSON.stringify({ messages }, null, 2)}\n`);
    return EXIT.ok;
  }
  if (lines.length === 0) {
    io.out('no message was sent or waits\n');
    return EXIT.ok;
  }
  const now = io.clock.now();
  const rows = lines.map((line) => [
    String(line.id),
    wallTime(line.createdAt, now, io.clock.zone()),
    line.channel,
    line.severity,
    line.state === 'waiting' && line.attempts > 0 ? `waiting (${line.attempts} tries)` : line.state,
    clean(line.error === null ? line.title : `${line.title} (${line.error})`),
  ]);
  const head = ['ID', 'WHEN', 'CHANNEL', 'SEVERITY', 'STATE', 'WHAT'];
  io.out(table([head, ...rows], io.isTTY ? io.columns : Number.POSITIVE_INFINITY, ''));
  return EXIT.ok;
}
