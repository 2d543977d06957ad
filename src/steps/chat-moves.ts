/** Remembers which groups became supergroups: the configuration still names the old id. */

import type { ChatMoves } from '../ports/chat.ts';
import type { LocalStore } from '../ports.ts';

const KEY = 'chat:moves';
const MOST = 100;

/** @param local where it is kept; what is unreadable there counts as nothing */
export async function openChatMoves(local: Pick<LocalStore, 'meta' | 'setMeta'>): Promise<ChatMoves> {
  const moves = parse(await local.meta(KEY));
  return {
    current: (chat) => follow(moves, chat),
    configured: (chat, chats) => chats.find((one) => one === chat || follow(moves, one) === chat) ?? null,
    async moved(from, to) {
      if (moves.get(from) === to || from === to) return;
      moves.set(from, to);
      await local.setMeta(KEY, JSON.stringify([...moves].slice(-MOST)));
    },
  };
}

function follow(moves: ReadonlyMap<number, number>, chat: number): number {
  let at = chat;
  for (let steps = 0; steps < 10; steps++) at = moves.get(at) ?? at;
  return at;
}

function parse(text: string | null): Map<number, number> {
  try {
    const pairs: unknown = JSON.parse(text ?? '[]');
    const isPair = (pair: unknown): pair is [number, number] =>
      Array.isArray(pair) && pair.length === 2 && pair.every((id) => Number.isSafeInteger(id));
    return new Map(Array.isArray(pairs) ? pairs.filter(isPair) : []);
  } catch {
    return new Map();
  }
}
