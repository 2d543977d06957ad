/** Typing into panes of real tmux servers: into the right one, or into none. */
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeys } from '../../../src/adapters/tmux/keys.ts';
import type { PaneIdentity } from '../../../src/core/panes.ts';
import type { Keys } from '../../../src/ports.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { clientEnv, recordedTmux, silentLog } from '../../support/panes.ts';
import { type NewPane, startTmux, type TestTmux } from '../../support/tmux.ts';
import { waitFor } from '../../support/wait.ts';

const never = new AbortController().signal;
let tmux: TestTmux;

beforeEach(async () => {
  tmux = await startTmux();
});
afterEach(() => tmux.kill());

function keysWith(options: { binary?: string; timeoutMs?: number; clock?: FakeClock } = {}): Keys {
  return createKeys({
    binary: options.binary ?? 'tmux',
    commandTimeoutMs: options.timeoutMs ?? 15_000,
    submitDelayMs: options.clock === undefined ? 0 : 150,
    env: clientEnv,
    clock: options.clock ?? new FakeClock(),
    log: silentLog,
  });
}

/** Shell code that puts every byte it is typed into a file named by its pid, which is the pid of the pane. */
function receiver(bracketed: boolean): string {
  const ready = bracketed ? String.raw`printf '\033[?2004hready'` : 'printf ready';
  return `stty raw -echo; ${ready}; exec cat > ${tmux.dir}/got-$$`;
}

/** A pane that is ready to receive. */
async function newReceiver(options: NewPane & { bracketed?: boolean } = {}): Promise<PaneIdentity> {
  const pane = await tmux.newPane(receiver(options.bracketed ?? true), options);
  await waitFor(async () => (await tmux.screen(pane.paneId)).includes('ready'));
  await waitFor(async () => (await files()).includes(`got-${pane.panePid}`));
  return pane;
}

async function files(): Promise<readonly string[]> {
  return (await readdir(tmux.dir)).filter((name) => name.startsWith('got-'));
}

function received(pane: PaneIdentity): Promise<string> {
  return readFile(join(tmux.dir, `got-${pane.panePid}`), 'utf8');
}

function buffers(): Promise<string> {
  return tmux.run('list-buffers');
}

describe('pasting', () => {
  const texts: Readonly<Record<string, string>> = {
    'the name of a key': 'C-c',
    semicolons: 'a; b ;',
    'a command substitution': '$(touch x) `touch y` #(touch z) #{pid} %H',
    quotes: `it's "quoted" \\ and \\n`,
    'a leading dash': '-R --help',
    'lines ended by CRLF': 'one\r\ntwo\rthree\n',
    emoji: 'läuft 👩‍💻 ✅ 日本',
    'a tab': 'a\tb',
    '64 KiB': 'k'.repeat(65_536),
    'a bracketed paste that ends early': 'a\x1b[201~\rb',
  };

  it.each(Object.entries(texts))('[R101] delivers %s as it is', async (_name, text) => {
    const pane = await newReceiver();
    expect(await keysWith().paste(pane, text, never)).toEqual({ kind: 'sent' });
    const clean = text.replace('\x1b[201~', '').replace(/\r\n?/g, '\n');
    const expected = `\x1b[200~${clean}\x1b[201~`;
    await waitFor(async () => (await received(pane)).length >= expected.length);
    expect((await received(pane)).replaceAll('\r', '\n')).toBe(expected);
    expect(await buffers()).toBe('');
  });

  it('[R274] never hands the text to tmux as an argument', async () => {
    const pane = await newReceiver();
    const record = await recordedTmux(tmux.dir);
    await keysWith({ binary: record.binary }).paste(pane, 'secret plan', never);
    expect(await record.inputs()).toBe('secret plan');
    expect((await record.calls()).join('\n')).not.toContain('secret');
  });

  it('types nothing when nothing is left to type', async () => {
    const pane = await newReceiver();
    expect(await keysWith().paste(pane, '\x1b\x00', never)).toMatchObject({ kind: 'failed' });
    expect(await received(pane)).toBe('');
  });
});

describe('pressing', () => {
  it.each([
    ['Enter', '\r'],
    ['Escape', '\x1b'],
    ['C-c', '\x03'],
  ] as const)('sends %s', async (key, bytes) => {
    const pane = await newReceiver();
    expect(await keysWith().press(pane, key, never)).toEqual({ kind: 'sent' });
    await waitFor(async () => (await received(pane)) === bytes);
  });

  it('[R274] lets 150 ms pass between a paste and its Enter', async () => {
    const clock = new FakeClock();
    const keys = keysWith({ clock });
    const pane = await newReceiver({ bracketed: false });
    await keys.paste(pane, 'go on', never);
    const pressed = keys.press(pane, 'Enter', never);
    await clock.advance(149);
    expect(clock.pending).toBe(1);
    await waitFor(async () => (await received(pane)) === 'go on');
    await clock.advance(1);
    expect(await pressed).toEqual({ kind: 'sent' });
    await waitFor(async () => (await received(pane)) === 'go on\r');
  });

  it('does not press when it is called off while waiting', async () => {
    const clock = new FakeClock();
    const keys = keysWith({ clock });
    const pane = await newReceiver();
    await keys.paste(pane, 'go on', never);
    const abort = new AbortController();
    const pressed = keys.press(pane, 'Enter', abort.signal);
    abort.abort();
    expect(await pressed).toMatchObject({ kind: 'failed' });
  });
});

describe('the right pane or none', () => {
  async function bothRefuse(pane: PaneIdentity, expected: object, keys = keysWith()): Promise<void> {
    expect(await keys.paste(pane, 'wrong', never)).toMatchObject(expected);
    expect(await keys.press(pane, 'Enter', never)).toMatchObject(expected);
  }

  it('[R100] does not take a pane of another session whose name begins alike', async () => {
    const others = [await newReceiver({ session: 'ccl-11' }), await newReceiver({ session: 'ccl-1-conformvault' })];
    const pane = await newReceiver({ session: 'ccl-1' });
    expect(await keysWith().paste(pane, 'right', never)).toEqual({ kind: 'sent' });
    await waitFor(async () => (await received(pane)).includes('right'));
    await tmux.run('kill-session', '-t', '=ccl-1');
    await bothRefuse(pane, { kind: 'stale', reason: 'the pane is gone' });
    for (const other of others) expect(await received(other)).toBe('');
  });

  it('[R273] types nothing into a pane id that another server start has taken', async () => {
    const pane = await newReceiver();
    await tmux.killServer();
    const successor = await newReceiver();
    expect(successor.paneId).toBe(pane.paneId);
    await bothRefuse(pane, { kind: 'stale', reason: 'the tmux server was restarted' });
    expect(await received(successor)).toBe('');
    expect(await buffers()).toBe('');
  });

  it('[R273] types nothing into another process in the same pane', async () => {
    const pane = await newReceiver();
    await newReceiver();
    await tmux.run('respawn-pane', '-k', '-t', pane.paneId, receiver(true));
    await waitFor(async () => (await files()).length === 3);
    await bothRefuse(pane, { kind: 'stale', reason: 'another process runs in the pane' });
    for (const name of await files()) expect(await readFile(join(tmux.dir, name), 'utf8')).toBe('');
  });

  it('types nothing into a pane whose program has ended', async () => {
    await newReceiver();
    await tmux.run('set-option', '-g', 'remain-on-exit', 'on');
    const pane = await tmux.newPane('exec true');
    await waitFor(async () => (await tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_dead}')) === '1');
    await bothRefuse(pane, { kind: 'stale' });
  });

  it('says stale when there is no server any more', async () => {
    const pane = await newReceiver();
    await tmux.killServer();
    await bothRefuse(pane, { kind: 'stale', reason: 'the tmux server is gone' });
  });

  it('[R275] types nothing into copy mode', async () => {
    const pane = await newReceiver();
    await tmux.run('copy-mode', '-t', pane.paneId);
    await bothRefuse(pane, { kind: 'failed', reason: 'copy-mode' });
    expect(await buffers()).toBe('');
    await tmux.run('send-keys', '-t', pane.paneId, '-X', 'cancel');
    expect(await received(pane)).toBe('');
  });

  it('[R273] types nothing where tmux would copy the keys to other panes', async () => {
    const pane = await newReceiver({ session: 'pair' });
    await tmux.run('split-window', '-t', 'pair:', receiver(true));
    await tmux.run('set-option', '-w', '-t', 'pair:', 'synchronize-panes', 'on');
    await bothRefuse(pane, { kind: 'failed', reason: 'synchronize-panes' });
    expect(await received(pane)).toBe('');
  });

  it('refuses a pane id that is none', async () => {
    const pane = await newReceiver();
    await bothRefuse({ ...pane, paneId: `${pane.paneId} ; kill-server` }, { kind: 'failed', reason: 'not a pane' });
    expect(await tmux.serverPid()).toBe(pane.serverPid);
  });

  it('[R102] gives up on a hung server, and what it sent does not arrive later', async () => {
    const pane = await newReceiver();
    const record = await recordedTmux(tmux.dir);
    // The server hangs between the question for its time and the key.
    const stop = { binary: join(tmux.dir, 'stopping') };
    await writeStopping(stop.binary, record.binary, pane.serverPid);
    const keys = keysWith({ ...stop, timeoutMs: 2000 });
    const begun = performance.now();
    expect(await keys.press(pane, 'Enter', never)).toMatchObject({ kind: 'failed' });
    expect(performance.now() - begun).toBeLessThan(30_000);
    process.kill(pane.serverPid, 'SIGCONT');
    expect(await keysWith().paste(pane, 'later', never)).toEqual({ kind: 'sent' });
    await waitFor(async () => (await received(pane)).endsWith('later\x1b[201~'));
    expect(await received(pane)).toBe('\x1b[200~later\x1b[201~');
  });

  const sends = process.env.CF_LONG === '1' ? 10_000 : 300;
  it(`[R273] lets no key reach a wrong pane while panes die and ids are reused (${sends} sends)`, {
    timeout: sends * 600,
  }, async () => {
    const keys = keysWith();
    let target = await newReceiver({ bracketed: false });
    let churning: Promise<unknown> = Promise.resolve();
    const results = { sent: 0, stale: 0, failed: 0 };
    for (let i = 0; i < sends; i++) {
      if (i % 10 === 5)
        churning = i % 20 === 5 ? restart() : tmux.run('respawn-pane', '-k', '-t', target.paneId, receiver(false));
      const result = await keys.paste(target, `<to ${target.panePid}>`, never);
      results[result.kind]++;
      if (i % 10 === 9) {
        await churning;
        // All sends so far may have come before the change.
        results[(await keys.paste(target, `<to ${target.panePid}>`, never)).kind]++;
        target = await newReceiver({ bracketed: false });
      }
    }
    await churning;
    expect(results.sent).toBeGreaterThan(sends / 4);
    expect(results.stale).toBeGreaterThan(sends / 10);
    for (const name of await files()) {
      const got = await readFile(join(tmux.dir, name), 'utf8');
      expect(got.replaceAll(`<to ${name.slice('got-'.length)}>`, '')).toBe('');
    }
  });

  /** The new server's first pane takes the id of the old one's. */
  async function restart(): Promise<void> {
    await tmux.killServer();
    await tmux.newPane(receiver(false));
  }
});

/** A tmux that stops the server right before the guarded key is sent. */
async function writeStopping(path: string, binary: string, serverPid: number): Promise<void> {
  const script = `#!/bin/sh\ncase "$*" in *if-shell*) kill -STOP ${serverPid};; esac\nexec ${binary} "$@"\n`;
  await writeFile(path, script);
  await chmod(path, 0o755);
}

describe('a key that answers a dialog', () => {
  const showing = (lines: string): string =>
    String.raw`stty raw -echo; printf '${lines.replaceAll('\n', '\\r\\n')}\r\nready'; exec cat > ${tmux.dir}/got-$$`;

  async function paneShowing(lines: string): Promise<PaneIdentity> {
    const pane = await tmux.newPane(showing(lines));
    await waitFor(async () => (await tmux.screen(pane.paneId)).includes('ready'));
    await waitFor(async () => (await files()).includes(`got-${pane.panePid}`));
    return pane;
  }

  it.each([
    ['❯ 1. Yes', ' Do you want to proceed?\n ❯ 1. Yes\n   2. No'],
    ['❯ 1. Yes', '│ ❯ 1. Yes            │\n│   2. No              │'],
    ['Yes, I trust this folder', ' ❯ No, exit\n   Yes, I trust this folder'],
    ['❯ Yes, I trust this folder', '   No, exit\n ❯ Yes, I trust this folder'],
  ])('[R265] is pressed while "%s" stands there', async (line, screen) => {
    const pane = await paneShowing(screen);
    expect(await keysWith().press(pane, '1', never, line)).toEqual({ kind: 'sent' });
    await waitFor(async () => (await received(pane)) === '1');
  });

  it.each([
    ['❯ 1. Yes', ' ❯ 1. Yes, and switch to usage credits\n   2. No'],
    ['❯ 1. Yes', '   1. Yes\n ❯ 2. No'],
    ['❯ 1. Yes', ' ❯ 1x Yes\n   2. No'],
    ['❯ Yes, I trust this folder', ' ❯ No, exit\n   Yes, I trust this folder'],
    ['❯ 1. Yes', 'he said: ❯ 1. Yes'],
    ['❯ 1. Yes', ''],
  ])('[R264 R265] reaches nothing when "%s" does not stand there by itself', async (line, screen) => {
    const pane = await paneShowing(screen);
    const answer = await keysWith().press(pane, 'Enter', never, line);
    expect(answer).toMatchObject({ kind: 'failed', reason: expect.stringContaining('has changed') });
    expect(await received(pane)).toBe('');
  });

  it('[R101] is never looked for by words that tmux would obey', async () => {
    const pane = await paneShowing('#{pid}');
    for (const line of ['#{pid}', 'a}b', "a' ; kill-server '", '#(touch x)', 'Yes.*', ''])
      expect(await keysWith().press(pane, '1', never, line)).toMatchObject({ kind: 'failed' });
    expect(await received(pane)).toBe('');
  });
});
