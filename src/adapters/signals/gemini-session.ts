/** Which session a Gemini CLI process writes: the one named in its arguments, or the newest of its project. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentProcess } from '../../core/panes.ts';
import { isSessionId } from './sessions.ts';

export interface FoundGeminiSession {
  /** Null: nothing was said in it yet, and the CLI keeps no such session. */
  readonly sessionId: string | null;
  readonly isEmpty?: boolean;
  /** Only the newest of the project: another Gemini CLI there may be the one that writes it. */
  readonly isGuess: boolean;
}

/** `<configDir>/tmp/<project>/chats/session-<time>-<start of the id>.jsonl` (0.61; a whole `.json` in older versions). */
const CHAT = /^session-.*\.jsonl?$/;
const PROMPT = /"type":\s*"user"/;
/** What the CLI itself tells the model at the start is no row of its own. */
const PROMPT_ROW = /^\{"id":"[^"]*","timestamp":"[^"]*","type":"user"/m;
const MAX_PROJECTS = 2000;
const MAX_CHATS = 2000;
const HEAD_BYTES = 256 * 1024;

/** Null: none. */
export async function geminiSession(process: AgentProcess): Promise<FoundGeminiSession | null> {
  const files: { readonly path: string; readonly at: number }[] = [];
  for (const folder of await chatFolders(process)) {
    for (const name of (await namesIn(folder)).filter((each) => CHAT.test(each)).slice(-MAX_CHATS)) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (found?.isFile() && found.mtimeMs >= process.startedAt) files.push({ path, at: found.mtimeMs });
    }
  }
  const named = sessionInArguments(process.argv);
  for (const { path } of files.sort((a, b) => b.at - a.at)) {
    const head = await headOf(path);
    const sessionId = /"sessionId":\s*"([^"]{1,64})"/.exec(head)?.[1];
    if (sessionId === undefined || !isSessionId(sessionId) || (named !== null && sessionId !== named)) continue;
    const isGuess = named === null;
    const isEmpty = !(path.endsWith('l') ? PROMPT_ROW : PROMPT).test(head);
    return isEmpty ? { sessionId: null, isEmpty, isGuess } : { sessionId, isGuess };
  }
  // Resumed, and nothing said since.
  return named === null ? null : { sessionId: named, isGuess: false };
}

/** The id after the last flag that chooses a session by its id. */
function sessionInArguments(argv: readonly string[]): string | null {
  const flags = ['--resume', '-r', '--session-id'];
  const named = argv.findLast((word, i) => isSessionId(word) && flags.includes(argv[i - 1] ?? ''));
  const joined = argv.findLast((word) => flags.some((flag) => word.startsWith(`${flag}=`)))?.split('=')[1];
  return named ?? (joined !== undefined && isSessionId(joined) ? joined : null);
}

/** The project's folder is named by a marker in it, or after the hash of the directory (before 0.40). */
async function chatFolders({ configDir, cwd }: AgentProcess): Promise<readonly string[]> {
  const root = join(configDir, 'tmp');
  const places = new Set([cwd, await realpath(cwd).catch(() => cwd)]);
  const hashes = new Set([...places].map((place) => createHash('sha256').update(place).digest('hex')));
  const folders: string[] = [];
  for (const name of (await namesIn(root)).slice(0, MAX_PROJECTS)) {
    const owner = await readFile(join(root, name, '.project_root'), 'utf8').catch(() => '');
    if (hashes.has(name) || places.has(owner.trim())) folders.push(join(root, name, 'chats'));
  }
  return folders;
}

async function headOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  } finally {
    await file.close();
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
