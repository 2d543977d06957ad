/** Our hooks in the settings of Claude Code, told by the mark at the end of their command; everybody else's stay as they are. */
import { type JsonPath, nodeAt, parseJson, removeJson, textAt } from './json.ts';
import { placeOfFlaw } from './json-flaw.ts';

export type SettingsEdit =
  | { readonly kind: 'edited'; readonly text: string; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** Commands with this mark under this event, by their paths: `hooks.<event>[i].hooks[j].command`. */
export function ownHooks(text: string, event: string, mark: string): JsonPath[] {
  const root = parseJson(text);
  const found: JsonPath[] = [];
  for (let i = 0; i < lengthOf(text, ['hooks', event]); i++) {
    for (let j = 0; j < lengthOf(text, ['hooks', event, i, 'hooks']); j++) {
      const path = ['hooks', event, i, 'hooks', j, 'command'];
      if (textAt(root, path)?.endsWith(mark)) found.push(path);
    }
  }
  return found;
}

/** Groups, lists and objects that then hold nothing go as well. */
export function removeHooks(text: string, mark: string, isMeant: (event: string) => boolean): string {
  let edited = text;
  for (const event of eventsOf(text).filter(isMeant)) {
    const own = ownHooks(edited, event, mark).reverse();
    for (const path of own) edited = removeHook(edited, path);
    if (own.length > 0) edited = removeIfEmpty(edited, ['hooks', event]);
  }
  return edited === text ? text : removeIfEmpty(edited, ['hooks']);
}

/** Removes the hook with this command, and its group when it held nothing else. */
export function removeHook(text: string, path: JsonPath): string {
  const list = path.slice(0, -2);
  return lengthOf(text, list) > 1 ? removeJson(text, path.slice(0, -1)) : removeJson(text, list.slice(0, -1));
}

/** What keeps us from editing; null: nothing. Never quotes the text, which may hold secrets. */
export function settingsProblem(text: string): string | null {
  let root: ReturnType<typeof parseJson>;
  try {
    root = parseJson(text);
  } catch {
    return `it is no valid JSON: see ${placeOfFlaw(text)}`;
  }
  if (root.kind !== 'object') return 'it is no JSON object';
  const hooks = nodeAt(root, ['hooks']);
  if (hooks !== null && hooks.kind !== 'object') return '"hooks" in it is no object';
  for (const { key, value } of hooks?.kind === 'object' ? hooks.entries : []) {
    if (value.kind !== 'array') return `"hooks.${/^\w+$/.test(String(key)) ? key : '…'}" in it is no list`;
  }
  return null;
}

/** How many entries the list at this path has; 0: there is none. */
export function lengthOf(text: string, path: JsonPath): number {
  const list = nodeAt(parseJson(text), path);
  return list?.kind === 'array' ? list.entries.length : 0;
}

function eventsOf(text: string): readonly string[] {
  const hooks = nodeAt(parseJson(text), ['hooks']);
  return hooks?.kind === 'object' ? hooks.entries.map((entry) => String(entry.key)) : [];
}

function removeIfEmpty(text: string, path: JsonPath): string {
  const node = nodeAt(parseJson(text), path);
  return node !== null && node.kind !== 'plain' && node.entries.length === 0 ? removeJson(text, path) : text;
}
