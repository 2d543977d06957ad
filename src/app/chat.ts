/** Puts together what is asked and answered by chat: the key of the buttons, the bot's ear, and who may use it. */
import { join } from 'node:path';
import { keyedHash, randomName } from '../adapters/own-secret.ts';
import { resolveSecret } from '../config/channel-secrets.ts';
import type { Config } from '../config/schema.ts';
import { buttonsFor } from '../core/alerts/buttons.ts';
import type { Button } from '../core/alerts/callback.ts';
import type { Message } from '../core/alerts/message.ts';
import { SECOND } from '../core/time.ts';
import { createChatLoop } from '../loops/telegram.ts';
import type { ChatMoves } from '../ports/chat.ts';
import type { DaemonApi } from '../ports/daemon.ts';
import type { Clock, LocalStore, Logger, Loop } from '../ports.ts';
import { createDesk, signButtons } from '../steps/chat-desk.ts';
import { openChatMoves } from '../steps/chat-moves.ts';
import type { DaemonLock } from '../store/lock.ts';
import { acquireDaemonLock } from '../store/lock.ts';
import { CREDENTIALS } from './channels.ts';

export interface ChatSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly local: LocalStore;
  /** Asked only when something comes: the daemon is put together after this. */
  readonly api: () => DaemonApi;
  /** false: nothing is waited for, as in a single pass. */
  readonly isRunning: () => boolean;
}

export interface Chat {
  readonly moves: ChatMoves;
  readonly buttons: (message: Message, chat: number) => readonly (readonly Button[])[];
  /** None unless commands are allowed. */
  readonly loops: readonly Loop[];
  stop(): void;
}

/** Telegram itself waits at most 50 s. */
const LONG_POLL_MS = 25 * SECOND;
const NONCE_BYTES = 6;

/** Null: Telegram is not asked for, and nothing of it is loaded. @throws {FatalError} the key cannot be read or made */
export async function openChat(config: Config, around: ChatSurroundings): Promise<Chat | null> {
  const { enabled, commands } = config.notifications.telegram;
  if (!enabled) return null;
  const { clock, local } = around;
  const moves = await openChatMoves(local);
  if (!commands) return { moves, buttons: () => [], loops: [], stop: () => undefined };
  const sign = {
    mac: keyedHash(join(config.daemon.stateDir, 'buttons.key')),
    nonce: () => randomName(NONCE_BYTES),
  };
  const ear = await openEar(config, moves, sign, around);
  return {
    moves,
    buttons: (message, chat) => {
      const rows = buttonsFor(message).map((row) => row.map(({ label, ...wish }) => ({ label, wish })));
      return signButtons(rows, chat, clock.now(), sign);
    },
    loops: ear === null ? [] : [ear.loop],
    stop: () => ear?.release(),
  };
}

/** Null: there is no token; the channel has said so. */
async function openEar(
  config: Config,
  moves: ChatMoves,
  sign: Parameters<typeof signButtons>[3],
  around: ChatSurroundings,
): Promise<{ readonly loop: Loop; release(): void } | null> {
  const { token, apiBase } = config.notifications.telegram;
  const secret = resolveSecret(token, CREDENTIALS.telegram, config, around.env);
  if (secret.kind === 'missing') return null;
  const [{ createTelegramApi }, { createTelegramDoor }] = await Promise.all([
    import('../adapters/channels/telegram-api.ts'),
    import('../adapters/channels/telegram-door.ts'),
  ]);
  const { clock, local } = around;
  const door = createTelegramDoor(createTelegramApi({ token: secret.value, apiBase, clock }));
  const desk = createDesk({
    ...sign,
    get api() {
      return around.api();
    },
    clock,
    door,
    local,
    moves,
    acknowledge: (id, by) => acknowledge(around.api(), id, by),
  });
  let lock: Extract<DaemonLock, { kind: 'held' }> | null = null;
  const claim = (): string | null => {
    if (lock !== null) return null;
    // Named after the bot: two daemons of one user may have two bots.
    const path = join(config.daemon.runtimeDir, `telegram-${door.id}.lock`);
    const taken = acquireDaemonLock(path, { procRoot: '/proc', now: clock.now() });
    if (taken.kind === 'taken') return `the daemon with pid ${taken.pid} reads this bot`;
    lock = taken;
    return null;
  };
  const waitMs = () => (around.isRunning() ? LONG_POLL_MS : 0);
  return { loop: createChatLoop({ door, local, clock, desk, claim, waitMs }), release: () => lock?.release() };
}

async function acknowledge(api: DaemonApi, id: string, by: string): Promise<string> {
  const number = Number(id.replace(/^#/, ''));
  const changed = Number.isSafeInteger(number) ? await api.records.changeAlert(number, 'ack', by) : 'unknown';
  if (changed === 'unknown') return `There is no alert ${id}.`;
  return changed === 'ended'
    ? `Alert ${number} has ended, or is acknowledged already.`
    : `Alert ${number} is acknowledged.`;
}
