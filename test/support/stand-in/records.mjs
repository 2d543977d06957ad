/** The files the stand-in leaves: its transcript, its entry in the session registry, and the log that tests read. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** @typedef {{ role: 'user' | 'assistant', text: string }} Said */

/** One session's JSON lines, in the rows of the version it plays. */
export class Transcript {
  /** @param {import('./options.mjs').Options} options @param {string} sessionId */
  constructor(options, sessionId) {
    this.options = options;
    this.sessionId = sessionId;
    this.folder = join(options.configDir, 'projects', process.cwd().replaceAll(/[^a-zA-Z0-9]/g, '-'));
    this.path = join(this.folder, `${sessionId}.jsonl`);
    /** @type {string | null} */
    this.parent = null;
    this.prompts = 0;
  }

  exists() {
    return existsSync(this.path);
  }

  /** What was said so far; the next row continues the chain. @returns {Said[]} */
  history() {
    const rows = readFileSync(this.path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const said = [];
    for (const row of rows) {
      if (row.uuid !== undefined) this.parent = row.uuid;
      if (row.type === 'user' && typeof row.message.content === 'string')
        said.push({ role: /** @type {const} */ ('user'), text: row.message.content });
      if (row.type === 'assistant')
        said.push({ role: /** @type {const} */ ('assistant'), text: row.message.content[0].text });
    }
    this.prompts = said.filter(({ role }) => role === 'user').length;
    return said;
  }

  /** @param {string} text @param {boolean} isMeta written by the CLI itself */
  user(text, isMeta) {
    this.prompts += 1;
    this.add({
      type: 'user',
      ...(isMeta ? { isMeta: true } : {}),
      message: { role: 'user', content: text },
      ...(this.options.isModern
        ? { promptId: randomUUID(), origin: { kind: 'human' }, turnPosition: { promptIndex: this.prompts } }
        : { thinkingMetadata: { level: 'high', disabled: false, triggers: [] }, todos: [] }),
    });
  }

  /** @param {string} content */
  toolResult(content) {
    const block = { tool_use_id: `toolu_${randomUUID().slice(0, 8)}`, type: 'tool_result', content };
    this.add({ type: 'user', message: { role: 'user', content: [block] }, toolUseResult: content });
  }

  /** @param {string} text */
  assistant(text) {
    this.add({
      type: 'assistant',
      requestId: `req_${randomUUID().slice(0, 8)}`,
      message: {
        id: `msg_${randomUUID().slice(0, 8)}`,
        type: 'message',
        role: 'assistant',
        model: this.options.isModern ? 'claude-opus-5-5' : 'claude-opus-4-5-20251101',
        content: [{ type: 'text', text }],
        stop_reason: this.options.isModern ? 'end_turn' : null,
        usage: { input_tokens: 10, output_tokens: 9 },
      },
    });
  }

  /**
   * An error in the assistant's place.
   *
   * @param {string} text
   * @param {'rate_limit' | 'server_error' | 'authentication_failed'} error
   * @param {number} status
   * @param {{ window: string, resetsAt: number } | null} quota
   */
  failure(text, error, status, quota) {
    const limits =
      quota === null
        ? null
        : {
            status: 'rejected',
            resetsAt: Math.floor(quota.resetsAt / 1000),
            unifiedRateLimitFallbackAvailable: false,
            rateLimitType: quota.window,
            overageStatus: 'rejected',
            overageDisabledReason: 'org_level_disabled',
            isUsingOverage: false,
          };
    const quotaFields =
      limits === null
        ? {}
        : {
            apiError: 'usage_limit_reached',
            apiErrorParams: { rate_limit_info: limits },
            quotaLimits: limits,
          };
    const types = {
      rate_limit: 'rate_limit_error',
      server_error: 'api_error',
      authentication_failed: 'authentication_error',
    };
    this.add({
      type: 'assistant',
      message: {
        id: randomUUID(),
        model: '<synthetic>',
        role: 'assistant',
        stop_reason: 'stop_sequence',
        stop_sequence: '',
        type: 'message',
        usage: { input_tokens: 0, output_tokens: 0 },
        content: [{ type: 'text', text }],
      },
      ...(this.options.isModern ? { requestId: `req_${randomUUID().slice(0, 8)}`, ...quotaFields } : {}),
      error,
      isApiErrorMessage: true,
      ...(this.options.isModern ? { apiErrorStatus: status, apiErrorType: types[error] } : {}),
    });
  }

  /** @param {string} content */
  notice(content) {
    this.add({ type: 'system', subtype: 'informational', content, isMeta: false, level: 'notice' });
  }

  /** @param {string | null} accountUuid @param {string | null} organizationUuid */
  owner(accountUuid, organizationUuid) {
    if (this.options.isModern && accountUuid !== null) {
      this.write({ type: 'session-owner', accountUuid, organizationUuid, sessionId: this.sessionId });
    }
  }

  /** @param {Record<string, unknown>} row */
  add(row) {
    const uuid = randomUUID();
    this.write({
      parentUuid: this.parent,
      isSidechain: false,
      ...row,
      uuid,
      timestamp: new Date().toISOString(),
      userType: 'external',
      ...(this.options.isModern ? { entrypoint: 'cli' } : {}),
      cwd: process.cwd(),
      sessionId: this.sessionId,
      version: this.options.version,
      gitBranch: '',
    });
    this.parent = uuid;
  }

  /** @param {Record<string, unknown>} row */
  write(row) {
    mkdirSync(this.folder, { recursive: true });
    appendFileSync(this.path, `${JSON.stringify(row)}\n`, { mode: 0o600 });
  }
}

/** `sessions/<pid>.json`: which session this process has open. Versions before 2.1 keep none. */
export class Registry {
  /** @param {import('./options.mjs').Options} options @param {string} sessionId */
  constructor(options, sessionId) {
    this.path = options.isModern ? join(options.configDir, 'sessions', `${process.pid}.json`) : null;
    const startedAt = Date.now();
    this.entry = {
      pid: process.pid,
      sessionId,
      cwd: process.cwd(),
      startedAt,
      procStart: startTicks(),
      version: options.version,
      kind: 'interactive',
      entrypoint: 'cli',
      name: basename(process.cwd()),
      nameSource: 'derived',
    };
  }

  /** @param {'idle' | 'busy' | 'waiting'} status */
  set(status) {
    if (this.path === null) return;
    const now = Date.now();
    const waiting = status === 'waiting' ? { waitingFor: 'dialog open' } : {};
    mkdirSync(join(this.path, '..'), { recursive: true });
    writeFileSync(
      this.path,
      JSON.stringify({ ...this.entry, status, updatedAt: now, statusUpdatedAt: now, ...waiting }),
    );
  }

  remove() {
    if (this.path !== null) rmSync(this.path, { force: true });
  }
}

/** `/proc/self/stat` field 22; the name in field 2 may hold spaces and brackets. */
function startTicks() {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
}

/**
 * @param {string | null} path
 * @param {string} sessionId
 * @returns {(event: string, fields?: Record<string, unknown>) => void} appends one line; `seq` counts this process's lines
 */
export function eventLog(path, sessionId) {
  let seq = 0;
  return (event, fields = {}) => {
    if (path === null) return;
    seq += 1;
    appendFileSync(path, `${JSON.stringify({ seq, pid: process.pid, sessionId, at: Date.now(), event, ...fields })}\n`);
  };
}
