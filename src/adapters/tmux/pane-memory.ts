/** What is remembered of a pane from one sweep to the next, and when its screen must be captured again. */
import { createHash } from 'node:crypto';
import type { AgentProcess, PaneView, Screen } from '../../core/panes.ts';
import type { EpochMs } from '../../core/time.ts';
import type { PaneRow } from './parse.ts';

export interface PaneMemory {
  readonly row: PaneRow;
  readonly process: AgentProcess | null;
  readonly screen: Screen | null;
  /** The server's clock at the beginning of the list before the last successful capture, epoch seconds. */
  readonly watermarkS: number;
  /** `PaneRow.signature` at that time. */
  readonly signature: string;
  readonly failures: number;
}

export function newMemory(row: PaneRow): PaneMemory {
  return { row, process: null, screen: null, watermarkS: Number.NEGATIVE_INFINITY, signature: '', failures: 0 };
}

/**
 * Whether the screen may differ from the one remembered. tmux stamps activity in whole seconds, so output in the second
 * in which that list began may have come after the capture: an equal second counts as a change.
 */
export function mustCapture(memory: PaneMemory, row: PaneRow): boolean {
  if (memory.screen === null) return true;
  return row.activityS >= memory.watermarkS || row.signature !== memory.signature;
}

export function withCapture(memory: PaneMemory, text: string, watermarkS: number, now: EpochMs): PaneMemory {
  return {
    ...memory,
    screen: screenOf(text, memory.screen, now),
    watermarkS,
    signature: memory.row.signature,
    failures: 0,
  };
}

/** @param before the last screen known of this pane; the same text keeps its `changedAt` */
export function screenOf(text: string, before: Screen | null, now: EpochMs): Screen {
  if (before !== null && before.text === text) return { ...before, capturedAt: now };
  return { text, hash: createHash('sha1').update(text).digest('base64url'), capturedAt: now, changedAt: now };
}

export function viewOf(
  memory: PaneMemory,
  observed: boolean,
  asked: Pick<PaneView, 'cwd' | 'shellInFront'> = { cwd: null, shellInFront: null },
): PaneView {
  const { row } = memory;
  return {
    identity: row.identity,
    sessionName: row.sessionNames[0] ?? '',
    label: row.label,
    tty: row.tty,
    width: row.width,
    height: row.height,
    inMode: row.inMode,
    dead: row.dead,
    clientActivityAt: row.clientActivityS === null ? null : row.clientActivityS * 1000,
    process: memory.process,
    ...asked,
    screen: memory.screen,
    observed,
    failures: memory.failures,
  };
}
