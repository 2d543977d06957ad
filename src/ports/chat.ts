/** The interfaces of what is asked and answered by chat. */
import type { Button } from '../core/alerts/callback.ts';
import type { EpochMs } from '../core/time.ts';

/** What a person wrote or pressed in a chat. Nothing of it is to be believed but where and from whom it came. */
export interface ChatInput {
  /** Counts up; the next look asks for what comes after it. */
  readonly id: number;
  /** Null: it belongs to no chat that could be answered. */
  readonly chat: number | null;
  readonly user: number | null;
  /** When it was written; null for what has no such time. */
  readonly sentAt: EpochMs | null;
  readonly content:
    | { readonly kind: 'text'; readonly text: string; readonly messageId: number }
    | { readonly kind: 'press'; readonly pressId: string; readonly data: string; readonly messageId: number | null }
    /** The group got this new id. */
    | { readonly kind: 'moved'; readonly to: number }
    | { readonly kind: 'other' };
}

/** Why a chat service did not do what it was asked. The text never holds the token. */
export interface ChatFailure {
  /** `conflict`: another program reads the same bot. `refused`: it will never do this. */
  readonly kind: 'conflict' | 'unauthorized' | 'limited' | 'unreachable' | 'refused';
  readonly reason: string;
  /** How long it wants to be left alone; null: it did not say. */
  readonly afterMs: number | null;
}

export type ChatAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ChatFailure };

/** The way in from a chat service. Never throws; every call ends at its own deadline. */
export interface ChatDoor {
  /** The same for the same bot, and tells nothing of its token. */
  readonly id: string;
  /** The bot's name, as people address it; also shows it the commands of the menu. */
  open(signal: AbortSignal): Promise<ChatAnswer<string>>;
  /** Waits at most `waitMs` for what came after `offset`, oldest first. */
  receive(offset: number | null, waitMs: number, signal: AbortSignal): Promise<ChatAnswer<readonly ChatInput[]>>;
  say(
    chat: number,
    html: string,
    options: { readonly buttons?: readonly (readonly Button[])[]; readonly replyTo?: number | null },
    signal: AbortSignal,
  ): Promise<ChatAnswer<null>>;
  /** Replaces a message of our own, without any button. */
  replace(chat: number, messageId: number, html: string, signal: AbortSignal): Promise<ChatAnswer<null>>;
  /** Ends the wait of whoever pressed a button, with a few words of plain text. */
  answerPress(pressId: string, text: string, signal: AbortSignal): Promise<ChatAnswer<null>>;
}

/** Groups that became supergroups and have another id since. */
export interface ChatMoves {
  /** Where a configured chat is now. */
  current(chat: number): number;
  /** Null: this is, or became, none of `chats`. Else the configured id. */
  configured(chat: number, chats: readonly number[]): number | null;
  moved(from: number, to: number): Promise<void>;
}
