/** What the prose says is what the program does: links, commands, marks and versions stay in step. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../src/core/version.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const pages = ['README.md', 'VERSION.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];

test('every link between the pages leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map(([, target = '']) => join(dirname(page), target))
      .filter((target) => !existsSync(join(ROOT, target)))
      .map((target) => `${page} → ${target}`),
  );
  expect(broken).toEqual([]);
});

test('every page of docs/ can be reached from the README', () => {
  const readme = read('README.md');
  const unknown = pages.filter((page) => page.startsWith('docs/') && !readme.includes(page));
  expect(unknown).toEqual([]);
});

describe('the README', () => {
  const [, , first = ''] = read('README.md').split('\n');

  test('says in its first line what this is and that two unrelated projects bear the name [R282]', () => {
    expect(first).toContain('is a daemon');
    expect(first).toMatch(/API proxy/);
    expect(first).toMatch(/local-model switch/);
    expect(first).toMatch(/unrelated public projects/);
  });

  test('says plainly that the provider’s terms are the user’s to check, and what is never done with tokens [R247 R282]', () => {
    const readme = read('README.md');
    expect(readme).toMatch(/may be restricted by your provider's terms/);
    expect(readme).toMatch(/you are responsible/);
    expect(readme).toMatch(/official, unmodified CLIs/);
    expect(readme).toMatch(/never copies, prints, refreshes or stores a token/);
  });
});

test('the program, the package and the newest entry of VERSION.md bear the same version', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(VERSION).toBe(version);
  expect(/^## (\S+)/m.exec(read('VERSION.md'))?.[1]).toBe(version);
});

test('every command and each of its options is described in docs/cli.md', () => {
  const words = readdirSync(join(ROOT, 'src/commands')).filter((name) => name.endsWith('-words.ts'));
  const main = [read('src/main.ts'), ...words.map((name) => read(`src/commands/${name}`))].join('\n');
  const cli = read('docs/cli.md');
  const commands = [...main.matchAll(/(?:^ {2}command\(|\.command\()'([a-z]+)'/gm)].map(([, name = '']) => name);
  const options = [...main.matchAll(/\.option\('(?:-\w, )?(--[a-z-]+)/g)].map(([, name = '']) => name);
  expect(commands.length).toBeGreaterThan(10);
  expect([...commands, ...options].filter((name) => !cli.includes(name))).toEqual([]);
});

/** What only speaks of events that others write. */
const SPEAKS =
  /^core\/events\.ts$|^core\/alerts\/(?:notice-rules|task-sayings|alert-sayings|alert-view|rules|work-rules|spikes|stats)\.ts$|^config\//;

test('every event type is one that the code writes', () => {
  const types = [...read('src/core/events.ts').matchAll(/^ {2}([a-z_]+): '/gm)].map(([, type = '']) => type);
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !SPEAKS.test(file))
    .map((file) => read(`src/${file}`))
    .join('\n');
  expect(types.filter((type) => !sources.includes(`'${type}'`))).toEqual([]);
});

describe('requirement marks', () => {
  const stated = new Set([...read('docs/requirements.md').matchAll(/^- \*\*R(\d+)\*\*/gm)].map(([, n]) => Number(n)));
  const named = new Set(marksInTests());

  test('each mark that a test names is stated in docs/requirements.md', () => {
    expect([...named].filter((mark) => !stated.has(mark)).map((mark) => `R${mark}`)).toEqual([]);
  });

  test('each statement there is named by a test', () => {
    expect([...stated].filter((mark) => !named.has(mark)).map((mark) => `R${mark}`)).toEqual([]);
  });
});

function marksInTests(): readonly number[] {
  // Contracts that several suites run have their titles in files of their own.
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?:\.test|-contract)\.ts$/.test(file),
  );
  return files.flatMap((file) =>
    [...read(`test/${file}`).matchAll(/\[(R\d+(?:[\s,–-]+R\d+)*)\]/g)].flatMap(([, list = '']) =>
      [...list.matchAll(/R(\d+)(?:\s*[–-]\s*R(\d+))?/g)].flatMap(([, from, to]) =>
        range(Number(from), Number(to ?? from)),
      ),
    ),
  );
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
