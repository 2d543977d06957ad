/** Keys of the earlier Go program that still load, with a warning. */

import { type Finding, type KeyPath, valueAt, warning } from './finding.ts';

export interface AcceptedInput {
  /** The input without former keys and without nulls: a null means "not set". */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** The path under which the file has what is found under this path now. */
  originalPath(path: KeyPath): KeyPath;
}

export function acceptFormerKeys(input: unknown): AcceptedInput {
  const value = withoutNulls(input) ?? {};
  if (!isSection(value)) return { value, findings: [], originalPath: (path) => path };
  const findings: Finding[] = [];

  const isRenamed = Object.hasOwn(value, 'mcp_http') && !Object.hasOwn(value, 'http');
  if (isRenamed) {
    value.http = value.mcp_http;
    delete value.mcp_http;
    findings.push({ ...warning(['mcp_http'], 'is the former name of http', 'rename it to http'), part: 'key' });
  }

  const accounts = valueAt(value, ['accounts']);
  for (const [index, account] of (Array.isArray(accounts) ? accounts : []).entries()) {
    if (!isSection(account) || !Object.hasOwn(account, 'limits')) continue;
    delete account.limits;
    const path = ['accounts', index, 'limits'];
    const hint = 'remove it: limits are read from the CLI, message counts are not used';
    findings.push({ ...warning(path, 'is ignored', hint), part: 'key' });
  }

  const originalPath = (path: KeyPath): KeyPath =>
    isRenamed && path[0] === 'http' ? ['mcp_http', ...path.slice(1)] : path;
  return { value, findings, originalPath };
}

/** A copy in which sections have no key whose value is null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isSection(value)) return value;
  const entries = Object.entries(value).filter(([, part]) => part !== null && part !== undefined);
  return Object.fromEntries(entries.map(([key, part]) => [key, withoutNulls(part)]));
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
