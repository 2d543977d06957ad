/** Runs a TypeScript file of this directory as a child process and speaks with it line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly process: ChildProcess;
  /** The next line it prints. Rejects when it ends first. */
  line(): Promise<string>;
  /** Ends its input: the sign to finish. */
  finish(): void;
}

export function startChild(file: string, args: readonly string[]): Child {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async line() {
      const next = await lines.next();
      if (next.done === true) throw new Error(`${file} ended without a line`);
      return next.value;
    },
    finish: () => child.stdin.end(),
  };
}
