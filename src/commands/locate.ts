/** Finds the daemon's socket and state directory without loading the schema: `status` must answer at once. */
import { readFileSync } from 'node:fs';
import { expandPath } from '../config/expand-path.ts';
import { findConfig } from '../config/find.ts';
import { fieldsOf } from '../core/json.ts';
import type { CommandIo, GlobalOptions } from './io.ts';

export interface Places {
  /** The configuration file; null: there is none. */
  readonly file: string | null;
  readonly stateDir: string;
  readonly socket: string;
}

/** The defaults of the schema (test/commands/daemon.test.ts keeps them the same). */
const DEFAULTS = { state_dir: '~/.local/state/claude-failover', socket: '<runtime_dir>/api.sock' };

/**
 * The places as the configuration says, also when something else in it is wrong. Whatever cannot be read counts as
 * absent: the full validation of the same file will say so.
 */
export async function locate(options: GlobalOptions, io: Pick<CommandIo, 'env' | 'home'>): Promise<Places> {
  const file = findConfig({ path: options.config ?? null, env: io.env, home: io.home });
  const stated = file === null ? {} : await statedPaths(file);
  const places: Record<string, string> = {};
  const absolute = (text: string): string | null => {
    const expanded = expandPath(text, { env: io.env, home: io.home, places });
    return expanded.ok ? expanded.path : null;
  };
  const stateDir = (stated.stateDir && absolute(stated.stateDir)) || absolute(DEFAULTS.state_dir) || '';
  places.state_dir = stateDir;
  places.runtime_dir =
    (stated.runtimeDir && absolute(stated.runtimeDir)) || defaultRuntimeDir(io.env.XDG_RUNTIME_DIR, stateDir);
  const socket = (stated.socket && absolute(stated.socket)) || absolute(DEFAULTS.socket) || '';
  return { file, stateDir, socket };
}

interface StatedPaths {
  readonly stateDir?: string | undefined;
  readonly runtimeDir?: string | undefined;
  readonly socket?: string | undefined;
}

async function statedPaths(file: string): Promise<StatedPaths> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  const plain = plainPaths(text);
  if (plain !== null) return plain;
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'silent' });
  } catch {
    return {};
  }
  const sections = fieldsOf(value);
  const daemon = fieldsOf(sections.daemon);
  const http = fieldsOf(sections.http ?? sections.mcp_http);
  return { stateDir: words(daemon.state_dir), runtimeDir: words(daemon.runtime_dir), socket: words(http.socket) };
}

const KEY_LINE = /^( +)(state_dir|runtime_dir|socket): +(?:"([^"]*)"|'([^']*)'|([\w~/.$<>{}+-]+)) *(?: #.*)?$/;

/**
 * Loading the YAML library takes longer than the whole answer, so the usual way to write these keys (one a line, nothing
 * escaped) is read without it. @returns null when a line that may concern them is written in any other way
 */
function plainPaths(text: string): StatedPaths | null {
  const found: { state_dir?: string; runtime_dir?: string; socket?: string } = {};
  const lines = text.split('\n').filter((line) => !/^\s*(?:#|$)/.test(line));
  for (const [i, line] of lines.entries()) {
    if (line.includes('\\')) return null;
    if (!/state_dir|runtime_dir|socket(?!s: )/.test(line)) continue;
    const [, indent, key, double, single, bare] = KEY_LINE.exec(line) ?? [];
    const value = double ?? single ?? bare;
    if (indent === undefined || (key !== 'state_dir' && key !== 'runtime_dir' && key !== 'socket')) return null;
    // A deeper line after it would belong to the value.
    const isContinued = (/^ */.exec(lines[i + 1] ?? '')?.[0].length ?? 0) > indent.length;
    if (value === undefined || isContinued || key in found) return null;
    if (value.includes('/')) found[key] = value;
    else if (bare !== 'null') return null;
  }
  return { stateDir: found.state_dir, runtimeDir: found.runtime_dir, socket: found.socket };
}

function defaultRuntimeDir(base: string | undefined, stateDir: string): string {
  const expanded =
    base?.startsWith('/') === true ? expandPath(`${base}/claude-failover`, { env: {}, home: '/' }) : null;
  return expanded?.ok === true ? expanded.path : `${stateDir}/run`;
}

function words(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
