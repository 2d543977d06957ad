/** The login of the stand-in: reads its credentials as Claude Code does, asks the book, and refreshes tokens under locks. */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { changeBook, readBook } from './book.mjs';

/**
 * @typedef {{ kind: 'answer', label: string }
 *   | { kind: 'rejected', label: string, window: import('./book.mjs').Entry['kind'], resetsAt: number }
 *   | { kind: 'server-error' }
 *   | { kind: 'unauthorized' }} Outcome
 */

const LOCK_TRIES = 6;
const REFRESH_LOCK = '.oauth_refresh.lock';
/** After a 401 the file is read again so often while a sibling holds the lock: it may be stopped there for some seconds. */
const SIBLING_TRIES = 400;
const REFRESH_STALE_MS = 60_000;
const WRITE_STALE_MS = 15_000;

export class Account {
  /** @param {import('./options.mjs').Options} options */
  constructor(options) {
    this.options = options;
    this.path = join(options.credentialsDir, '.credentials.json');
    /** @type {{ login: Record<string, any> | null, mtimeMs: number }} */
    this.seen = { login: null, mtimeMs: Number.NaN };
    this.load();
  }

  /** The uuid of the logged-in account, as far as the credentials tell. */
  get accountUuid() {
    return this.seen.login?.accountUuid ?? null;
  }

  get organizationUuid() {
    return this.seen.login?.organizationUuid ?? null;
  }

  /** One request under the login that is current by this version's rules. @returns {Outcome} */
  request() {
    if (this.options.isHot && this.mtimeMs() !== this.seen.mtimeMs) this.load();
    const first = this.ask();
    if (first.kind !== 'unauthorized' || !this.options.isHot) return first;
    for (let tries = 0; tries < SIBLING_TRIES; tries++) {
      const isSiblingAtIt = existsSync(join(this.options.credentialsDir, REFRESH_LOCK));
      this.load();
      const outcome = this.ask();
      if (outcome.kind !== 'unauthorized' || !isSiblingAtIt) return outcome;
      // A sibling has its new token already, and is about to write it down.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
    return first;
  }

  /** Somebody pressed Enter in the menu that spends money. */
  buy() {
    const token = this.seen.login?.accessToken;
    if (this.options.book === null || token === undefined) return;
    changeBook(this.options.book, (book) => {
      if (book[token] !== undefined) book[token].bought = true;
    });
  }

  /**
   * Rotates the tokens: under the CLI's locks, with the pause of a network between reading and writing. Newer versions
   * replace the file and keep what a sibling wrote meanwhile; older ones write into whatever the path leads to.
   *
   * @param {() => void} [onPost] called when it asks the token server
   * @returns {Promise<'refreshed' | 'locked' | 'adopted' | 'refused' | 'lost'>}
   */
  async refresh(onPost) {
    const posted = this.read();
    if (posted === null) return 'refused';
    const release = await this.lock();
    if (release === null) return 'locked';
    try {
      const current = this.read();
      if (current === null || current.accessToken !== posted.accessToken) {
        this.load();
        return 'adopted';
      }
      onPost?.();
      const fresh = await this.rotate(posted.refreshToken);
      return fresh === null ? 'refused' : this.save(posted.refreshToken, fresh);
    } finally {
      release();
    }
  }

  mtimeMs() {
    try {
      return statSync(this.path).mtimeMs;
    } catch {
      return Number.NaN;
    }
  }

  load() {
    const mtimeMs = this.mtimeMs();
    this.seen = { login: this.read(), mtimeMs };
  }

  /** @returns {Record<string, any> | null} */
  read() {
    try {
      return JSON.parse(readFileSync(this.path, 'utf8')).claudeAiOauth ?? null;
    } catch {
      return null;
    }
  }

  /** @returns {Outcome} */
  ask() {
    const token = this.seen.login?.accessToken;
    if (token === undefined) return { kind: 'unauthorized' };
    if (this.options.book === null) return { kind: 'answer', label: 'unknown' };
    const entry = readBook(this.options.book)[token];
    if (entry === undefined) return { kind: 'unauthorized' };
    if (entry.failing || this.options.failsWith500) return { kind: 'server-error' };
    if (!entry.limited || entry.resetsAt <= Date.now()) return { kind: 'answer', label: entry.label };
    return { kind: 'rejected', label: entry.label, window: entry.kind, resetsAt: entry.resetsAt };
  }

  /** The token server: takes a refresh token once and hands out a new pair. @param {string} refreshToken */
  async rotate(refreshToken) {
    await pause(this.options.refreshDelayMs);
    while (this.options.hold !== null && existsSync(this.options.hold)) await pause(50);
    if (this.options.book === null) return null;
    return changeBook(this.options.book, (book) => {
      const old = Object.keys(book).find((token) => book[token].refreshToken === refreshToken);
      if (old === undefined) return null;
      const entry = book[old];
      const fresh = { accessToken: `sk-ant-oat01-${randomUUID()}`, refreshToken: `sk-ant-ort01-${randomUUID()}` };
      delete book[old];
      book[fresh.accessToken] = { ...entry, refreshToken: fresh.refreshToken };
      return fresh;
    });
  }

  /**
   * @param {string} posted
   * @param {{ accessToken: string, refreshToken: string }} fresh
   * @returns {'refreshed' | 'lost'}
   */
  save(posted, fresh) {
    const file = JSON.parse(readFileSync(this.path, 'utf8'));
    const stored = file.claudeAiOauth.refreshToken;
    if (this.options.isHot && stored !== posted && stored !== '') return 'lost';
    file.claudeAiOauth = { ...file.claudeAiOauth, ...fresh, expiresAt: Date.now() + 8 * 3_600_000 };
    const text = JSON.stringify(file);
    if (this.options.isModern) {
      const temporary = `${this.path}.tmp.${randomUUID().slice(0, 8)}`;
      writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
      renameSync(temporary, this.path);
    } else {
      writeFileSync(this.path, text, { mode: 0o600 });
    }
    this.load();
    return 'refreshed';
  }

  /** All locks of this version in its order, or null after its tries. @returns {Promise<(() => void) | null>} */
  async lock() {
    if (!this.options.isLocking) return () => undefined;
    const beside = () => ({ path: `${realpathSync(this.options.credentialsDir)}.lock`, staleMs: REFRESH_STALE_MS });
    /** @param {string} name @param {number} staleMs */
    const inside = (name, staleMs) => ({ path: join(this.options.credentialsDir, name), staleMs });
    for (let tries = 0; tries < LOCK_TRIES; tries++) {
      if (tries > 0) await pause(1000 + Math.random() * 1000);
      const wanted = this.options.isModern
        ? [inside(REFRESH_LOCK, REFRESH_STALE_MS), beside(), inside('.storage-write.lock', WRITE_STALE_MS)]
        : [beside()];
      const held = takeAll(wanted);
      if (held === null) continue;
      const touch = setInterval(() => held.forEach(touchLock), 5000);
      return () => {
        clearInterval(touch);
        for (const path of held.reverse()) removeLock(path);
      };
    }
    return null;
  }
}

/** @param {readonly { path: string, staleMs: number }[]} wanted @returns {string[] | null} */
function takeAll(wanted) {
  /** @type {string[]} */
  const held = [];
  for (const { path, staleMs } of wanted) {
    if (!takeLock(path, staleMs)) {
      for (const taken of held.reverse()) removeLock(taken);
      return null;
    }
    held.push(path);
  }
  return held;
}

/** @param {string} path @param {number} staleMs */
function takeLock(path, staleMs) {
  try {
    mkdirSync(path);
    return true;
  } catch {
    try {
      if (Date.now() - statSync(path).mtimeMs <= staleMs) return false;
      rmdirSync(path);
      mkdirSync(path);
      return true;
    } catch {
      return false;
    }
  }
}

/** @param {string} path */
function touchLock(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Taken away; the next write will find out as the real one does.
  }
}

/** @param {string} path */
function removeLock(path) {
  try {
    rmdirSync(path);
  } catch {
    // Gone already.
  }
}
