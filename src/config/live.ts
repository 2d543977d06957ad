/** The configuration now in force, and its replacement when the file changes. */

import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { ConfigError } from '../core/errors.ts';
import type { Clock } from '../ports.ts';
import { changedKeys, keepRestartKeys } from './change.ts';
import { debounce } from './debounce.ts';
import type { Env } from './expand-path.ts';
import { type LoadedConfig, parseConfig, readConfigFile } from './load.ts';
import { type Config, toConfig } from './schema.ts';

export type ReloadResult =
  /** `restartKeys` differ in the file and keep their old value until the next start. */
  | { readonly kind: 'applied'; readonly changedKeys: readonly string[]; readonly restartKeys: readonly string[] }
  | { readonly kind: 'unchanged' }
  /** The old configuration stays. `isRepeated`: this very content was rejected before and has been reported. */
  | { readonly kind: 'rejected'; readonly error: ConfigError; readonly isRepeated: boolean };

/** Told of every applied change and of every rejected content once. Called after `current` has been replaced. */
export type ConfigListener = (result: Exclude<ReloadResult, { kind: 'unchanged' }>) => void;

export interface LiveConfigOptions {
  /** What `loadConfigFile` gave at start. */
  readonly loaded: LoadedConfig;
  readonly env: Env;
  readonly home: string;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Told of failures of the watch itself and of listeners. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Editors write in several steps; a change counts when it has been quiet for this long. Must exceed the 100 ms in which
 * chokidar may drop a second event of a file, so that the reload sees what the dropped event was about.
 */
const QUIET_MS = 500;

export class LiveConfig {
  readonly #options: LiveConfigOptions;
  readonly #listeners = new Set<ConfigListener>();
  #loaded: LoadedConfig;
  #restartKeys: readonly string[] = [];
  #rejected: string | null = null;

  constructor(options: LiveConfigOptions) {
    this.#options = options;
    this.#loaded = options.loaded;
  }

  /** The snapshot in force. Frozen; replaced as a whole. */
  get current(): Config {
    return this.#loaded.config;
  }

  /** SHA-256 of the file's content in force. */
  get hash(): string {
    return this.#loaded.hash;
  }

  /** Keys whose value in the file waits for a restart. */
  get restartKeys(): readonly string[] {
    return this.#restartKeys;
  }

  /** Whether the file, when it was last read, could not be used. */
  get isRejected(): boolean {
    return this.#rejected !== null;
  }

  /** Registers a listener. @returns what removes it */
  onChange(listener: ConfigListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the file again. Everything that can fail happens before the snapshot is replaced. Never throws. */
  reload(): ReloadResult {
    let hash = '';
    try {
      const { file } = this.current;
      const bytes = readConfigFile(file);
      hash = createHash('sha256').update(bytes).digest('hex');
      if (hash === this.#loaded.hash) {
        this.#rejected = null;
        return { kind: 'unchanged' };
      }
      return this.#apply(parseConfig(file, bytes, this.#options));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Without content there is no hash: then the reason tells two failures apart.
      const content = hash || JSON.stringify(error.problems);
      const isRepeated = this.#rejected === content;
      this.#rejected = content;
      const result = { kind: 'rejected', error, isRepeated } as const;
      if (!isRepeated) this.#tell(result);
      return result;
    }
  }

  /**
   * Reloads whenever the file, its directory or a symbolic link on the way to it changes, until `signal` aborts.
   * Resolves as soon as changes are noticed.
   */
  async watch(signal: AbortSignal): Promise<void> {
    const { watch } = await import('chokidar');
    const onError = (error: unknown) => this.#options.onError?.(error);
    let places: readonly string[] = [];
    let watcher: FSWatcher | null = null;

    const follow = async () => {
      places = waypoints(this.current.file);
      const known = new Set([...places, ...places.map((place) => dirname(place))]);
      const directories = [...new Set(places.map((place) => dirname(place)))];
      const ignored = (path: string) => !known.has(path);
      const next = watch(directories, { depth: 0, ignoreInitial: true, followSymlinks: false, ignored });
      next.on('error', onError);
      next.on('all', changed);
      await new Promise<void>((ready) => next.once('ready', ready));
      await watcher?.close();
      watcher = next;
      if (signal.aborted) await next.close();
      // What happened before the watch was ready made no event.
      else changed();
    };
    const look = async () => {
      this.reload();
      if (waypoints(this.current.file).join('\n') !== places.join('\n')) await follow();
    };
    const changed = debounce(this.#options.clock, QUIET_MS, signal, look, onError);

    signal.addEventListener('abort', () => watcher?.close().catch(onError), { once: true });
    await follow();
  }

  #apply(next: LoadedConfig): ReloadResult {
    const values = keepRestartKeys(this.#loaded.values, next.values);
    const restartKeys = changedKeys(values, next.values);
    const config = restartKeys.length === 0 ? next.config : this.#withOldKeys(values, next.config);
    const changed = changedKeys(this.#loaded.values, values);
    const isSame = changed.length === 0 && restartKeys.join() === this.#restartKeys.join();
    this.#loaded = { config: isSame ? this.#loaded.config : config, values, hash: next.hash };
    this.#restartKeys = restartKeys;
    this.#rejected = null;
    if (isSame) return { kind: 'unchanged' };
    const result = { kind: 'applied', changedKeys: changed, restartKeys } as const;
    this.#tell(result);
    return result;
  }

  /** The new values may contradict an old one that stays in force: then nothing is applied. */
  #withOldKeys(values: LoadedConfig['values'], next: Config): Config {
    const { env, home } = this.#options;
    try {
      const config = toConfig(values, env, home, { file: next.file, at: () => ({ line: 1, column: 1 }) });
      return Object.freeze({ ...config, warnings: next.warnings });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const hint = 'restart the daemon: a key that needs a restart still has its old value';
      throw new ConfigError(
        error.file,
        error.problems.map((problem) => ({ ...problem, hint })),
      );
    }
  }

  #tell(result: Exclude<ReloadResult, { kind: 'unchanged' }>): void {
    for (const listener of this.#listeners) {
      try {
        listener(result);
      } catch (error) {
        this.#options.onError?.(error);
      }
    }
  }
}

/** The file and every symbolic link on the way to it, each by its own path in a real directory. */
function waypoints(file: string): readonly string[] {
  const found = new Set<string>();
  let rest = resolve(file).split(sep).filter(Boolean);
  let real: string = sep;
  while (rest.length > 0) {
    const [name = '', ...others] = rest;
    const path = join(real, name);
    const target = linkTarget(path);
    if (target !== null && !found.has(path)) {
      found.add(path);
      rest = [...resolve(real, target).split(sep).filter(Boolean), ...others];
      real = sep;
    } else {
      if (others.length === 0) found.add(path);
      real = path;
      rest = others;
    }
  }
  return [...found];
}

function linkTarget(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null;
  }
}
