/** Reads one screen: the message that decides, what was put aside and why, and the state of the prompt. */
import { languageOf } from '../agents/languages.ts';
import { describeDialog } from './dialog.ts';
import type { Reading } from './finding.ts';
import { isWrapped, type Line } from './lines.ts';
import type { MatchContext } from './messages.ts';
import { Reader } from './reader.ts';
import { divide } from './regions.ts';

/**
 * Reads a visible screen, wraps joined or not, in the order in which it was printed. Never throws.
 *
 * @param options.agent whose screen it is; default: Claude Code
 */
export function readScreen(screen: string, options: MatchContext): Reading {
  const { marks } = languageOf(options.agent);
  const regions = divide(screen, marks);
  const reader = new Reader(regions.width, options, isQuiet(screen, options));
  for (const block of regions.blocks) reader.block(block);
  for (const lines of footerNotices(regions.footer, regions.width)) reader.footerNotice(lines);
  reader.footerHints(regions.footer);
  const dialog = regions.dialog === null ? null : describeDialog(regions.dialog, marks.dialog);
  if (regions.dialog !== null && dialog !== null) reader.dialog(regions.dialog, dialog);
  const busy = reader.isBusy || regions.footer.some((line) => marks.interruptHint.test(line.text));
  return {
    busy,
    version: regions.version,
    composer: regions.composer === null ? null : { text: regions.composer.text },
    dialog,
    ...reader.decide(busy),
    warnings: reader.warnings,
    vetoes: reader.vetoes,
  };

  /** Notices of the footer, each with its wrapped or indented rest. */
  function footerNotices(footer: readonly Line[], width: number): Line[][] {
    const groups: Line[][] = [];
    for (const line of footer) {
      if (line.text === '') continue;
      const group = groups.at(-1);
      const last = group?.at(-1);
      if (marks.notice.test(line.text) || marks.footerNoticeRest.test(line.text)) groups.push([line]);
      else if (last?.at === line.at - 1 && (line.indent >= 4 || isWrapped(last, line, width))) group?.push(line);
    }
    return groups;
  }
}

/** Beyond this a look at the whole screen costs more than it saves. */
const LONGEST_LOOKED_OVER = 60_000;

/** Whether no word of the screen can belong to a message, so that no pattern need be tried. */
function isQuiet(screen: string, { agent, extra }: MatchContext): boolean {
  if ((extra?.patterns.length ?? 0) > 0 || screen.length > LONGEST_LOOKED_OVER) return false;
  // What takes no column may stand inside of a word.
  if (/[\x1b\xad\u200b-\u200f\u2060-\u2064]/.test(screen)) return false;
  const { prefilter } = languageOf(agent).messages;
  // A pane cuts words at its width.
  return !prefilter.test(screen) && !prefilter.test(screen.replace(/\r?\n/g, ''));
}
