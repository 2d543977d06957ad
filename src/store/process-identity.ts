/** Names a process for good: its start time since boot, and the boot it belongs to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)); null: no such process, or only its remains. */
export function readStartTicks(procRoot: string, pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(join(procRoot, String(pid), 'stat'), 'utf8');
  } catch {
    return null;
  }
  // The name in field 2 may hold spaces and parentheses; the fields after its last one do not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? null : (fields[19] ?? null);
}

/** Empty where the kernel does not tell. */
export function readBootId(procRoot: string): string {
  try {
    return readFileSync(join(procRoot, 'sys/kernel/random/boot_id'), 'utf8').trim();
  } catch {
    return '';
  }
}
