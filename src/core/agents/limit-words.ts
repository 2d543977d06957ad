/** Words in which agents speak of limits: those before "limit", those that say which one, and how such a message goes on. */
import type { QuotaWindow } from './profile.ts';

/** Words before "limit" that are not about an account's quota. */
const OTHER =
  '(?!(?:fast|rate|context|length|tokens?|pull|requests?|retry|retries|turns?|output|input|file|size|upload|image|storage|disk|memory|time|recursion|depth|connections?|concurrency|thinking)\\b)';
export const WORD = `${OTHER}[\\w'’./-]{1,24}`;
export const YOU_HAVE = "you(?:['’ʼ]ve| have)(?: now| already)?";
/** A name may have a dot inside of it, but a sentence ends at one. */
const NAME = `${OTHER}(?:[\\w'’-]|\\.(?=\\w)){1,40}`;
export const FOR = `(?: (?:for|on) ((?!resets?\\b)${NAME}(?: (?!resets?\\b|until\\b)${NAME}){0,3}))?`;
/** Matches at the start of a message, in any letter case. */
export const start = (body: string) => new RegExp(`^(?:${body})`, 'i');

/** Words before "limit" that say which one; anything else names a model. */
export const WINDOW_WORDS: readonly { readonly window: QuotaWindow; readonly regex: RegExp }[] = [
  { window: 'model', regex: /\b(?:opus|sonnet|haiku|fable|mythos|model)\b/i },
  {
    window: '5h',
    regex: /\b(?:session|(?:\d{1,2}|five)[- ]?h(?:(?:ou)?rs?)?|hourly|sitzungs\w*|sesi[oó]n|sess[aã]o|sessione)\b/i,
  },
  {
    window: '7d',
    regex: /\b(?:week|weekly|semanal?|settimanale|hebdomadaire|7[- ]?day|seven[- ]day|wöchentlich\w*|wochen\w*)\b/i,
  },
  { window: 'daily', regex: /\b(?:daily|today|day|diário|diario)\b/i },
  { window: 'monthly', regex: /\b(?:month|monthly|org|organization|team|workspace|mensal|mensual)\b/i },
];
/** Words that say nothing about the window. */
export const PLAIN_WORDS =
  /^(?:claude|code|ai|usage|your|the|all|plan|account|pro|max|team|free|extra|spend|spending|credits?|org|organization|workspace|enterprise|premium|standard|included|subscription|current|overall|total|combined|and|of|de|uso|d['’]utilisation|l[ií]mite?|models?|message|prompt|api|allowance|this|limits?|['’]?s|\d{1,3}x)$/i;
/** Money instead of time: without a reset it is the month's. */
export const MONEY_WORDS = /\b(?:spend|spending|credits?|extra usage)\b/i;

// -- How a message goes on -----------------------------------------------------------------------------------------------

/** A server error in the same message as a limit, or below it, says that the limit is not the account's. */
export const SERVER_ERROR = /\bapi_error\b|overloaded_error|internal server error|api error: ?\(?5\d\d\b/i;

/** How a message goes on after its head, where prose could stand as well. */
export const STRICT_TAIL =
  /^(?:[.!]?\]?\s*$|"\s*[,}]|\s*[·∙•⋅|…]|[.!,;:]?\s*[[(]?(?:resets?\b|retrying in\b|(?:it |this )?(?:will reset|resets)|until\b|(?:your )?(?:[\w-]{1,12} ){0,2}(?:limits?|quota|allowance|usage) (?:will )?resets?|you will regain|access (?:will )?resets?|(?:or )?(?:try again|retry in)\b|to (?:get|continue|keep) |run \/|use \/|type \/|\/[a-z]|please (?:wait|try|upgrade|run|contact|return|come back)|\(?(?:request|req)[_ ]?id\b|\(?\w{1,12} plan\)|(?:switch|upgrade|contact|ask|add|wait|visit|select|manage|raise|buy) |opening your options|continuing automatically|usage limit reached|what do you want to do|stop and wait)|\s[-–—]\s?(?:resets?|try again|continuing|\/|run |upgrade|switch))/i;

/** How a limit's message goes on in a `●` block, where the model writes as well. */
export const BULLET_TAIL =
  /^[.!]?\s*(?:$|[·∙•⋅|]\s*(?:$|\(?(?:limit )?resets?\b|your (?:[\w-]{1,12} ){1,2}limits? |raise |manage |switch |upgrade |contact |ask |add |esc\b|run |use |try |wait |continuing |clau\.de|https?:|api error|please |claude\.ai|\/[a-z])|\(?(?:will )?resets? |your (?:[\w-]{1,12} )?limit will reset |run \/|\/[a-z]|switch to |try again |please (?:wait|try|upgrade))/i;

/** What may stand after the words of a time in such a block. */
export const AFTER_TIME = /^\s*[.)]?\s*(?:$|[·∙•⋅|…]|\/[a-z]|run \/)/i;

/** The same where only the CLI itself writes. */
export const LENIENT_TAIL = new RegExp(`${STRICT_TAIL.source}|^\\s*[.!,;:(–—-]`, 'i');
