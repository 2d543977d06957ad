/** The texts exchanged with tmux: the pane list, the batch of captures, and how their output is read. */
import type { PaneIdentity } from '../../core/panes.ts';

/** One pane as `list-panes` tells it; a pane that is linked into several sessions is one row here. */
export interface PaneRow {
  readonly identity: PaneIdentity;
  readonly sessionNames: readonly string[];
  /** `session:window.pane` in the first of its sessions. */
  readonly label: string;
  readonly windowId: string;
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

/** Asked first, so that nothing comes between that instant and the list that is not in the list. */
const SERVER_FORMAT = '#{pid} #{start_time} #{T:#{l:%s}}';

/** Never `history_bytes`: its cost grows with the scrollback. The session name is last, as only it may hold a space. */
const LIST_FORMAT = [
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

export const LIST_ARGS: readonly string[] = [
  'display-message',
  '-p',
  SERVER_FORMAT,
  ';',
  'list-panes',
  '-a',
  '-F',
  LIST_FORMAT,
];

/** @returns null when the server did not tell who it is, or not a single line reads as a pane */
export function parsePaneList(server: string, stdout: string): PaneList | null {
  const [head = '', ...lines] = stdout.split('\n');
  const [serverPid = 0, serverStartedAtS = 0, serverTimeS] = head.split(' ').map(Number);
  if (serverTimeS === undefined || !/^\d+ \d+ \d+$/.test(head)) return null;
  const panes = new Map<string, PaneRow>();
  for (const line of lines) {
    const pane = parseRow({ server, serverPid, serverStartedAtS }, line);
    if (pane === null) continue;
    const known = panes.get(pane.identity.paneId);
    panes.set(pane.identity.paneId, known === undefined ? pane : inAnotherSession(known, pane));
  }
  return panes.size === 0 ? null : { serverPid, serverTimeS, panes: [...panes.values()] };
}

type ServerIdentity = Pick<PaneIdentity, 'server' | 'serverPid' | 'serverStartedAtS'>;

function parseRow(server: ServerIdentity, line: string): PaneRow | null {
  const fields = line.split(' ');
  const [paneId = '', pid, dead, inMode, activity, windowId = '', columns, rows, attached, lastKey, tty = '', place] =
    fields;
  const sessionName = fields.slice(12).join(' ');
  const numbers = [pid, activity, columns, rows, lastKey].map(Number);
  if (sessionName === '' || !/^%\d+$/.test(paneId) || !numbers.every(Number.isSafeInteger)) return null;
  const [panePid = 0, activityS = 0, width = 0, height = 0, clientActivityS = 0] = numbers;
  return {
    identity: { ...server, paneId, panePid },
    sessionNames: [sessionName],
    label: `${sessionName}:${place}`,
    windowId,
    tty,
    width,
    height,
    inMode: inMode !== '0' && inMode !== '',
    dead: dead === '1',
    activityS,
    signature: `${activity} ${windowId} ${width}x${height} ${dead}`,
    clientActivityS: attached === '0' ? null : clientActivityS,
  };
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
  const [start = '', ...blocks] = `\n${stdout}`.split(`\n${mark} `);
  const before = start.slice(1);
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
