/** `hook uninstall --project`: takes the safety hook out of a project. */
import { resolve } from 'node:path';
import { removeHook } from '../adapters/safety/hook-files.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { clean } from './text.ts';

export interface HookProjectOptions extends GlobalOptions {
  /** The directory of the project. */
  readonly project: string;
  readonly dryRun?: boolean;
}

/** @returns 0, or 1 when a file is not what it should be */
export function uninstallSafetyHook({ project, dryRun = false }: HookProjectOptions, io: CommandIo): number {
  try {
    const files = removeHook(resolve(project), process.getuid?.() ?? 0, dryRun);
    if (files.length === 0) io.out(`unchanged   ${clean(project)}: it has no safety hook\n`);
    for (const file of files)
      io.out(`${dryRun ? 'would change' : 'changed'.padEnd(11)} ${clean(file)}: without the safety hook\n`);
    return EXIT.ok;
  } catch (error) {
    io.err(`claude-failover: ${clean(error instanceof Error ? error.message : String(error))}\n`);
    io.err('next: mend it, then run the same command again\n');
    return EXIT.error;
  }
}
