/** What Claude Code's own files say of a session: registry entry, session id and the tail of its transcript. */
import { stat } from 'node:fs/promises';
import type { AgentProfile } from '../../core/agents/profile.ts';
import type { AgentProcess } from '../../core/panes.ts';
import { SECOND } from '../../core/time.ts';
import type { SessionSignals, TranscriptTail } from '../../core/verdict/signals.ts';
import type { Clock, Logger, Signals } from '../../ports.ts';
import { isSessionId, newestSession, readSessionEntry, sessionIdFromArgv } from './sessions.ts';
import { createTranscriptReader } from './transcript.ts';
import { createTranscriptPaths, projectDir } from './transcript-path.ts';
import type { ClassifyText } from './transcript-rows.ts';

const NOTHING: SessionSignals = { entry: null, sessionId: null, version: null, isGuess: false, transcript: null };

/** How long a guess from the directory of transcripts is kept; that there is none yet may be over at any time. */
const GUESS_AGAIN_MS = 5 * SECOND;
const MAX_GUESSES = 512;

/** @param deps.profiles agents whose files have the shape of Claude Code's; a process of another one has no signals */
export function createSignals(deps: {
  readonly profiles: readonly AgentProfile[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly classifyText: ClassifyText;
}): Signals {
  const { profiles, clock, log } = deps;
  const transcripts = createTranscriptReader(deps);
  const paths = createTranscriptPaths(deps);
  const guesses = new Map<string, { readonly sessionId: string; readonly madeAtMs: number }>();

  return {
    async read(process) {
      if (!profiles.some((profile) => profile.kind === process.agent)) return NOTHING;
      try {
        const entry = await readSessionEntry(process);
        const guess = entry === null ? await guessSession(process) : null;
        const sessionId = entry?.sessionId ?? guess?.sessionId ?? null;
        if (sessionId === null) return NOTHING;
        const transcript = await transcriptOf(process.configDir, entry?.cwd ?? process.cwd, sessionId);
        const version = entry?.version ?? transcript?.version ?? null;
        return { entry, sessionId, version, isGuess: guess?.isGuess ?? false, transcript };
      } catch (error) {
        log.debug({ pid: process.pid, reason: String(error) }, 'session files could not be read');
        return NOTHING;
      }
    },

    async readSession(configDir, cwd, sessionId) {
      if (!isSessionId(sessionId)) return NOTHING;
      try {
        const transcript = await transcriptOf(configDir, cwd, sessionId);
        return { entry: null, sessionId, version: transcript?.version ?? null, isGuess: false, transcript };
      } catch (error) {
        log.debug({ sessionId, reason: String(error) }, 'session files could not be read');
        return { ...NOTHING, sessionId };
      }
    },
  };

  async function transcriptOf(configDir: string, cwd: string, sessionId: string): Promise<TranscriptTail | null> {
    const path = await paths.find(configDir, cwd, sessionId);
    return path === null ? null : transcripts.read(path, sessionId);
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
