import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLogger, type LogLevel } from '../../src/adapters/logger.ts';
import { LinkError } from '../../src/core/errors.ts';
import type { Logger } from '../../src/ports.ts';

interface Written {
  readonly log: Logger & { setLevel(level: LogLevel): void };
  readonly text: () => string;
  readonly lines: () => Record<string, unknown>[];
}

function capture(options: { level?: LogLevel; format?: 'auto' | 'json' | 'pretty'; isTTY?: boolean } = {}): Written {
  let text = '';
  const stream = {
    write: (line: string): void => {
      text += line;
    },
  };
  const log = createLogger({ level: 'debug', format: 'auto', isTTY: false, ...options, stream });
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, text: () => text, lines };
}

describe('the log', () => {
  test('writes one JSON line per fact with time, level, message and fields', () => {
    const { log, lines } = capture();
    log.child({ loop: 'switcher' }).child({ pool: 'claude' }).info({ to: 'work-2' }, 'swapped');
    expect(lines()).toEqual([
      expect.objectContaining({ level: 'info', loop: 'switcher', pool: 'claude', to: 'work-2', msg: 'swapped' }),
    ]);
    expect(Date.parse(String(lines()[0]?.time))).toBeGreaterThan(0);
  });

  test('writes nothing below its level, and follows a change of level in every child', () => {
    const { log, lines } = capture({ level: 'warn' });
    const child = log.child({ loop: 'x' });
    child.info({}, 'unseen');
    log.setLevel('debug');
    child.debug({}, 'seen');
    expect(lines().map((line) => line.msg)).toEqual(['seen']);
  });

  test('masks secrets by the name of the field, however deep', () => {
    const { log, text, lines } = capture();
    const secret = 'made-up-secret-value';
    log.info(
      {
        token: secret,
        a: { accessToken: secret, b: [{ refresh_token: secret }] },
        Authorization: secret,
        apiKey: secret,
      },
      'x',
    );
    log.info({ password: null, tokens: 3 }, 'y');
    expect(text()).not.toContain(secret);
    expect(lines()[1]).toMatchObject({ password: null, tokens: 3 });
  });

  test.each([
    ['an Anthropic token', 'sk-ant-oat01-AAAA-made_up'],
    ['a bearer header', 'Bearer made.up-value-of-some-length=='],
    ['a basic header', 'Basic bWFkZS11cA=='],
    ['a Telegram token in an address', 'https://api.telegram.org/bot123456:AAAA-made_up_AAAAAAAAAAAAAAAAAAAA/getMe'],
    ['a database password', 'postgres://agent:made-up@db/claude'],
    ['a Resend key', 're_0123456789abcdefMADEUP'],
  ])('masks %s in fields, messages and errors', (_name, text) => {
    const { log, lines, text: written } = capture();
    log.error({ note: `before ${text} after`, error: new Error(text, { cause: new Error(text) }) }, `said ${text}`);
    expect(written()).not.toMatch(/made|MADE|bWFk/);
    expect(lines()[0]?.note).toMatch(/^before .*\[masked\].* after$|^before .*\[masked\]/);
  });

  test('says code, hint and cause of our own errors and the stack of foreign ones', () => {
    const { log, lines } = capture();
    const foreign = new TypeError('x is not a function');
    log.warn({ error: new LinkError('link_missing', 'no link', { hint: 'run init', cause: foreign }) }, 'failed');
    const error = lines()[0]?.error as Record<string, unknown>;
    expect(error).toMatchObject({ type: 'LinkError', code: 'link_missing', message: 'no link', hint: 'run init' });
    expect(error.stack).toBeUndefined();
    expect(error.cause).toMatchObject({ type: 'TypeError', stack: expect.stringContaining('logger.test.ts') });
  });

  test('never writes a line over 4 KiB and never throws, whatever the fields', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withDate: true })),
        fc.string(),
        (fields, message) => {
          const { log, text, lines } = capture();
          log.info({ ...fields, big: 'ß'.repeat(20_000) }, message);
          expect(Buffer.byteLength(text())).toBeLessThanOrEqual(4096);
          expect(lines()).toHaveLength(1);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('stays within 4 KiB with many fields and names those it dropped', () => {
    const { log, text, lines } = capture();
    log.info(
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field${i}`, 'x'.repeat(90)])),
      'x'.repeat(9000),
    );
    expect(Buffer.byteLength(text())).toBeLessThanOrEqual(4096);
    expect(lines()[0]?.field0).toBeDefined();
    expect(lines()[0]?.dropped).toContain('field');
  });

  test('survives circular fields and hostile getters of its own names', () => {
    const { log, lines } = capture();
    const circle: Record<string, unknown> = { name: 'circle' };
    circle.self = circle;
    log.info({ circle, level: 'mine', msg: 'mine', time: 'mine' }, 'kept');
    expect(lines()[0]).toMatchObject({ level: 'info', msg: 'kept', level_: 'mine', circle: { self: '[circular]' } });
  });

  test('is readable on a terminal only', () => {
    const onTerminal = capture({ isTTY: true });
    onTerminal.log.warn({ pane: '%1' }, 'watch out');
    expect(onTerminal.text()).toMatch(/WARN/);
    expect(onTerminal.text()).toContain('\x1b[');
    expect(() => onTerminal.lines()).toThrow();

    const intoFile = capture({ format: 'pretty', isTTY: false });
    intoFile.log.warn({ pane: '%1' }, 'watch out');
    expect(intoFile.text()).toContain('watch out');
    expect(intoFile.text()).not.toContain('\x1b[');
  });
});
