/** Reading what tmux prints. */
import { describe, expect, it } from 'vitest';
import { captureScript, parseCaptures, parsePaneList } from '../../../src/adapters/tmux/parse.ts';

const HEAD = '77 1000 2000\n';

const row = (change: Readonly<Record<string, string>> = {}): string => {
  const fields = {
    id: '%3',
    panePid: '88',
    dead: '0',
    inMode: '0',
    activity: '1999',
    window: '@1',
    width: '80',
    height: '24',
    attached: '0',
    sessionActivity: '1500',
    tty: '/dev/pts/3',
    place: '0.1',
    session: 'work',
    ...change,
  };
  return `${Object.values(fields).join(' ')}\n`;
};

describe('the pane list', () => {
  it('reads every field', () => {
    expect(parsePaneList('default', HEAD + row({ session: 'my  work %', attached: '1' }))).toEqual({
      serverPid: 77,
      serverTimeS: 2000,
      panes: [
        {
          identity: { server: 'default', serverPid: 77, serverStartedAtS: 1000, paneId: '%3', panePid: 88 },
          sessionNames: ['my  work %'],
          label: 'my  work %:0.1',
          windowId: '@1',
          tty: '/dev/pts/3',
          width: 80,
          height: 24,
          inMode: false,
          dead: false,
          activityS: 1999,
          signature: '1999 @1 80x24 0',
          clientActivityS: 1500,
        },
      ],
    });
  });

  it('joins the rows of a pane that several sessions show, with the latest key in any of them', () => {
    const text =
      HEAD +
      row({ session: 'a', attached: '1', sessionActivity: '1500' }) +
      row({ session: 'b', attached: '2', sessionActivity: '1700' }) +
      row({ session: 'c', sessionActivity: '1900' });
    const list = parsePaneList('default', text);
    expect(list?.panes).toMatchObject([{ sessionNames: ['a', 'b', 'c'], label: 'a:0.1', clientActivityS: 1700 }]);
  });

  it('reads a pane without a process and without a terminal', () => {
    const list = parsePaneList('default', HEAD + row({ dead: '1', panePid: '0', tty: '' }));
    expect(list?.panes).toMatchObject([{ dead: true, tty: '', identity: { panePid: 0 }, sessionNames: ['work'] }]);
  });

  it.each([
    '',
    row(),
    HEAD,
    `no such command\n${row()}`,
    HEAD + row({ id: '3' }),
    HEAD + row({ panePid: 'x' }),
    HEAD + row({ session: '' }),
  ])('is nothing when no line reads as a pane: %j', (text) => {
    expect(parsePaneList('default', text)).toBeNull();
  });
});

describe('captures', () => {
  const mark = 'cf00';
  const pane = (id: number) => ({
    server: 's',
    serverPid: 77,
    serverStartedAtS: 1000,
    paneId: `%${id}`,
    panePid: id + 50,
  });
  const read = (stdout: string, ...ids: number[]) => parseCaptures(stdout, mark, ids.map(pane));

  it('are told apart by their marks', () => {
    const { screens } = read(
      'cf00 server 77 1000\ncf00 pane 1 51\none\n\n two  \ncf00 pane 2 52\n\n\ncf00 end\n',
      1,
      2,
    );
    expect([...(screens ?? [])]).toEqual([
      ['%1', 'one\n\n two'],
      ['%2', '\n'],
    ]);
  });

  it('keep a no-break space at the end of a line', () => {
    expect(read('cf00 server 77 1000\ncf00 pane 1 51\n❯\u00a0 \ncf00 end\n', 1).screens?.get('%1')).toBe('❯\u00a0');
  });

  it('do not count when the pane has another process, is gone, or was not asked for', () => {
    const text = 'cf00 server 77 1000\ncf00 pane 1 99\na\ncf00 pane 2 \ncf00 pane 9 59\nb\ncf00 end\n';
    expect(read(text, 1, 2).screens?.size).toBe(0);
  });

  it('do not count when the output was cut off', () => {
    const { screens } = read('cf00 server 77 1000\ncf00 pane 1 51\none\ncf00 pane 2 52\ntw', 1, 2);
    expect([...(screens ?? []).keys()]).toEqual(['%1']);
  });

  it('of another server are not read', () => {
    expect(read('cf00 server 78 1000\ncf00 pane 1 51\none\ncf00 end\n', 1).screens).toBeNull();
    expect(read('', 1).screens).toBeNull();
  });

  it('let the server attend to others after every fifty', () => {
    const script = captureScript(
      Array.from({ length: 120 }, (_, i) => `%${i}`),
      mark,
    );
    const runs = script.split(/^run-shell .*$/m).map((part) => part.match(/^capture-pane/gm)?.length);
    expect(runs).toEqual([50, 50, 20]);
  });
});
