import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readYaml } from '../../../src/config/yaml-source.ts';
import { composeTask } from '../../../src/core/queue/new-task.ts';
import type { TaskHeader } from '../../../src/core/queue/task.ts';
import { parseDependency, readHeader, STEM, splitTaskFile, stemProblem } from '../../../src/core/queue/task-file.ts';

const FILE = { stem: 'fix', project: 'api', body: 'Do it.' };

function header(values: unknown, body = FILE.body): TaskHeader {
  const answer = readHeader(values, { ...FILE, body });
  if (answer.kind === 'problems') throw new Error(JSON.stringify(answer.problems));
  return answer.header;
}

function problems(values: unknown): readonly string[] {
  const answer = readHeader(values, FILE);
  return answer.kind === 'header' ? [] : answer.problems.map(({ path }) => path.join('.'));
}

describe('[R74] what a task file says', () => {
  test('front matter, and the text after it', () => {
    expect(splitTaskFile('---\nid: a\n---\nDo it.\n---\n')).toEqual({
      frontMatter: 'id: a\n',
      frontLine: 2,
      body: 'Do it.\n---\n',
    });
    expect(splitTaskFile('\uFEFF---\r\nid: a\r\n---\r\nDo it.')).toMatchObject({
      frontMatter: 'id: a\r\n',
      body: 'Do it.',
    });
    expect(splitTaskFile('---\nid: a\n...\nDo it.')).toMatchObject({ frontMatter: 'id: a\n', body: 'Do it.' });
    expect(splitTaskFile('---\n---\nDo it.')).toMatchObject({ frontMatter: '', body: 'Do it.' });
    expect(splitTaskFile('---\nid: a\n---')).toMatchObject({ frontMatter: 'id: a\n', body: '' });
  });

  test('no front matter is allowed; one without an end is not', () => {
    expect(splitTaskFile('# Fix it\nDo it.')).toEqual({ frontMatter: null, frontLine: 1, body: '# Fix it\nDo it.' });
    expect(splitTaskFile('----\nDo it.')).toMatchObject({ frontMatter: null });
    expect(splitTaskFile('---\nid: a\nDo it.')).toBeNull();
  });

  test('every key of its own has its form, and all others are kept as they are [R88]', () => {
    expect(
      header({
        id: 'fix-1.2',
        title: 'Fix  it\u001b[31m',
        priority: 'critical',
        model: 'opus[1m]',
        timeout: '90m',
        max_attempts: 5,
        session: 'ccl-1',
        not_before: '2026-01-31T18:00:00+01:00',
        depends_on: ['web:page', 'route', 'web:page'],
        tags: ['a'],
        needs_claude_code: true,
        capabilities: ['x'],
        preferred_ai: 'other',
        allow_delegation: true,
        complexity_hint: { a: 1 },
      }),
    ).toEqual({
      taskId: 'fix-1.2',
      title: 'Fix it [31m',
      priority: 'critical',
      model: 'opus[1m]',
      timeoutMs: 5_400_000,
      maxAttempts: 5,
      session: 'ccl-1',
      notBeforeAt: Date.UTC(2026, 0, 31, 17),
      dependsOn: ['web:page', 'api:route'],
      meta: {
        tags: ['a'],
        needs_claude_code: true,
        capabilities: ['x'],
        preferred_ai: 'other',
        allow_delegation: true,
        complexity_hint: { a: 1 },
      },
    });
  });

  test('without a title its first heading is one, and without that its name', () => {
    expect(header(null, 'x\n## The *work* ##\n# Later').title).toBe('The *work*');
    expect(header(null, 'just do it').title).toBe('fix');
    expect(header({ title: 42 }).title).toBe('42');
    expect(header({ title: '\u0007' }).title).toBe('untitled');
  });

  test('a number is an id, an empty value is no value', () => {
    expect(header({ id: 42 }).taskId).toBe('42');
    expect(header({ id: null, priority: null, depends_on: null, timeout: null })).toMatchObject({
      taskId: 'fix',
      priority: 'default',
      dependsOn: [],
    });
    expect(header({ depends_on: 'web:page' }).dependsOn).toEqual(['web:page']);
  });

  test.each([
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-01-31 18:00', Date.UTC(2026, 0, 31, 18)],
    ['2026-01-31T18:00:00', Date.UTC(2026, 0, 31, 18)],
    ['2026-01-31T18:00:00.5Z', Date.UTC(2026, 0, 31, 18, 0, 0, 500)],
    ['2026-01-31 18:00:00 -0500', Date.UTC(2026, 0, 31, 23)],
  ])('not_before %s', (text, at) => {
    expect(header({ not_before: text }).notBeforeAt).toBe(at);
  });

  test.each([
    [{ id: '../x' }, 'id'],
    [{ id: '.' }, 'id'],
    [{ id: 'a b' }, 'id'],
    [{ id: '-rf' }, 'id'],
    [{ id: ['a'] }, 'id'],
    [{ title: ['a'] }, 'title'],
    [{ priority: 'urgent' }, 'priority'],
    [{ model: '--dangerously-skip-permissions' }, 'model'],
    [{ model: 'a; rm -rf /' }, 'model'],
    [{ timeout: 60 }, 'timeout'],
    [{ timeout: '0s' }, 'timeout'],
    [{ max_attempts: 0 }, 'max_attempts'],
    [{ max_attempts: 1.5 }, 'max_attempts'],
    [{ session: 'a:b' }, 'session'],
    [{ not_before: 'tomorrow' }, 'not_before'],
    [{ not_before: '2026-13-01' }, 'not_before'],
    [{ depends_on: ['../x:y'] }, 'depends_on.0'],
    [{ depends_on: ['a:..'] }, 'depends_on.0'],
    [{ depends_on: [{ a: 1 }] }, 'depends_on.0'],
    [{ depends_on: Array(200).fill('a') }, 'depends_on'],
    [['a'], ''],
    ['a', ''],
  ])('%j is refused', (values, path) => {
    expect(problems(values)).toContain(path);
  });

  test('whatever stands there is read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (values, body) => {
        const answer = readHeader(values, { ...FILE, body });
        if (answer.kind === 'header') {
          expect(answer.header.title).toMatch(/^[^\p{Cc}]{1,200}$/u);
          expect(answer.header.taskId).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
        } else expect(answer.problems.length).toBeGreaterThan(0);
      }),
    );
  });

  test('the parts of a file are the file', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parts = splitTaskFile(text);
        if (parts !== null) expect(text.endsWith(parts.body)).toBe(true);
      }),
    );
  });
});

describe('[R84] a dependency', () => {
  test.each([
    ['web:page', 'web:page'],
    ['page', 'api:page'],
    ['a.b-c_1:x', 'a.b-c_1:x'],
    ['a:b:c', null],
    ['..:x', null],
    ['a:.', null],
    ['a/b:c', null],
    ['', null],
    ['a:', null],
    ['a: b', null],
  ])('%j is %j', (text, expected) => {
    expect(parseDependency(text, 'api')).toBe(expected);
  });
});

describe('[R216] the name of a task', () => {
  test.each(['fix-login', 'a b', 'Überprüfung', '日本語', '2026-01-05_x', '_x', 'a.b@c+d=e,f'])(
    '%j is taken',
    (stem) => {
      expect(stemProblem(stem)).toBeNull();
    },
  );

  test.each([
    '',
    '-rf',
    '.hidden',
    'a\nb',
    '$(x)',
    'a`b',
    "a'b",
    'a"b',
    'a;b',
    'a|b',
    'a&b',
    'a<b',
    'a*',
    'a?',
    'a\\b',
    'a/b',
    'a\u202eb',
    'x'.repeat(181),
    'é'.repeat(91),
  ])('%j is refused', (stem) => {
    expect(stemProblem(stem)).not.toBeNull();
  });
});

describe('a task that is asked for', () => {
  test('becomes a file that says what was asked, whatever the words are', () => {
    const words = fc.string({ maxLength: 60 });
    const wish = fc.record(
      {
        title: words,
        priority: fc.constantFrom('critical', 'high', 'default', 'low'),
        depends_on: fc.array(fc.constantFrom('web:a', 'b')),
        text: fc.string({ minLength: 1 }).filter((text) => text.trim() !== ''),
      },
      { requiredKeys: ['text'] },
    );
    fc.assert(
      fc.property(wish, (asked) => {
        const composed = composeTask(asked, 'api', () => 'n1');
        if (composed.kind !== 'task') throw new Error(JSON.stringify(composed.problems));
        expect(composed.stem).toMatch(STEM);
        const parts = splitTaskFile(composed.text);
        const yaml = readYaml(parts?.frontMatter ?? '');
        expect(yaml.problems).toEqual([]);
        expect(parts?.body.startsWith(asked.text)).toBe(true);
        const read = header(yaml.value, parts?.body);
        expect(read.priority).toBe(asked.priority ?? 'default');
        expect(read.meta).toEqual({});
      }),
    );
  });

  test('is named by its id, or by its title and something that makes it unique', () => {
    const stem = (wish: object) => composeTask({ text: 'Do it.', ...wish }, 'api', () => 'n1');
    expect(stem({ id: 'mine' })).toMatchObject({ stem: 'mine' });
    expect(stem({ title: 'Fix the Lögin!' })).toMatchObject({ stem: 'fix-the-lo-gin-n1' });
    expect(stem({ title: '日本' })).toMatchObject({ stem: 'task-n1' });
    expect(stem({ text: '# Mend it\n' })).toMatchObject({ stem: 'mend-it-n1' });
    expect(stem({ text: ' \n' })).toMatchObject({ problems: [{ path: ['text'] }] });
    expect(stem({ id: '../x' })).toMatchObject({ problems: [{ path: ['id'] }] });
  });
});
