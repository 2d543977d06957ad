#!/usr/bin/env node
/**
 * A program that behaves like Codex 0.169 or Gemini CLI 0.61 in a terminal, by the name it is called by: it reads its login
 * once, when it starts, asks the quota book, shows that CLI's screens and writes its session's file.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readBook } from './book.mjs';
import { keyReader } from './keys.mjs';
import { eventLog } from './records.mjs';

const isCodex = basename(process.argv[1] ?? '') === 'codex';
const argv = process.argv.slice(2);
const home = process.env.HOME ?? '/';
const configDir = isCodex
  ? process.env.CODEX_HOME || join(home, '.codex')
  : join(process.env.GEMINI_CLI_HOME || home, '.gemini');
const turnMs = Number(process.env.STAND_IN_TURN_MS ?? 120);
const EXIT_TWICE_MS = 2000;
const DAEMON = ['app-server', '--listen', 'unix://', '--managed-daemon'];
const daemonPid = join(configDir, 'daemon.pid');

if (isCodex && argv.join(' ') === 'app-server daemon stop') stopDaemon();
if (isCodex && argv[0] === 'app-server') await new Promise(() => setInterval(() => {}, 60_000));

const resumeId = isCodex ? after('resume') : after('--resume');
const sessionId = resumeId ?? randomUUID();
const file = sessionFile();
if (resumeId !== null && !existsSync(file)) {
  process.stdout.write(`No saved session found with ID ${resumeId}\n`);
  process.exit(1);
}
/** Kept in memory for the life of the process. */
const token = readToken();
const log = eventLog(process.env.STAND_IN_LOG || null, sessionId);

let draft = '';
let busyMs = 0;
let hasMenu = false;
let replies = 0;
let lastInterruptAt = 0;
let painted = 0;
/** @type {string | null} */
let hint = null;
/** @type {AbortController | null} */
let turn = null;

start();

function start() {
  process.stdout.write('\x1b[?2004h');
  if (isCodex) process.stdout.write(`  >_ OpenAI Codex (v0.169.0)\n     ${process.cwd()}\n`);
  if (resumeId !== null) for (const { role, text } of history()) block(role === 'user' ? mine(text) : theirs(text));
  // Codex holds its session's file open; Gemini CLI begins one at once and appends by name.
  if (isCodex && resumeId !== null) openSync(file, 'a');
  if (!isCodex && resumeId === null) write({ sessionId, projectHash: 'x', startTime: now(), lastUpdated: now() });
  if (isCodex && process.env.STAND_IN_DAEMON === '1') startDaemon();
  const read = keyReader();
  process.stdin.setRawMode?.(true);
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => {
    for (const key of read(String(chunk))) take(key);
    paint();
  });
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => leave(0, signal));
  // Said when keys are read, so that whoever waits for it may type; and before it is seen, as with all that is shown or written.
  log('start', { resumed: resumeId !== null, argv, account: labelOf() });
  paint();
}

/** @param {import('./keys.mjs').Key} key */
function take(key) {
  hint = null;
  if (key.key === 'interrupt') return interrupt();
  // Its choices react to Enter alone.
  if (hasMenu) return key.key === 'enter' ? confirmed() : log('menu-swallowed');
  if (key.key === 'enter') {
    const text = draft.trim();
    draft = '';
    if (text !== '') submit(text);
  } else if (key.key === 'escape') turn?.abort();
  else if (key.key === 'backspace') draft = draft.slice(0, -1);
  else if (key.key === 'text' || key.key === 'paste') draft += key.text;
}

function confirmed() {
  hasMenu = false;
  log('confirmed');
}

function interrupt() {
  if (turn !== null) return turn.abort();
  if (draft !== '') {
    draft = '';
    return;
  }
  if (Date.now() - lastInterruptAt < EXIT_TWICE_MS) return leave(0, 'interrupted twice');
  lastInterruptAt = Date.now();
  hint = 'Press Ctrl+C again to exit.';
}

/** @param {string} text */
function submit(text) {
  if (text === '/quit' || text === '/exit') return leave(0, text);
  log('prompt', { text, source: 'typed' });
  void takeTurn(text);
}

/** @param {string} text */
async function takeTurn(text) {
  turn = new AbortController();
  const { signal } = turn;
  block(mine(text));
  if (isCodex && !existsSync(file)) {
    write(row('session_meta', { id: sessionId, cwd: process.cwd(), cli_version: '0.169.0', source: 'cli' }));
    openSync(file, 'a');
  }
  write(isCodex ? row('event_msg', { type: 'user_message', message: text }) : said('user', text));
  const startedAt = Date.now();
  while (Date.now() - startedAt < turnMs && !signal.aborted) {
    busyMs = Math.max(1, Date.now() - startedAt);
    paint();
    await pause(Math.min(200, turnMs), undefined, { signal }).catch(() => undefined);
  }
  busyMs = 0;
  turn = null;
  if (signal.aborted) log('interrupted');
  else settle();
  paint();
}

function settle() {
  const entry = token === null || !process.env.STAND_IN_BOOK ? undefined : readBook(process.env.STAND_IN_BOOK)[token];
  if (entry === undefined) {
    block([isCodex ? '■ unexpected status 401 Unauthorized: token' : '✕ [API Error: API key not valid.]']);
    return log('unauthorized');
  }
  if (entry.limited && entry.resetsAt > Date.now()) {
    reject(entry.resetsAt);
    return log('limit', { account: entry.label });
  }
  replies += 1;
  const text = `REPLY-${replies} account=${entry.label}`;
  log('reply', { n: replies, account: entry.label });
  if (isCodex) {
    write(row('event_msg', { type: 'agent_message', message: text }));
    write(row('event_msg', { type: 'task_complete', turn_id: randomUUID(), last_agent_message: text, error: null }));
  } else write(said('gemini', text));
  block(theirs(text));
}

/** @param {number} resetsAt */
function reject(resetsAt) {
  if (!isCodex) {
    hasMenu = true;
    return;
  }
  const at = new Date(resetsAt).toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit' });
  const message = `You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro) or try again at ${at}.`;
  const error = { message, codex_error_info: 'usage_limit_exceeded' };
  write(row('event_msg', { type: 'task_complete', turn_id: randomUUID(), last_agent_message: null, error }));
  block([`■ ${message}`]);
}

function paint() {
  const lines = below();
  erase();
  process.stdout.write(lines.join('\n'));
  painted = lines.length;
}

function below() {
  const width = process.stdout.columns || 80;
  const seconds = Math.floor(busyMs / 1000);
  if (isCodex) {
    const spinner = busyMs === 0 ? [] : ['', `• Working (${seconds}s • esc to interrupt)`];
    return [
      ...spinner,
      '',
      `› ${draft === '' ? 'Ask Codex to do anything' : draft}`,
      '',
      `  ${hint ?? 'GPT-5.5 default · /p'}`,
    ];
  }
  if (hasMenu) {
    const inner = width - 4;
    const box = [
      'Usage limit reached for all Pro models.',
      '/stats model for usage details',
      '',
      '● 1. Keep trying',
      '  2. Stop',
    ];
    return [
      '',
      `╭${'─'.repeat(inner + 2)}╮`,
      ...box.map((line) => `│ ${line.padEnd(inner)} │`),
      `╰${'─'.repeat(inner + 2)}╯`,
      ...(hint === null ? [] : [` ${hint}`]),
    ];
  }
  const spinner = busyMs === 0 ? [] : ['', ` ⠏ Thinking... (esc to cancel, ${seconds}s)`];
  return [
    ...spinner,
    '',
    '─'.repeat(width),
    ` ${hint ?? 'Shift+Tab to accept edits'}`,
    '',
    ` >   ${draft === '' ? 'Type your message or @path/to/file' : draft}`,
    '',
    ' workspace (/directory)   sandbox   /model',
    ' /p   no sandbox   gemini-2.5-pro',
  ];
}

/** @param {readonly string[]} lines */
function block(lines) {
  erase();
  process.stdout.write(`\n\n${lines.join('\n')}\n`);
}

function erase() {
  if (painted === 0) return;
  process.stdout.write(`\r${painted > 1 ? `\x1b[${painted - 1}A` : ''}\x1b[J`);
  painted = 0;
}

/** @param {string} text */
function mine(text) {
  return [isCodex ? `› ${text}` : ` > ${text}`];
}

/** @param {string} text */
function theirs(text) {
  return [isCodex ? `• ${text}` : `✦ ${text}`];
}

/** @param {string} flag the session's id follows it */
function after(flag) {
  const at = argv.indexOf(flag);
  return at === -1 ? null : (argv[at + 1] ?? null);
}

function readToken() {
  try {
    const content = JSON.parse(readFileSync(join(configDir, isCodex ? 'auth.json' : 'oauth_creds.json'), 'utf8'));
    return isCodex ? content.tokens.access_token : content.access_token;
  } catch {
    return null;
  }
}

function labelOf() {
  const book = process.env.STAND_IN_BOOK ? readBook(process.env.STAND_IN_BOOK) : {};
  return book[token]?.label ?? null;
}

function sessionFile() {
  const folder = isCodex ? join(configDir, 'sessions', '2026', '11', '21') : join(projectFolder(), 'chats');
  mkdirSync(folder, { recursive: true });
  const mark = isCodex ? sessionId : sessionId.slice(0, 8);
  const found = readdirSync(folder).find((name) => name.endsWith(`-${mark}.jsonl`));
  return join(folder, found ?? `${isCodex ? 'rollout-2026-11-21T09-35-00' : 'session-2026-11-21T09-35'}-${mark}.jsonl`);
}

function projectFolder() {
  const folder = join(configDir, 'tmp', basename(process.cwd()));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.project_root'), process.cwd());
  return folder;
}

function history() {
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return rows.flatMap((each) => {
    const { type, message } = each.payload ?? {};
    if (type === 'user_message') return [{ role: 'user', text: message }];
    if (type === 'agent_message') return [{ role: 'agent', text: message }];
    return typeof each.content === 'string' ? [{ role: each.type, text: each.content }] : [];
  });
}

/** @param {string} type @param {Record<string, unknown>} payload */
function row(type, payload) {
  return { timestamp: now(), type, payload };
}

/** @param {'user' | 'gemini'} type @param {string} content */
function said(type, content) {
  return { id: randomUUID(), timestamp: now(), type, content };
}

/** @param {Record<string, unknown>} value */
function write(value) {
  appendFileSync(file, `${JSON.stringify(value)}\n`);
}

function now() {
  return new Date().toISOString();
}

function startDaemon() {
  if (existsSync(daemonPid)) return;
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...DAEMON], { detached: true, stdio: 'ignore' });
  writeFileSync(daemonPid, String(child.pid));
  child.unref();
}

function stopDaemon() {
  process.kill(Number(readFileSync(daemonPid, 'utf8')));
  process.exit(0);
}

/** @param {number} code @param {string} reason */
function leave(code, reason) {
  erase();
  process.stdout.write('\x1b[?2004l\n');
  process.stdin.setRawMode?.(false);
  log('exit', { reason });
  process.exit(code);
}
