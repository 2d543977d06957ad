/** Commands as people type them to the bot: how they are read, what they are called, how often one may ask. */
import { PAUSE_TIMES, parsePauseTime } from '../pause.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';

export type ChatCommand =
  | { readonly kind: 'status' | 'accounts' | 'sessions' | 'tasks' | 'resume' | 'help' }
  | { readonly kind: 'swap'; readonly account: string | null }
  | { readonly kind: 'pause'; readonly forMs: number | null }
  | { readonly kind: 'why'; readonly subject: string }
  | { readonly kind: 'ack'; readonly id: string }
  /** A command that was understood and cannot be followed, and what would be right. */
  | { readonly kind: 'wrong'; readonly answer: string };

/** Every command with what it does, for the help and for the menu of the app. */
export const CHAT_COMMANDS: readonly { readonly name: string; readonly usage: string; readonly does: string }[] = [
  { name: 'status', usage: '/status', does: 'how things stand' },
  { name: 'accounts', usage: '/accounts', does: 'accounts and their quota' },
  { name: 'sessions', usage: '/sessions', does: 'the panes that are watched' },
  { name: 'tasks', usage: '/tasks', does: 'the queues: what waits, what runs, what failed' },
  { name: 'swap', usage: '/swap [account]', does: 'swap by hand; asks before it does' },
  { name: 'pause', usage: '/pause [1h]', does: 'stop every automatic action' },
  { name: 'resume', usage: '/resume', does: 'end the pause and every hold' },
  { name: 'why', usage: '/why [pane|swap]', does: 'explain a pane or a swap; the last swap without a word' },
  { name: 'ack', usage: '/ack <id>', does: 'acknowledge an alert' },
  { name: 'help', usage: '/help', does: 'this list' },
];

/**
 * Reads a message.
 *
 * @param bot  the bot's own name without `@`: in a group a command may be meant for another one
 * @returns null when this is no command, or one for another bot: then nothing is answered
 */
export function parseChatCommand(text: string, bot: string | null): ChatCommand | null {
  const match = /^\/([a-z]{1,32})(?:@(\w{1,64}))?(?:\s+([\s\S]*))?$/i.exec(text.trim());
  const name = match?.[1]?.toLowerCase();
  const other = match?.[2];
  if (name === undefined || (other !== undefined && other.toLowerCase() !== bot?.toLowerCase())) return null;
  const words = (match?.[3] ?? '')
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
  const [first = null] = words;
  switch (name) {
    case 'status':
    case 'accounts':
    case 'sessions':
    case 'tasks':
    case 'resume':
    case 'help':
      return { kind: name };
    case 'quota':
      return { kind: 'accounts' };
    case 'start':
      return { kind: 'help' };
    case 'swap':
      return words.length > 1 ? wrong('/swap takes one account') : { kind: 'swap', account: first };
    case 'pause':
      return readPause(words);
    case 'why':
      return { kind: 'why', subject: words.length === 0 ? 'last' : words.join(' ').slice(0, 200) };
    case 'ack':
      return first === null ? wrong('/ack needs the id of an alert') : { kind: 'ack', id: first.slice(0, 64) };
    default:
      return wrong('there is no such command; /help lists them');
  }
}

function readPause(words: readonly string[]): ChatCommand {
  if (words.length === 0) return { kind: 'pause', forMs: null };
  const forMs = parsePauseTime(words.join(''));
  if (forMs === null) return wrong(`/pause takes ${PAUSE_TIMES}`);
  return { kind: 'pause', forMs };
}

function wrong(answer: string): ChatCommand {
  return { kind: 'wrong', answer };
}

/** How often one person may ask. */
export const RATE = { perMinute: 20 } as const;

/** The instants of what somebody asked lately, oldest first. */
export type Asked = readonly EpochMs[];

/** @returns what to remember, and whether this one is answered: `slow_down` once when there is too much, then `ignore` */
export function admit(
  asked: Asked,
  now: EpochMs,
): { readonly asked: Asked; readonly verdict: 'answer' | 'slow_down' | 'ignore' } {
  const lately = asked.filter((at) => at > now - MINUTE && at <= now);
  if (lately.length > RATE.perMinute) return { asked: lately, verdict: 'ignore' };
  return { asked: [...lately, now], verdict: lately.length === RATE.perMinute ? 'slow_down' : 'answer' };
}
