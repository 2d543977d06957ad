/** The texts exchanged with tmux: the pane list, the batch of captures, and how their output is read. */
import type { PaneIdentity } from '../../core/panes.ts';

/** One pane as `list-panes` tells it; a pane that is linked into several sessions is one row here. */
export interface PaneRow {
  readonly identity: PaneIdentity;
  readonly sessionNames: readonly string[];
  /** `session:window.pane` in the first of its sessions. */
  readonly label: string;
  readonly tty: string;
  readonly width: number;
  readonly height: number;
  readonly inMode: boolean;
  readonly dead: boolean;
  /** When the pane's window last got output, epoch seconds by the server's clock. */
  readonly activityS: number;
  /** Changes with whatever can change the screen, but for output within one second. */
  readonly signature: string;
  /** Last key in a session that shows this pane and has a client, epoch seconds; null: no client. */
  readonly clientActivityS: number | null;
}

export interface PaneList {
  readonly serverPid: number;
  /** The server's clock when it began the list, epoch seconds. */
  readonly serverTimeS: number;
  readonly panes: readonly PaneRow[];
}

/** Never `history_bytes`: its cost grows with the scrollback. The session name is last, as only it may hold a space. */
const LIST_FORMAT = [
  '#{pid}',
  '#{start_time}',
  '#{T:#{l:%s}}',
  '#{pane_id}',
  '#{pane_pid}',
  '#{pane_dead}',
  '#{pane_in_mode}',
  '#{window_activity}',
  '#{window_id}',
  '#{pane_width}',
  '#{pane_height}',
  '#{session_attached}',
  '#{session_activity}',
  '#{pane_tty}',
  '#{window_index}.#{pane_index}',
  '#{session_name}',
].join(' ');

export const LIST_ARGS: readonly string[] = ['list-panes', '-a', '-F', LIST_FORMAT];

/** @returns null when not a single line reads as a pane */
export function parsePaneList(server: string, stdout: string): PaneList | null {
  const panes = new Map<string, PaneRow>();
  let serverPid = 0;
  let serverTimeS = Number.POSITIVE_INFINITY;
  for (const line of stdout.split('\n')) {
    const row = parseRow(server, line);
    if (row === null) continue;
    serverPid = row.pane.identity.serverPid;
    serverTimeS = Math.min(serverTimeS, row.timeS);
    const known = panes.get(row.pane.identity.paneId);
    panes.set(row.pane.identity.paneId, known === undefined ? row.pane : inAnotherSession(known, row.pane));
  }
  return panes.size === 0 ? null : { serverPid, serverTimeS, panes: [...panes.values()] };
}

function parseRow(server: string, line: string): { readonly pane: PaneRow; readonly timeS: number } | null {
  const fields = line.split(' ');
  const [pid, start, time, paneId, panePid, dead, inMode, activity, windowId, width, height] = fields;
  const [attached, sessionActivity, tty, place] = fields.slice(11);
  const sessionName = fields.slice(15).join(' ');
  if (sessionName === '' || paneId === undefined || !/^%\d+$/.test(paneId)) return null;
  const numbers = [pid, start, time, panePid, activity, width, height, sessionActivity].map(Number);
  if (!numbers.every(Number.isSafeInteger)) return null;
  const [serverPid = 0, serverStartedAtS = 0, timeS = 0, panePidNumber = 0, activityS = 0, columns = 0, rows = 0] =
    numbers;
  const pane: PaneRow = {
    identity: { server, serverPid, serverStartedAtS, paneId, panePid: panePidNumber },
    sessionNames: [sessionName],
    label: `${sessionName}:${place}`,
    tty: tty ?? '',
    width: columns,
    height: rows,
    inMode: inMode !== '0' && inMode !== '',
    dead: dead === '1',
    activityS,
    signature: `${activity} ${windowId} ${width}x${height} ${dead}`,
    clientActivityS: attached === '0' ? null : Number(sessionActivity),
  };
  return { pane, timeS };
}

function inAnotherSession(known: PaneRow, again: PaneRow): PaneRow {
  const activities = [known.clientActivityS, again.clientActivityS].filter((at) => at !== null);
  return {
    ...known,
    sessionNames: [...known.sessionNames, ...again.sessionNames],
    clientActivityS: activities.length === 0 ? null : Math.max(...activities),
  };
}

/** After so many captures the server attends to its other clients before it goes on. */
const CAPTURES_PER_TURN = 50;

/**
 * A script for `source-file -` that captures these panes, each after a line with `mark`. Unlike a sequence of commands
 * it goes on after a pane that is gone.
 */
export function captureScript(paneIds: readonly string[], mark: string): string {
  const lines = [`display-message -p '${mark} server #{pid} #{start_time}'`];
  for (const [index, paneId] of paneIds.entries()) {
    if (index > 0 && index % CAPTURES_PER_TURN === 0) lines.push('run-shell -d 0.001');
    // A '%' in the message itself would go through strftime.
    lines.push(`display-message -p -t ${paneId} '${mark} pane ${paneId.slice(1)} #{pane_pid}'`);
    lines.push(`capture-pane -p -J -t ${paneId}`);
  }
  lines.push(`display-message -p '${mark} end'`, '');
  return lines.join('\n');
}

/** The list, the working directory of one pane's foreground program, and a capture of it, in one script. */
export function observeScript(paneId: string, mark: string): string {
  const list = LIST_ARGS.map((word) => (word.startsWith('#') ? `'${word}'` : word)).join(' ');
  const cwd = `display-message -p -t ${paneId} '${mark} cwd #{pane_current_path}'`;
  return [list, captureScript([paneId], mark).replace('\n', `\n${cwd}\n`)].join('\n');
}

export interface CaptureOutput {
  /** What stood before the first mark. */
  readonly before: string;
  /** As `observeScript` asked for it; null: not asked, or not known. */
  readonly cwd: string | null;
  /** Screens by pane id; null: the server that answered is not the one that was asked about. */
  readonly screens: ReadonlyMap<string, string> | null;
}

/**
 * Reads the output of `captureScript`. A screen counts only when its pane still had the expected process, it is not empty
 * and the next mark follows: nothing that was cut off is taken for a screen.
 */
export function parseCaptures(stdout: string, mark: string, panes: readonly PaneIdentity[]): CaptureOutput {
  const [before = '', ...blocks] = `\n${stdout}`.split(`\n${mark} `);
  const expected = new Map(panes.map((pane) => [pane.paneId, pane.panePid]));
  const first = panes[0];
  const server = first === undefined ? '' : `server ${first.serverPid} ${first.serverStartedAtS}`;
  if (blocks[0] !== server) return { before, cwd: null, screens: null };
  const cwd = blocks.find((block) => block.startsWith('cwd '))?.slice('cwd '.length) || null;
  const screens = new Map<string, string>();
  for (const block of blocks.slice(1, -1)) {
    const endOfMark = block.indexOf('\n');
    const [, id, pid] = block.slice(0, Math.max(0, endOfMark)).split(' ');
    if (endOfMark === -1 || expected.get(`%${id}`) !== Number(pid)) continue;
    screens.set(`%${id}`, withoutTrailingSpaces(block.slice(endOfMark + 1)));
  }
  return { before, cwd, screens };
}

/** `capture-pane -J` keeps the blanks at the end of lines. Only spaces go: a no-break space may be part of a prompt. */
function withoutTrailingSpaces(text: string): string {
  const lines = text.split('\n');
  return lines.map((line) => line.slice(0, endOfText(line))).join('\n');
}

function endOfText(line: string): number {
  let end = line.length;
  while (end > 0 && line.charCodeAt(end - 1) === 0x20) end--;
  return end;
}
