import { describe, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/core/errors.ts';

const HOME = '/home/ada';
const TWO = [
  { name: 'a', home: '~/.claude-a' },
  { name: 'b', home: '~/.claude-b' },
];

function dispatcherOf(values: object) {
  return toConfig({ accounts: TWO, dispatcher: values }, {}, HOME).dispatcher;
}

function problemsOf(values: object): readonly string[] {
  try {
    dispatcherOf(values);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

describe('the section of the task queue', () => {
  test('durations become milliseconds, sizes bytes, and the directory of projects an absolute path [R73] [R211]', () => {
    const values = {
      projects_dir: '~/src',
      retry_backoff: ['10s', '2m'],
      max_task_bytes: '1MiB',
      trusted_uids: [0, 1001],
    };
    expect(dispatcherOf(values)).toMatchObject({
      projectsDir: '/home/ada/src',
      retryBackoffMs: [10_000, 120_000],
      maxTaskBytes: 1_048_576,
      trustedUids: [0, 1001],
    });
  });

  test('what cannot be is told with its key', () => {
    expect(
      problemsOf({ projects_dir: 'src', retry_backoff: [], max_attempts: 0, max_task_bytes: '12', trusted_uids: [-1] }),
    ).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^dispatcher\.retry_backoff/),
        expect.stringMatching(/^dispatcher\.max_attempts/),
        expect.stringMatching(/^dispatcher\.max_task_bytes: expected a size/),
        expect.stringMatching(/^dispatcher\.trusted_uids\[0\]/),
      ]),
    );
    expect(problemsOf({ projects_dir: 'src' })).toEqual(['dispatcher.projects_dir: is not an absolute path']);
  });
});
