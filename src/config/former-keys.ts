/** Keys of the earlier Go program that still load, with a warning. */

import { isObject } from '../core/json.ts';
import { type Finding, type KeyPath, valueAt, warning } from './finding.ts';
import { formatPath } from './key-docs.ts';

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

  const ignored = { ...warning(['limits'], 'is ignored', LIMITS_HINT), part: 'key' } as const;
  if (Object.hasOwn(value, 'limits')) findings.push(ignored);
  delete value.limits;
  const movedQuota = moveThresholds(value.quota, findings);
  const accounts = valueAt(value, ['accounts']);
  for (const [index, account] of (Array.isArray(accounts) ? accounts : []).entries()) {
    if (!isSection(account) || !Object.hasOwn(account, 'limits')) continue;
    delete account.limits;
    findings.push({ ...ignored, path: ['accounts', index, 'limits'] });
  }

  const originalPath = (path: KeyPath): KeyPath => {
    const former = movedQuota.get(formatPath(path));
    if (former !== undefined) return ['quota', former];
    return isRenamed && path[0] === 'http' ? ['mcp_http', ...path.slice(1)] : path;
  };
  return { value, findings, originalPath };
}

const LIMITS_HINT = 'remove it: limits are read from the CLI, message counts are not used';

const THRESHOLDS = { window_5h_threshold: 'default_5h', window_week_threshold: 'default_7d' } as const;

/** @returns by today's path, the former names that were found */
function moveThresholds(quota: unknown, findings: Finding[]): ReadonlyMap<string, string> {
  const moved = new Map<string, string>();
  if (!isSection(quota)) return moved;
  for (const [former, name] of Object.entries(THRESHOLDS)) {
    const pause = quota.auto_pause ?? {};
    if (!Object.hasOwn(quota, former) || !isSection(pause) || Object.hasOwn(pause, name)) continue;
    quota.auto_pause = { ...pause, [name]: quota[former] };
    delete quota[former];
    const hint = `write it as auto_pause.${name}`;
    findings.push({
      ...warning(['quota', former], `is the former name of quota.auto_pause.${name}`, hint),
      part: 'key',
    });
    moved.set(`quota.auto_pause.${name}`, former);
  }
  return moved;
}

/** A copy in which sections have no key whose value is null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isSection(value)) return value;
  const entries = Object.entries(value).filter(([, part]) => part !== null && part !== undefined);
  return Object.fromEntries(entries.map(([key, part]) => [key, withoutNulls(part)]));
}

/** A section of our own copy, which may be written to. */
function isSection(value: unknown): value is Record<string, unknown> {
  return isObject(value);
}
