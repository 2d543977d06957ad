/** Writes what is derived from the schema: config.schema.json, config.example.yaml and the tables of docs/configuration.md. */

import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { formatPath, jsonSchema, type KeyDoc, keyDocs } from '../src/config/key-docs.ts';

const ROOT = new URL('../', import.meta.url);

export interface DerivedFile {
  /** Relative to the root of the repository. */
  readonly name: string;
  readonly text: string;
}

/** Every derived file as it should be. */
export function derivedFiles(): readonly DerivedFile[] {
  const page = readFileSync(new URL('docs/configuration.md', ROOT), 'utf8');
  return [
    { name: 'config.schema.json', text: `${JSON.stringify(jsonSchema(), null, 2)}\n` },
    { name: 'config.example.yaml', text: exampleYaml() },
    {
      name: 'docs/configuration.md',
      text: page.replace(/(<!-- keys -->\n)[\s\S]*(<!-- \/keys -->)/, `$1${keyTables()}$2`),
    },
  ];
}

/** What the example has where the default is empty. */
const SAMPLES: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  accounts: [
    { name: 'work-1', home: '~/.claude-work-1', priority: '10' },
    { name: 'work-2', home: '~/.claude-work-2', priority: '20' },
  ],
  'sessions.dedicated': [{ name: 'main' }],
};

function exampleYaml(): string {
  const lines = [
    '# yaml-language-server: $schema=./config.schema.json',
    '# Every key with its default. Only `accounts` must be written: a file of six lines is enough (docs/configuration.md).',
    '# Durations: a number and ms, s, m, h or d. A key that is null counts as not set.',
    `# Paths: ~ and \${NAME} of the environment are expanded; <state_dir> and <runtime_dir> stand for those of daemon.`,
  ];
  for (const doc of below([])) lines.push('', ...keyLines(doc, 0));
  return `${lines.join('\n')}\n`;
}

function keyLines(doc: KeyDoc, depth: number): readonly string[] {
  const pad = '  '.repeat(depth);
  const key = doc.path.at(-1);
  const lines = wrap(doc.description + restartNote(doc), 116 - pad.length).map((line) => `${pad}# ${line}`);
  if (!doc.isSection) return [...lines, `${pad}${key}: ${inline(doc.default)}`];
  const entries = below([...doc.path, '*']);
  if (entries.length > 0 && Object.keys(Object(doc.default)).length === 0)
    return [...lines, ...emptyMap(doc, entries, pad)];
  const path = formatPath(doc.path);
  const entry = below([...doc.path, '[]']);
  if (entry.length > 0 && SAMPLES[path] === undefined) {
    const keys = entry.flatMap((child) => wrap(`\`${child.path.at(-1)}\`: ${child.description}`, 116 - pad.length));
    return [...lines, ...keys.map((line) => `${pad}# ${line}`), `${pad}${key}: []`];
  }
  lines.push(`${pad}${key}:`);
  const samples = SAMPLES[path];
  if (samples !== undefined)
    return [...lines, ...samples.flatMap((sample, i) => entryLines(doc, sample, depth, i === 0))];
  if (path === 'pools')
    return [...lines, `${pad}  default:`, ...below([...doc.path, '*']).flatMap((child) => keyLines(child, depth + 2))];
  return [...lines, ...below(doc.path).flatMap((child) => keyLines(child, depth + 1))];
}

/** A map without entries; the keys of one are explained in comments. */
function emptyMap(doc: KeyDoc, entries: readonly KeyDoc[], pad: string): readonly string[] {
  const explained = entries.flatMap((child) => wrap(`${child.path.at(-1)}: ${child.description}`, 112 - pad.length));
  return [...explained.map((line) => `${pad}# ${line}`), `${pad}${doc.path.at(-1)}: {}`];
}

/** One entry of a list; the comments stand in the first one only. */
function entryLines(
  doc: KeyDoc,
  sample: Readonly<Record<string, string>>,
  depth: number,
  isFirst: boolean,
): readonly string[] {
  const pad = '  '.repeat(depth + 1);
  return below([...doc.path, '[]']).flatMap((child, i) => {
    const key = child.path.at(-1) ?? '';
    if (child.isSection && isFirst) return keyLines(child, depth + 2);
    const line = `${pad}${i === 0 ? '- ' : '  '}${key}: ${sample[key] ?? flow(child)}`;
    const comments = isFirst
      ? wrap(child.description, 112 - pad.length).map((text) => `${pad}${i === 0 ? '' : '  '}# ${text}`)
      : [];
    return [...comments, line];
  });
}

/** The defaults of a key on one line, those below it included. */
function flow(doc: KeyDoc): string {
  if (!doc.isSection) return inline(doc.default);
  return `{ ${below(doc.path)
    .map((child) => `${child.path.at(-1)}: ${flow(child)}`)
    .join(', ')} }`;
}

function keyTables(): string {
  const sections = below([]).filter((doc) => doc.isSection);
  const single = below([]).filter((doc) => !doc.isSection);
  const tables = [
    `### At the top\n\n${table(single)}`,
    ...sections.map(
      (section) => `### ${formatPath(section.path)}\n\n${section.description}\n\n${table(leavesOf(section))}`,
    ),
  ];
  return `\n${tables.join('\n')}\n`;
}

function table(docs: readonly KeyDoc[]): string {
  const rows = docs.map((doc) => {
    const value = doc.default === undefined ? 'must be given' : `\`${inline(doc.default)}\``;
    return `| \`${pathName(doc)}\` | ${value} | ${doc.description.replaceAll('|', '\\|')} | ${doc.requiresRestart ? 'restart' : ''} |`;
  });
  return `| key | default | meaning | |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function leavesOf(section: KeyDoc): readonly KeyDoc[] {
  return keyDocs().filter((doc) => !doc.isSection && section.path.every((part, i) => doc.path[i] === part));
}

function pathName(doc: KeyDoc): string {
  return formatPath(doc.path.map((part) => (part === '*' ? '<name>' : part)));
}

function below(path: readonly string[]): readonly KeyDoc[] {
  return keyDocs().filter(
    (doc) => doc.path.length === path.length + 1 && path.every((part, i) => doc.path[i] === part),
  );
}

function restartNote(doc: KeyDoc): string {
  return doc.requiresRestart && !doc.isSection ? ' A change needs a restart.' : '';
}

/** A default as YAML on one line. All of ours are plain words, numbers, null or short lists. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  const text = String(value);
  if (text === '') return '""';
  return typeof value === 'string' && /[<:]|^~$/.test(text) ? JSON.stringify(text) : text;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { name, text } of derivedFiles()) writeFileSync(new URL(name, ROOT), text);
}
