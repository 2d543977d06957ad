/** Paths as the file writes them (`~`, `${ENV}`, `<state_dir>`) made absolute. */

import { isAbsolute, resolve, sep } from 'node:path';

export type Env = Readonly<Record<string, string | undefined>>;

export interface PathContext {
  readonly env: Env;
  /** The user's home directory, absolute. */
  readonly home: string;
  /** What `<name>` at the start of a path stands for. */
  readonly places?: Readonly<Record<string, string>>;
}

export type ExpandedPath =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly message: string; readonly hint: string | null };

/**
 * An absolute, normalised path. Nothing is read from disk. The message of a failure names variables, never their values.
 *
 * @example expandPath('~/.claude', { env: {}, home: '/home/ada' }) // { ok: true, path: '/home/ada/.claude' }
 */
export function expandPath(text: string, context: PathContext): ExpandedPath {
  if (hasControlCharacter(text)) return { ok: false, message: 'contains a control character', hint: null };
  const missing: string[] = [];
  let expanded = text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(context.env, name) ? context.env[name] : undefined;
    if (value === undefined || value === '') missing.push(name);
    return value ?? '';
  });
  if (missing.length > 0) {
    const names = missing.map((name) => `\${${name}}`).join(', ');
    return { ok: false, message: `environment variable ${names} is not set`, hint: 'set it, or write the path out' };
  }
  expanded = expanded.replace(/^<([a-z_]+)>(?=\/|$)/, (all, name: string) => context.places?.[name] ?? all);
  if (expanded === '~' || expanded.startsWith('~/')) expanded = context.home + expanded.slice(1);
  else if (expanded.startsWith('~')) {
    return { ok: false, message: 'the home of another user cannot be expanded', hint: 'write the path out' };
  }
  if (hasControlCharacter(expanded)) return { ok: false, message: 'contains a control character', hint: null };
  if (!isAbsolute(expanded)) {
    const hint = expanded.startsWith('$') ? `write variables as \${NAME}` : 'begin it with / or ~/';
    return { ok: false, message: 'is not an absolute path', hint };
  }
  return { ok: true, path: resolve(expanded) };
}

/** Whether `path` is `directory` or lies below it. Both absolute and normalised. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

function hasControlCharacter(text: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(text);
}
