/** The house rules that a compiler does not know: who may import whom, where time and the process may be named. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

type Room =
  | 'main'
  | 'commands'
  | 'daemon'
  | 'app'
  | 'runtime'
  | 'loops'
  | 'http'
  | 'adapters'
  | 'store'
  | 'config'
  | 'steps'
  | 'ports'
  | 'schema'
  | 'core';

/** The rooms whose values each room may use; a room may always use itself. Types may be taken from ports, schema and core. */
const MAY_IMPORT: Readonly<Record<Room, readonly Room[]>> = {
  main: ['commands', 'daemon', 'core'],
  commands: ['daemon', 'app', 'store', 'adapters', 'config', 'schema', 'steps', 'http', 'ports', 'core'],
  daemon: ['app', 'adapters', 'config', 'core'],
  app: ['runtime', 'loops', 'http', 'adapters', 'store', 'config', 'schema', 'steps', 'ports', 'core'],
  runtime: ['ports', 'core'],
  loops: ['steps', 'ports', 'core'],
  http: ['ports', 'core'],
  adapters: ['ports', 'core'],
  store: ['ports', 'core'],
  config: ['schema', 'ports', 'core'],
  steps: ['ports', 'core'],
  ports: ['core'],
  schema: ['config', 'core'],
  core: [],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

const files = sourceFiles(SRC);

describe('who may import whom', () => {
  test('a file uses only the rooms that its own may know', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter(({ to }) => to.startsWith('.'))
        .filter((line) => !isAllowed(file, line))
        .map((line) => `${file} → ${line.to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('the rule would notice a loop that reaches for an adapter', () => {
    expect(isAllowed('loops/watcher.ts', { from: '', to: '../adapters/clock.ts', isType: false })).toBe(false);
    expect(isAllowed('core/time.ts', { from: '', to: '../ports.ts', isType: true })).toBe(false);
  });

  test('the core uses nothing from outside but the time-zone library, and that in one file', () => {
    const outside = files
      .filter((file) => roomOf(file) === 'core')
      .flatMap((file) => importsOf(file).map((line) => ({ file, to: line.to })))
      .filter(({ to }) => !to.startsWith('.'));
    expect(outside).toEqual([{ file: 'core/screen/reset-time.ts', to: 'temporal-polyfill' }]);
  });

  test('no loop imports another loop, no adapter imports the adapter of another thing', () => {
    const loops = files.filter((file) => roomOf(file) === 'loops');
    const between = loops.flatMap((file) => importsOf(file).filter(({ to }) => /^\.\/[^/]+\.ts$/.test(to)));
    expect(between).toEqual([]);
    const across = files
      .filter((file) => roomOf(file) === 'adapters')
      .flatMap((file) =>
        importsOf(file)
          .filter(({ to }) => to.startsWith('.'))
          .map((line) => [file, folderOf(file), folderOf(resolve(file, line.to))] as const),
      )
      .filter(([, own, other]) => other.startsWith('adapters/') && own.startsWith('adapters/') && own !== other);
    expect(across).toEqual([]);
  });
});

describe('where the world may be named', () => {
  test('only the clock reads the time or sets timers', () => {
    expect(
      mentions(/\bDate\.now\(|\bnew Date\(\)|\bsetTimeout\(|\bsetInterval\(|AbortSignal\.timeout|performance\.now/),
    ).toEqual(['adapters/clock.ts']);
  });

  test('only main reads the environment and ends the process', () => {
    expect(mentions(/(?<!\.)\bprocess\.(?:env|exit|exitCode)\b/)).toEqual(['main.ts']);
  });

  test('the core has no randomness and no console', () => {
    const core = mentions(/\bMath\.random\b|\bconsole\.|\bglobalThis\b/).filter((file) => roomOf(file) === 'core');
    expect(core).toEqual([]);
  });
});

describe('powers', () => {
  test('only the effects of a swap move an account link: there is one writer [R37]', () => {
    expect(mentions(/\blink\.point\(/)).toEqual(['steps/swap-effects.ts']);
  });

  test('one place ends a tmux session, and nothing ends a window, a pane or a server [R244]', () => {
    expect(mentions(/\bkill-session\b/)).toEqual(['adapters/tmux/sessions.ts']);
    expect(mentions(/\bkill-(?:window|pane|server)\b|\brespawn-/)).toEqual([]);
    expect(mentions(/\bmaker\.end\(/)).toEqual(['steps/keep-sessions.ts']);
  });

  test('nothing but the messages to the user goes out to a network: no figure is asked of a provider [R129]', () => {
    const outside = mentions(/\bfetch\(|'node:(?:https?|http2|net|tls|dgram)'|\bfrom 'resend'|'node-telegram-bot-api'/);
    expect(outside.filter((file) => !file.startsWith('adapters/channels/') && !file.startsWith('http/'))).toEqual([
      // The user's own daemon, over its socket.
      'commands/daemon-client.ts',
    ]);
  });

  test('only the state machines of a recovery, a launch, a delivery, an answer and a cancelled turn decide what is typed, each in one place [R72]', () => {
    expect(mentions(/\bkeys\.(?:paste|press)\(/)).toEqual([
      'steps/answer-dialog.ts',
      'steps/deliver-task.ts',
      'steps/launch-agent.ts',
      'steps/recover-panes.ts',
      'steps/stop-turn.ts',
    ]);
  });
});

describe('rooms stay small', () => {
  test('every file opens with one sentence that says what lives in it', () => {
    const silent = files.filter((file) => !/^(?:#!.*\n)?\/\*\*/.test(read(file)));
    expect(silent).toEqual([]);
  });

  test('no file is named after a shapeless thing', () => {
    expect(files.filter((file) => /(?:^|\/)(?:utils?|helpers?|managers?|index|misc|common)\.ts$/.test(file))).toEqual(
      [],
    );
  });

  test('the median file is short, and hardly one is long', () => {
    const lines = files.map((file) => read(file).split('\n').length).sort((a, b) => a - b);
    expect(lines[Math.floor(lines.length / 2)]).toBeLessThan(120);
    expect(lines.filter((count) => count > 450)).toEqual([]);
  });
});

function isAllowed(file: string, line: Import): boolean {
  const own = roomOf(file);
  const other = roomOf(resolve(file, line.to));
  if (own === other) return true;
  if (MAY_IMPORT[own].includes(other)) return true;
  // A type costs nothing at run time: the shape of the configuration is known to everyone outside the core.
  return line.isType && own !== 'core' && ['ports', 'schema', 'core'].includes(other);
}

function roomOf(file: string): Room {
  if (file === 'config/schema.ts') return 'schema';
  const [first = ''] = file.split('/');
  return first.replace(/\.ts$/, '') as Room;
}

function importsOf(file: string): readonly Import[] {
  const text = read(file);
  const lines = [...text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)';/gms)];
  const found = lines.map(([whole, type, to = '']) => ({
    from: file,
    to,
    isType: type !== undefined || /^(?:import|export)\s+\{(?:\s*type\s[^,}]+,?)+\s*\}/.test(whole),
  }));
  const lazy = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, to = '']) => ({ from: file, to, isType: false }));
  return [...found, ...lazy];
}

function resolve(file: string, to: string): string {
  return relative(SRC, join(SRC, file, '..', to));
}

function folderOf(file: string): string {
  return file.split('/').slice(0, -1).join('/');
}

function mentions(pattern: RegExp): readonly string[] {
  return files.filter((file) => pattern.test(withoutComments(read(file))));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

function read(file: string): string {
  return readFileSync(join(SRC, file), 'utf8');
}

function sourceFiles(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
}
