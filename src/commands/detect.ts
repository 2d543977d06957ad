/** `detect`: runs the detector on saved screens and explains what it makes of them. */
import { createReadStream } from 'node:fs';
import { guessAgent, PROFILES } from '../core/agents/languages.ts';
import type { LanguageKind } from '../core/agents/screen-language.ts';
import { windowName } from '../core/quota/window-name.ts';
import type { Detection } from '../core/screen/detect.ts';
import { detect } from '../core/screen/detect.ts';
import type { UserPatterns } from '../core/screen/user-patterns.ts';
import { HOUR, toIso } from '../core/time.ts';
import { FRESH_PANE, stepPane } from '../core/verdict/confirm.ts';
import { gatherEvidence } from '../core/verdict/evidence.ts';
import { wallStamp } from '../core/wall-time.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { readLines } from './lines.ts';
import { clean, wrap } from './text.ts';

export interface DetectOptions extends GlobalOptions {
  readonly jsonl?: boolean;
  readonly json?: boolean;
  /** Whose screen it is; default: guessed from the screen. */
  readonly agent?: string;
  /** ISO 8601; default: now. */
  readonly now?: string;
  /** IANA zone of the screen's machine; default: this machine's. */
  readonly tz?: string;
}

const AGENTS: readonly LanguageKind[] = [...PROFILES.map(({ kind }) => kind), 'other'];
/** One line of `--jsonl`, and one screen. */
const MAX_BYTES = 2 * 1024 * 1024;

/** @returns 0 whatever the verdict is, 1 when the file cannot be read, 2 for a wrong option */
export async function detectScreen(file: string | undefined, options: DetectOptions, io: CommandIo): Promise<number> {
  const extra = await userPatterns(options, io);
  if (options.jsonl === true) {
    if (file === undefined) return detectLines(extra, io);
    io.err(
      'claude-failover: --jsonl reads standard input and takes no file\nnext: claude-failover detect --jsonl < FILE\n',
    );
    return EXIT.usage;
  }
  const request = readRequest({
    agent: options.agent,
    now: options.now ?? toIso(io.clock.now()),
    tz: options.tz ?? io.clock.zone(),
  });
  if ('error' in request || file === undefined) {
    io.err(`claude-failover: ${'error' in request ? request.error.message : 'name a file, or - for standard input'}\n`);
    return EXIT.usage;
  }
  let text: string;
  try {
    text = await readAll(file === '-' ? (io.stdin ?? []) : createReadStream(file));
  } catch (error) {
    io.err(
      `claude-failover: cannot read ${clean(file)}: ${error instanceof Error ? clean(error.message) : 'unknown error'}\n`,
    );
    return EXIT.error;
  }
  const found = detect(text, requestFor(text, request, extra));
  if (options.json === true) io.out(`${JSON.stringify(toJson(found))}\n`);
  else explain(found, request, io);
  return EXIT.ok;
}

/** One verdict for each line of standard input, in its order; a bad line is answered by an error and the rest go on. */
async function detectLines(extra: UserPatterns, io: CommandIo): Promise<number> {
  for await (const line of readLines(io.stdin ?? [], MAX_BYTES)) {
    if (line.kind === 'too_long')
      io.out(`${JSON.stringify(failure('line_too_long', `a line has at most ${MAX_BYTES} bytes`))}\n`);
    else if (line.text.trim() !== '') io.out(`${JSON.stringify(answerLine(line.text, extra))}\n`);
  }
  return EXIT.ok;
}

function answerLine(text: string, extra: UserPatterns): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failure('bad_json', 'the line is no valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return failure('bad_line', 'the line is no object');
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const id = typeof fields.id === 'string' || typeof fields.id === 'number' ? { id: fields.id } : {};
  const wrong = (code: string, message: string): object => ({ ...id, ...failure(code, message) });
  if (!('id' in id)) return wrong('bad_id', 'id must be a text or a number');
  if (typeof fields.text !== 'string') return wrong('bad_text', 'text must be a text');
  const request = readRequest(fields);
  if ('error' in request) return { ...id, ...request };
  try {
    return { ...id, ...toJson(detect(fields.text, requestFor(fields.text, request, extra))) };
  } catch {
    return wrong('detector_failed', 'the detector failed on this text');
  }
}

interface Request {
  /** Null: to be guessed. */
  readonly agent: LanguageKind | null;
  readonly now: number;
  readonly zone: string;
}

const requestFor = (text: string, { agent, ...rest }: Request, extra: UserPatterns) => ({
  agent: agent ?? guessAgent(text),
  ...rest,
  extra,
});

/** Those of the file that `--config` names; without one the built-in patterns stand alone. @throws {ConfigError} */
async function userPatterns({ config }: DetectOptions, { env, home }: CommandIo): Promise<UserPatterns> {
  if (config === undefined) return { patterns: [], ignore: [], serverErrors: [] };
  const { loadConfigFile } = await import('../config/load.ts');
  return loadConfigFile({ path: config, env, home, checkToken: false }).config.quota.patterns;
}

function readRequest({
  agent,
  now,
  tz,
}: Readonly<Record<string, unknown>>):
  | Request
  | { readonly error: { readonly code: string; readonly message: string } } {
  const kind = agent === undefined ? null : AGENTS.find((candidate) => candidate === agent);
  if (kind === undefined)
    return failure('unknown_agent', `there is no profile of this agent; known: ${AGENTS.join(', ')}`);
  const at = typeof now === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(now) ? Date.parse(now) : Number.NaN;
  if (Number.isNaN(at)) return failure('bad_now', 'now must be a time in ISO 8601, such as 2026-01-05T14:00:00Z');
  if (typeof tz !== 'string' || !isZone(tz))
    return failure('bad_tz', 'tz must be an IANA time zone, such as Europe/Paris');
  return { agent: kind, now: at, zone: tz };
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function failure(
  code: string,
  message: string,
): { readonly error: { readonly code: string; readonly message: string } } {
  return { error: { code, message } };
}

function toJson(found: Detection): object {
  return { class: found.class, window: found.window, resetAt: toIso(found.resetAt), reason: found.reason };
}

function explain(found: Detection, { now, zone }: Request, io: CommandIo): void {
  const { reading } = found;
  const say = (name: string, words: string): void =>
    io.out(wrap(`${name.padEnd(9)} `, words, io.columns, ' '.repeat(10)));
  const message = reading.finding ?? reading.warnings.at(-1) ?? null;
  say('class', found.class === 'none' ? 'none: nothing that matters' : found.class);
  say('pattern', message === null ? 'none' : `${message.family}, line ${message.line + 1}: "${message.text}"`);
  say('window', found.window === null ? 'none' : windowName(found.window));
  say(
    'reset',
    message?.reset == null
      ? 'none stated'
      : `${wallStamp(message.reset.at, zone)} ${zone}, read from "${message.reset.raw}"`,
  );
  if (reading.vetoes.length === 0) say('veto', 'none');
  for (const veto of reading.vetoes) say('veto', `${veto.family}: "${veto.text}" - ${veto.reason}`);
  say('turn', reading.busy ? 'running' : 'not running');
  if (reading.dialog !== null) say('dialog', reading.dialog.kind);
  say('reason', found.reason);
  say('decision', decisionWords(found, now));
}

/** What the daemon would make of a first sight of this screen, with no file of the CLI to back or contradict it. */
function decisionWords({ reading }: Detection, now: number): string {
  const evidence = gatherEvidence(reading, null, now, now);
  const seen = { paneKey: 'screen', evidence, busy: reading.busy, at: now };
  const { decision } = stepPane(FRESH_PANE, seen, {
    confirmPolls: 2,
    confirmMinAgeMs: 1,
    maxGapMs: 1,
    unknownResetLockMs: HOUR,
  });
  switch (decision.kind) {
    case 'confirmed':
      return `a limit, confirmed at first sight: ${decision.reason}`;
    case 'suspected':
      return 'a suspected limit: without a usable reset time it must stand for several polls before it counts';
    case 'stale':
      return `no limit: ${decision.reason}`;
    case 'other':
      return `no limit: a message of class ${decision.class} never leads to a swap`;
    case 'clear':
      return `no limit: ${decision.reason}`;
  }
}

async function readAll(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
