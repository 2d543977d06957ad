/** The page on which a browser shows how things stand: what `/status`, `/swaps`, `/alerts` and `/tasks` say, for people. */
import type { AlertView } from '../../core/alerts/alert-view.ts';
import type { DayStrip } from '../../core/day-strip.ts';
import { joined } from '../../core/phrase.ts';
import type { TaskView } from '../../core/queue/view.ts';
import type { SwapView } from '../../core/record-view.ts';
import { snippet } from '../../core/redact.ts';
import type { StatusView } from '../../core/status.ts';
import { answerParts, statusWord } from '../../core/status-words.ts';
import { formatDuration, SECOND } from '../../core/time.ts';
import { accountTables } from './account-tables.ts';
import { wholePage } from './layout.ts';
import type { Markup, Moment } from './markup.ts';
import { fitting, markup, more, NOTHING, timeOf, told } from './markup.ts';
import { alertTable, attentionList, paneTable, swapTable, taskTable } from './tables.ts';

/** What the page is made of; null: the database could not be read. */
export interface StatusPageViews {
  readonly status: StatusView;
  /** By account. */
  readonly strips: ReadonlyMap<string, DayStrip> | null;
  /** Newest first, `SWAPS_SHOWN` and one more. */
  readonly swaps: readonly SwapView[] | null;
  /** Open ones, newest first. */
  readonly alerts: readonly AlertView[] | null;
  /** Those that are worked on. */
  readonly tasks: readonly TaskView[] | null;
}

export const SWAPS_SHOWN = 8;
export const REFRESH_S = 10;

const MAX_TITLE = 60;
const MAX_PART = 160;
const MAX_VERSION = 40;
const MAX_REASON = 400;
/** Of the parts of the answer, and of its reasons. */
const MAX_BYTES = { parts: 1_500, reasons: 2_000 } as const;
/** Of the whole page: panes get what everything else leaves. */
const MAX_PAGE_BYTES = 50_000;

export function statusPage(views: StatusPageViews, moment: Moment): string {
  const { status } = views;
  const active = status.pools.flatMap(({ active_account }) => active_account ?? []).join(', ');
  const above = markup`
    ${answer(status, moment)}
    ${accountTables(status, views.strips, moment)}
    ${alertTable(status, views.alerts, moment)}`;
  const below = markup`
    ${taskTable(status, views.tasks, moment)}
    ${swapTable(views.swaps, SWAPS_SHOWN, moment)}
    ${attentionList(status, moment)}`;
  const parts = {
    title: [statusWord(status), snippet(active, MAX_TITLE), 'claude-failover']
      .filter((part) => part !== '')
      .join(' · '),
    refreshS: REFRESH_S,
    header: markup`<b>claude-failover</b><span>as of ${timeOf(status.as_of, moment, 'stamp')}</span>`,
    footer: footer(status, moment),
  };
  const around = (panes: Markup): string => wholePage({ ...parts, main: markup`${above}${panes}${below}` });
  const room = MAX_PAGE_BYTES - Buffer.byteLength(around(paneTable(status, 0, moment)));
  return around(paneTable(status, room, moment));
}

function answer(view: StatusView, moment: Moment): Markup {
  const word = statusWord(view);
  const mood = word === 'OK' ? 'ok' : view.status === 'unhealthy' ? 'bad' : 'warn';
  const parts = answerParts(view, moment.now).map((part, i) => joined([i === 0 ? [] : [' · '], part], ''));
  const said = fitting(parts, MAX_BYTES.parts, (part) => markup`${told(part, moment, MAX_PART)}`);
  const reasons = fitting(view.reasons, MAX_BYTES.reasons, (reason) => markup`<li>${snippet(reason, MAX_REASON)}</li>`);
  const { needs_restart: needsRestart } = view.config;
  return markup`<section>
    <h1 class="${mood}">${word}</h1>
    <p>${said.rows}</p>
    ${reasons.rows.length === 0 ? NOTHING : markup`<ul>${reasons.rows}</ul>`}
    ${more(said.left + reasons.left, 'claude-failover status')}
    ${needsRestart.length === 0 ? NOTHING : markup`<p>waits for a restart: ${snippet(needsRestart.join(', '), MAX_PART)}</p>`}
  </section>`;
}

function footer({ version, daemon, mode, config }: StatusView, { zone }: Moment): Markup {
  const uptime = daemon.uptime_s === null ? '' : `, up for ${formatDuration(daemon.uptime_s * SECOND)}`;
  return markup`
    <span>version ${snippet(version, MAX_VERSION)}, pid ${daemon.pid}${uptime}</span>
    <span>mode ${mode}</span>
    <span>${snippet(config.file, MAX_PART)}</span>
    <span>times in ${zone}</span>
    <span>again every ${REFRESH_S} s</span>
    <span><a href="/status">as JSON</a></span>`;
}
