/** The vocabulary of the journal: every word of it is written somewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EVENT_SEVERITY } from '../../src/core/events.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
/** What only speaks of events that others write. */
const SPEAKS =
  /^core\/events\.ts$|^core\/alerts\/(?:notice-rules|task-sayings|alert-sayings|alert-view|rules|spikes|stats)\.ts$|^config\//;

test('every declared event is written by some part of the daemon, and by no word of its own only', () => {
  const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !SPEAKS.test(file))
    .map((file) => readFileSync(join(SRC, file), 'utf8'));
  const unwritten = Object.keys(EVENT_SEVERITY).filter(
    (type) => !sources.some((source) => source.includes(`'${type}'`)),
  );
  expect(unwritten).toEqual([]);
});
