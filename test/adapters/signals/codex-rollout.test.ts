import { appendFileSync, mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSignals } from '../../../src/adapters/signals/signals.ts';
import type { ClassifyText } from '../../../src/adapters/signals/transcript-rows.ts';
import type { AgentProcess } from '../../../src/core/panes.ts';
import type { Signals } from '../../../src/ports.ts';
import { accountProfile, temporaryDirectory } from '../../support/account-homes.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import {
  answer,
  event,
  failed,
  meta,
  OTHER_THREAD,
  prompt,
  rolloutRow,
  THREAD,
  tokenCount,
  writeRollout,
} from '../../support/rollout-files.ts';
import { agentProcess } from '../../support/session-files.ts';

const CWD = '/home/me/proj';
const at = (second: number) => Date.parse('2026-11-20T09:35:00Z') + second * 1000;
const LATER_S = at(0) / 1000 + 3 * 3600;
const WEEK_S = at(0) / 1000 + 5 * 86_400;
const LIMIT = "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro) or try again at 3:45 PM.";

/** As the detector says of these words. */
const classifyCodexText: ClassifyText = (text) => {
  if (/usage limit/.test(text)) return { class: 'quota', window: 'unknown', resetAt: null };
  return /credits/.test(text) ? { class: 'billing', window: null, resetAt: null } : null;
};

let configDir: string;
let procRoot: string;
let clock: FakeClock;
let signals: Signals;
let codex: AgentProcess;

beforeEach(() => {
  configDir = temporaryDirectory();
  procRoot = join(configDir, 'proc');
  clock = new FakeClock('2026-11-20T10:00:00Z');
  codex = agentProcess(configDir, { agent: 'codex', argv: ['codex'], cwd: CWD });
  signals = createSignals({
    profiles: [{ ...accountProfile, kind: 'codex' }],
    clock,
    log: new RecordingLog(),
    classifyText: () => null,
    classifyCodexText,
    procRoot,
  });
});

afterEach(() => rmSync(configDir, { recursive: true, force: true }));

const read = () => signals.read(codex);
const last = async () => (await read()).rollout?.lastAssistant;

/** The process holds this file open. */
function hold(path: string, descriptor: number): void {
  const directory = join(procRoot, String(codex.pid), 'fd');
  mkdirSync(directory, { recursive: true });
  symlinkSync(path, join(directory, String(descriptor)));
}

describe('the rollout of a Codex process [R248]', () => {
  it('tells the last answer, the prompts, the figures and the version', async () => {
    const path = writeRollout(
      configDir,
      meta(CWD) +
        prompt(1, 'build it') +
        event(2, { type: 'task_started', turn_id: 't' }) +
        rolloutRow('response_item', 5, { type: 'function_call_output', call_id: 'c', output: 'ok' }) +
        tokenCount(6, [300, 12.5, LATER_S], [10_080, 5, WEEK_S]) +
        answer(7, 'built'),
    );
    hold(path, 12);
    expect(await read()).toEqual({
      entry: null,
      sessionId: THREAD,
      version: '0.169.0',
      isGuess: false,
      transcript: null,
      rollout: {
        path,
        sessionId: THREAD,
        lastAssistant: {
          id: `t:task_complete@${at(7)}`,
          at: at(7),
          kind: 'answer',
          text: 'built',
          window: null,
          resetAt: null,
        },
        requestAt: at(5),
        prompts: [{ id: `rollout:user_message@${at(1)}`, at: at(1), text: 'build it', isMeta: false }],
        version: '0.169.0',
      },
      hook: null,
      figures: [
        { window: '5h', usedPercent: 12.5, resetAt: LATER_S * 1000, source: 'rollout', at: at(6), since: at(6) },
        { window: '7d', usedPercent: 5, resetAt: WEEK_S * 1000, source: 'rollout', at: at(6), since: at(6) },
      ],
      skipped: {},
    });
  });

  it('tells a turn that a limit ended, with the window that is used up', async () => {
    writeRollout(
      configDir,
      meta(CWD) +
        prompt(1, 'go') +
        tokenCount(2, [300, 40, LATER_S], [10_080, 100, WEEK_S]) +
        failed(3, LIMIT, 'usage_limit_exceeded'),
    );
    expect(await last()).toMatchObject({
      kind: 'rejected',
      at: at(3),
      text: LIMIT,
      window: '7d',
      resetAt: WEEK_S * 1000,
    });
  });

  it('goes by the length of a window, never by its slot', async () => {
    writeRollout(configDir, meta(CWD) + tokenCount(2, [10_080, 70, WEEK_S], null));
    expect((await read()).figures).toMatchObject([{ window: '7d', usedPercent: 70 }]);
    writeRollout(configDir, meta(CWD) + tokenCount(2, [43_200, 70, WEEK_S], [1440, 7, LATER_S]));
    expect((await read()).figures).toMatchObject([{ window: 'monthly' }, { window: 'daily' }]);
  });

  it('keeps the limits of a model apart from those of the account', async () => {
    const premium = { limit_id: 'premium' };
    writeRollout(
      configDir,
      meta(CWD) + tokenCount(2, [300, 5, LATER_S], null) + tokenCount(3, [300, 100, LATER_S], null, premium),
    );
    expect((await read()).figures).toMatchObject([
      { window: '5h', usedPercent: 5 },
      { window: 'model', usedPercent: 100 },
    ]);
    appendFileSync(
      writeRollout(configDir, meta(CWD) + tokenCount(3, [300, 100, LATER_S], null, premium)),
      failed(4, LIMIT, 'usage_limit_exceeded'),
    );
    expect(await last()).toMatchObject({ kind: 'rejected', window: null, resetAt: null });
  });

  it('says since when a figure has been the same', async () => {
    const path = writeRollout(
      configDir,
      meta(CWD) + tokenCount(2, [300, 5, LATER_S], null) + tokenCount(9, [300, 5, LATER_S], null),
    );
    expect((await read()).figures).toMatchObject([{ at: at(9), since: at(2) }]);
    appendFileSync(path, tokenCount(12, [300, 6, LATER_S], null));
    expect((await read()).figures).toMatchObject([{ at: at(12), since: at(12) }]);
  });

  it.each([
    ['a limit', LIMIT, 'usage_limit_exceeded', 'rejected'],
    ['spent credits under the same name', 'Your workspace is out of credits.', 'usage_limit_exceeded', 'billing'],
    ['words that are of no limit', 'something new', 'usage_limit_exceeded', 'error'],
    ['the words of a limit under another name', LIMIT, 'internal_server_error', 'error'],
    ['the words of a limit without a name', LIMIT, null, 'error'],
    ['a streamed rate limit', 'slow down', 'rate_limit_exceeded', 'throttle'],
    ['a full server', 'at capacity', 'server_overloaded', 'throttle'],
    [
      'too many tries',
      'exceeded retry limit',
      { response_too_many_failed_attempts: { http_status_code: 429 } },
      'throttle',
    ],
    [
      'too many tries at a broken server',
      'oops',
      { response_too_many_failed_attempts: { http_status_code: 500 } },
      'error',
    ],
    ['a login that ended', 'log in', 'unauthorized', 'auth'],
    ['a login that was refused', 'log in', { http_connection_failed: { http_status_code: 401 } }, 'auth'],
    ['a shape of another version', LIMIT, 5, 'error'],
  ])('tells %s [R254]', async (_what, message, info, kind) => {
    writeRollout(configDir, meta(CWD) + prompt(1, 'go') + failed(2, message, info));
    expect(await last()).toMatchObject({ kind, text: message });
  });

  it('tells an answer after a limit, also in the form of newer versions', async () => {
    const path = writeRollout(configDir, meta(CWD) + failed(2, LIMIT, 'usage_limit_exceeded'));
    expect(await last()).toMatchObject({ kind: 'rejected' });
    const item = { type: 'AgentMessage', content: [{ type: 'Text', text: 'on B' }] };
    appendFileSync(path, event(5, { type: 'item_completed', turn_id: 'u', item }));
    expect(await last()).toMatchObject({ kind: 'answer', text: 'on B' });
    const message = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'and on' }] };
    appendFileSync(path, rolloutRow('response_item', 8, message));
    expect(await last()).toMatchObject({ kind: 'answer', text: 'and on' });
  });

  it('takes what is sent along with a prompt for no prompt of its own', async () => {
    const sent = { type: 'message', role: 'user', content: [{ type: 'input_text', text: '# AGENTS.md instructions' }] };
    writeRollout(configDir, meta(CWD) + rolloutRow('response_item', 1, sent) + prompt(2, 'go'));
    expect((await read()).rollout?.prompts).toMatchObject([{ text: 'go' }]);
  });

  it('reads resets of the first versions, which counted seconds, and drops windows that have ended', async () => {
    const old = {
      primary: { used_percent: 30, window_minutes: 299, resets_in_seconds: 3600 },
      secondary: { used_percent: 100, window_minutes: 10_080, resets_at: at(0) / 1000 },
    };
    writeRollout(configDir, meta(CWD) + event(1, { type: 'token_count', rate_limits: old }));
    const { figures, skipped } = await read();
    expect(figures).toMatchObject([{ window: '5h', resetAt: at(1) + 3_600_000 }]);
    expect(skipped).toEqual({ 'rollout: window_over': 1 });
  });
});

describe('which rollout belongs to a process [R249]', () => {
  it('is the one it holds open, whatever else is newer, and not that of a helper', async () => {
    const mine = writeRollout(configDir, meta('/elsewhere') + answer(1, 'mine'), THREAD, '2025/01/02');
    const helper = writeRollout(
      configDir,
      meta(CWD, { source: { subagent: 'review' } }) + answer(2, 'helper'),
      OTHER_THREAD,
    );
    hold('/dev/null', 0);
    hold(mine, 11);
    hold(helper, 12);
    utimesSync(mine, at(0) / 1000, at(0) / 1000);
    expect(await read()).toMatchObject({
      sessionId: THREAD,
      isGuess: false,
      rollout: { lastAssistant: { text: 'mine' } },
    });
  });

  it('is the one named in its arguments', async () => {
    writeRollout(configDir, meta('/elsewhere') + answer(1, 'resumed'), THREAD, '2025/03/04');
    writeRollout(configDir, meta(CWD) + answer(2, 'newer'), OTHER_THREAD);
    codex = { ...codex, argv: ['codex', 'resume', THREAD] };
    expect(await read()).toMatchObject({ sessionId: THREAD, isGuess: false });
  });

  it('is else the newest of its directory that it can have written, as a guess', async () => {
    const old = writeRollout(configDir, meta(CWD) + answer(1, 'before its start'), OTHER_THREAD);
    utimesSync(old, codex.startedAt / 1000 - 60, codex.startedAt / 1000 - 60);
    writeRollout(
      configDir,
      meta('/elsewhere') + answer(3, 'of another directory'),
      '01a0d3c5-5008-75c2-87a6-2c5c75f0e50f',
    );
    expect(await read()).toMatchObject({ sessionId: null });
    await clock.advance(6000);
    writeRollout(configDir, meta(CWD) + answer(2, 'mine'));
    expect(await read()).toMatchObject({
      sessionId: THREAD,
      isGuess: true,
      rollout: { lastAssistant: { text: 'mine' } },
    });
  });

  it('is found for a session whose process is gone', async () => {
    writeRollout(configDir, meta(CWD) + answer(1, 'done'));
    expect(await signals.readSession(configDir, CWD, THREAD)).toMatchObject({
      rollout: { lastAssistant: { text: 'done' } },
    });
    expect(await signals.readSession(configDir, CWD, OTHER_THREAD)).toMatchObject({ transcript: null });
  });

  it('is none where there is nothing', async () => {
    expect(await read()).toEqual({ entry: null, sessionId: null, version: null, isGuess: false, transcript: null });
    mkdirSync(join(configDir, 'sessions', '2026', '11', '20'), { recursive: true });
    writeFileSync(join(configDir, 'sessions', '2026', '11', '20', 'rollout-x.jsonl'), meta(CWD));
    await clock.advance(6000);
    expect(await read()).toMatchObject({ sessionId: null });
  });
});

describe('a rollout that is not as it should be', () => {
  it('of two gigabytes is read from its end', async () => {
    const path = writeRollout(configDir, `${meta(CWD)}`);
    truncateSync(path, 2 * 1024 ** 3);
    appendFileSync(path, `\n${answer(5, 'after the hole')}`);
    hold(path, 9);
    const cpuMs = await cpuMsOf(async () => expect(await last()).toMatchObject({ text: 'after the hole' }));
    expect(cpuMs).toBeLessThan(1000);
  });

  it('has its bad lines counted and passed over', async () => {
    const path = writeRollout(
      configDir,
      `${meta(CWD)}nonsense\n5\nnull\n{"timestamp":"x","type":"event_msg"}\n{"half":`,
    );
    hold(path, 9);
    expect((await read()).skipped).toEqual({ 'rollout: bad_json': 1 });
    appendFileSync(
      path,
      `1}\n${event(1, { type: 'token_count', rate_limits: 5 })}${event(1, { type: 'task_complete', error: 'text' })}`,
    );
    expect(await last()).toMatchObject({ kind: 'error' });
    appendFileSync(path, tokenCount(2, [300, 'much', LATER_S], [300]) + answer(3, 'fine'));
    expect(await last()).toMatchObject({ text: 'fine' });
    expect((await read()).skipped).toMatchObject({ 'rollout: unsound_figure': 1 });
  });

  it('that vanished, or is a link that leads nowhere, is none', async () => {
    const path = writeRollout(configDir, meta(CWD) + answer(1, 'gone soon'));
    codex = { ...codex, argv: ['codex', 'resume', THREAD] };
    expect(await last()).toMatchObject({ text: 'gone soon' });
    rmSync(path);
    expect(await read()).toMatchObject({ sessionId: null });
    symlinkSync('/nowhere', path);
    expect(await read()).toMatchObject({ rollout: null, skipped: { 'rollout: missing': 1 } });
  });
});
