/** Real screens and collected messages, each with the class and reset that it must be given. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LanguageKind } from '../../../src/core/agents/screen-language.ts';
import { type Detection, detect } from '../../../src/core/screen/detect.ts';

interface Case {
  readonly id: string;
  /** Default: Claude Code. */
  readonly agent?: LanguageKind;
  readonly label: string;
  readonly text: string;
  readonly ambiguous?: boolean;
  readonly window?: string;
  readonly reset?: { readonly expect_from: string; readonly expect_at?: string; readonly local_tz: string };
}

interface Capture {
  readonly file: string;
  readonly agent: LanguageKind;
  readonly label: string;
  /** What the screen itself shows, where the label names the error that was provoked; `why` explains it. */
  readonly shows?: string;
  readonly capturedAt: string;
  readonly resetsAtEpochS: number | null;
}

const SCREENS = new URL('../../screens/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, SCREENS), 'utf8');
const corpus = read('dev.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);
const captures = JSON.parse(read('captures/manifest.json')) as readonly Capture[];

const CLASS_OF: Readonly<Record<string, string>> = {
  quota: 'quota',
  transient: 'throttle',
  warning: 'warning',
  auth: 'auth',
  billing: 'billing',
  lookalike: 'none',
  healthy: 'none',
};

function detectCase({ agent = 'claude', reset }: Case, text: string): Detection {
  const now = Date.parse(reset?.expect_from ?? '2026-10-02T12:00:00Z');
  return detect(text, { agent, now, zone: reset?.local_tz ?? 'UTC' });
}

/** The cases that come out wrong in class or reset when their text is changed so. */
function wrongCases(change: (text: string) => string): string[] {
  return corpus.flatMap((one) => {
    const found = detectCase(one, change(one.text));
    const resetAt = one.reset?.expect_at === undefined ? null : Date.parse(one.reset.expect_at);
    if (found.class !== CLASS_OF[one.label]) return [`${one.id}: ${one.label} came out as ${found.class}`];
    return resetAt !== null && found.resetAt !== resetAt ? [`${one.id}: reset at ${found.resetAt}`] : [];
  });
}

const hardWrap = (text: string, width: number) =>
  text
    .split('\n')
    .flatMap((line) => (isBoxed(line) ? [line] : (line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])))
    .map((line) => line.trimEnd())
    .join('\n');

/** A box is drawn anew for every width. */
const isBoxed = (line: string) => line.startsWith('│');

const isBorder = (line: string) => /^[\s─═│╭╰╮╯]*$/.test(line);

/** Wraps at blanks; the rest of a line stands under its text as the CLI puts it, or at the margin. */
function softWrap(text: string, width: number, hangs: boolean): string {
  return text
    .split('\n')
    .flatMap((line) => {
      if (isBorder(line)) return [line.slice(0, width)];
      if (isBoxed(line)) return [line];
      const lead = /^\s*/.exec(line)?.[0] ?? '';
      const rest = /^\s*⎿|^\s{5}/.test(line) ? '     ' : /^[●⏺❯>✕✦•■⚠›]/.test(line) ? '  ' : lead;
      const out: string[] = [];
      let current = lead;
      for (const word of line.trim().split(' ')) {
        if (current.trim() !== '' && `${current} ${word}`.length > width) {
          out.push(current);
          current = (hangs ? rest : '') + word;
        } else current = current.trim() === '' ? current + word : `${current} ${word}`;
      }
      return [...out, current];
    })
    .join('\n');
}

describe('[R10] [R239] the collected messages', () => {
  test('come out with the class and the reset that each is known to have', () => {
    const confusion = new Map<string, number>();
    for (const one of corpus) {
      const key = `${one.label} → ${detectCase(one, one.text).class}`;
      confusion.set(key, (confusion.get(key) ?? 0) + 1);
    }
    const counts = [...confusion].map(([key, count]) => `${key}: ${count}`).join(', ');
    expect(
      wrongCases((text) => text),
      counts,
    ).toEqual([]);
    expect(corpus.filter((one) => one.label === 'quota').length, counts).toBeGreaterThan(60);
  });

  test('no lookalike and no healthy screen is ever a limit', () => {
    const calm = corpus.filter((one) => CLASS_OF[one.label] !== 'quota');
    expect(calm.filter((one) => detectCase(one, one.text).class === 'quota')).toEqual([]);
  });

  test('are right in the shares that are asked for, all agents together', () => {
    const found = [
      ...corpus.map((one) => {
        const { class: kind, resetAt } = detectCase(one, one.text);
        const at = one.reset?.expect_at === undefined ? null : Date.parse(one.reset.expect_at);
        return { want: CLASS_OF[one.label], kind, resetIsRight: resetAt === at, isSure: one.ambiguous !== true };
      }),
      ...captures.map(({ file, agent, label, shows, capturedAt, resetsAtEpochS }) => {
        const { class: kind, resetAt } = detect(read(`captures/${file}`), {
          agent,
          now: Date.parse(capturedAt),
          zone: 'UTC',
        });
        const resetIsRight = resetsAtEpochS === null || resetAt === Math.floor(resetsAtEpochS / 60) * 60_000;
        return { want: CLASS_OF[shows ?? label], kind, resetIsRight, isSure: true };
      }),
    ];
    const limits = found.filter(({ want, isSure }) => want === 'quota' && isSure);
    const hit = limits.filter(({ kind }) => kind === 'quota');
    const share = (part: number, of: number) => part / of;
    expect(found.filter(({ want, kind }) => kind === 'quota' && want !== 'quota')).toEqual([]);
    expect(share(hit.length, limits.length)).toBeGreaterThanOrEqual(0.99);
    expect(share(found.filter(({ want, kind }) => want === kind).length, found.length)).toBeGreaterThanOrEqual(0.98);
    expect(share(hit.filter(({ resetIsRight }) => resetIsRight).length, hit.length)).toBeGreaterThanOrEqual(0.99);
  });

  test.each<readonly [string, (text: string) => string]>([
    ['[R14] cut hard at 40 columns', (text) => hardWrap(text, 40)],
    ['cut hard at 55 columns', (text) => hardWrap(text, 55)],
    ['cut hard at 60 columns', (text) => hardWrap(text, 60)],
    ['[R14] wrapped at 40 columns under the text', (text) => softWrap(text, 40, true)],
    ['wrapped at 40 columns to the margin', (text) => softWrap(text, 40, false)],
    ['wrapped at 60 columns under the text', (text) => softWrap(text, 60, true)],
    ['wrapped at 100 columns under the text', (text) => softWrap(text, 100, true)],
    ['with carriage returns', (text) => text.replace(/\n/g, '\r\n')],
    ['with no-break spaces', (text) => text.replace(/ /g, '\u00a0')],
    ['with a narrow no-break space before am and pm', (text) => text.replace(/(\d) ?(am|pm)/gi, '$1\u202f$2')],
    ['[R10] in capitals', (text) => text.toUpperCase().replace(/\\N/g, '\n')],
    ['[R10] with typographic apostrophes', (text) => text.replace(/'/g, '’')],
    ['[R10] with bullets as separators', (text) => text.replace(/[·∙]/g, '•')],
    ['with colours', (text) => text.replace(/^(.*)$/gm, '\u001b[38;5;211m$1\u001b[0m')],
    ['padded to the width of the pane', (text) => text.replace(/^(.*)$/gm, (line) => line.padEnd(120))],
    ['with empty lines below', (text) => `${text}\n\n\n\n\n`],
  ])('come out the same %s', (_name, change) => {
    expect(wrongCases(change)).toEqual([]);
  });

  test('[R12] name the limit: weekly and dated texts 7d, session texts 5h, model texts model, plain ones unknown', () => {
    const window = (id: string) => {
      const one = corpus.find((candidate) => candidate.id === id);
      return one === undefined ? 'no such case' : detectCase(one, one.text).window;
    };
    expect(window('cc-session-karachi')).toBe('5h');
    expect(window('cc-5h-noreset')).toBe('5h');
    expect(window('cc-weekly-seoul-justpassed')).toBe('7d');
    expect(window('cc-extra-budapest-feb4')).toBe('7d');
    expect(window('cc-opus-weekly-date-9am')).toBe('model');
    expect(window('cc-fable-limit')).toBe('model');
    expect(window('cc-monthly-spend-url')).toBe('monthly');
    expect(window('cc-monthly-spend-session-reset')).toBe('5h');
    expect(window('cc-hit-dhaka-130am')).toBe('unknown');
  });
});

describe('the captured screens', () => {
  test.each(captures)('$file shows $label', ({ file, agent, label, shows, capturedAt, resetsAtEpochS }) => {
    const now = Date.parse(capturedAt);
    const found = detect(read(`captures/${file}`), { agent, now, zone: 'UTC' });
    expect(found.class, found.reason).toBe(CLASS_OF[shows ?? label]);
    // The CLI rounds down to the minute.
    if (resetsAtEpochS !== null) expect(found.resetAt).toBe(Math.floor(resetsAtEpochS / 60) * 60_000);
  });

  test('a zone that only the banner names holds for the footer too', () => {
    const screen = read('captures/claude-latest-q5h.txt');
    const now = Date.parse('2026-11-20T09:34:37Z');
    const found = detect(screen, { agent: 'claude', now, zone: 'Asia/Tokyo' });
    expect(found.resetAt).toBe(Date.parse('2026-11-20T12:34:00Z'));
  });
});
