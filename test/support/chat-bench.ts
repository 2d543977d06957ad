/** A bot's ear over a real HTTP server and a real database, with a daemon behind it that only notes what it is told. */
import { createHmac, randomBytes } from 'node:crypto';
import { createTelegramApi } from '../../src/adapters/channels/telegram-api.ts';
import { createTelegramDoor } from '../../src/adapters/channels/telegram-door.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { toConfig } from '../../src/config/schema.ts';
import type { ButtonWish } from '../../src/core/alerts/callback.ts';
import { createChatLoop } from '../../src/loops/telegram.ts';
import type { LocalStore, Loop, TickContext } from '../../src/ports.ts';
import type { Desk } from '../../src/steps/chat-desk.ts';
import { createDesk, signButtons } from '../../src/steps/chat-desk.ts';
import { openChatMoves } from '../../src/steps/chat-moves.ts';
import { FakeDaemon } from './daemon-facts.ts';
import { RecordingLog } from './recording-log.ts';
import type { TelegramServer } from './telegram-server.ts';
import { CHAT, USER } from './telegram-server.ts';

export interface BenchOptions {
  readonly server: TelegramServer;
  readonly local: LocalStore;
  readonly daemon?: FakeDaemon;
  readonly telegram?: Readonly<Record<string, unknown>>;
  readonly token?: string;
  readonly claim?: () => string | null;
}

export interface ChatBench {
  readonly loop: Loop;
  readonly desk: Desk;
  readonly daemon: FakeDaemon;
  readonly log: RecordingLog;
  readonly acked: string[];
  /** One poll that does not wait, as if it were `aheadMs` later than now. */
  tick(aheadMs?: number): Promise<void>;
  /** The data of a button as the daemon would have made it `agoMs` ago. */
  button(wish: ButtonWish, agoMs?: number, chat?: number): string;
}

const KEY = 'the key of this bench';

export async function openBench(options: BenchOptions): Promise<ChatBench> {
  const { server, local, daemon = new FakeDaemon(), token = server.token, claim = () => null } = options;
  const clock = systemClock();
  let aheadMs = 0;
  const movable = { ...clock, now: () => clock.now() + aheadMs };
  const log = new RecordingLog();
  const acked: string[] = [];
  const sign = {
    mac: (text: string) => createHmac('sha256', KEY).update(text).digest('base64url'),
    nonce: () => randomBytes(6).toString('base64url'),
  };
  const door = createTelegramDoor(createTelegramApi({ token, apiBase: server.url, clock }));
  const desk = createDesk({
    ...sign,
    api: daemon,
    clock: movable,
    door,
    local,
    moves: await openChatMoves(local),
    acknowledge: async (id) => {
      acked.push(id);
      return `Alert ${id} is acknowledged.`;
    },
  });
  const loop = createChatLoop({ door, local, clock: movable, desk, claim, waitMs: () => 0 });
  const config = toConfig(
    {
      accounts: [
        { name: 'a', home: '/homes/a' },
        { name: 'b', home: '/homes/b' },
      ],
      notifications: {
        telegram: { enabled: true, commands: true, chat_ids: [CHAT], allowed_users: [USER], ...options.telegram },
      },
    },
    {},
    '/home/ada',
  );
  return {
    loop,
    desk,
    daemon,
    log,
    acked,
    async tick(ms = 0) {
      aheadMs = ms;
      const context: TickContext = { config, now: movable.now(), signal: new AbortController().signal, log };
      await loop.tick(context);
    },
    button(wish, agoMs = 0, chat = CHAT) {
      return signButtons([[{ label: 'x', wish }]], chat, clock.now() - agoMs, sign)[0]?.[0]?.data ?? '';
    },
  };
}
