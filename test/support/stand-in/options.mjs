/** What the stand-in was asked to be: its command line, its environment, and what follows from its version. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Options
 * @property {string} version the Claude Code version it behaves like
 * @property {boolean} isModern 2.1 or newer: newer screens, a session registry, rich transcript rows
 * @property {boolean} isHot adopts changed credentials at its next request
 * @property {string} configDir its configuration directory, unresolved
 * @property {string} credentialsDir where its login is: its own directory, unless settings or environment say otherwise
 * @property {string | null} resumeId
 * @property {string | null} sessionId
 * @property {string | null} prompt given on the command line
 * @property {string | null} book path of the quota book; null: every token is served
 * @property {string | null} log path of the log of prompts and outcomes
 * @property {number} turnMs how long one request takes
 * @property {string | null} hold no turn or refresh ends, and no title is set, while there is a file at this path
 * @property {number} workMs pause between the requests of the workload; 0: no workload
 * @property {number} refreshMs pause between token refreshes; 0: none
 * @property {number} refreshDelayMs how long the token server takes
 * @property {boolean} refreshesEachTurn its tokens end so soon that every turn begins with a refresh
 * @property {boolean} isLocking takes a lock for a refresh
 * @property {boolean} swallowFirst the first prompt typed after a resume is lost
 * @property {boolean} failsWith500
 * @property {boolean} autoContinue waits for a near reset by itself
 * @property {boolean} asksFirst sends its request when the turn begins, and shows the outcome when it ends
 * @property {boolean} setsTitle soon writes its title over its arguments, as real versions of that age do
 * @property {string} says added to every reply
 * @property {'trust' | 'permission' | 'foreign-session' | 'untrusted' | null} dialog what stands there after a limit; the foreign session after a resume
 * @property {boolean} asksForTrust it begins with the question whether its directory is trusted
 */

const VALUE_FLAGS = new Set([
  '--resume',
  '-r',
  '--session-id',
  '--model',
  '--permission-mode',
  '--settings',
  '--mcp-config',
]);

/**
 * @param {readonly string[]} argv without node and script
 * @param {NodeJS.ProcessEnv} env
 * @returns {Options}
 */
export function readOptions(argv, env) {
  /** @type {Record<string, string>} */
  const flags = {};
  const words = [];
  for (let i = 0; i < argv.length; i++) {
    const [flag, inline] = splitFlag(argv[i]);
    if (!flag.startsWith('-')) words.push(argv[i]);
    else if (inline !== null) flags[flag] = inline;
    else flags[flag] = VALUE_FLAGS.has(flag) ? (argv[++i] ?? '') : 'yes';
  }
  const version = env.STAND_IN_VERSION || '2.1.328';
  const isModern = isAtLeast(version, [2, 1, 0]);
  const configDir = env.CLAUDE_CONFIG_DIR || join(env.HOME ?? '/', '.claude');
  return {
    version,
    isModern,
    isHot: isAtLeast(version, [2, 1, 92]),
    configDir,
    credentialsDir: (isAtLeast(version, [2, 1, 160]) && movedCredentials(configDir, env)) || configDir,
    resumeId: flags['--resume'] ?? flags['-r'] ?? null,
    sessionId: flags['--session-id'] ?? null,
    prompt: words[0] ?? null,
    book: env.STAND_IN_BOOK || null,
    log: env.STAND_IN_LOG || null,
    turnMs: milliseconds(env.STAND_IN_TURN_MS, 120),
    hold: env.STAND_IN_HOLD || null,
    workMs: milliseconds(env.STAND_IN_WORK_MS, 0),
    refreshMs: milliseconds(env.STAND_IN_REFRESH_MS, 0),
    refreshDelayMs: milliseconds(env.STAND_IN_REFRESH_DELAY_MS, 80),
    refreshesEachTurn: env.STAND_IN_REFRESHES_EACH_TURN === '1',
    isLocking: isAtLeast(version, [2, 0, 30]),
    swallowFirst: env.STAND_IN_SWALLOW_FIRST === '1',
    failsWith500: env.STAND_IN_ERROR === '500',
    autoContinue: isModern && env.STAND_IN_AUTO_CONTINUE !== 'off',
    asksFirst: env.STAND_IN_ASKS_FIRST === '1',
    setsTitle: !isModern && env.STAND_IN_TITLE !== 'off',
    says: env.STAND_IN_SAYS ?? '',
    asksForTrust: env.STAND_IN_ASKS_FOR_TRUST === '1',
    dialog: /** @type {Options['dialog']} */ (env.STAND_IN_DIALOG || null),
  };
}

/** The settings are put over the environment. @param {string} configDir @param {NodeJS.ProcessEnv} env */
function movedCredentials(configDir, env) {
  try {
    const settings = JSON.parse(readFileSync(join(configDir, 'settings.json'), 'utf8'));
    return settings.env?.CLAUDE_SECURESTORAGE_CONFIG_DIR ?? env.CLAUDE_SECURESTORAGE_CONFIG_DIR;
  } catch {
    return env.CLAUDE_SECURESTORAGE_CONFIG_DIR;
  }
}

/** @param {string} word @returns {[string, string | null]} */
function splitFlag(word) {
  const at = word.indexOf('=');
  return word.startsWith('--') && at > 0 ? [word.slice(0, at), word.slice(at + 1)] : [word, null];
}

/** @param {string | undefined} text @param {number} otherwise */
function milliseconds(text, otherwise) {
  const value = Number(text);
  return text === undefined || text === '' || !(value >= 0) ? otherwise : value;
}

/** @param {string} version @param {readonly number[]} least */
function isAtLeast(version, least) {
  const parts = version.split('.').map(Number);
  const differing = least.findIndex((part, i) => (parts[i] ?? 0) !== part);
  return differing === -1 || (parts[differing] ?? 0) > (least[differing] ?? 0);
}
