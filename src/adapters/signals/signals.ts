/** What the files of a CLI and our own records say of a session: registry entry, transcript or rollout, hooks, figures. */
import { stat } from 'node:fs/promises';
import type { AgentProfile } from '../../core/agents/profile.ts';
import type { AgentProcess } from '../../core/panes.ts';
import type { EpochMs } from '../../core/time.ts';
import { SECOND } from '../../core/time.ts';
import type { SessionSignals } from '../../core/verdict/signals.ts';
import type { Clock, Logger, Signals } from '../../ports.ts';
import { createRolloutReader } from './codex-rollout.ts';
import { createRolloutPaths, type FoundRollout } from './codex-rollout-path.ts';
import { geminiSession } from './gemini-session.ts';
import { createHookReader } from './hooks.ts';
import { isSessionId, newestSession, readSessionEntry, sessionIdFromArgv } from './sessions.ts';
import { createStatuslineReader } from './statusline.ts';
import { createTranscriptReader } from './transcript.ts';
import { createTranscriptPaths, projectDir } from './transcript-path.ts';
import type { ClassifyText } from './transcript-rows.ts';

const NOTHING: SessionSignals = { entry: null, sessionId: null, version: null, isGuess: false, transcript: null };

/** How long a guess from the directory of transcripts is kept; that there is none yet may be over at any time. */
const GUESS_AGAIN_MS = 5 * SECOND;
const MAX_GUESSES = 512;
const MAX_HEARD = 1024;

export interface SignalsOptions {
  /** A process of an agent that is not among these has no signals. */
  readonly profiles: readonly AgentProfile[];
  readonly clock: Clock;
  readonly log: Logger;
  /** What the detector says of the words of an error of Claude Code. */
  readonly classifyText: ClassifyText;
  /** The same for Codex; absent: its rollouts are not read. */
  readonly classifyCodexText?: ClassifyText;
  /** Where `claude-failover hook` and `statusline` write; absent: they are not read. */
  readonly stateDir?: string;
  /** Files of others are passed over. Default: this process's user. */
  readonly ownUid?: number;
  /** Default `/proc`. */
  readonly procRoot?: string;
}

export interface SignalsWithEar extends Signals {
  /** Notes that a hook of this session told something just now. */
  hear(sessionId: string): void;
  /** Notes that its status line reported figures just now. */
  hearFigures(sessionId: string): void;
}

type Skipped = Readonly<Partial<Record<string, number>>>;

export function createSignals(options: SignalsOptions): SignalsWithEar {
  const { profiles, clock, log, stateDir } = options;
  const ownUid = options.ownUid ?? process.getuid?.() ?? 0;
  const transcripts = createTranscriptReader({ ...options, ownUid });
  const paths = createTranscriptPaths(options);
  const hooks = stateDir === undefined ? null : createHookReader({ stateDir, ownUid, clock, log });
  const statusline = stateDir === undefined ? null : createStatuslineReader({ stateDir, ownUid, clock });
  const { classifyCodexText } = options;
  const rolloutPaths = createRolloutPaths(options);
  const rollouts =
    classifyCodexText === undefined
      ? null
      : createRolloutReader({ clock, log, ownUid, classifyText: classifyCodexText });
  const guesses = new Map<string, { readonly sessionId: string; readonly madeAtMs: number }>();
  const heard = new Map<string, EpochMs>();
  const figures = new Map<string, EpochMs>();

  return {
    async read(process) {
      if (!profiles.some((profile) => profile.kind === process.agent)) return NOTHING;
      try {
        if (process.agent === 'claude') return await ofClaude(process);
        if (process.agent === 'codex') return await ofRollout(await rolloutPaths.ofProcess(process));
        if (process.agent === 'gemini') return { ...NOTHING, ...(await geminiSession(process)) };
        return NOTHING;
      } catch (error) {
        log.debug({ pid: process.pid, reason: String(error) }, 'session files could not be read');
        return NOTHING;
      }
    },

    async readSession(configDir, cwd, sessionId) {
      if (!isSessionId(sessionId)) return NOTHING;
      try {
        const found = await transcriptOf(configDir, cwd, sessionId);
        if (found === null && rollouts !== null) {
          const rollout = await rolloutPaths.ofSession(configDir, sessionId);
          if (rollout !== null) return await ofRollout(rollout);
        }
        const transcript = found?.transcript ?? null;
        const version = transcript?.version ?? null;
        const records = await recordsOf(sessionId, configDir, found?.skipped ?? {});
        return { entry: null, sessionId, version, isGuess: false, transcript, ...records };
      } catch (error) {
        log.debug({ sessionId, reason: String(error) }, 'session files could not be read');
        return { ...NOTHING, sessionId };
      }
    },

    hear: (sessionId) => note(heard, sessionId),
    heardAt: (sessionId) => heard.get(sessionId) ?? null,
    hearFigures: (sessionId) => note(figures, sessionId),
    figuresAt: (sessionId) => figures.get(sessionId) ?? null,
  };

  function note(times: Map<string, EpochMs>, sessionId: string): void {
    times.delete(sessionId);
    times.set(sessionId, clock.now());
    for (const oldest of times.keys()) {
      if (times.size <= MAX_HEARD) break;
      times.delete(oldest);
    }
  }

  async function ofClaude(process: AgentProcess): Promise<SessionSignals> {
    const entry = await readSessionEntry(process);
    const guess = entry === null ? await guessSession(process) : null;
    const sessionId = entry?.sessionId ?? guess?.sessionId ?? null;
    if (sessionId === null) return NOTHING;
    const found = await transcriptOf(process.configDir, entry?.cwd ?? process.cwd, sessionId);
    const transcript = found?.transcript ?? null;
    const version = entry?.version ?? transcript?.version ?? null;
    const records = await recordsOf(sessionId, process.configDir, found?.skipped ?? {});
    return { entry, sessionId, version, isGuess: guess?.isGuess ?? false, transcript, ...records };
  }

  async function ofRollout(found: FoundRollout | null): Promise<SessionSignals> {
    if (found === null || rollouts === null) return NOTHING;
    const { path, sessionId, version, isGuess } = found;
    const look = await rollouts.read(path, sessionId);
    const rollout = look.tail === null ? null : { ...look.tail, version: look.tail.version ?? version };
    const skipped = named('rollout', look.skipped);
    return { ...NOTHING, sessionId, version, isGuess, rollout, hook: null, figures: look.figures, skipped };
  }

  async function transcriptOf(configDir: string, cwd: string, sessionId: string) {
    const path = await paths.find(configDir, cwd, sessionId);
    if (path === null) return null;
    const transcript = await transcripts.read(path, sessionId);
    return { transcript, skipped: transcripts.skipped(path) };
  }

  /** What our own commands wrote; empty where they are not read. */
  async function recordsOf(
    sessionId: string,
    configDir: string,
    transcript: Skipped,
  ): Promise<Pick<SessionSignals, 'hook' | 'figures' | 'skipped'>> {
    if (hooks === null || statusline === null) return {};
    const [hook, sample] = await Promise.all([hooks.read(sessionId), statusline.read(sessionId, configDir)]);
    const skipped = {
      ...named('transcript', transcript),
      ...named('hook', hook.skipped),
      ...named('statusline', sample.skipped),
    };
    return { hook: hook.record, figures: sample.figures, skipped };
  }

  /**
   * For a CLI without a registry: the id in its arguments. Old versions go on in a new file after a resume, so a named
   * transcript that this process never wrote to gives way to the newest one it can have written.
   */
  async function guessSession(
    process: AgentProcess,
  ): Promise<{ readonly sessionId: string | null; readonly isGuess: boolean }> {
    const named = sessionIdFromArgv(process.argv);
    if (named !== null) {
      const path = await paths.find(process.configDir, process.cwd, named);
      const found = path === null ? null : await stat(path).catch(() => null);
      if (found !== null && found.mtimeMs >= process.startedAt) return { sessionId: named, isGuess: false };
    }
    const newest = await newestSince(process);
    // Nothing in the directory was written since the start: then a named session is still the one.
    return { sessionId: newest ?? named, isGuess: newest !== null && newest !== named };
  }

  async function newestSince(process: AgentProcess): Promise<string | null> {
    const key = `${process.pid}.${process.startTicks}`;
    const before = guesses.get(key);
    const nowMs = clock.monotonic();
    if (before !== undefined && nowMs - before.madeAtMs < GUESS_AGAIN_MS) return before.sessionId;
    const sessionId = await newestSession(projectDir(process.configDir, process.cwd), process.startedAt);
    guesses.delete(key);
    if (sessionId === null) return null;
    guesses.set(key, { sessionId, madeAtMs: nowMs });
    for (const oldest of guesses.keys()) {
      if (guesses.size <= MAX_GUESSES) break;
      guesses.delete(oldest);
    }
    return sessionId;
  }
}

function named(source: string, skipped: Skipped): Record<string, number> {
  return Object.fromEntries(Object.entries(skipped).map(([reason, count = 0]) => [`${source}: ${reason}`, count]));
}
