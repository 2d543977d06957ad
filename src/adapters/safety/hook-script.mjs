// @ts-check
/**
 * The safety hook that Claude Code runs before a tool: refuses what is plainly destructive. A net, not a sandbox.
 *
 * It is copied as it stands into `<project>/.claude/hooks/` and needs nothing but Node. Words: the daemon's state directory,
 * and the directory in which sessions say that they are done. Standard input: the payload of a PreToolUse hook. Exit 0 lets
 * the tool run; 2 refuses, with the reason on standard error.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What a command is run with. Words are as the program gets them; what only the shell knows is a NUL.
 * @typedef {{ words: string[], reads: string[], writes: string[] }} Command
 * Where it is run: `cwd` null is unknown; `branch` is what a `git checkout` before it chose.
 * @typedef {{ cwd: string | null, branch: string | null, depth: number }} Where
 */

/** @type {Map<string, string>} */
const REAL = new Map();
const SCRIPT = fileURLToPath(import.meta.url);
const PROJECT = real(resolve(dirname(SCRIPT), '../..'));
const HOME = real(homedir());
const [STATE_DIR = '', SIGNAL_DIR = ''] = process.argv.slice(2).map(real);
/** Whatever is below these may go. */
const DISPOSABLE = ['/tmp', '/var/tmp', '/dev/shm', tmpdir(), join(HOME, '.cache')].map(real);
const VARIABLES = new Map([
  ['HOME', HOME],
  ['TMPDIR', tmpdir()],
  ['CLAUDE_PROJECT_DIR', PROJECT],
]);
const MAIN = /^(?:refs\/heads\/)?(?:main|master)$/;
/** The flags with which these verbs of git let a branch begin anew. */
const MOVES = new Map([
  ['branch', /^-[a-zA-Z]*f|^--force$/],
  ['checkout', /^-[a-zA-Z]*B/],
  ['switch', /^-[a-zA-Z]*C|^--force-create$/],
]);
const SECRET =
  /\/(?:\.credentials\.json|oauth_creds\.json|\.codex[^/]*\/auth\.json|\.git-credentials|\.netrc|\.aws\/credentials|\.config\/gh\/hosts\.yml|\.ssh\/id_[^/.]+)$/;
const CLAIMS = /\/\.agent-queue\/(?:claimed|done|failed)(?:\/|$)/;
const SHELLS = ['sh', 'bash', 'dash', 'zsh', 'ksh'];
/** They run the command in their arguments. */
const WRAPPERS = 'sudo doas env nohup nice ionice time timeout command builtin exec stdbuf setsid xargs'.split(' ');
const KEYWORDS = 'if then elif else while until do ! { } time'.split(' ');
/** They may name a file of credentials: they do not show what is in it. */
const BLIND = 'ssh sftp ssh-add ssh-keygen ls stat test [ [[ chmod chown touch echo printf rm mkdir'.split(' ');
/** They change all that they name. */
const CHANGERS = 'rm rmdir mv tee touch truncate chmod chown chgrp'.split(' ');
/** They change the last that they name. */
const COPIERS = 'cp ln install'.split(' ');
const MAX_PAYLOAD = 16 * 1024 * 1024;
/** No shell is given more in one word. */
const MAX_COMMAND = 128 * 1024;
const MAX_PATH = 4096;
const MAX_DEPTH = 20;

class Refusal extends Error {}

/** What is known of a program. @type {Map<string, (args: string[], where: Where, name: string) => void>} */
const RULES = new Map();
for (const name of SHELLS) RULES.set(name, shell);
for (const name of CHANGERS.concat(COPIERS)) RULES.set(name, change);
RULES.set('cd', changeDirectory).set('pushd', changeDirectory);
RULES.set('eval', (args, where) => runAll(args.join(' '), where));
RULES.set('find', find).set('sed', sed).set('git', git);

function main() {
  try {
    const bytes = readFileSync(0);
    if (bytes.length > MAX_PAYLOAD) refuse('the call is too large to be checked; split it');
    check(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : `the call could not be checked (${error})`;
    const shown = reason.slice(0, 600).replace(/[\x00-\x1f\x7f-\x9f]/g, ' ');
    process.stderr.write(`claude-failover safety hook: refused: ${shown}\n`);
    process.exitCode = 2;
  }
}

/** @param {string} reason @returns {never} */
function refuse(reason) {
  throw new Refusal(reason);
}

/** @param {Record<string, any> | null} payload */
function check(payload) {
  const { tool_name: tool, tool_input: input, cwd } = payload ?? {};
  if (typeof tool !== 'string') refuse('the call names no tool');
  const start = typeof cwd === 'string' ? cwd : PROJECT;
  if (tool === 'Bash') {
    const command = input?.command;
    if (typeof command !== 'string') refuse('the command could not be read');
    if (command.length > MAX_COMMAND)
      refuse('the command is too long to be checked; put it into a file of the project');
    return runAll(command.replaceAll('\0', ''), { cwd: start, branch: null, depth: 0 });
  }
  const path = input?.file_path ?? input?.notebook_path ?? input?.path;
  if (typeof path !== 'string') return;
  const place = placeOf(path, start);
  checkSecret(place);
  if (tool !== 'Read' && tool !== 'Grep') checkWrite(place);
}

/** @param {Command} command @param {Where} where */
function runOne({ words, reads, writes }, where) {
  for (const word of reads) checkSecret(placeOf(word, where.cwd));
  for (const word of writes) checkWrite(placeOf(word, where.cwd));
  const from = words.findIndex((word) => !KEYWORDS.includes(word) && !/^\w+\+?=/.test(word));
  if (from === -1) return;
  let [program = '', ...args] = words.slice(from);
  if (WRAPPERS.includes(basename(program))) {
    const inner = args.findIndex((word) => RULES.has(basename(word)));
    if (inner !== -1) [program = '', ...args] = args.slice(inner);
  }
  const name = basename(program);
  if (!BLIND.includes(name)) {
    // A key that is named to log in with is not read out.
    const named = args.filter((_, i) => args[i - 1] !== '-i');
    for (const word of new Set(named.flatMap(partsOf))) checkSecret(placeOf(word, where.cwd));
  }
  RULES.get(name)?.(args, where, name);
}

/** @param {string[]} args @param {Where} where */
function shell(args, where) {
  const flag = args.findIndex((word) => /^-[a-z]*c$/.test(word));
  if (flag !== -1) runAll(args[flag + 1] ?? '', { ...where });
}

/** @param {string[]} args @param {Where} where */
function changeDirectory(args, where) {
  const to = operandsOf(args)[0] ?? HOME;
  where.cwd = to === '-' ? null : placeOf(to, where.cwd);
  where.branch = null;
}

/** @param {string[]} args @param {Where} where @param {string} name */
function change(args, where, name) {
  const isMode = /^ch/.test(name);
  const places = operandsOf(args)
    .slice(isMode ? 1 : 0)
    .map((word) => placeOf(word, where.cwd));
  const isDeep = flagsOf(args).some((flag) => flag === '--recursive' || /^-[a-zA-Z]*[rR]/.test(flag));
  if (isDeep && (isMode || name === 'rm'))
    for (const place of places) checkDeep(`${name} ${isMode ? '-R' : '-r'}`, place);
  const last = places.at(-1) ?? null;
  if (COPIERS.includes(name)) return checkWrite(last);
  // A session may say that its task is over by moving the file of the task.
  if (name === 'mv' && /\/\.agent-queue\/(?:done|failed)(?:\/|$)/.test(last ?? '')) return;
  for (const place of places) checkWrite(place, name === 'rm' || name === 'mv');
}

/** @param {string[]} args @param {Where} where */
function find(args, where) {
  const runs = args.findIndex((word) => /^-(?:exec|ok)(?:dir)?$/.test(word));
  if (!args.includes('-delete') && (runs === -1 || basename(args[runs + 1] ?? '') !== 'rm')) return;
  const end = args.findIndex((word) => /^(?:-[a-z]{2}|!)/.test(word));
  const starts = args.slice(0, end === -1 ? args.length : end).filter((word) => !word.startsWith('-'));
  for (const word of starts.length > 0 ? starts : ['.']) {
    const place = placeOf(word, where.cwd);
    if (place !== PROJECT && !DISPOSABLE.includes(place ?? '')) checkDeep('find … -delete', place);
  }
}

/** @param {string[]} args @param {Where} where */
function sed(args, where) {
  if (!flagsOf(args).some((flag) => /^-[a-zA-Z]*i|^--in-place/.test(flag))) return;
  for (const word of operandsOf(args)) checkWrite(placeOf(word, where.cwd));
}

/** @param {string[]} args @param {Where} where */
function git(args, where) {
  let { cwd } = where;
  let at = 0;
  for (; args[at]?.startsWith('-'); at++) {
    if (args[at] === '-C') cwd = placeOf(args[at + 1] ?? '', cwd);
    if (args[at] === '-C' || args[at] === '-c') at++;
  }
  const [verb = '', ...rest] = args.slice(at);
  const [flags, names] = [flagsOf(rest), operandsOf(rest)];
  const [first = ''] = names;
  const has = (/** @type {RegExp} */ pattern) => flags.some((flag) => pattern.test(flag));
  if (verb === 'push') {
    if (has(/^--force(?:-with-lease(?:=.*)?)?$|^--mirror$|^-[a-z]*f/) || names.some((name) => name.startsWith('+')))
      refuse('git push by force replaces what others may have; push new commits, or leave it to a person');
    const gone = has(/^--delete$|^-[a-z]*d/)
      ? names.slice(1)
      : names.flatMap((name) => name.match(/^:(.+)/)?.[1] ?? []);
    if (gone.some((name) => MAIN.test(name))) refuse('git push would delete the main branch; leave it to a person');
  }
  if (verb === 'filter-branch' || verb === 'filter-repo')
    refuse(`git ${verb} rewrites the whole history; make new commits, or leave it to a person`);
  const isDeleted = verb === 'branch' && has(/^-[a-zA-Z]*D/) && names.some((name) => MAIN.test(name));
  if (isDeleted || (has(MOVES.get(verb) ?? /^$/) && MAIN.test(first)))
    refuse(`git ${verb} would move or delete the main branch; work on a branch of your own`);
  if (verb === 'checkout' || verb === 'switch') where.branch = MAIN.test(first) ? first : 'another';
  const rewrites =
    verb === 'rebase'
      ? !has(/^--(?:abort|continue|skip|quit|edit-todo|show-current-patch)$/)
      : verb === 'reset' && has(/^--hard$/) && !['', 'HEAD', '@'].includes(first);
  if (rewrites && MAIN.test(where.branch ?? branchAt(cwd)))
    refuse(`git ${verb} would rewrite the main branch; work on a branch of your own, or use git pull`);
}

/** The branch that is checked out there; empty: it is not known. @param {string | null} directory */
function branchAt(directory) {
  for (let at = directory; at !== null; at = at === '/' ? null : dirname(at)) {
    let git = join(at, '.git');
    if (!existsSync(git)) continue;
    try {
      // In a second work tree it is a file that says where.
      if (!existsSync(join(git, 'HEAD'))) git = resolve(at, readFileSync(git, 'utf8').replace('gitdir:', '').trim());
      return /^ref: (\S+)/.exec(readFileSync(join(git, 'HEAD'), 'utf8'))?.[1] ?? '';
    } catch {
      return '';
    }
  }
  return '';
}

/** @param {string} what @param {string | null} place */
function checkDeep(what, place) {
  if (place === null) return;
  // All that is in a directory is as good as the directory, but for the project's own.
  const reach = basename(place) === '*' ? dirname(place) : place;
  const isWhole = [PROJECT, HOME, STATE_DIR].some(
    (kept) => isBelow(kept, reach) || (kept === reach && (kept !== PROJECT || reach === place)),
  );
  if (isWhole || place === join(PROJECT, '.git'))
    refuse(`${what} on ${place} reaches too far; name what is to go inside of the project`);
  if (![PROJECT, ...DISPOSABLE].some((directory) => isBelow(place, directory)))
    refuse(`${what} on ${place} is outside of the project ${PROJECT}; leave it to a person`);
}

/** @param {string | null} place */
function checkSecret(place) {
  if (place === null) return;
  for (const path of /[*?[]/.test(basename(place)) ? matching(place) : [place])
    if ((SECRET.test(path) || SECRET.test(real(path))) && existsSync(path))
      refuse(`${path} holds credentials; do without them, or leave it to a person`);
}

/** @param {string | null} place @param {boolean} isWhole what is below it goes with it */
function checkWrite(place, isWhole = false) {
  if (place === null) return;
  const isQueue = CLAIMS.test(place) || (isWhole && basename(place) === '.agent-queue');
  const isState = (place === STATE_DIR || isBelow(place, STATE_DIR)) && !isBelow(place, SIGNAL_DIR);
  if (isQueue || isState)
    refuse(`${place} belongs to claude-failover, which keeps account of tasks there; put new tasks into an inbox`);
  if (place === real(SCRIPT)) refuse('this hook may not change itself; leave it to a person');
}

/** The files that a pattern in the last name may stand for. @param {string} place */
function matching(place) {
  const plain = basename(place).replace(/[.+^${}()|\\\]]/g, '\\$&');
  // A pattern of many parts could take for ever: it is taken for any name.
  const parts = plain.replace(/\[.*/, '*').split(/\*+/);
  const name = new RegExp(`^${(parts.length > 3 ? ['', ''] : parts).join('.*').replaceAll('?', '.')}$`);
  try {
    return readdirSync(dirname(place)).flatMap((entry) => (name.test(entry) ? [join(dirname(place), entry)] : []));
  } catch {
    return [];
  }
}

/** Where a word leads, its directories without links; null: only the shell knows. @param {string} word @param {string | null} cwd */
function placeOf(word, cwd) {
  if (word === '' || word.length > MAX_PATH || word.includes('\0')) return null;
  if (cwd === null && !word.startsWith('/')) return null;
  const path = resolve(cwd ?? '/', word);
  return path === '/' ? path : join(real(dirname(path)), basename(path));
}

/** The path without links, as far as it is there. @param {string} path @returns {string} */
function real(path) {
  const whole = resolve(path);
  let found = REAL.get(whole);
  if (found === undefined) {
    try {
      found = realpathSync(whole);
    } catch {
      found = whole === '/' ? whole : join(real(dirname(whole)), basename(whole));
    }
    REAL.set(whole, found);
  }
  return found;
}

/** @param {string} place @param {string} directory */
function isBelow(place, directory) {
  return directory !== '' && place !== directory && place.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** @param {string[]} args */
function flagsOf(args) {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).filter((word) => /^-./.test(word));
}

/** @param {string[]} args */
function operandsOf(args) {
  const end = args.indexOf('--');
  return args.filter((word, i) => (end !== -1 && i >= end ? i > end : !/^-./.test(word)));
}

/** A word, and the path that may stand in it: `--file=/p`, `file=@/p`. @param {string} word */
function partsOf(word) {
  return [word, word.slice(word.indexOf('=') + 1), word.slice(word.lastIndexOf('@') + 1)];
}

/** Judges each simple command of a shell text. @param {string} text @param {Where} where */
function runAll(text, where) {
  new Reader(text, where).run();
}

/** Reads quotes, expansions, redirections and here-documents of a POSIX shell, as far as they decide what a word is. */
class Reader {
  /** @param {string} text @param {Where} where it is changed by what the text does @param {string} closing ends it; empty: nothing */
  constructor(text, where, closing = '', at = 0) {
    if (where.depth >= MAX_DEPTH) refuse('the command is nested too deeply to be checked; write it more simply');
    this.text = text;
    this.where = where;
    this.closing = closing;
    this.at = at;
    /** Where the shell around each open bracket stands. @type {(string | null)[]} */
    this.around = [];
    /** @type {{ end: string, isIndented: boolean, command: Command }[]} */
    this.documents = [];
    /** @type {Command} */
    this.command = { words: [], reads: [], writes: [] };
  }

  /** @returns {number} where it stopped */
  run() {
    this.where.depth++;
    while (this.at < this.text.length) {
      const c = this.text.charAt(this.at);
      const next = this.text.slice(this.at, this.at + 12);
      if (c === this.closing && this.around.length === 0) break;
      if (' \t\r'.includes(c)) this.at++;
      else if (next.startsWith('\\\n')) this.at += 2;
      else if (c === '#') this.at = this.lineEnd();
      else if (/^(?:\d*[<>](?!\()|&>)/.test(next)) this.redirection();
      else if (';&|\n()'.includes(c)) this.operator(c);
      else this.command.words.push(this.word());
    }
    this.judge();
    this.where.depth--;
    return this.at;
  }

  judge() {
    const { command } = this;
    this.command = { words: [], reads: [], writes: [] };
    runOne(command, this.where);
  }

  /** @param {string} c */
  operator(c) {
    this.judge();
    this.at++;
    if (c === '(') this.around.push(this.where.cwd);
    if (c === ')' && this.around.length > 0) this.where.cwd = this.around.pop() ?? null;
    if (c === '\n') this.readDocuments();
  }

  redirection() {
    const [sign = ''] =
      /^\d*(?:<<<|<<-?|<>|<&|<|&>>|&>|>>|>&|>\||>)/.exec(this.text.slice(this.at, this.at + 16)) ?? [];
    this.at += Math.max(1, sign.length);
    while (' \t'.includes(this.text.charAt(this.at) || 'x')) this.at++;
    const word = this.word();
    if (/^\d*<<-?$/.test(sign))
      this.documents.push({ end: word, isIndented: sign.endsWith('-'), command: this.command });
    else if (sign.includes('>')) this.command.writes.push(word);
    else if (!sign.includes('<<<')) this.command.reads.push(word);
  }

  /** Here-documents are data, unless a shell reads them. */
  readDocuments() {
    for (const { end, isIndented, command } of this.documents.splice(0)) {
      const lines = [];
      while (this.at < this.text.length) {
        const line = this.text.slice(this.at, this.lineEnd());
        this.at += line.length + 1;
        if ((isIndented ? line.replace(/^\t+/, '') : line) === end) break;
        lines.push(line);
      }
      if (command.words.some((word) => SHELLS.includes(basename(word)))) runAll(lines.join('\n'), { ...this.where });
    }
  }

  word() {
    const start = this.at;
    let text = '';
    let isQuoted = false;
    while (this.at < this.text.length) {
      const c = this.text.charAt(this.at);
      const isProcess = !isQuoted && /^[<>]\(/.test(this.text.slice(this.at, this.at + 2));
      if (!isQuoted && !isProcess && (' \t\r\n;&|()<>'.includes(c) || c === this.closing)) break;
      this.at++;
      if (c === '\\') {
        const next = this.text.charAt(this.at++);
        if (next !== '\n') text += isQuoted && !'$`"\\'.includes(next) ? c + next : next;
      } else if (c === '"') isQuoted = !isQuoted;
      else if (c === "'" && !isQuoted) {
        const close = this.text.indexOf("'", this.at);
        text += this.text.slice(this.at, close === -1 ? undefined : close);
        this.at = close === -1 ? this.text.length : close + 1;
      } else if (isProcess) text += this.nested(')', 1);
      else if (c === '`') text += this.nested('`', 0);
      else if (c === '$') text += this.expansion();
      else if (c === '~' && !isQuoted && this.at === start + 1 && /^(?:[/\s;&|)<>]|$)/.test(this.text.charAt(this.at)))
        text += HOME;
      else text += c;
    }
    // A closing bracket or quote without its beginning.
    if (this.at === start) this.at++;
    return text;
  }

  /** What stands behind a dollar sign. @returns {string} */
  expansion() {
    const rest = this.text.slice(this.at, this.at + 64);
    if (rest.startsWith('(')) return this.nested(')', 1);
    const [whole = '', braced, plain] = /^(?:\{(\w+)\}|(\w+))/.exec(rest) ?? [];
    this.at += whole.length;
    const name = braced ?? plain ?? '';
    const value = name === 'PWD' ? this.where.cwd : VARIABLES.get(name);
    if (typeof value === 'string') return value;
    if (whole === '' && rest.startsWith('{')) {
      const close = this.text.indexOf('}', this.at);
      this.at = close === -1 ? this.text.length : close + 1;
    }
    return '\0';
  }

  /** A command within the word; what it does to the directory ends with it. @param {string} closing @param {number} opening */
  nested(closing, opening) {
    this.at = new Reader(this.text, { ...this.where }, closing, this.at + opening).run() + 1;
    return '\0';
  }

  lineEnd() {
    const end = this.text.indexOf('\n', this.at);
    return end === -1 ? this.text.length : end;
  }
}

main();
