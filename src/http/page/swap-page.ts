/** The page of one swap: the record that `why` and `incidents show` tell, laid out. */
import { joined } from '../../core/phrase.ts';
import type { SwapFacts } from '../../core/record-view.ts';
import { swapView } from '../../core/record-view.ts';
import { snippet } from '../../core/redact.ts';
import { swapWords } from '../../core/status-words.ts';
import type { Entry, EvidenceStory, StepStory, SwapStory } from '../../core/swap-story.ts';
import { swapStory } from '../../core/swap-story.ts';
import { MAX_SCREEN } from '../../core/verdict/recorded.ts';
import { wholePage } from './layout.ts';
import type { Markup, Moment } from './markup.ts';
import { fitting, linkTo, markup, more, NOTHING, table, told } from './markup.ts';

export interface SwapPageOptions {
  /** Whether the masked screen goes with it. */
  readonly screen: boolean;
}

const MAX_NAME = 64;
const MAX_WORDS = 400;
const MAX_BYTES = {
  facts: 3_000,
  evidence: 10_000,
  passedOver: 6_000,
  steps: 5_000,
  panes: 6_000,
  screen: 14_000,
} as const;
const BACK = '\u2190 how things stand';

export function swapPage(record: SwapFacts, { screen }: SwapPageOptions, moment: Moment): string {
  const story = swapStory(record, moment.now);
  const { id } = record.swap;
  const { what } = swapWords(swapView(record.swap));
  const show = `claude-failover incidents show ${snippet(id, MAX_NAME)}`;
  return wholePage({
    title: `${snippet(what, MAX_NAME)} · claude-failover`,
    refreshS: null,
    header: markup`<a href="/">${BACK}</a><span>swap ${snippet(id, MAX_NAME)}</span>`,
    main: markup`
      <section>
        <h1>${snippet(what, 2 * MAX_NAME)}</h1>
        <p class="${MOODS[record.swap.phase] ?? 'warn'}">${snippet(story.headline, MAX_WORDS)}</p>
        ${entries(story.facts, MAX_BYTES.facts, show, moment)}
      </section>
      ${screenSection(record.incident?.screen ?? null, screen, show)}
      <section><h2>Evidence</h2>${evidence(story, show, moment)}</section>
      <section><h2>Decision</h2>${decision(story.decision, show, moment)}</section>
      <section><h2>Steps</h2>${steps(story.steps, show)}</section>
      <section><h2>Panes</h2>${
        story.noPanes === null
          ? entries(story.panes, MAX_BYTES.panes, show, moment)
          : markup`<p class="soft">${story.noPanes}</p>`
      }</section>`,
    footer: markup`
      <span>times in ${moment.zone}</span>
      <span>the same in a terminal: <code>${show}</code></span>
      <span>${linkTo('/swaps/', id, 'as JSON')}</span>`,
  });
}

/** Where a link leads to a swap that is not there any more. */
export function noSwapPage(): string {
  return wholePage({
    title: 'not found · claude-failover',
    refreshS: null,
    header: markup`<a href="/">${BACK}</a>`,
    main: markup`<section>
      <h1>There is no such swap</h1>
      <p>It was never made, or its record is older than what is kept. <code>claude-failover incidents</code> lists them all.</p>
    </section>`,
    footer: NOTHING,
  });
}

const MOODS: Readonly<Record<string, string>> = { done: 'ok', failed: 'bad', partial: 'bad' };

function entries(list: readonly Entry[], maxBytes: number, show: string, moment: Moment): Markup {
  const { rows, left } = fitting(list, maxBytes, (entry) => described(entry, moment));
  return markup`<dl>${rows}</dl>${more(left, show)}`;
}

function described({ name, words }: Entry, moment: Moment): Markup {
  return markup`<dt>${snippet(name, MAX_WORDS)}</dt><dd>${told(words, moment, 2 * MAX_WORDS)}</dd>`;
}

function screenSection(screen: string | null, isShown: boolean, show: string): Markup {
  const content = !isShown
    ? markup`<p class="soft">not shown over TCP: <code>${show}</code></p>`
    : screen === null
      ? markup`<p class="soft">none was recorded</p>`
      : screenText(screen, show);
  return markup`<section><h2>The screen before${isShown ? markup`<small>secrets masked</small>` : NOTHING}</h2>${content}</section>`;
}

function screenText(screen: string, show: string): Markup {
  // Masked as a whole: line by line, half of a secret could stay.
  const lines = snippet(screen, MAX_SCREEN).trimEnd().split('\n');
  const { rows, left } = fitting(lines, MAX_BYTES.screen, (line) => markup`${line}${'\n'}`);
  const rest = left === 0 ? NOTHING : markup`<p class="more">and ${left} more lines: <code>${show}</code></p>`;
  return markup`<pre>${rows}</pre>${rest}`;
}

function evidence(story: SwapStory, show: string, moment: Moment): Markup {
  if (story.noEvidence !== null) return markup`<p class="soft">${story.noEvidence}</p>`;
  const { rows, left } = fitting(story.evidence, MAX_BYTES.evidence, (item, room) =>
    paneEvidence(item, room, show, moment),
  );
  return markup`${rows}${more(left, show)}`;
}

function paneEvidence({ pane, votes }: EvidenceStory, maxBytes: number, show: string, moment: Moment): Markup {
  return markup`<h3>${told(joined([[pane.name], pane.words], ': '), moment, MAX_WORDS)}</h3>${entries(votes, maxBytes, show, moment)}`;
}

function decision(story: SwapStory['decision'], show: string, moment: Moment): Markup {
  if (story === null) return markup`<p class="soft">not recorded</p>`;
  const passedOver = story.passedOver.map(({ name, words }) => ({ name: `passed over ${name}`, words }));
  const others = passedOver.length === 0 ? markup`<p class="soft">there was no other candidate</p>` : NOTHING;
  return markup`${entries([story.chosen, ...passedOver], MAX_BYTES.passedOver, show, moment)}${others}`;
}

function steps(list: readonly StepStory[], show: string): Markup {
  if (list.length === 0) return markup`<p class="soft">none recorded</p>`;
  const { rows, left } = fitting(
    list,
    MAX_BYTES.steps,
    ({ afterMs, step, took, detail }) => markup`<tr>
      <td>+${(afterMs / 1000).toFixed(1)} s</td>
      <th scope="row">${snippet(step, MAX_WORDS)}</th>
      <td data-is="took">${took}</td>
      <td class="wide">${snippet(detail, MAX_WORDS)}</td>
    </tr>`,
  );
  return markup`${table(['after', 'step', 'took', 'details'], rows)}${more(left, show)}`;
}
