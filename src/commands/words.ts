/** What a group of words on the command line is put together with. */
import type { Command, Option } from 'commander';
import type { CommandIo, GlobalOptions } from './io.ts';

export interface Words {
  command(usage: string, description: string): Command;
  json(): Option;
  globals(): GlobalOptions;
  /** What becomes of a command's exit code. */
  end(code: number): void;
  readonly io: CommandIo;
}
