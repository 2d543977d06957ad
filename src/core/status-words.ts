/** The words of a status that the terminal and the page share: the answer, and what is noted of each thing. */
import type { AccountStatusView } from './account-view.ts';
import { counted } from './counted.ts';
import { percent } from './percent.ts';
import type { Phrase } from './phrase.ts';
import { joined } from './phrase.ts';
import { windowName } from './quota/window-name.ts';
import type { SwapView } from './record-view.ts';
import type { PoolStatusView, StatusView } from './status.ts';
import type { EpochMs } from './time.ts';
import { formatDuration, SECOND } from './time.ts';

export type SessionView = StatusView['sessions'][number];

/** The answer in one word. */
export function statusWord(view: StatusView): string {
  if (!view.daemon.running) return 'NOT RUNNING';
  if (view.paused !== null) return 'PAUSED';
  if (view.status !== 'ok') return view.status.toUpperCase();
  return view.mode === 'observe' || view.observe_reason !== null ? 'OBSERVING' : 'OK';
}

/** What follows the word: each pool, and how many panes and tasks there are. */
export function answerParts(view: StatusView, now: EpochMs): readonly Phrase[] {
  return [
    ...view.pools.flatMap((pool) => poolParts(pool, view, now)),
    [counted(view.sessions.length, 'pane')],
    ...countTasks(view).map((words) => [words]),
  ];
}

function poolParts(pool: PoolStatusView, view: StatusView, now: EpochMs): readonly Phrase[] {
  const active = view.accounts.find((account) => account.pool === pool.name && account.name === pool.active_account);
  const figures = Object.entries(active?.quota ?? {}).flatMap(([window, quota]) =>
    quota.used === null && !quota.limit_reached
      ? []
      : [`${windowName(window)} ${quota.limit_reached ? 'limit reached' : percent(quota.used ?? 0)}`],
  );
  const used = figures.length === 0 ? '' : ` (${figures.join(', ')})`;
  const next = earliest([pool.next_reset_at, ...resetsOf(active)], now);
  return [
    [`${pool.name}: ${pool.active_account === null ? 'no account' : `${pool.active_account} active`}${used}`],
    ...(pool.switcher === 'normal' ? [] : [[pool.switcher.replaceAll('_', ' ')]]),
    ...(next === null ? [] : [['next reset ', { at: next, as: 'ahead' } as const]]),
    ...(pool.cooldown.active ? [[`cooldown ${formatDuration(pool.cooldown.remaining_s * SECOND)}`]] : []),
  ];
}

/** Tasks that have not ended, and those that failed; nothing where there is none. */
function countTasks({ queue }: StatusView): readonly string[] {
  if (queue === null) return [];
  const { queued, blocked, claimed, launching, running, retry_wait, failed, timeout } = queue.by_status;
  const counts = [
    [queued + blocked + retry_wait, 'waiting'],
    [claimed + launching + running, 'in work'],
    [failed + timeout, 'failed'],
  ] as const;
  const said = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return said.length === 0 ? [] : [`tasks: ${said.join(', ')}`];
}

/** The first reset of its windows that lies ahead; null: none is known. */
export function nextReset(account: AccountStatusView, now: EpochMs): EpochMs | null {
  return earliest(resetsOf(account), now);
}

/** Why it is not eligible, and the threshold that it is over although it is in use; empty: nothing is to be said. */
export function accountNotes(account: AccountStatusView): Phrase {
  const notes = account.reasons.map(
    ({ detail, until }): Phrase =>
      until === null ? [detail] : [`${detail} until `, { at: Date.parse(until), as: 'time' }],
  );
  if (account.active && account.paused !== null) {
    const { window, threshold } = account.paused;
    const from = account.auto_pause[window].from === 'default' ? ', the default' : '';
    notes.push([`over its ${windowName(window)} threshold (${percent(threshold)}${from})`]);
  }
  return joined(notes, '; ');
}

/** The pane, with its tmux server where another one has a pane of this name. */
export function paneName({ pane, server }: SessionView, view: StatusView): string {
  const isTwin = view.sessions.some((other) => other.pane === pane && other.server !== server);
  return isTwin ? `${server.replace(/^.*\//s, '')}/${pane}` : pane;
}

/** How long it has been in its state. */
export function sinceWords({ since }: SessionView, now: EpochMs): string {
  const sinceMs = since === null ? null : now - Date.parse(since);
  return sinceMs === null ? '-' : sinceMs < SECOND ? 'now' : formatDuration(sinceMs);
}

/** What a swap did, how long that took, and on whose account it was asked for. */
export function swapWords(swap: SwapView): { readonly what: string; readonly took: string; readonly cause: string } {
  const startedAt = Date.parse(swap.started_at ?? '');
  const byLimit = swap.trigger_pane ?? 'a limit';
  return {
    what: swap.trigger === 'reset' ? `resume on ${swap.to}` : `${swap.from} -> ${swap.to}`,
    took: swap.finished_at === null ? 'under way' : formatDuration(Date.parse(swap.finished_at) - startedAt),
    cause: swap.trigger === 'limit' ? byLimit : swap.trigger === 'manual' ? 'hand' : swap.trigger,
  };
}

function resetsOf(account: AccountStatusView | undefined): readonly (string | null)[] {
  return Object.values(account?.quota ?? {}).map(({ reset_at }) => reset_at);
}

function earliest(instants: readonly (string | null)[], now: EpochMs): EpochMs | null {
  const ahead = instants.map((text) => Date.parse(text ?? '')).filter((at) => at > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}
