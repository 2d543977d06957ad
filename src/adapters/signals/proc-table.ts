/** The process table as /proc shows it, kept from call to call so that a look at a few processes reads only those. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/** `/proc/<pid>/stat`, see proc_pid_stat(5). */
export interface ProcStat {
  readonly pid: number;
  readonly comm: string;
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  /** Foreground process group of its terminal; -1: no terminal. */
  readonly tpgid: number;
  /** Clock ticks since boot; with the pid it names the process for good. */
  readonly startTicks: string;
}

export interface ProcTable {
  /** Learns which processes came and went. `whole`: reads every process again, not only the new ones. */
  update(whole: boolean): void;
  has(pid: number): boolean;
  pids(): readonly number[];
  /** Reads one process again; null: gone, or only waiting to be reaped. */
  refresh(pid: number): ProcStat | null;
  /** By what was last read; refresh a child to be sure of it. */
  childrenOf(pid: number): readonly number[];
}

export function createProcTable(procRoot: string): ProcTable {
  const stats = new Map<number, ProcStat>();
  const children = new Map<number, number[]>();
  /** A process came, went or got another parent since `children` was made. */
  let changed = true;
  const buffer = Buffer.alloc(4096);

  function read(pid: number): ProcStat | null {
    const stat = readStat(procRoot, pid, buffer);
    changed ||= stat?.ppid !== stats.get(pid)?.ppid;
    if (stat === null) stats.delete(pid);
    else stats.set(pid, stat);
    return stat;
  }

  return {
    update(whole) {
      const present = new Set<number>();
      for (const name of readdirSync(procRoot)) {
        const pid = Number(name);
        if (Number.isInteger(pid) && pid > 0) present.add(pid);
      }
      for (const pid of stats.keys()) if (!present.has(pid)) changed = stats.delete(pid);
      for (const pid of present) if (whole || !stats.has(pid)) read(pid);
      if (!changed) return;
      changed = false;
      children.clear();
      for (const { pid, ppid } of stats.values()) {
        const siblings = children.get(ppid);
        if (siblings === undefined) children.set(ppid, [pid]);
        else siblings.push(pid);
      }
    },
    has: (pid) => stats.has(pid),
    pids: () => [...stats.keys()],
    refresh(pid) {
      const stat = read(pid);
      return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : stat;
    },
    childrenOf: (pid) => children.get(pid) ?? [],
  };
}

/** Synchronous: such a file is made in memory, and waiting for a thread would cost ten times its reading. */
function readStat(procRoot: string, pid: number, buffer: Buffer): ProcStat | null {
  let file: number;
  try {
    file = openSync(`${procRoot}/${pid}/stat`, 'r');
  } catch {
    return null;
  }
  try {
    return parseStat(pid, buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0)));
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

/** The name may hold blanks and brackets, so the fields are counted from its last bracket. */
function parseStat(pid: number, text: string): ProcStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open === -1 || close === -1) return null;
  const [state, ppid, pgrp, , , tpgid, ...rest] = text
    .slice(close + 2)
    .trimEnd()
    .split(' ');
  const startTicks = rest[13];
  if (state === undefined || startTicks === undefined || !/^\d+$/.test(startTicks)) return null;
  return {
    pid,
    comm: text.slice(open + 1, close),
    state,
    ppid: Number(ppid),
    pgrp: Number(pgrp),
    tpgid: Number(tpgid),
    startTicks,
  };
}
