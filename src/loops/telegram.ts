/** The bot's ear: one long poll for each tick, its place kept through restarts, patient with everything that fails. */
import type { EpochMs } from '../core/time.ts';
import { DAY, formatDuration, MINUTE, SECOND } from '../core/time.ts';
import type { ChatFailure } from '../ports/chat.ts';
import type { Loop, TickContext } from '../ports.ts';
import type { Desk, DeskPorts } from '../steps/chat-desk.ts';

export interface ChatLoopPorts extends Pick<DeskPorts, 'door' | 'local' | 'clock'> {
  readonly desk: Desk;
  /** Takes, once, the right to read this bot on this machine. @returns null when we have it, else who does */
  readonly claim: () => string | null;
  /** How long one poll waits for something to come. */
  readonly waitMs: () => number;
}

const FIRST_PAUSE_MS = SECOND;
const LONGEST_PAUSE_MS = 5 * MINUTE;
/** Two programs that take turns would each see half of what is said. */
const CONFLICT_PAUSE_MS = 30 * SECOND;
const CLAIM_PAUSE_MS = MINUTE;
/** Whoever floods the bot gets no more of our time than this leaves. */
const STRANGERS_PAUSE_MS = SECOND;
/** Telegram counts anew after a week without anything (core.telegram.org/bots/api#update): an old place is no place. */
const PLACE_LASTS_MS = 5 * DAY;

interface Place {
  readonly next: number;
  /** When the last input came. */
  readonly at: EpochMs;
}

export function createChatLoop(ports: ChatLoopPorts): Loop {
  const key = `chat:place:${ports.door.id}`;
  let bot: string | null = null;
  let place: Place | null | undefined;
  let pauseMs = 0;
  let failures = 0;
  let said = '';

  /** The first of a kind is told, the same again is not. */
  function rest(ms: number, reason: string, { log }: TickContext): void {
    failures += 1;
    pauseMs = ms;
    log[said === reason ? 'debug' : 'warn']({ reason, pause: formatDuration(ms), failures }, 'the chat is not read');
    said = reason;
  }

  function backOff({ kind, afterMs, reason }: ChatFailure, context: TickContext): void {
    const base = kind === 'conflict' ? CONFLICT_PAUSE_MS : FIRST_PAUSE_MS;
    const ms = Math.min(LONGEST_PAUSE_MS, Math.max(afterMs ?? 0, base * 2 ** Math.min(failures, 20)));
    const why = kind === 'conflict' ? `another program reads this bot, or a webhook is set: ${reason}` : reason;
    rest(ms, why, context);
  }

  async function remember(next: number, { now, log }: TickContext): Promise<void> {
    place = { next, at: now };
    try {
      await ports.local.setMeta(key, JSON.stringify(place));
    } catch (err) {
      log.warn({ err }, 'the place in the chat could not be kept');
    }
  }

  return {
    name: 'telegram',
    intervalMs: () => pauseMs,
    async tick(context) {
      const { config, signal } = context;
      pauseMs = 0;
      if (!config.notifications.telegram.commands) {
        pauseMs = MINUTE;
        return;
      }
      const holder = ports.claim();
      if (holder !== null) return rest(CLAIM_PAUSE_MS, holder, context);
      if (bot === null) {
        const opened = await ports.door.open(signal);
        if (!opened.ok) return signal.aborted ? undefined : backOff(opened.failure, context);
        bot = opened.value;
      }
      place ??= parsePlace(await ports.local.meta(key));
      const offset = place !== null && Math.abs(context.now - place.at) < PLACE_LASTS_MS ? place.next : null;
      const answer = await ports.door.receive(offset, ports.waitMs(), signal);
      if (!answer.ok) return signal.aborted ? undefined : backOff(answer.failure, context);
      if (said !== '') context.log.info({ failures }, 'the chat is read again');
      failures = 0;
      said = '';
      const inputs = [...answer.value].sort((a, b) => a.id - b.id).filter(({ id }) => offset === null || id >= offset);
      const isHeard = inputs.map((input) => ports.desk.hears(input, config));
      for (const [i, input] of inputs.entries()) {
        if (signal.aborted) return;
        // Kept before it is followed: after a crash a command may be lost, which its sender sees, but none is done twice.
        // What strangers write costs one write for each poll, however much it is.
        if (isHeard[i] || i === inputs.length - 1) await remember(input.id + 1, context);
        await ports.desk.handle(input, bot, { ...context, now: ports.clock.now() });
      }
      if (inputs.length > 0 && !isHeard.includes(true)) pauseMs = STRANGERS_PAUSE_MS;
    },
  };
}

function parsePlace(text: string | null): Place | null {
  try {
    const place = JSON.parse(text ?? 'null') as Place | null;
    return Number.isSafeInteger(place?.next) && Number.isFinite(place?.at) ? place : null;
  } catch {
    return null;
  }
}
