/** `hook install` and `hook uninstall`: our entries in the settings.json of Claude Code, written in one step and taken out as such. */
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { replaceFile } from '../adapters/replace-file.ts';
import type { SettingsEdit } from '../core/settings/hook-entries.ts';
import { eventsFor, install, uninstall } from './hook-settings.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { clean } from './text.ts';

export interface HookInstallOptions extends GlobalOptions {
  /** One file; absent: those of every home of the pools of Claude Code. */
  readonly settings?: string;
  readonly dryRun?: boolean;
  /** The version of Claude Code that reads the files; absent: it is asked. */
  readonly claude?: string;
}

/** More is no settings file. */
const MAX_BYTES = 1024 * 1024;

/**
 * @param program how this very program is run
 * @returns 0, or 1 when a file could not be edited; the others are edited all the same
 * @throws {ConfigError} without `--settings`, and the configuration cannot be used
 */
export async function installHooks(
  program: readonly string[],
  options: HookInstallOptions,
  io: CommandIo,
): Promise<number> {
  const named = options.config ?? io.env.CLAUDE_FAILOVER_CONFIG;
  const words = named ? [...program, '--config', resolve(named)] : program;
  const version = options.claude ?? (await installedVersion(io));
  const what = `with ${eventsFor(version).join(', ')} and the status line`;
  return editAll((text) => install(text, words, version), what, options, io);
}

/** Of the `claude` in PATH; null: there is none, or it does not tell. */
async function installedVersion(io: CommandIo): Promise<string | null> {
  const { versionOf } = await import('./doctor/programs.ts');
  const said = await versionOf('claude', ['--version'], io.env);
  return said === null ? null : (/\d+\.\d+\.\d+/.exec(said)?.[0] ?? null);
}

/** @returns 0, or 1 when a file could not be edited @throws {ConfigError} as `installHooks` */
export async function uninstallHooks(options: HookInstallOptions, io: CommandIo): Promise<number> {
  return editAll(uninstall, 'without our hooks and status line', options, io);
}

async function editAll(
  edit: (text: string) => SettingsEdit,
  words: string,
  options: HookInstallOptions,
  io: CommandIo,
): Promise<number> {
  const files = options.settings === undefined ? await settingsOfPools(options, io) : [resolve(options.settings)];
  let code: number = EXIT.ok;
  for (const file of files) {
    const outcome = editFile(file, edit, options.dryRun === true, io);
    if (outcome.kind === 'refused') {
      io.err(`claude-failover: ${clean(file)} was left as it is: ${clean(outcome.reason)}\n`);
      io.err('next: mend the file, then run the same command again\n');
      code = EXIT.error;
      continue;
    }
    const done = outcome.kind === 'unchanged' ? 'unchanged' : options.dryRun === true ? 'would write' : 'wrote';
    io.out(`${done.padEnd(11)} ${clean(file)}${outcome.kind === 'unchanged' ? '' : `: ${words}`}\n`);
    for (const note of outcome.notes) io.out(`${' '.repeat(11)} ${clean(note)}\n`);
  }
  if (files.length === 0) io.out('no pool of Claude Code has a home with settings\n');
  return code;
}

/** Of the link and of every home behind it, each real file once: after a swap the settings of the next home count. */
async function settingsOfPools(options: GlobalOptions, io: CommandIo): Promise<readonly string[]> {
  const { loadOffline } = await import('./offline.ts');
  const { config } = loadOffline(options, io);
  const files = new Map<string, string>();
  for (const pool of config.pools.filter(({ agent }) => agent === 'claude')) {
    for (const home of [pool.link, ...pool.accounts.map((account) => account.home)]) {
      if (statSync(home, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
      const file = join(home, 'settings.json');
      const real = realPath(file) ?? join(realpathSync(home), 'settings.json');
      if (!files.has(real)) files.set(real, file);
    }
  }
  return [...files.values()];
}

type Outcome =
  | { readonly kind: 'written' | 'unchanged'; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

function editFile(file: string, edit: (text: string) => SettingsEdit, dryRun: boolean, io: CommandIo): Outcome {
  try {
    const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    const target = realPath(file);
    if (isThere && target === null) return { kind: 'refused', reason: 'it is a link that leads nowhere' };
    const before = target === null ? null : statSync(target);
    if (before !== null && !before.isFile()) return { kind: 'refused', reason: 'it is no file' };
    if (before !== null && before.size > MAX_BYTES)
      return { kind: 'refused', reason: `it has more than ${MAX_BYTES} bytes` };
    const text = target === null ? '{}\n' : readFileSync(target, 'utf8');
    const edited = edit(text);
    if (edited.kind === 'refused') return edited;
    if (edited.text === text) return { kind: 'unchanged', notes: edited.notes };
    if (!dryRun) replaceFile(target ?? join(realpathSync(dirname(file)), basename(file)), edited.text, before);
    return { kind: 'written', notes: edited.notes };
  } catch (error) {
    if (io.signal.aborted) throw error;
    return { kind: 'refused', reason: error instanceof Error ? error.message : 'unknown error' };
  }
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
