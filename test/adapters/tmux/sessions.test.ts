/** Making and ending sessions of real tmux servers: the one that was meant, or none. */
import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSessionMaker, type SessionsOptions } from '../../../src/adapters/tmux/sessions.ts';
import type { PaneIdentity } from '../../../src/core/panes.ts';
import type { Made, SessionMaker } from '../../../src/ports/lifecycle.ts';
import { clientEnv, silentLog } from '../../support/panes.ts';
import { startTmux, type TestTmux } from '../../support/tmux.ts';
import { waitFor } from '../../support/wait.ts';

const never = new AbortController().signal;
let tmux: TestTmux;
let dir: string;

beforeEach(async () => {
  tmux = await startTmux();
  dir = realpathSync(tmux.dir);
});
afterEach(async () => {
  // A server that an adapter started is not known to the test's own client.
  await tmux.run('kill-server').catch(() => '');
  await tmux.kill();
});

function maker(options: Partial<SessionsOptions> = {}): SessionMaker {
  return createSessionMaker({
    binary: 'tmux',
    commandTimeoutMs: 15_000,
    env: clientEnv,
    serverEnv: { ...clientEnv, HOME: dir, SHELL: '/bin/sh' },
    starter: { kind: 'plain' },
    log: silentLog,
    ...options,
  });
}

const make = (session: string, cwd = dir, own = maker()): Promise<Made> => own.make(tmux.socket, session, cwd, never);

async function made(session: string, cwd = dir): Promise<PaneIdentity> {
  const result = await make(session, cwd);
  if (result.kind !== 'made') throw new Error(JSON.stringify(result));
  return result.pane;
}

const names = async (): Promise<readonly string[]> =>
  (await tmux.run('list-sessions', '-F', '#{session_name}')).split('\n');
const cwdOf = (pane: PaneIdentity): Promise<string> =>
  tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_current_path}');

describe('making a session', () => {
  beforeEach(() => tmux.newPane('exec sleep 1000', { session: 'ccl-11' }));

  it('makes exactly the one of this name, beside those whose names begin alike [R100] [R60]', async () => {
    const pane = await made('ccl-1');
    expect([...(await names())].sort()).toEqual(['ccl-1', 'ccl-11']);
    expect(await tmux.run('display-message', '-p', '-t', pane.paneId, '#{session_name} #{pane_pid}')).toBe(
      `ccl-1 ${pane.panePid}`,
    );
    expect(await make('ccl-1')).toEqual({ kind: 'exists' });
  });

  it.each([
    'a #(touch owned)',
    '#{session_name}',
    "it's; rm -rf x",
    '--flag',
    'ünïcode',
    '##',
    '%H',
    '$HOME {a}',
    'a\nb',
  ])('begins in the directory %s, whose name is never obeyed [R60]', async (name) => {
    const cwd = join(dir, name);
    mkdirSync(cwd);
    const pane = await made('s', cwd);
    await waitFor(async () => (await cwdOf(pane)) === cwd);
    expect(await tmux.run('list-sessions', '-F', '#{session_name}')).not.toContain('owned');
  });

  it('is refused where there is no such directory, and for a name that tmux would change [R104]', async () => {
    expect(await make('s', join(dir, 'gone'))).toMatchObject({ kind: 'refused', reason: 'no_directory' });
    for (const name of ['a.b', 'a:b', '', '-x', '#{pid}']) expect(await make(name)).toMatchObject({ reason: 'name' });
    expect(await names()).toEqual(['ccl-11']);
  });
});

describe('a tmux server that does not run', () => {
  it('is started outside of a service, with what a login shell has and nothing else', async () => {
    await made('first');
    const env = await tmux.run('show-environment', '-g');
    expect(env).toContain(`HOME=${dir}`);
    expect(env).not.toMatch(/TOKEN|CF_GUARD/);
  });

  it('is not started inside of the daemon’s own service [R276]', async () => {
    const own = maker({ starter: { kind: 'refused', detail: 'start it yourself' } });
    expect(await make('first', dir, own)).toEqual({
      kind: 'refused',
      reason: 'no_server',
      detail: 'start it yourself',
    });
    await expect(names()).rejects.toThrow();
  });

  it('is not started inside of the daemon’s own service when the one that ran ends meanwhile [R276]', async () => {
    await made('first');
    const program = join(dir, 'ends-after-an-answer');
    const ends = `if [ "$4" = has-session ]; then tmux -S ${tmux.socket} kill-server; fi`;
    writeFileSync(program, `#!/bin/sh\ntmux "$@"; code=$?\n${ends}\nexit $code\n`);
    chmodSync(program, 0o755);
    const own = maker({ binary: program, starter: { kind: 'refused', detail: 'start it yourself' } });
    expect(await make('second', dir, own)).toMatchObject({ kind: 'refused', reason: 'tmux' });
    await expect(names()).rejects.toThrow();
  });

  it('gets a unit of its own from the user’s manager [R276]', async () => {
    const program = join(dir, 'systemd-run');
    writeFileSync(
      program,
      `#!/bin/sh\necho "$*" >> ${dir}/asked\nwhile [ "$1" != -- ]; do shift; done; shift\nexec "$@"\n`,
    );
    chmodSync(program, 0o755);
    const own = maker({ starter: { kind: 'unit', program, args: ['--user', '--'] } });
    expect(await make('first', dir, own)).toMatchObject({ kind: 'made' });
    expect(await names()).toEqual(['first']);
    const asked = readFileSync(join(dir, 'asked'), 'utf8');
    expect(asked).toContain(`--user -- tmux -u -S ${tmux.socket} start-server`);
    expect(asked.split('\n').filter((line) => line !== '')).toHaveLength(1);
  });

  it('that hangs or is missing is told, not thrown', async () => {
    const own = maker({ binary: join(dir, 'no-such-tmux') });
    expect(await make('first', dir, own)).toMatchObject({ kind: 'refused', reason: 'tmux' });
  });
});

describe('ending a session', () => {
  beforeEach(() => tmux.newPane('exec sleep 1000', { session: 'other' }));

  it('ends the one of this very pane [R244]', async () => {
    const pane = await made('ccl-1');
    await made('ccl-11');
    expect(await maker().end(pane, 'ccl-1', never)).toEqual({ kind: 'ended' });
    expect([...(await names())].sort()).toEqual(['ccl-11', 'other']);
  });

  it('ends none whose name, process or server is another one [R244]', async () => {
    const pane = await made('ccl-1');
    const wrong: readonly [PaneIdentity, string][] = [
      [pane, 'other'],
      [{ ...pane, panePid: pane.panePid + 1 }, 'ccl-1'],
      [{ ...pane, serverPid: pane.serverPid + 1 }, 'ccl-1'],
      [{ ...pane, serverStartedAtS: pane.serverStartedAtS + 1 }, 'ccl-1'],
      [{ ...pane, paneId: '%999' }, 'ccl-1'],
      [{ ...pane, paneId: '%0; kill-server' }, 'ccl-1'],
    ];
    for (const [identity, name] of wrong)
      expect(await maker().end(identity, name, never)).toMatchObject({ kind: 'refused' });
    expect([...(await names())].sort()).toEqual(['ccl-1', 'other']);
  });

  it('leaves a session in which somebody opened another window or pane [R244]', async () => {
    const pane = await made('ccl-1');
    await tmux.run('new-window', '-t', '=ccl-1:', 'exec sleep 1000');
    expect(await maker().end(pane, 'ccl-1', never)).toEqual({
      kind: 'refused',
      reason: 'ccl-1 has other windows or panes',
    });
    const second = await made('ccl-2');
    await tmux.run('split-window', '-t', second.paneId, 'exec sleep 1000');
    expect(await maker().end(second, 'ccl-2', never)).toMatchObject({ kind: 'refused' });
    expect(await names()).toContain('ccl-1');
  });

  it('is done when somebody else ended it, as long as nothing else has its name [R244]', async () => {
    const pane = await made('ccl-1');
    await tmux.run('kill-session', '-t', '=ccl-1');
    expect(await maker().end(pane, 'ccl-1', never)).toEqual({ kind: 'ended' });
    await made('ccl-1');
    expect(await maker().end(pane, 'ccl-1', never)).toEqual({
      kind: 'refused',
      reason: 'its pane is gone, and another session has its name',
    });
    expect([...(await names())].sort()).toEqual(['ccl-1', 'other']);
  });

  it('is done when there was no other session, so that the server ends with it', async () => {
    const pane = await made('ccl-1');
    await tmux.run('kill-session', '-t', '=other');
    expect(await maker().end(pane, 'ccl-1', never)).toEqual({ kind: 'ended' });
    expect(await maker().end(pane, 'ccl-1', never)).toEqual({ kind: 'ended' });
    expect(await maker().names(tmux.socket, never)).toEqual([]);
  });
});

describe('what a pane shows', () => {
  it('is read with what scrolled off it, and only of that very pane [R222]', async () => {
    // Ended by a word without a newline, which would come after what is waited for and scroll once more.
    const lines = 'for i in $(seq 100); do echo "line $i"; done; printf end; exec sleep 1000';
    const pane = await tmux.newPane(lines, { height: 10 });
    await waitFor(async () => (await tmux.screen(pane.paneId)).includes('end'));
    const tail = await maker().tail(pane, 200, never);
    expect(tail?.text.split('\n').slice(0, 2)).toEqual(['line 1', 'line 2']);
    expect(tail?.cwd).toBe(await cwdOf(pane));
    expect((await maker().tail(pane, 200, never))?.hash).toBe(tail?.hash);
    expect(await maker().tail({ ...pane, panePid: 1 }, 200, never)).toBeNull();
  });
});
