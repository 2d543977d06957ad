import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSignals } from '../../../src/adapters/signals/signals.ts';
import type { Signals } from '../../../src/ports.ts';
import { accountProfile, temporaryDirectory } from '../../support/account-homes.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import {
  agentProcess,
  CWD,
  captured,
  OTHER_SESSION,
  rejection,
  row,
  SESSION,
  setMtime,
  transcriptPath,
  writeEntry,
} from '../../support/session-files.ts';

let configDir: string;
let clock: FakeClock;
let signals: Signals;

beforeEach(() => {
  configDir = temporaryDirectory();
  clock = new FakeClock('2026-11-20T10:00:00Z');
  signals = createSignals({ profiles: [accountProfile], clock, log: new RecordingLog(), classifyText: () => null });
});

afterEach(() => rmSync(configDir, { recursive: true, force: true }));

const NOTHING = { entry: null, sessionId: null, version: null, isGuess: false, transcript: null };
const entry = { pid: 16_452, sessionId: SESSION, cwd: CWD, procStart: '76884', version: '2.1.328', status: 'busy' };

describe('the session behind a process [R249]', () => {
  it('is read from the registry entry and the transcript of the real CLI', async () => {
    writeEntry(configDir, 16_452, captured('claude-latest-q5h.sessionfile.json'));
    writeFileSync(
      transcriptPath(configDir, SESSION, '-home-me-proj-latestq5h'),
      captured('claude-latest-q5h.transcript.jsonl'),
    );
    expect(await signals.read(agentProcess(configDir))).toMatchObject({
      entry: {
        pid: 16_452,
        sessionId: SESSION,
        cwd: '/home/me/proj-latestq5h',
        version: '2.1.328',
        status: 'idle',
        updatedAt: 1_795_167_267_343,
      },
      sessionId: SESSION,
      version: '2.1.328',
      transcript: {
        sessionId: SESSION,
        lastAssistant: { kind: 'rejected', window: '5h', resetAt: 1_795_178_067_000 },
        prompts: [{ text: 'hello lab one' }, { text: 'now do scenario q5h' }],
      },
    });
  });

  it('tells a session that waits at a dialog', async () => {
    const waiting = captured('claude-latest-q7d.sessionfile.json');
    const { pid, procStart, sessionId } = JSON.parse(waiting);
    writeEntry(configDir, pid, waiting);
    const found = await signals.read(agentProcess(configDir, { pid, startTicks: procStart }));
    expect(found).toMatchObject({ entry: { status: 'waiting', sessionId }, transcript: null });
  });

  it('is not the one of an earlier process with the same pid', async () => {
    writeEntry(configDir, 16_452, { ...entry, procStart: '76883' });
    expect(await signals.read(agentProcess(configDir))).toEqual(NOTHING);
    writeEntry(configDir, 16_452, { ...entry, pid: 7 });
    expect(await signals.read(agentProcess(configDir))).toEqual(NOTHING);
  });

  it('is checked by its start time where the entry has no ticks', async () => {
    const startedAt = Date.parse('2026-11-20T09:34:02Z');
    writeEntry(configDir, 16_452, { ...entry, procStart: undefined, startedAt });
    expect(await signals.read(agentProcess(configDir))).toMatchObject({ sessionId: SESSION });
    writeEntry(configDir, 16_452, { ...entry, procStart: undefined, startedAt: startedAt - 60_000 });
    expect(await signals.read(agentProcess(configDir))).toEqual(NOTHING);
    writeEntry(configDir, 16_452, { ...entry, procStart: undefined });
    expect(await signals.read(agentProcess(configDir))).toEqual(NOTHING);
  });

  it.each([
    ['half written', JSON.stringify(entry).slice(0, 40)],
    ['no object', '[]'],
    ['an id that is no uuid', { ...entry, sessionId: '../../etc/passwd' }],
    ['an id in capitals', { ...entry, sessionId: SESSION.toUpperCase() }],
    ['far too long', { ...entry, name: 'x'.repeat(100_000) }],
  ])('is unknown when the entry is %s', async (_name, content) => {
    writeEntry(configDir, 16_452, content);
    expect(await signals.read(agentProcess(configDir))).toEqual(NOTHING);
  });

  it('is unknown, and nobody waits, when the entry is a pipe', async () => {
    mkdirSync(join(configDir, 'sessions'));
    execFileSync('mkfifo', [join(configDir, 'sessions', '16452.json')]);
    expect(await signals.read(agentProcess(configDir))).toEqual(NOTHING);
  });

  it('takes a state it does not know for unknown', async () => {
    writeEntry(configDir, 16_452, { ...entry, status: 'dreaming', cwd: undefined });
    expect(await signals.read(agentProcess(configDir))).toMatchObject({ entry: { status: 'unknown', cwd: CWD } });
  });
});

describe('the session of a CLI without a registry [R50]', () => {
  it.each([
    [['claude', '--resume', SESSION], SESSION],
    [['claude', '-r', SESSION, 'prompt'], SESSION],
    [['claude', `--resume=${SESSION}`], SESSION],
    [['node', '/x/cli.js', '--session-id', SESSION], SESSION],
    [['claude', '--resume', OTHER_SESSION, '--fork-session', '--session-id', SESSION], SESSION],
    [['claude', '--resume', OTHER_SESSION, '--fork-session'], null],
    [['claude', '--resume'], null],
    [['claude', '--resume', 'rm -rf /'], null],
    [['claude', '--resume', `${SESSION}; rm`], null],
    [['claude', '--', '--resume', SESSION], null],
  ])('is named by the arguments %j', async (argv, sessionId) => {
    expect(await signals.read(agentProcess(configDir, { argv }))).toMatchObject({ sessionId, entry: null });
  });

  it('is otherwise the newest transcript of its directory that changed since it started', async () => {
    const older = transcriptPath(configDir, OTHER_SESSION);
    const newest = transcriptPath(configDir, SESSION);
    writeFileSync(older, row('assistant', 1, 'older'));
    writeFileSync(newest, row('assistant', 1, 'newest', { version: '2.0.76' }));
    writeFileSync(join(newest, '..', 'agent-1234.jsonl'), row('assistant', 9, 'of a helper'));
    setMtime(older, '2026-11-20T09:40:00Z');
    setMtime(newest, '2026-11-20T09:41:00Z');
    expect(await signals.read(agentProcess(configDir))).toMatchObject({
      sessionId: SESSION,
      version: '2.0.76',
      isGuess: true,
      transcript: { lastAssistant: { text: 'newest' } },
    });
  });

  it('is unknown when no transcript changed since it started', async () => {
    const path = transcriptPath(configDir);
    writeFileSync(path, rejection(1));
    setMtime(path, '2026-11-20T09:33:00Z');
    expect(await signals.read(agentProcess(configDir))).toEqual(NOTHING);
  });

  it('is found again after a while when it changed', async () => {
    const process = agentProcess(configDir);
    expect(await signals.read(process)).toEqual(NOTHING);
    writeFileSync(transcriptPath(configDir), rejection(1));
    setMtime(transcriptPath(configDir), '2026-11-20T09:41:00Z');
    await clock.advance(5_000);
    expect(await signals.read(process)).toMatchObject({ sessionId: SESSION });
  });

  it('is not the named one when an old version went on in a new file', async () => {
    const named = transcriptPath(configDir, OTHER_SESSION);
    const used = transcriptPath(configDir, SESSION);
    writeFileSync(named, row('assistant', 1, 'before'));
    writeFileSync(used, rejection(2));
    setMtime(named, '2026-11-20T09:00:00Z');
    setMtime(used, '2026-11-20T09:40:00Z');
    const argv = ['claude', '--resume', OTHER_SESSION];
    expect(await signals.read(agentProcess(configDir, { argv }))).toMatchObject({ sessionId: SESSION, isGuess: true });
  });

  it('is no guess while it is named and nothing else was written since the start [R263]', async () => {
    const path = transcriptPath(configDir);
    writeFileSync(path, rejection(1));
    const named = () => signals.read(agentProcess(configDir, { argv: ['claude', '--resume', SESSION] }));
    setMtime(path, '2026-11-20T09:00:00Z');
    expect(await named()).toMatchObject({ sessionId: SESSION, isGuess: false });
    setMtime(path, '2026-11-20T09:40:00Z');
    expect(await named()).toMatchObject({ sessionId: SESSION, isGuess: false });
  });
});

describe('a session whose process is gone', () => {
  it('is read by its id', async () => {
    writeFileSync(transcriptPath(configDir), rejection(1));
    expect(await signals.readSession(configDir, CWD, SESSION)).toMatchObject({
      entry: null,
      sessionId: SESSION,
      version: '2.1.328',
      transcript: { lastAssistant: { kind: 'rejected' } },
    });
  });

  it('is found in another project directory when it is not where its directory says', async () => {
    writeFileSync(transcriptPath(configDir, SESSION, '-somewhere-else'), rejection(1));
    expect(await signals.readSession(configDir, CWD, SESSION)).toMatchObject({ transcript: { sessionId: SESSION } });
  });

  it('is searched for again only after half a minute', async () => {
    expect(await signals.readSession(configDir, CWD, SESSION)).toMatchObject({ transcript: null });
    writeFileSync(transcriptPath(configDir, SESSION, '-somewhere-else'), rejection(1));
    expect(await signals.readSession(configDir, CWD, SESSION)).toMatchObject({ transcript: null });
    await clock.advance(30_000);
    expect(await signals.readSession(configDir, CWD, SESSION)).toMatchObject({ transcript: { sessionId: SESSION } });
  });

  it('is nothing when the id is no uuid', async () => {
    expect(await signals.readSession(configDir, CWD, '../secrets')).toEqual(NOTHING);
  });
});
