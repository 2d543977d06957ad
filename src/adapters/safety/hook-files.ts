/** The files of the safety hook in a project: `.claude/settings.json` with its entry, and the script that the entry runs. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { SettingsEdit } from '../../core/settings/hook-entries.ts';
import { disablesHooks, putSafetyHook, removeSafetyHook } from '../../core/settings/safety-hook.ts';
import { shellWord } from '../../core/shell.ts';
import { replaceFile } from '../replace-file.ts';

const SCRIPT = '.claude/hooks/claude-failover-safety.mjs';
const SETTINGS = '.claude/settings.json';
/** Claude Code reads it too, and it outranks the other. */
const LOCAL_SETTINGS = '.claude/settings.local.json';
const SCRIPT_MODE = 0o555;
/** More is neither settings nor a script. */
const MAX_BYTES = 1024 * 1024;

export interface HookSource {
  /** Text of the script. */
  readonly script: string;
  /** Absolute path of the Node that runs it. */
  readonly node: string;
  /** What the script is given after its name. */
  readonly words: readonly string[];
}

/** What stands in the way: the cause, and what to do. */
export class HookObstacle extends Error {}

/**
 * Writes what is missing or different, each file in one step; the script first, so that no entry names what is not there.
 *
 * @returns the shell command that Claude Code will run
 * @throws {HookObstacle} a file or directory is not what it should be; what was right before still is
 * @throws {Error} a system error
 */
export function putHook(project: string, ownUid: number, { script, node, words }: HookSource): string {
  const root = realpathSync(project);
  checkDirectory(root, ownUid);
  for (const part of ['.claude', '.claude/hooks']) makeDirectory(join(root, part), ownUid);
  const [settings, program] = [join(root, SETTINGS), join(root, SCRIPT)];
  const local = readOwn(join(root, LOCAL_SETTINGS), ownUid);
  if (local !== null && disablesHooks(local.text))
    throw new HookObstacle(`${join(root, LOCAL_SETTINGS)} switches hooks off; take "disableAllHooks" out of it`);
  const command = [node, program, ...words].map(shellWord).join(' ');
  const before = readOwn(settings, ownUid);
  const text = editedText(settings, before?.text ?? '{}\n', (old) => putSafetyHook(old, command));
  const there = readOwn(program, ownUid);
  if (there?.text !== script || (there.stats.mode & 0o777) !== SCRIPT_MODE)
    replaceFile(program, script, there?.stats ?? null, SCRIPT_MODE);
  if (text !== before?.text) replaceFile(settings, text, before?.stats ?? null);
  return command;
}

/**
 * @param dryRun nothing is written
 * @returns the files that were changed or removed
 * @throws {HookObstacle} a file is not what it should be; it stays @throws {Error} a system error
 */
export function removeHook(project: string, ownUid: number, dryRun: boolean): readonly string[] {
  const root = realpathSync(project);
  const [settings, program] = [join(root, SETTINGS), join(root, SCRIPT)];
  const changed: string[] = [];
  const before = readOwn(settings, ownUid);
  if (before !== null) {
    const text = editedText(settings, before.text, removeSafetyHook);
    if (text !== before.text) {
      changed.push(settings);
      if (!dryRun) replaceFile(settings, text, before.stats);
    }
  }
  if (readOwn(program, ownUid) !== null) {
    changed.push(program);
    if (!dryRun) rmSync(program);
    if (!dryRun) removeIfEmpty(dirname(program));
  }
  return changed;
}

function editedText(file: string, text: string, edit: (text: string) => SettingsEdit): string {
  const edited = edit(text);
  if (edited.kind === 'refused') throw new HookObstacle(`${file} was left as it is: ${edited.reason}; mend it`);
  return edited.text;
}

function makeDirectory(path: string, ownUid: number): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o755 });
  checkDirectory(path, ownUid);
}

/** Where others may write, they could put something else in the place of the script. */
function checkDirectory(path: string, ownUid: number): void {
  const found = lstatSync(path);
  const why = flawOf(found, ownUid, found.isDirectory(), 'a directory');
  if (why !== null) throw new HookObstacle(`${path} ${why}`);
  if ((found.mode & 0o002) !== 0)
    throw new HookObstacle(`${path} can be written by every user; chmod o-w ${shellWord(path)}`);
}

/** Null: it is not there. @throws {HookObstacle} it is no plain file of ours */
function readOwn(path: string, ownUid: number): { readonly text: string; readonly stats: Stats } | null {
  const before = lstatSync(path, { throwIfNoEntry: false });
  if (before === undefined) return null;
  const why = flawOf(before, ownUid, before.isFile(), 'a file');
  if (why !== null) throw new HookObstacle(`${path} ${why}`);
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (stats.ino !== before.ino || stats.size > MAX_BYTES)
      throw new HookObstacle(`${path} is being changed, or has more than ${MAX_BYTES} bytes; look at it`);
    const bytes = readFileSync(file);
    const text = bytes.toString('utf8');
    // What cannot be read as it stands could not be written back as it stood.
    if (!Buffer.from(text).equals(bytes)) throw new HookObstacle(`${path} holds no UTF-8 text; mend it`);
    return { text, stats };
  } finally {
    closeSync(file);
  }
}

function flawOf(found: Stats, ownUid: number, isKind: boolean, kind: string): string | null {
  if (found.isSymbolicLink()) return `is a symbolic link, which is not followed here; put ${kind} in its place`;
  if (!isKind) return `is not ${kind}; move it away`;
  if (found.uid !== ownUid)
    return `belongs to another user (uid ${found.uid}), not to the one of the daemon (uid ${ownUid}); chown it`;
  return null;
}

function removeIfEmpty(directory: string): void {
  try {
    if (existsSync(directory)) rmdirSync(directory);
  } catch {
    // Other hooks are in it.
  }
}
