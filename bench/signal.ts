/** How long from a record of a hook to the verdict on its pane: the whole daemon in this process, a real tmux, polls a minute apart. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hookLine, writeHookLine } from '../src/adapters/signals/hook-record.ts';
import { projectDir } from '../src/adapters/signals/transcript-path.ts';
import { builtMain } from '../test/support/built.ts';
import { startDaemon } from '../test/support/daemon.ts';
import { SESSION } from '../test/support/session-files.ts';
import { StandInWorld } from '../test/support/stand-in/index.ts';
import { startTmux } from '../test/support/tmux.ts';
import { waitFor } from '../test/support/wait.ts';

const RECORDS = Number(process.env.RECORDS ?? 200);
/** Other panes with an agent at rest. */
const PANES = Number(process.env.PANES ?? 20);
const SCREEN = fileURLToPath(new URL('../test/screens/captures/claude-latest-warn5h-2s.txt', import.meta.url));

const tmux = await startTmux();
const world = new StandInWorld();
try {
  const idle = `export HOME='${world.user}'; cd '${world.root}'; cat '${SCREEN}'; exec -a claude sleep 100000`;
  const pids: number[] = [];
  for (let i = 0; i <= PANES; i++) {
    const pane = await tmux.newPane(`exec bash -c "${idle}"`, { session: `s${i}`, width: 120, height: 40 });
    pids.push(pane.panePid);
  }
  const [pid = 0] = pids;
  await waitFor(() => pids.every((each) => readFileSync(`/proc/${each}/cmdline`, 'utf8').startsWith('claude')));
  const transcript = join(projectDir(world.link, world.root), `${SESSION}.jsonl`);
  mkdirSync(join(transcript, '..'), { recursive: true });
  writeFileSync(transcript, '');
  mkdirSync(join(world.link, 'sessions'), { recursive: true });
  const entry = {
    pid,
    sessionId: SESSION,
    cwd: world.root,
    procStart: startTicks(pid),
    version: '2.1.328',
    status: 'idle',
  };
  writeFileSync(join(world.link, 'sessions', `${pid}.json`), JSON.stringify(entry));
  const stateDir = join(world.root, 'state');
  const changes = { mode: 'observe', quota: { poll_interval: '60s', confirm_min_age: '60s' } };
  const daemon = await startDaemon(world, tmux, { changes });
  const states = () => daemon.app.api.facts().sessions.map(({ state }) => state);
  const isLimited = () => states().includes('limited');
  try {
    await waitFor(() => states().length === PANES + 1, { timeoutMs: 20_000 });
    const write = (payload: object): void => {
      const line = hookLine(payload, Date.now());
      if (line !== null) writeHookLine(stateDir, line, { now: Date.now } as never);
    };
    await measure(`record → verdict, ${RECORDS} records, ${PANES} more panes`, RECORDS, write);
    const main = builtMain();
    const config = daemon.configFile;
    const run = (payload: object): void => {
      spawnSync(process.execPath, [main, '--config', config, 'hook'], { input: JSON.stringify(payload) });
    };
    await measure('the same with the program `hook` itself, its run not counted', 20, run);
  } finally {
    await daemon.stop();
  }

  /** Limits and answers in turn; each must change what the daemon says of the pane. */
  async function measure(title: string, count: number, tell: (payload: object) => void): Promise<void> {
    const tookMs: number[] = [];
    const untilJudgedMs: number[] = [];
    const sweepMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const wanted = i % 2 === 0;
      appendFileSync(transcript, wanted ? rejection() : row('assistant', 'and on'));
      const name = wanted ? 'StopFailure' : 'Stop';
      const error = wanted ? { error: 'rate_limit' } : {};
      tell({ session_id: SESSION, hook_event_name: name, cwd: world.root, transcript_path: transcript, ...error });
      const startMs = performance.now();
      const startedAt = Date.now();
      while (isLimited() !== wanted) {
        if (performance.now() - startMs > 10_000) throw new Error(`no verdict after 10 s at record ${i}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      tookMs.push(performance.now() - startMs);
      sweepMs.push(Number(daemon.log.lines.findLast(({ message }) => message === 'swept')?.fields.durationMs));
      untilJudgedMs.push(((await daemon.app.api.paneRecord('s0'))?.finding.at ?? 0) - startedAt);
      // Let the second look at the same record go by.
      await new Promise((resolve) => setTimeout(resolve, 550 + (i % 7) * 20));
    }
    const shares = (values: number[]): string => {
      values.sort((a, b) => a - b);
      const at = (share: number): string => (values[Math.min(count - 1, Math.floor(count * share))] ?? 0).toFixed(1);
      return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
    };
    console.log(`${title}: ${shares(tookMs)}`);
    console.log(`  of which until the pane is judged ${shares(untilJudgedMs)}; the look at tmux ${shares(sweepMs)}`);
    console.log('  and the rest is the journal: the verdict shows once it is written down');
  }
} finally {
  await tmux.kill();
  world.remove();
}

function startTicks(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function row(type: string, text: string, more: object = {}): string {
  const timestamp = new Date().toISOString();
  const message = { role: type, content: [{ type: 'text', text }] };
  return `${JSON.stringify({ type, isSidechain: false, uuid: `${timestamp}-${type}`, timestamp, version: '2.1.328', message, ...more })}\n`;
}

function rejection(): string {
  const resetsAt = Math.floor(Date.now() / 1000) + 3600;
  const quotaLimits = { status: 'rejected', resetsAt, rateLimitType: 'five_hour' };
  return row('assistant', "You've hit your 5-hour limit", {
    isApiErrorMessage: true,
    error: 'rate_limit',
    quotaLimits,
  });
}
