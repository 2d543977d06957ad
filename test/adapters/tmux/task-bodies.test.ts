/** What a task says arrives as it was made safe: whatever bytes its text holds, in a paste that it cannot end by itself. */
import { randomBytes, randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/adapters/clock.ts';
import { createKeys } from '../../../src/adapters/tmux/keys.ts';
import { taskText } from '../../../src/core/dispatch/task-text.ts';
import type { PaneIdentity } from '../../../src/core/panes.ts';
import { typedText } from '../../../src/core/typed-text.ts';
import { clientEnv, silentLog } from '../../support/panes.ts';
import { startTmux, type TestTmux } from '../../support/tmux.ts';
import { waitFor } from '../../support/wait.ts';

const IS_LONG = process.env.CF_LONG === '1';
const BODIES = IS_LONG ? 10_000 : 120;
const PANES = 4;
const START = '\x1b[200~';
const END = '\x1b[201~';
const never = new AbortController().signal;

let tmux: TestTmux;
let panes: readonly PaneIdentity[];

beforeAll(async () => {
  tmux = await startTmux();
  const receiver = `stty raw -echo; printf '\\033[?2004hready'; exec cat >> ${tmux.dir}/got-$$`;
  panes = await Promise.all(Array.from({ length: PANES }, () => tmux.newPane(receiver)));
  for (const pane of panes) await waitFor(async () => (await tmux.screen(pane.paneId)).includes('ready'));
});
afterAll(() => tmux.kill());

const PIECES: readonly (() => string)[] = [
  () => Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1'),
  () => randomBytes(randomInt(1, 400)).toString('latin1'),
  () => randomBytes(randomInt(1, 400)).toString('utf8'),
  () => END,
  () => '\x1b[20\x1b[201~1~',
  () => '\x1b[2\x0001~ and \x9b201~ and \x1b[200~',
  () => `\n${randomBytes(32 * 1024).toString('hex')}\n`,
  () => '#{pane_pid} #(touch /tmp/never) $(reboot) `id` ; kill-server ;',
  () => '\r\n\r\x03\x04\x1a\x7f\x1bOA\x1b]0;title\x07',
  () => '/exit\n',
  () => '👩‍🔧 ∑ é e\u0301 \u202e \u200b \ufeff',
];

function aBody(n: number): string {
  const count = 1 + (n % 5);
  return Array.from({ length: count }, (_, i) =>
    PIECES[(n * 7 + i * 3 + randomInt(PIECES.length)) % PIECES.length]?.(),
  ).join(' ');
}

test(`${BODIES} bodies with every byte, marks of a paste and lines of 64 KiB arrive as the text that was made safe [R217 R274]`, {
  timeout: IS_LONG ? 30 * 60_000 : 120_000,
}, async () => {
  const keys = createKeys({
    binary: 'tmux',
    commandTimeoutMs: 15_000,
    submitDelayMs: 0,
    env: clientEnv,
    clock: systemClock(),
    log: silentLog,
  });
  const wrong: string[] = [];
  await Promise.all(
    panes.map(async (pane, lane) => {
      const file = join(tmux.dir, `got-${pane.panePid}`);
      for (let n = lane; n < BODIES; n += PANES) {
        const text = taskText({
          title: `Task ${n}`,
          id: `house:${n}`,
          path: '/p/x.md',
          body: aBody(n),
          signalPath: '/s/x',
        });
        const expected = `${START}${typedText(text).replaceAll('\n', '\r')}${END}`;
        await writeFile(file, '');
        expect(await keys.paste(pane, text, never)).toEqual({ kind: 'sent' });
        const got = (): Promise<string> => readFile(file, 'utf8');
        await waitFor(async () => (await got()).length >= expected.length, { timeoutMs: 30_000, everyMs: 2 }).catch(
          () => undefined,
        );
        if ((await got()) !== expected) wrong.push(`${n}: ${JSON.stringify(text.slice(0, 300))}`);
      }
    }),
  );
  expect(wrong).toEqual([]);
});

test('a safe text ends no paste and holds nothing that a terminal obeys', () => {
  for (let n = 0; n < 2000; n++) {
    const text = typedText(aBody(n));
    expect(text).not.toContain(END);
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  }
});
