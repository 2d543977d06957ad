/** What a command is given in a test, with everything it printed kept. */
import type { CommandIo } from '../../src/commands/io.ts';
import { FakeClock } from './fake-clock.ts';

export interface CapturedIo extends CommandIo {
  readonly clock: FakeClock;
  /** Standard output so far. */
  stdout: string;
  stderr: string;
}

export function commandIo(change: Partial<CommandIo> & { readonly home: string }): CapturedIo {
  const io: CapturedIo = {
    stdout: '',
    stderr: '',
    out(text) {
      io.stdout += text;
    },
    err(text) {
      io.stderr += text;
    },
    env: {},
    isTTY: false,
    columns: 80,
    signal: new AbortController().signal,
    version: '0.1.0',
    ...change,
    clock: new FakeClock(),
  };
  return io;
}
