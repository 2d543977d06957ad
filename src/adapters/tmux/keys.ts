/** Types into one pane or none: who the pane is, and that it may be typed into, is checked in the server step that types. */
import { randomBytes } from 'node:crypto';
import { type PaneIdentity, paneKey } from '../../core/panes.ts';
import { typedText } from '../../core/typed-text.ts';
import type { Clock, KeyResult, Keys, Logger } from '../../ports.ts';
import { createTmuxCommand, MIB, type TmuxReply } from './command.ts';

export interface KeysOptions {
  /** A bare name or an absolute path. */
  readonly binary: string;
  readonly commandTimeoutMs: number;
  /** Least time between a paste and the Enter after it: agents ignore an Enter that comes with a burst. Default 150. */
  readonly submitDelayMs?: number;
  /** The environment of the tmux clients: PATH, and TMUX_TMPDIR for named sockets; absent: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** It becomes part of a tmux format and of a regular expression. */
const SHOWN = /^(?:❯ )?(?:\d\. )?[A-Za-z][A-Za-z ,]{0,100}$/;
/** The server's clock, epoch seconds. */
const SERVER_TIME = '#{T:#{l:%s}}';

export function createKeys(options: KeysOptions): Keys {
  const tmux = createTmuxCommand(options.binary, options.env);
  const submitDelayMs = options.submitDelayMs ?? 150;
  /** Monotonic, by pane key. */
  const pastedAt = new Map<string, number>();

  function run(pane: PaneIdentity, args: readonly string[], signal: AbortSignal, input?: string): Promise<TmuxReply> {
    const call = { timeoutMs: options.commandTimeoutMs, maxBytes: MIB, signal };
    return tmux(pane.server, args, input === undefined ? call : { ...call, input });
  }

  /**
   * A hung server obeys what it was sent as soon as it wakes, even when that client is long dead. So each key carries an
   * expiry by the server's own clock, before the time at which its client is given up.
   */
  function expiry(serverTime: string): number {
    return Number(serverTime) + Math.max(2, Math.floor(options.commandTimeoutMs / 1000));
  }

  async function typeGuarded(
    pane: PaneIdentity,
    expiresAtS: number,
    signal: AbortSignal,
    command: string,
    otherwise = '',
    whileShown?: string,
  ): Promise<{ readonly result: KeyResult; readonly answered: boolean }> {
    const { paneId } = pane;
    const facts = `#{pane_pid} #{pid} #{start_time} #{pane_dead} #{pane_in_mode} #{pane_synchronized}`;
    const refusal = `${otherwise}display-message -p -t ${paneId} 'refused ${facts}'`;
    const accept = `${command} ; display-message -p typed`;
    const reply = await run(
      pane,
      ['if-shell', '-F', '-t', paneId, guard(pane, expiresAtS, whileShown), accept, refusal],
      signal,
    );
    if (reply.kind !== 'ran') return { result: unanswered(reply), answered: false };
    const answer = reply.stdout.trimEnd();
    if (reply.exitCode === 0 && answer === 'typed') return { result: { kind: 'sent' }, answered: true };
    if (answer.startsWith('refused ')) {
      return { result: refused(pane, answer.split(' ').slice(1)), answered: true };
    }
    return { result: { kind: 'failed', reason: complaint(reply.stderr) }, answered: false };
  }

  return {
    async paste(pane, text, signal) {
      const invalid = invalidPane(pane);
      if (invalid !== null) return invalid;
      const typed = typedText(text);
      if (typed === '') return { kind: 'failed', reason: 'nothing to type' };
      const buffer = `claude-failover-${randomBytes(8).toString('hex')}`;
      const load = ['load-buffer', '-b', buffer, '-', ';', 'display-message', '-p', SERVER_TIME];
      const loaded = await run(pane, load, signal, typed);
      const time = serverTime(loaded);
      if (typeof time !== 'string') return time;
      const paste = `paste-buffer -p -d -b ${buffer} -t ${pane.paneId}`;
      const otherwise = `delete-buffer -b ${buffer} ; `;
      const { result, answered } = await typeGuarded(pane, expiry(time), signal, paste, otherwise);
      if (result.kind === 'sent') pastedAt.set(paneKey(pane), options.clock.monotonic());
      if (!answered) await run(pane, ['delete-buffer', '-b', buffer], new AbortController().signal);
      options.log.debug({ pane: pane.paneId, characters: typed.length, result: result.kind }, 'text pasted');
      return result;
    },

    async press(pane, key, signal, whileShown) {
      const invalid = invalidPane(pane);
      if (invalid !== null) return invalid;
      if (whileShown !== undefined && !SHOWN.test(whileShown))
        return { kind: 'failed', reason: 'not a line to look for' };
      const lastPaste = pastedAt.get(paneKey(pane));
      if (key === 'Enter' && lastPaste !== undefined) {
        const dueMs = lastPaste + submitDelayMs - options.clock.monotonic();
        if (dueMs > 0) await options.clock.sleep(dueMs, signal);
        if (signal.aborted) return { kind: 'failed', reason: 'the call was abandoned' };
        pastedAt.delete(paneKey(pane));
      }
      const time = serverTime(await run(pane, ['display-message', '-p', SERVER_TIME], signal));
      if (typeof time !== 'string') return time;
      const command = `send-keys -t ${pane.paneId} ${key}`;
      const { result } = await typeGuarded(pane, expiry(time), signal, command, '', whileShown);
      options.log.debug({ pane: pane.paneId, key, result: result.kind }, 'key pressed');
      return result;
    },
  };
}

/** True in the one step in which the command runs, or nothing is typed. tmux before 3.5 knows `&&` of two only. */
function guard(pane: PaneIdentity, expiresAtS: number, whileShown?: string): string {
  return [
    `#{==:#{pid},${pane.serverPid}}`,
    `#{==:#{start_time},${pane.serverStartedAtS}}`,
    `#{==:#{pane_pid},${pane.panePid}}`,
    '#{==:#{pane_dead},0}',
    '#{==:#{pane_in_mode},0}',
    // Keys would go to every pane of the window.
    '#{==:#{pane_synchronized},0}',
    `#{<:${SERVER_TIME},${expiresAtS}}`,
    // Older versions draw a box around it.
    ...(whileShown === undefined ? [] : [`#{C/r:^[│ ]*${whileShown.replaceAll('.', '[.]')}[│ ]*$}`]),
  ].reduce((all, one) => `#{&&:${all},${one}}`);
}

function refused(pane: PaneIdentity, facts: readonly string[]): KeyResult {
  const [panePid, serverPid, startedAtS, dead, inMode, synchronized] = facts;
  if (serverPid !== String(pane.serverPid) || startedAtS !== String(pane.serverStartedAtS)) {
    return { kind: 'stale', reason: 'the tmux server was restarted' };
  }
  if (panePid === '') return { kind: 'stale', reason: 'the pane is gone' };
  if (panePid !== String(pane.panePid)) return { kind: 'stale', reason: 'another process runs in the pane' };
  if (dead === '1') return { kind: 'stale', reason: 'the program in the pane has ended' };
  if (inMode !== '0') return { kind: 'failed', reason: 'copy-mode' };
  if (synchronized === '1') return { kind: 'failed', reason: 'synchronize-panes' };
  return { kind: 'failed', reason: 'the tmux server answered too late, or the screen has changed' };
}

function unanswered(reply: Exclude<TmuxReply, { readonly kind: 'ran' }>): KeyResult {
  if (reply.kind === 'absent') return { kind: 'stale', reason: 'the tmux server is gone' };
  return { kind: 'failed', reason: reply.reason };
}

/** The time in the reply, or the result that follows from there being none. */
function serverTime(reply: TmuxReply): string | KeyResult {
  if (reply.kind !== 'ran') return unanswered(reply);
  const time = reply.stdout.trim();
  if (reply.exitCode === 0 && /^\d+$/.test(time)) return time;
  return { kind: 'failed', reason: complaint(reply.stderr) };
}

function complaint(stderr: string): string {
  return stderr.trim().slice(0, 200) || 'no answer from tmux';
}

/** The values become part of a tmux command. */
function invalidPane(pane: PaneIdentity): KeyResult | null {
  const numbers = [pane.serverPid, pane.serverStartedAtS, pane.panePid];
  if (/^%\d+$/.test(pane.paneId) && numbers.every(Number.isSafeInteger)) return null;
  return { kind: 'failed', reason: 'not a pane' };
}
