/** The user's own patterns: compiled, and tried on texts made to slow them down before any screen is read with them. */

import { createContext, runInContext } from 'node:vm';
import type { UserPattern, UserPatterns } from '../core/screen/user-patterns.ts';
import type { ConfigValues } from './file-schema.ts';
import { error, type Finding, type KeyPath } from './finding.ts';
import { nestedRepeat, pumpedProbes } from './regex-shape.ts';

type Values = ConfigValues['quota']['patterns'];
type Entry = Values['ignore'][number] & Partial<Pick<Values['extra'][number], 'window' | 'class'>>;

/** Longer than any message that is looked at. */
const PROBE_LENGTH = 4096;
/** What one probe may take. The engine is stopped at that point, so that no pattern can hang the load. */
const PROBE_MS = 50;
/** A machine that stood still for a moment must not cost the user a pattern. */
const TRIES = 3;

/** The program's form. What is wrong with a pattern is added to `findings`. */
export function convertPatterns(values: Values, findings: Finding[]): UserPatterns {
  const list = (key: keyof Values): readonly UserPattern[] =>
    [...(values[key] as readonly Entry[])].map((entry, i) =>
      convertOne(entry, ['quota', 'patterns', key, i], findings),
    );
  const found = { patterns: list('extra'), ignore: list('ignore'), serverErrors: list('server_error_extra') };
  const ids = new Set<string>();
  for (const key of ['extra', 'ignore', 'server_error_extra'] as const) {
    for (const [i, { id }] of values[key].entries()) {
      if (ids.has(id)) findings.push(error(['quota', 'patterns', key, i, 'id'], 'is the id of another pattern too'));
      ids.add(id);
    }
  }
  return found;
}

function convertOne(entry: Entry, path: KeyPath, findings: Finding[]): UserPattern {
  const { id, regex, substring, agent, window, class: kind } = entry;
  const common = {
    id,
    ...(agent == null ? {} : { agent }),
    ...(kind == null ? {} : { class: kind }),
    ...(window == null ? {} : { window }),
  };
  if ((regex === null) === (substring === null)) {
    const message = regex === null ? 'needs a regex or a substring' : 'has both a regex and a substring';
    findings.push(error(path, message, 'give one of the two'));
    return common;
  }
  if (substring !== null) return { ...common, substring };
  const compiled = compile(regex ?? '');
  if (!(compiled instanceof RegExp)) {
    findings.push(error([...path, 'regex'], compiled.message, compiled.hint));
    return common;
  }
  return { ...common, regex: compiled };
}

/** The expression, or why it is refused. Letter case does not matter. */
export function compile(source: string): RegExp | { readonly message: string; readonly hint: string } {
  let regex: RegExp;
  try {
    regex = new RegExp(source, 'i');
  } catch {
    // The engine's own words repeat the pattern.
    const hint = 'check brackets and backslashes; in YAML single quotes keep backslashes as they are';
    return { message: 'is not a valid regular expression', hint };
  }
  if (inSomeTry(() => answerOf('new RegExp(source, "i").test("")', { source }) === true))
    return { message: 'matches every text', hint: 'name at least one word that must be there' };
  if (nestedRepeat(source) !== null) {
    const hint = 'do not repeat what is a repeat itself: (a+)+ is a+';
    return { message: 'can take forever: a repeat stands directly inside another', hint };
  }
  if (isSlow(source)) {
    const hint = 'begin with a literal word, bound the repeats as in .{0,80}, and leave out a leading .*';
    return {
      message: `can take too long: more than ${PROBE_MS} ms on ${PROBE_LENGTH} characters made against it`,
      hint,
    };
  }
  return regex;
}

function isSlow(source: string): boolean {
  const probes = pumpedProbes(source, PROBE_LENGTH);
  if (isInTime(source, probes)) return false;
  return probes.some((probe) => !inSomeTry(() => isInTime(source, [probe])));
}

function inSomeTry(holds: () => boolean): boolean {
  return Array.from({ length: TRIES }).some(holds);
}

/** Whether all of these are searched within the limit. */
function isInTime(source: string, probes: readonly string[]): boolean {
  const code = 'const regex = new RegExp(source, "i"); for (const probe of probes) probe.search(regex); true';
  return answerOf(code, { source, probes: [...probes] }) === true;
}

/** What this code of ours yields, run apart; null: not within the limit. */
function answerOf(code: string, values: Readonly<Record<string, unknown>>): unknown {
  const context = createContext({ ...values }, { codeGeneration: { strings: false, wasm: false } });
  try {
    return runInContext(code, context, { timeout: PROBE_MS });
  } catch {
    return null;
  }
}
