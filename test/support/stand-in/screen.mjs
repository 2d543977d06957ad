/** What the stand-in shows: finished blocks that stay, and below them a part that is painted anew on every change. */

const RED = '\x1b[38;5;211m';
const PLAIN = '\x1b[39m';
/** Lines of a draft that are still shown themselves. */
const LONG_PASTE = 10;

/**
 * @typedef {object} Below
 * @property {'composer' | 'menu' | 'dialog'} kind
 * @property {string} draft what stands in the composer
 * @property {string | null} placeholder shown in an empty composer
 * @property {string | null} spinner the word of a running turn
 * @property {number} elapsedS
 * @property {string | null} waitsFor time of day of an armed self-continue
 * @property {string | null} resets time of day of the reset the menu speaks of
 * @property {string | null} hint a word of the CLI in the footer
 * @property {number} cursor the choice under it, in a list without numbers
 */

/** @type {Record<'trust' | 'permission' | 'foreign-session', readonly string[]>} */
const DIALOGS = {
  trust: [
    'Accessing workspace:',
    '',
    'Quick safety check: Is this a project you created or one you trust?',
    '',
    '❯ 1. Yes, I trust this folder',
    '  2. No, exit',
  ],
  permission: ['Bash command', '', '  rm -r build', '', 'Do you want to proceed?', '❯ 1. Yes', '  2. No'],
  'foreign-session': [
    'This session belongs to another account',
    '',
    '❯ 1. Copy this session to the current account',
    '  2. Start a new session',
  ],
};

/** Paints on a terminal in the layout of the given version, in the main screen as the CLI does. */
export class Screen {
  /** @param {NodeJS.WriteStream} out @param {import('./options.mjs').Options} options */
  constructor(out, options) {
    this.out = out;
    this.options = options;
    this.paintedLines = 0;
  }

  get width() {
    return this.out.columns || 80;
  }

  get mark() {
    return this.options.isModern ? '❯' : '>';
  }

  open() {
    this.out.write('\x1b[?25l\x1b[?2004h');
    const folder = process.cwd();
    const head = this.options.isModern
      ? [` ▐▛███▛█   Claude Code v${this.options.version}`, '▝▜██████▀  Opus 5.5 · Claude Max', ` ▝▝   ▝▝   ${folder}`]
      : [
          '',
          ` * ▐▛███▜▌ *   Claude Code v${this.options.version}`,
          '* ▝▜█████▛▘ *  Opus 4.5 · Claude Max',
          ` *  ▘▘ ▝▝  *   ${folder}`,
        ];
    this.out.write(`${head.map((line) => clip(line, this.width)).join('\n')}\n`);
  }

  close() {
    this.erase();
    this.out.write('\x1b[?2004l\x1b[?25h');
  }

  /** @param {string} text */
  prompt(text) {
    this.block(hang(text, `${this.mark} `, this.width));
  }

  /** @param {string} text */
  reply(text) {
    this.block(hang(text, '● ', this.width));
  }

  /** A line that belongs to the prompt above it. @param {string} text @param {string | null} [colour] */
  result(text, colour = null) {
    const lines = hang(text, '  ⎿  ', this.width);
    this.erase();
    this.out.write(`${lines.map((line) => (colour === null ? line : `${colour}${line}${PLAIN}`)).join('\n')}\n`);
  }

  /** @param {string} text */
  limit(text) {
    this.result(text, RED);
    if (!this.options.isModern) this.out.write('     Opening your options…\n');
  }

  /** @param {string} text */
  closing(text) {
    this.block([`✻ ${text}`]);
  }

  /** @param {readonly string[]} lines */
  block(lines) {
    this.erase();
    this.out.write(`\n${lines.join('\n')}\n`);
  }

  /** @param {Below} below */
  paint(below) {
    const lines = this.lines(below);
    this.erase();
    this.out.write(lines.map((line) => clip(line, this.width)).join('\n'));
    this.paintedLines = lines.length;
  }

  /** @param {Below} below @returns {string[]} */
  lines(below) {
    if (below.kind === 'menu') return this.menu(below);
    if (below.kind === 'composer') return this.composer(below);
    const { dialog } = this.options;
    const text = (dialog === 'untrusted' ? untrusted(below.cursor) : DIALOGS[dialog ?? 'permission']).map(
      (line) => ` ${line}`,
    );
    return ['', '─'.repeat(this.width), ...text, '', ' Enter to confirm · Esc to cancel'];
  }

  erase() {
    if (this.paintedLines === 0) return;
    const up = this.paintedLines > 1 ? `\x1b[${this.paintedLines - 1}A` : '';
    this.out.write(`\r${up}\x1b[J`);
    this.paintedLines = 0;
  }

  /** @param {Below} below */
  composer(below) {
    const rule = '─'.repeat(this.width);
    const isEmpty = below.draft === '';
    const lines = below.draft.split('\n').length;
    // A paste of some length is only told of.
    const shown = lines > LONG_PASTE ? `[Pasted text #1 +${lines - 1} lines]` : below.draft;
    const text = isEmpty ? (below.placeholder ?? '') : shown;
    const draft = text.split('\n').map((line, i) => `${i === 0 ? this.mark : ' '} ${line}`);
    const isBusy = below.spinner !== null;
    const spinner = isBusy
      ? ['', `✻ ${below.spinner}… (${this.options.isModern ? `${below.elapsedS}s · ` : ''}esc to interrupt)`]
      : [];
    return [...spinner, '', rule, ...draft, rule, ...this.footer(below, isBusy)];
  }

  /** @param {Below} below @param {boolean} isBusy */
  footer(below, isBusy) {
    if (below.hint !== null) return [`  ${below.hint}`];
    if (!this.options.isModern) return ['  ? for shortcuts'];
    const waits =
      below.waitsFor === null
        ? []
        : [
            `  ⚠ Usage limit reached · limit resets ${below.waitsFor}`,
            `    Continuing automatically at ${below.waitsFor} · Esc to cancel`,
          ];
    return [...waits, `  ⏵⏵ auto mode on (shift+tab to cycle)${isBusy ? ' · esc to interrupt' : ''}`];
  }

  /** @param {Below} below */
  menu(below) {
    if (this.options.isModern) {
      return [
        '',
        '❯ /rate-limit-options',
        '',
        '─'.repeat(this.width),
        '  What do you want to do?',
        '',
        '  ❯ 1. Stop and wait for limit to reset',
        `    2. Wait here, then continue automatically at ${below.resets}`,
        '    3. Switch to usage credits',
        '    4. Upgrade your plan',
        '',
        '  Enter to confirm · Esc to cancel',
      ];
    }
    const inner = this.width - 4;
    const options = [
      'What do you want to do?',
      '',
      '❯ 1. Stop and wait for limit to reset',
      '  2. Switch to extra usage',
      '  3. Upgrade your plan',
    ];
    return [
      '',
      '> /rate-limit-options',
      `╭${'─'.repeat(inner + 2)}╮`,
      ...options.map((line) => `│ ${clip(line, inner).padEnd(inner)} │`),
      `╰${'─'.repeat(inner + 2)}╯`,
    ];
  }
}

/** As 2.1.330 shows it. @param {number} cursor */
function untrusted(cursor) {
  const choices = ['No, exit', 'Yes, I trust this folder'];
  return [
    'Accessing workspace:',
    '',
    'Quick safety check: Is this a project you created or one you trust?',
    '',
    'Security guide',
    '',
    ...choices.map((choice, i) => `${i === cursor ? '❯' : ' '} ${choice}`),
  ];
}

/** @param {string} line @param {number} width */
function clip(line, width) {
  const points = [...line];
  return points.length <= width ? line : `${points.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Breaks at words; the first line gets the mark, the others stand below its text. @param {string} text @param {string} mark @param {number} width */
function hang(text, mark, width) {
  const room = Math.max(10, width - mark.length);
  const lines = text.split('\n').flatMap((paragraph) => {
    const broken = [''];
    for (const word of paragraph.split(' ')) {
      const last = broken[broken.length - 1];
      if (last !== '' && last.length + 1 + word.length > room) broken.push(word);
      else broken[broken.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return broken;
  });
  return lines.map((line, i) => `${i === 0 ? mark : ' '.repeat(mark.length)}${line}`);
}

/** A reset as the CLI writes it: `12:34pm`, `3pm`, and with the date when it is more than a day away. @param {number} at @param {number} now */
export function resetTime(at, now) {
  const date = new Date(at);
  const minutes = date.getMinutes() === 0 ? '' : `:${String(date.getMinutes()).padStart(2, '0')}`;
  const time = `${date.getHours() % 12 || 12}${minutes}${date.getHours() < 12 ? 'am' : 'pm'}`;
  if (at - now <= 24 * 3_600_000) return time;
  return `${date.toLocaleString('en-US', { month: 'short' })} ${date.getDate()}, ${time}`;
}
