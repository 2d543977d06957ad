#!/usr/bin/env node
/**
 * A program that behaves like Claude Code in a terminal, without a model: it reads its login through the account link
 * before each request, asks a quota book, shows the CLI's screens and keeps its files. Tests and the demo run it in panes.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Account } from './account.mjs';
import { keyReader } from './keys.mjs';
import { readOptions } from './options.mjs';
import { eventLog, Registry, Transcript } from './records.mjs';
import { resetTime, Screen } from './screen.mjs';
import { taskIn } from './tasks.mjs';

const options = readOptions(process.argv.slice(2), process.env);
if (process.argv.includes('--version')) {
  process.stdout.write(`${options.version} (Claude Code)\n`);
  process.exit(0);
}

const TITLE_AFTER_MS = 1000;
/** The real one waits a shorter while: whoever presses twice may be stopped in between for some seconds. */
const EXIT_TWICE_MS = 20_000;
const NEAR_RESET_MS = 24 * 3_600_000;
const WORK_PROMPT = 'work through the list';
const SERVER_ERROR =
  'API Error: 500 {"type":"error","error":{"type":"api_error","message":"upstream said rate limit exceeded, usage limit reached"}}';

const sessionId = options.resumeId ?? options.sessionId ?? randomUUID();
const transcript = new Transcript(options, sessionId);
if (options.resumeId !== null && !transcript.exists()) {
  process.stdout.write(`No conversation found with session ID: ${options.resumeId}\n`);
  process.exit(1);
}
const account = new Account(options);
const registry = new Registry(options, sessionId);
const log = eventLog(options.log, sessionId);
const screen = new Screen(process.stdout, options);

/** @type {import('./screen.mjs').Below} */
const below = {
  kind: 'composer',
  draft: '',
  placeholder: null,
  spinner: null,
  elapsedS: 0,
  waitsFor: null,
  resets: null,
  hint: null,
  cursor: 0,
};
/** @type {string[]} */
const queued = [];
/** @type {AbortController | null} */
let turn = null;
/** @type {NodeJS.Timeout | null} */
let autoContinue = null;
let replies = 0;
/** Goes on with the turn that asks. @type {(() => void) | null} */
let asked = null;
let lastInterruptAt = 0;
let menuSeenFor = 0;
/** The task it was given last; it goes on with it at any later prompt. @type {import('./tasks.mjs').Task | null} */
let task = null;
let willSwallow = options.swallowFirst && options.resumeId !== null;

start();

function start() {
  // Before anything is shown: on a terminal that is not raw, Enter comes as a line feed and Ctrl-C ends the process.
  readKeys();
  transcript.owner(account.accountUuid, account.organizationUuid);
  registry.set('idle');
  screen.open();
  if (options.resumeId !== null) showHistory();
  if (options.resumeId !== null && options.dialog === 'foreign-session') below.kind = 'dialog';
  if (options.asksForTrust) {
    options.dialog = 'untrusted';
    below.kind = 'dialog';
  }
  process.stdout.on('resize', paint);
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => leave(0, signal));
  if (options.refreshMs > 0) void refreshForever();
  if (options.setsTitle) setTimeout(setTitle, TITLE_AFTER_MS).unref();
  // Said when keys are read, so that whoever waits for it may type; and before it is seen, as with all that is shown or written.
  log('start', { resumed: options.resumeId !== null, argv: process.argv.slice(2), version: options.version });
  paint();
  if (options.prompt !== null) submit(options.prompt, 'argv');
  else if (options.workMs > 0 && options.resumeId === null) submit(WORK_PROMPT, 'self');
}

function setTitle() {
  if (isHeld()) return void setTimeout(setTitle, 50).unref();
  process.title = 'claude';
}

function showHistory() {
  for (const { role, text } of transcript.history()) {
    if (role === 'user') {
      screen.prompt(text);
      task = taskIn(text) ?? task;
    } else if (text.startsWith("You've hit your")) screen.result(text);
    else screen.reply(text);
    if (text.startsWith('REPLY-')) replies += 1;
  }
}

function paint() {
  screen.paint(below);
}

function readKeys() {
  const read = keyReader();
  process.stdin.setRawMode?.(true);
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => {
    for (const key of read(String(chunk))) {
      if (below.kind === 'menu') menuKey(key);
      else if (below.kind === 'dialog') dialogKey(key);
      else composerKey(key);
    }
    paint();
  });
  process.stdin.on('end', () => leave(0, 'end of input'));
}

/** As the CLI: a number chooses at once; a list without numbers has a cursor. @param {import('./keys.mjs').Key} key */
function dialogKey(key) {
  log('dialog-key', { text: 'text' in key ? key.text : key.key });
  if (options.dialog === 'untrusted') {
    if (key.key === 'other') below.cursor = 1 - below.cursor;
    if (key.key === 'enter' && below.cursor === 0) leave(1, 'not trusted');
    if (key.key !== 'enter') return;
    options.dialog = null;
  } else if (asked === null || key.key !== 'text' || key.text !== '1') return;
  below.kind = 'composer';
  registry.set('idle');
  asked?.();
  asked = null;
}

/** @param {import('./keys.mjs').Key} key */
function menuKey(key) {
  if (key.key === 'escape' || key.key === 'interrupt') return closeMenu();
  if (key.key === 'enter') {
    account.buy();
    log('bought');
    screen.prompt('/rate-limit-options');
    screen.result('Usage credits are on.');
    return closeMenu();
  }
  log('menu-swallowed', 'text' in key ? { text: key.text } : {});
}

function closeMenu() {
  below.kind = 'composer';
  registry.set('idle');
  log('menu-closed');
}

/** @param {import('./keys.mjs').Key} key */
function composerKey(key) {
  below.hint = null;
  if (key.key === 'escape') {
    if (turn !== null) turn.abort();
    else disarm();
  } else if (key.key === 'interrupt') {
    interrupt();
  } else if (key.key === 'enter') {
    const text = below.draft.trim();
    below.draft = '';
    if (text !== '') submit(text, 'typed');
  } else if (key.key === 'backspace') {
    below.draft = [...below.draft].slice(0, -1).join('');
  } else if (key.key === 'kill-line') {
    below.draft = '';
  } else if (key.key !== 'other') {
    disarm();
    below.draft += key.text;
  }
}

function interrupt() {
  if (turn !== null) return turn.abort();
  if (below.draft !== '') {
    below.draft = '';
    return;
  }
  disarm();
  if (Date.now() - lastInterruptAt < EXIT_TWICE_MS) return leave(0, 'interrupted twice');
  lastInterruptAt = Date.now();
  below.hint = 'Press Ctrl-C again to exit';
}

/** @param {string} text @param {'typed' | 'argv' | 'self' | 'reset'} source */
function submit(text, source) {
  if (text === '/exit' || text === '/quit') {
    screen.prompt(text);
    screen.result('Goodbye!');
    return leave(0, text);
  }
  if (willSwallow && source === 'typed') {
    willSwallow = false;
    log('swallowed', { text });
    return;
  }
  log('prompt', { text, source });
  task = taskIn(text) ?? task;
  if (turn === null) void takeTurns(text, source);
  else queued.push(text);
}

/** @param {string} text @param {'typed' | 'argv' | 'self' | 'reset'} source */
async function takeTurns(text, source) {
  /** @type {string | undefined} */
  let next = text;
  let isMeta = source === 'reset';
  while (next !== undefined) {
    turn = new AbortController();
    await takeTurn(next, isMeta, turn.signal);
    turn = null;
    isMeta = false;
    next = below.kind === 'composer' ? queued.shift() : undefined;
  }
}

/** @param {string} text @param {boolean} isMeta @param {AbortSignal} signal */
async function takeTurn(text, isMeta, signal) {
  disarm();
  below.placeholder = null;
  screen.prompt(text);
  transcript.user(text, isMeta);
  registry.set('busy');
  const startedAt = Date.now();
  if (options.refreshesEachTurn) {
    below.spinner = 'Pondering';
    paint();
    log('refresh', { result: await account.refresh(() => log('refresh-posted')) });
  }
  let goesOn = true;
  let isLater = false;
  const own = task;
  if (own !== null) log('task', { text: own.id, argv: process.argv.slice(2), reason: process.cwd() });
  if (own?.asks === true) await askOnce(own);
  while (goesOn) {
    const early = options.asksFirst ? request(isLater) : null;
    const isWhole = await work(
      own?.takesMs ?? (replies > 0 && options.workMs > 0 ? options.workMs : options.turnMs),
      signal,
    );
    if (!isWhole) {
      screen.result('Interrupted · What should Claude do instead?');
      log('interrupted');
      break;
    }
    if (own?.dies === true) leave(1, 'crashed');
    const isAnswered = settle(early ?? request(isLater));
    if (isAnswered && own !== null) endTask(own);
    goesOn = isAnswered && options.workMs > 0;
    isLater = true;
    if (isAnswered && !goesOn && options.isModern) screen.closing(closingLine(startedAt));
  }
  below.spinner = null;
  registry.set(below.kind === 'composer' ? 'idle' : 'waiting');
  paint();
}

/** A dialog stands there until it is answered; then the turn goes on. @param {import('./tasks.mjs').Task} own */
async function askOnce(own) {
  own.asks = false;
  below.kind = 'dialog';
  below.spinner = null;
  registry.set('waiting');
  log('dialog');
  paint();
  await new Promise((resolve) => {
    asked = () => resolve(undefined);
  });
}

/** Says in its own way that the task is done. @param {import('./tasks.mjs').Task} own */
function endTask(own) {
  task = null;
  log('task-done', { text: own.id });
  own.end(sessionId);
}

/** Later requests of a turn carry what a tool gave. @param {boolean} isLater */
function request(isLater) {
  if (isLater) transcript.toolResult('done');
  return account.request();
}

/** @param {number} startedAt */
function closingLine(startedAt) {
  const clock = new Date().toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit' });
  return `Baked for ${Math.round((Date.now() - startedAt) / 1000)}s · done ${clock}`;
}

/** Shows the spinner for a while, and for as long as turns are held. @param {number} ms @param {AbortSignal} signal @returns {Promise<boolean>} false: interrupted */
async function work(ms, signal) {
  const startedAt = Date.now();
  below.spinner = 'Pondering';
  while (Date.now() - startedAt < ms || isHeld()) {
    below.elapsedS = Math.floor((Date.now() - startedAt) / 1000);
    paint();
    const leftMs = ms - (Date.now() - startedAt);
    await pause(leftMs > 0 ? Math.min(200, leftMs) : 50, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return false;
  }
  return !signal.aborted;
}

function isHeld() {
  return options.hold !== null && existsSync(options.hold);
}

/** Shows and records how a request ended. @param {import('./account.mjs').Outcome} outcome @returns {boolean} whether it was answered */
function settle(outcome) {
  if (outcome.kind === 'answer') {
    replies += 1;
    const text = `REPLY-${replies} account=${outcome.label}${options.says === '' ? '' : `\n${options.says}`}`;
    log('reply', { n: replies, account: outcome.label });
    transcript.assistant(text);
    screen.reply(text);
    return true;
  }
  if (outcome.kind === 'rejected') {
    reject(outcome);
  } else if (outcome.kind === 'server-error') {
    below.placeholder = options.isModern ? 'Resend your message to try again' : null;
    log('server-error');
    transcript.failure(SERVER_ERROR, 'server_error', 500, null);
    screen.reply(SERVER_ERROR);
  } else {
    const text = 'Please run /login · API Error: 401 Invalid bearer token';
    below.placeholder = options.isModern ? 'Once fixed, resend your message' : null;
    log('unauthorized');
    transcript.failure(text, 'authentication_failed', 401, null);
    screen.reply(text);
  }
  return false;
}

/** @param {Extract<import('./account.mjs').Outcome, { kind: 'rejected' }>} outcome */
function reject({ label, window, resetsAt }) {
  const names = { five_hour: '5-hour limit', seven_day: 'weekly limit', seven_day_opus: 'Opus limit' };
  const time = resetTime(resetsAt, Date.now());
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const text = `You've hit your ${options.isModern ? names[window] : 'limit'} · resets ${time} (${zone})`;
  const hasDialog = options.dialog !== null && options.dialog !== 'foreign-session';
  const isNear = window === 'five_hour' && resetsAt - Date.now() <= NEAR_RESET_MS;
  const waitsItself = !hasDialog && options.autoContinue && isNear;
  const hasMenu = !hasDialog && !waitsItself && (!options.isModern || menuSeenFor !== resetsAt);
  if (hasDialog) log('dialog');
  if (hasMenu) log('menu');
  log('limit', { account: label, window });
  transcript.failure(text, 'rate_limit', 429, { window, resetsAt });
  screen.limit(text);
  if (hasDialog) below.kind = 'dialog';
  if (waitsItself) {
    const notice = `Usage limit reached · continuing automatically at ${time} · esc to cancel`;
    transcript.notice(notice);
    screen.reply(notice);
    below.waitsFor = time;
    autoContinue = setTimeout(continueAfterReset, Math.max(0, resetsAt - Date.now()));
  } else if (hasMenu) {
    menuSeenFor = resetsAt;
    below.kind = 'menu';
    below.resets = time;
  }
}

function continueAfterReset() {
  disarm();
  submit('Your claude.ai usage limit has reset. Continue the task where you left off.', 'reset');
}

function disarm() {
  if (autoContinue !== null) clearTimeout(autoContinue);
  autoContinue = null;
  below.waitsFor = null;
}

async function refreshForever() {
  for (;;) {
    await pause(options.refreshMs);
    log('refresh', { result: await account.refresh() });
  }
}

/** @param {number} code @param {string} reason */
function leave(code, reason) {
  disarm();
  screen.close();
  registry.remove();
  log('exit', { reason });
  // Last: from here on one more Ctrl-C ends the process in the middle.
  process.stdin.setRawMode?.(false);
  process.exit(code);
}
