/** One message to a person, and its four forms: Telegram HTML, plain text, e-mail HTML and JSON. */
import type { EventType, Severity } from '../events.ts';
import type { EpochMs } from '../time.ts';
import { toIso } from '../time.ts';
import { cutTo, escapeHtml, escapeTelegram, oneLine } from './escape.ts';

/** Where in the world it happened; what does not apply is null. */
export interface MessageSubject {
  readonly pool: string | null;
  readonly account: string | null;
  readonly session: string | null;
  readonly swap: string | null;
  /** Id of the alert that can be acknowledged. */
  readonly alert: string | null;
}

/**
 * What a person is told of one incident, as far as it is known. All texts are masked already and hold no markup; they are
 * still hostile to a parser, and only the renderings below may turn them into one.
 */
export interface Message {
  /** The incident: messages with the same key are one conversation. */
  readonly key: string;
  /** The kind of the newest fact. */
  readonly event: EventType | 'test' | 'digest' | 'summary';
  readonly severity: Exclude<Severity, 'debug'>;
  /** Counts the contents of this incident's message from 1. */
  readonly revision: number;
  /** When the incident began, and when the newest fact in here became one. */
  readonly since: EpochMs;
  readonly at: EpochMs;
  /** Nothing more is expected to follow. */
  readonly settled: boolean;
  readonly host: string;
  /** What happened, in one line. */
  readonly title: string;
  /** What was found and done, a line each. */
  readonly lines: readonly string[];
  /** What each line is about, so that newer facts replace older ones; shorter than `lines` where nothing is replaced. */
  readonly slots: readonly string[];
  /** Words from a terminal, at most 120 characters. */
  readonly quote: string | null;
  /** What it needs from the person; null: nothing. */
  readonly needs: string | null;
  readonly subject: MessageSubject;
}

/** Telegram refuses a text of more characters than this after its entities are read; the markup itself is not counted. */
export const TELEGRAM_MAX = 4096;

/** For `parse_mode: HTML`; at most 4096 characters, markup included. */
export function asTelegramHtml(message: Message): string {
  const head = `${MARK[message.severity]} <b>${escapeTelegram(cutTo(oneLine(message.title), 300))}</b>`;
  const needs = message.needs === null ? [] : [`👉 ${escapeTelegram(cutTo(oneLine(message.needs), 300))}`];
  const quote =
    message.quote === null ? [] : [`<blockquote>${escapeTelegram(cutTo(oneLine(message.quote), 120))}</blockquote>`];
  const foot = `<i>${escapeTelegram(cutTo(oneLine(`${message.host} · ${message.key}`), 160))}</i>`;
  const fixed = [head, ...quote, ...needs, foot].join('\n').length;
  const lines = fitting(
    message.lines.map((line) => escapeTelegram(cutTo(oneLine(line), 400))),
    TELEGRAM_MAX - fixed - 40,
  );
  return [head, ...lines, ...quote, ...needs, foot].join('\n');
}

/** The whole message as plain text, for e-mail and terminals. */
export function asText(message: Message): string {
  const parts = [
    oneLine(message.title),
    '',
    ...message.lines.map((line) => `- ${oneLine(line)}`),
    ...(message.quote === null ? [] : ['', `  | ${oneLine(message.quote)}`]),
    ...(message.needs === null ? [] : ['', `What it needs: ${oneLine(message.needs)}`]),
    '',
    oneLine(`-- ${message.host}, ${toIso(message.at)}, ${message.severity}, ${message.key}`),
  ];
  return `${parts.map((part) => cutTo(part, 1000)).join('\n')}\n`;
}

/** One line for the subject of a mail; the same for all messages of one incident when `title` is that of the first. */
export function asSubject(message: Message, title = message.title): string {
  return cutTo(oneLine(`[claude-failover ${message.host}] ${title}`), 180);
}

/** The body of a mail as HTML without any link, image or style sheet. */
export function asEmailHtml(message: Message): string {
  const text = (value: string): string => escapeHtml(cutTo(oneLine(value), 1000));
  return [
    '<!doctype html><html><body style="font-family:sans-serif">',
    `<h3>${text(message.title)}</h3>`,
    message.lines.length === 0 ? '' : `<ul>${message.lines.map((line) => `<li>${text(line)}</li>`).join('')}</ul>`,
    message.quote === null ? '' : `<blockquote><code>${text(message.quote)}</code></blockquote>`,
    message.needs === null ? '' : `<p><b>What it needs:</b> ${text(message.needs)}</p>`,
    `<p style="color:#777">${text(`${message.host}, ${toIso(message.at)}, ${message.severity}, ${message.key}`)}</p>`,
    '</body></html>',
  ].join('\n');
}

/** For programs: instants as ISO 8601, `text` the plain form. */
export function asJson(message: Message): Readonly<Record<string, unknown>> {
  const { key, event, severity, revision, settled, host, title, lines, quote, needs, subject } = message;
  return {
    version: 1,
    key,
    event,
    severity,
    revision,
    settled,
    since: toIso(message.since),
    at: toIso(message.at),
    host,
    title: oneLine(title),
    lines: lines.map(oneLine),
    quote: quote === null ? null : oneLine(quote),
    needs: needs === null ? null : oneLine(needs),
    subject,
    text: asText(message),
  };
}

const MARK: Readonly<Record<Message['severity'], string>> = { info: 'ℹ️', warning: '⚠️', critical: '🛑' };

/** As many lines as fit, and how many were left out. */
function fitting(lines: readonly string[], room: number): readonly string[] {
  const taken: string[] = [];
  let used = 0;
  for (const line of lines) {
    used += line.length + 1;
    if (used > room) return [...taken, `… ${lines.length - taken.length} more lines`];
    taken.push(line);
  }
  return taken;
}
