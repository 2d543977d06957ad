/** Adds an account to the text of a configuration file; the rest of the text stays as it was written. */
import { isMap, isSeq, parseDocument, stringify } from 'yaml';

export interface AccountEntry {
  readonly name: string;
  readonly pool?: string;
  readonly home: string;
}

/** The entry as one line of YAML. */
export function entryLine(entry: AccountEntry): string {
  return `- ${stringify(entry, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true }).trim()}`;
}

/** @returns null: the list is written in a way that is not extended here */
export function withAccount(text: string, entry: AccountEntry): string | null {
  const document = parseDocument(text, { logLevel: 'silent' });
  const root = document.contents;
  if (document.errors.length > 0 || !isMap(root)) return null;
  const list: unknown = root.get('accounts');
  if (!isSeq(list) || list.flow === true || !list.range) return null;
  const [start, end] = list.range;
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  if (indent.trim() !== '') return null;
  const body = text.slice(0, end).trimEnd();
  const lineEnd = text.indexOf('\n', body.length);
  const at = lineEnd === -1 ? text.length : lineEnd + 1;
  const before = text.slice(0, at);
  return `${before}${before.endsWith('\n') ? '' : '\n'}${indent}${entryLine(entry)}\n${text.slice(at)}`;
}
