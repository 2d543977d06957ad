/** Files are read a little at a time, from the beginning, and nothing in them is counted twice. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTokenFiles } from '../../../src/adapters/signals/token-files.ts';
import { MINUTE, SECOND } from '../../../src/core/time.ts';
import type { TokenCursor, TokenFile } from '../../../src/core/tokens/token-file.ts';
import type { Tokens } from '../../../src/core/tokens/tokens.ts';
import { addTokens, NO_TOKENS } from '../../../src/core/tokens/tokens.ts';
import type { TokenFiles } from '../../../src/ports/tokens.ts';
import { temporaryDirectory } from '../../support/account-homes.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { SESSION } from '../../support/session-files.ts';
import { answerRow, rolloutRow, tokenCountRow, userRow } from '../../support/usage-rows.ts';

const OWN_UID = process.getuid?.() ?? 0;
const payer = { pool: 'work', followsLink: true, processStartedAt: 0, launchedUnder: null };

let directory: string;
let path: string;
let now: number;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory, `${SESSION}.jsonl`);
  now = Date.now();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function files(maxReadBytes?: number): TokenFiles {
  const clock = new FakeClock(new Date(now + MINUTE).toISOString());
  const options = { clock, log: new RecordingLog(), ownUid: OWN_UID };
  return createTokenFiles(maxReadBytes === undefined ? options : { ...options, maxReadBytes });
}

function fileAt(at = path, agent: 'claude' | 'codex' = 'claude'): TokenFile {
  return { path: at, agent, payer };
}

/** Reads on until nothing is left; the cursor goes through JSON in between, as it does through the store. */
async function readOn(
  reader: TokenFiles,
  file: TokenFile,
  from: TokenCursor | null,
): Promise<{ tokens: Tokens; cursor: TokenCursor | null; reads: number }> {
  let cursor = from;
  let tokens = NO_TOKENS;
  for (let reads = 1; ; reads++) {
    const read = await reader.read(file, cursor);
    if (read === null) return { tokens, cursor, reads };
    cursor = JSON.parse(JSON.stringify(read.cursor)) as TokenCursor;
    for (const usage of read.usages) tokens = addTokens(tokens, usage);
    if (read.isEnd) return { tokens, cursor, reads };
  }
}

const rowsOf = {
  claude: fc.array(
    fc.oneof(
      fc.record({ id: fc.nat(6), output: fc.nat(500), cache: fc.nat(9000) }).map(({ id, output, cache }) => ({
        row: (at: number) => answerRow(at, `msg_${id}`, [3, output, cache, 1]),
      })),
      fc.integer({ min: 0, max: 600 }).map((length) => ({
        row: (at: number) => userRow(at, `"usage": ${'é'.repeat(length)}`),
      })),
      fc.constant({ row: () => 'not json\n' }),
    ),
    { maxLength: 30 },
  ),
  codex: fc.array(
    fc.oneof(
      fc.record({ sum: fc.nat(20), last: fc.nat(500) }).map(({ sum, last }) => ({
        row: (at: number) => tokenCountRow(at, [sum * 1000, 0, sum], [last, 0, 1]),
      })),
      fc.constantFrom('gpt-a', 'gpt-b').map((model) => ({
        row: (at: number) => rolloutRow(at, 'turn_context', { model }),
      })),
    ),
    { maxLength: 30 },
  ),
};

describe.each(['claude', 'codex'] as const)('a file of %s', (agent) => {
  test('gives the same sum however it is cut into reads, and wherever the daemon was started anew [R168]', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        rowsOf[agent],
        fc.array(fc.nat(100), { maxLength: 6 }),
        fc.integer({ min: 2000, max: 9000 }),
        async (list, cuts, maxReadBytes) => {
          run += 1;
          const file = fileAt(join(directory, `whole-${run}.jsonl`), agent);
          const bytes = Buffer.from(list.map(({ row }, i) => row(now + i)).join(''));
          writeFileSync(file.path, bytes);
          const { tokens: whole } = await readOn(files(), file, null);

          const parts = fileAt(join(directory, `parts-${run}.jsonl`), agent);
          writeFileSync(parts.path, '');
          let cursor: TokenCursor | null = null;
          let sum = NO_TOKENS;
          let from = 0;
          for (const cut of [
            ...cuts.map((part) => Math.floor((part * bytes.length) / 100)).sort((a, b) => a - b),
            bytes.length,
          ]) {
            appendFileSync(parts.path, bytes.subarray(from, cut));
            from = cut;
            const found: Awaited<ReturnType<typeof readOn>> = await readOn(files(maxReadBytes), parts, cursor);
            cursor = found.cursor;
            sum = addTokens(sum, found.tokens);
          }
          expect(sum).toEqual(whole);
          expect((await readOn(files(maxReadBytes), parts, cursor)).tokens).toEqual(NO_TOKENS);
          rmSync(file.path);
          rmSync(parts.path);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a file', () => {
  const one = () => answerRow(now, 'msg_1', [10, 5, 0, 0]);
  const two = () => answerRow(now, 'msg_2', [1, 2, 0, 0]);

  test('that was written anew is counted from there on only', async () => {
    writeFileSync(path, one() + two());
    const { cursor } = await readOn(files(), fileAt(), null);
    truncateSync(path, 0);
    appendFileSync(path, two() + one());
    const anew = await readOn(files(), fileAt(), cursor);
    expect(anew.tokens).toEqual(NO_TOKENS);
    appendFileSync(path, userRow(now, 'next') + answerRow(now, 'msg_3', [7, 0, 0, 0]));
    expect((await readOn(files(), fileAt(), anew.cursor)).tokens.input).toBe(7);
  });

  test('leaves none of its words in the record, only a hash [R168]', async () => {
    writeFileSync(path, one() + userRow(now, 'my words'));
    const { cursor } = await readOn(files(), fileAt(), null);
    expect(cursor?.mark).toMatch(/^sha256:[0-9a-f]{32}$/);
  });

  test('whose record has the former kind of mark, its last bytes, is counted on from there, and the mark replaced [R168]', async () => {
    writeFileSync(path, one() + two());
    const { cursor } = await readOn(files(), fileAt(), null);
    if (cursor === null) throw new Error('the file was not read');
    for (const length of [64, 20]) {
      const former = { ...cursor, mark: readFileSync(path).subarray(-length).toString('hex') };
      const still = await readOn(files(), fileAt(), former);
      expect(still).toMatchObject({ tokens: NO_TOKENS, cursor: { mark: cursor.mark, offset: cursor.offset } });
    }
    const former = { ...cursor, mark: readFileSync(path).subarray(-64).toString('hex') };
    appendFileSync(path, answerRow(now, 'msg_3', [7, 0, 0, 0]));
    expect((await readOn(files(), fileAt(), former)).tokens.input).toBe(7);
    writeFileSync(path, userRow(now, 'y'.repeat(former.offset)) + answerRow(now, 'msg_4', [9, 0, 0, 0]));
    expect((await readOn(files(), fileAt(), former)).tokens).toEqual(NO_TOKENS);
  });

  test('that begins as a copy of another session counts its own answers only [R168]', async (context) => {
    writeFileSync(path, answerRow(now - 60 * MINUTE, 'msg_0', [100, 100, 0, 0]) + one());
    context.skip(statSync(path).birthtimeMs === 0, 'this file system does not know when a file was made');
    expect((await readOn(files(), fileAt(), null)).tokens).toMatchObject({ input: 10, output: 5 });
  });

  test('with a line that is longer than one read goes on behind it', async () => {
    writeFileSync(path, one() + userRow(now, 'x'.repeat(20_000)) + two());
    expect((await readOn(files(4096), fileAt(), null)).tokens).toMatchObject({ input: 11, output: 7 });
  });

  test('is known by its name wherever it is moved, and that of a subagent with its session', async () => {
    const keyOf = async (at: string) => {
      mkdirSync(join(at, '..'), { recursive: true });
      writeFileSync(at, one());
      return (await files().read(fileAt(at), null))?.cursor.key;
    };
    expect(await keyOf(path)).toBe(`${SESSION}.jsonl`);
    expect(await keyOf(join(directory, 'elsewhere', `${SESSION}.jsonl`))).toBe(`${SESSION}.jsonl`);
    const agent = join(directory, SESSION, 'subagents', 'agent-1.jsonl');
    expect(await keyOf(agent)).toBe(`${SESSION}/agent-1.jsonl`);
    const old = join(directory, 'agent-2.jsonl');
    expect(await keyOf(old)).toBe('agent-2.jsonl');
    expect((await files().filesOf(path, 'claude')).toSorted()).toEqual([path, agent, old].toSorted());
    expect(await files().filesOf(path, 'codex')).toEqual([path]);
  });

  test('of another user, a pipe, a directory and none at all are passed over', async () => {
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    writeFileSync(path, one());
    const foreign = createTokenFiles({ clock: new FakeClock(), log: new RecordingLog(), ownUid: OWN_UID + 1 });
    for (const [reader, at] of [
      [foreign, path],
      [files(), join(directory, 'pipe')],
      [files(), directory],
      [files(), join(directory, 'none')],
    ] as const) {
      expect(await reader.look(at)).toBeNull();
      expect(await reader.read(fileAt(at), null)).toBeNull();
    }
  });

  test('with an answer of the future has it now', async () => {
    writeFileSync(path, answerRow(now + 60 * MINUTE, 'msg_1', [1, 0, 0, 0]));
    const read = await files().read(fileAt(), null);
    expect(Math.abs((read?.usages[0]?.at ?? 0) - now)).toBeLessThan(MINUTE + 30 * SECOND);
  });
});
