/** Hearing of writes to terminals: when a pane may be taken to be at rest without asking tmux. */
import { appendFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaneRow } from '../../../src/adapters/tmux/parse.ts';
import { type Listen, listenToFile, QuietTerminals } from '../../../src/adapters/tmux/terminals.ts';
import { startTmux } from '../../support/tmux.ts';
import { waitFor } from '../../support/wait.ts';

function row(tty: string, activityS: number, windowId = `@${tty}`): PaneRow {
  return { tty, activityS, windowId, dead: false } as PaneRow;
}

/** A kernel whose notices are given by hand. */
function byHand(refuse: (path: string) => boolean = () => false) {
  const ears = new Map<string, Set<() => void>>();
  const listen: Listen = (path, onWrite) => {
    if (refuse(path)) return null;
    const mine = ears.get(path) ?? new Set();
    ears.set(path, mine.add(onWrite));
    return { close: () => mine.delete(onWrite) };
  };
  return {
    listen,
    write: (path: string) => {
      for (const onWrite of ears.get(path) ?? []) onWrite();
    },
    open: () => [...ears.values()].reduce((sum, each) => sum + each.size, 0),
  };
}

describe('terminals at rest', () => {
  it('are still only once a list that began after they were listened to shows no output', () => {
    const kernel = byHand();
    const terminals = new QuietTerminals(kernel.listen);
    terminals.listed([row('a', 10)], 20);
    expect(terminals.isStill).toBe(false);
    terminals.listed([row('a', 10)], 22);
    expect(terminals.isStill).toBe(true);
  });

  it('are not still in the second of their last output', () => {
    const terminals = new QuietTerminals(byHand().listen);
    for (let list = 0; list < 3; list++) terminals.listed([row('a', 20)], 20);
    expect(terminals.isStill).toBe(false);
  });

  it('wake at the first write, and a busy terminal is listened to no longer', () => {
    const kernel = byHand();
    const terminals = new QuietTerminals(kernel.listen);
    for (const at of [20, 22]) terminals.listed([row('a', 10), row('b', 10)], at);
    const open = kernel.open();
    kernel.write('a');
    expect(terminals.isStill).toBe(false);
    expect(kernel.open()).toBe(open - 1);
    terminals.listed([row('a', 23), row('b', 10)], 24);
    expect(terminals.isStill).toBe(false);
    terminals.listed([row('a', 23), row('b', 10)], 26);
    expect(terminals.isStill).toBe(true);
  });

  it('wake when any terminal is new', () => {
    const kernel = byHand();
    const terminals = new QuietTerminals(kernel.listen);
    for (const at of [20, 22]) terminals.listed([row('a', 10)], at);
    kernel.write('/dev/pts');
    expect(terminals.isStill).toBe(false);
  });

  it('are never trusted again when output was seen of which nothing was heard', () => {
    const terminals = new QuietTerminals(byHand().listen);
    for (const at of [20, 22]) terminals.listed([row('a', 10)], at);
    for (const at of [24, 26, 28]) terminals.listed([row('a', 23)], at);
    expect(terminals.isStill).toBe(false);
  });

  it('are trusted when another pane of their window explains the output', () => {
    const kernel = byHand();
    const terminals = new QuietTerminals(kernel.listen);
    for (const at of [20, 22]) terminals.listed([row('a', 10, '@1'), row('b', 10, '@1')], at);
    kernel.write('b');
    for (const at of [26, 28]) terminals.listed([row('a', 23, '@1'), row('b', 23, '@1')], at);
    expect(terminals.isStill).toBe(true);
  });

  it('are never still where the kernel tells nothing', () => {
    for (const path of ['a', '/dev/pts']) {
      const terminals = new QuietTerminals(byHand((asked) => asked === path).listen);
      for (const at of [20, 22, 24]) terminals.listed([row('a', 10)], at);
      expect(terminals.isStill).toBe(false);
    }
  });

  it('leave no ear behind', () => {
    const kernel = byHand();
    const terminals = new QuietTerminals(kernel.listen);
    for (const at of [20, 22]) terminals.listed([row('a', 10), row('b', 10)], at);
    terminals.listed([row('a', 10)], 24);
    expect(kernel.open()).toBe(2);
    terminals.close();
    expect(kernel.open()).toBe(0);
  });

  it('never hide a write, in any order of writes and lists', () => {
    const steps = fc.array(fc.constantFrom('write a', 'write b', 'list'), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (history) => {
        const kernel = byHand();
        const terminals = new QuietTerminals(kernel.listen);
        let now = 100;
        const wrote = { a: 0, b: 0 };
        let unlisted = false;
        for (const step of history) {
          now += 1;
          if (step === 'list') {
            terminals.listed([row('a', wrote.a), row('b', wrote.b)], now);
            unlisted = false;
          } else {
            const tty = step === 'write a' ? 'a' : 'b';
            wrote[tty] = now;
            kernel.write(tty);
            unlisted = true;
          }
          if (unlisted) expect(terminals.isStill).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('hears a real program write, and hears no reader', async () => {
    const tmux = await startTmux();
    try {
      const pane = await tmux.newPane('printf ready; exec sleep 1000');
      await waitFor(async () => (await tmux.run('capture-pane', '-p', '-t', pane.paneId)).includes('ready'));
      // The kernel tells of a write when it is over, which may be after tmux has shown it.
      const command = ['display-message', '-p', '-t', pane.paneId, '#{pane_current_command}'];
      await waitFor(async () => (await tmux.run(...command)) === 'sleep');
      const tty = await tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_tty}');
      let heard = 0;
      const ear = listenToFile(tty, () => heard++);
      await tmux.run('capture-pane', '-p', '-t', pane.paneId);
      await tmux.run('list-panes', '-a');
      const before = heard;
      await appendFile(tty, 'more');
      await waitFor(() => heard > 0);
      expect(before).toBe(0);
      ear?.close();
    } finally {
      await tmux.kill();
    }
  });
});
