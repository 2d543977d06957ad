/** What each kind of event says to a person: which incident it belongs to, a line about it, what it needs. */
import type { EventType, JournalEvent, Severity } from '../events.ts';
import { DAY, formatDuration } from '../time.ts';
import { alertSaying } from './alert-sayings.ts';
import {
  breakerKey,
  driftKey,
  exhaustedKey,
  failingKey,
  loginKey,
  overThresholdKey,
  unreachableKey,
  usageKey,
  wallKey,
} from './incident-keys.ts';
import type { Saying } from './saying.ts';
import { closing, number, opening, plain, poolName, resets, said, seen, swapSaying, text } from './saying.ts';
import { TASK_RULES, UNTOLD_OF_TASKS } from './task-sayings.ts';

type Rule = (event: JournalEvent) => Saying | readonly Saying[];

/** Not told unless `notifications.events` gives them a severity: they happen all day, or are told by what follows. */
export const UNTOLD: ReadonlySet<EventType> = new Set<EventType>([
  'config_applied',
  'quota_suspected',
  'quota_hit',
  'quota_cleared',
  'throttled',
  'swap_refused',
  'session_adopted',
  'session_gone',
  'chat_refused',
  'clock_jump',
  'pool_held',
  'recovered_by_hand',
  'account_disabled',
  'account_enabled',
  'account_removed',
  'quota_reset_by_hand',
  'session_terminated',
  'state_imported',
  'threshold_pause_ended',
  ...UNTOLD_OF_TASKS,
]);

/** How loud an event is in a message; `debug`: it begins none, but goes on with one that was told. */
export function toldSeverity(event: JournalEvent): Severity {
  // A swap that waits for a person is the exception among the refused ones.
  if (event.type === 'swap_refused' && event.severity === 'warning') return 'warning';
  if (UNTOLD.has(event.type)) return 'debug';
  return LOUDNESS[event.type]?.(event) === false ? 'debug' : event.severity;
}

/** Of types that are worth a message only at times: whether this one is. */
const LOUDNESS: Partial<Readonly<Record<EventType, (event: JournalEvent) => boolean>>> = {
  // The lower level is no news to anybody, and a window that is full ends in a limit, which tells itself.
  quota_warning: ({ severity }) => severity === 'warning',
  // Where the pool moves on by itself, its swap tells why.
  threshold_pause: ({ severity }) => severity === 'warning',
};

/** What an event says; one without a rule of its own is told by its type and its own words. */
export function sayingsOf(event: JournalEvent): readonly Saying[] {
  if (event.type.startsWith('alert_')) return alertSaying(event);
  return [RULES[event.type]?.(event) ?? general(event)].flat();
}

const RULES: Partial<Readonly<Record<EventType, Rule>>> = {
  ...TASK_RULES,
  daemon_started: (event) => ({
    ...opening(
      'daemon',
      `claude-failover ${text(event, 'version') ?? ''} started (mode ${text(event, 'mode') ?? '?'})`,
    ),
    slot: 'started',
    settles: true,
  }),
  daemon_stopped: () => ({
    ...opening('daemon', 'claude-failover stopped'),
    settles: true,
    slot: 'stopped',
    line: 'it was stopped',
  }),
  config_rejected: (event) => ({
    ...opening('config', 'The changed configuration was rejected; the old one stays'),
    line: said(event),
    needs: 'mend the file; claude-failover config check shows the lines',
  }),
  config_applied: () => ({ ...closing('config', 'The configuration is in order again') }),
  login_needed: (event) => ({
    ...opening(loginKey(event), `${event.account ?? 'An account'} needs a login`),
    ...(event.pane === null ? { line: said(event) } : seen(event, text(event, 'detail'))),
    needs: `log in to ${event.account ?? 'the account'} again: no limit, no waiting helps`,
  }),
  no_eligible_account: (event) => ({
    ...opening(exhaustedKey(event), `No account of ${poolName(event)} can be used`),
    line: said(event),
    needs: text(event, 'earliest') === null ? 'log in to an account or add one' : 'nothing, if you can wait',
  }),
  swap_requested: (event) => ({
    ...swapSaying(event),
    title: `${poolName(event)}: ${occasion(event)}`,
    slot: 'request',
    ...(text(event, 'by') === null ? seen(event, text(event, 'snippet')) : { line: said(event) }),
  }),
  swap_prepared: (event) => ({ ...swapSaying(event), slot: 'plan', line: `from ${fromTo(event)}` }),
  swap_flipped: (event) => ({
    ...swapSaying(event),
    title: `${fromTo(event)}: link moved, bringing the panes back`,
    slot: 'plan',
    line: null,
  }),
  swap_completed: (event) => [
    {
      ...swapSaying(event),
      settles: true,
      title: `${fromTo(event)}: ${panes(event)}`,
      slot: 'plan',
      line: null,
      needs: number(event, 'handedOver') > 0 ? 'look at the panes that were handed over' : null,
    },
    closing(
      failingKey(event),
      `${poolName(event)}: ${isResumption(event) ? 'no swap is needed any more' : 'the swap went well now'}`,
    ),
  ],
  swap_failed: (event) => [
    failedSwap(event, 'the swap failed, everything is as before'),
    {
      ...opening(failingKey(event), `${poolName(event)}: the swap failed, everything is as before`),
      line: said(event),
      needs: 'see claude-failover why last; it is tried again by itself',
    },
  ],
  swap_postponed: (event) => [
    failedSwap(event, 'the swap was put off, it is tried again'),
    { ...opening(failingKey(event), `${poolName(event)}: the swap was put off, it is tried again`), line: said(event) },
  ],
  swap_refused: (event) => ({
    ...(event.swap === null ? opening(`refused:${event.pool ?? '?'}`, '') : swapSaying(event)),
    settles: true,
    title: `${poolName(event)}: no swap (${text(event, 'reason') ?? 'no reason given'})`,
    slot: 'end',
    line: text(event, 'detail'),
  }),
  partial_swap: (event) => ({
    ...opening(
      event.swap === null ? `partial:${event.pool ?? '?'}` : `swap:${event.swap}`,
      `${poolName(event)}: half-done swap, nothing more is done here`,
    ),
    slot: 'end',
    line: said(event),
    needs: 'run: claude-failover recover',
  }),
  session_recovered: (event) => ({
    ...swapSaying(event),
    slot: `pane ${event.pane ?? ''}`,
    line: `${event.pane ?? '?'} works again${after(event)}`,
  }),
  session_handed_over: (event) => ({
    ...swapSaying(event),
    slot: `pane ${event.pane ?? ''}`,
    line: `${event.pane ?? '?'} was handed over: ${said(event) ?? 'no reason given'}`,
    needs: 'look at the panes that were handed over',
  }),
  circuit_breaker: (event) => ({
    ...opening(breakerKey(event), `${poolName(event)} swaps too often; it only observes now`),
    line: said(event),
    needs: 'find out why, then run: claude-failover recover',
  }),
  drift: (event) => ({
    ...opening(driftKey(event), `${event.account ?? poolName(event)} is not as it was left`),
    line: said(event),
    needs: text(event, 'remedy') ?? 'run: claude-failover doctor',
  }),
  drift_ended: (event) => [
    { ...closing(driftKey(event), `${event.account ?? poolName(event)} is as it was left`), line: said(event) },
    {
      ...closing(`unusable:${event.account ?? '?'}`, `${event.account ?? 'An account'} can be used again`),
      line: said(event),
    },
  ],
  active_account_external_change: (event) => ({
    ...opening(`external:${event.pool ?? '?'}`, `${poolName(event)}: somebody else moved the link`),
    settles: true,
    line: said(event),
  }),
  account_not_usable: (event) => ({
    ...opening(`unusable:${event.account ?? '?'}`, `${event.account ?? 'An account'} cannot be used`),
    line: said(event),
    needs: text(event, 'remedy') ?? 'run: claude-failover doctor',
  }),
  billing_wall: (event) => ({
    ...opening(`billing:${event.account ?? event.pane ?? '?'}`, `${event.account ?? 'An account'} met a billing wall`),
    ...(text(event, 'snippet') === null ? { line: said(event) } : seen(event, text(event, 'snippet'))),
    needs: 'see to the plan or the credit of this account; no swap is made for it',
  }),
  model_limit: (event) => ({
    ...opening(
      `model:${event.account ?? event.pane ?? '?'}`,
      `${event.account ?? 'An account'} hit the limit of one model`,
    ),
    ...(text(event, 'snippet') === null ? { line: said(event) } : seen(event, text(event, 'snippet'))),
    settles: true,
    needs: 'choose another model there, or set quota.model_limit_swaps',
  }),
  quota_warning: (event) => ({
    ...opening(usageKey(event), `${event.account ?? 'An account'} nears its limit`),
    lastsMs: DAY,
    slot: `use of ${event.account ?? '?'} ${text(event, 'window') ?? ''}`,
    line: `${said(event) ?? 'a window fills'}${resets(event)}`,
  }),
  threshold_pause: (event) =>
    event.severity === 'warning'
      ? {
          ...opening(
            overThresholdKey(event),
            `${event.account ?? 'An account'} is over its threshold and stays in use`,
          ),
          line: said(event),
          needs: 'swap when it suits: claude-failover swap; or change quota.threshold_action',
        }
      : {
          ...opening(usageKey(event), ''),
          title: null,
          lastsMs: DAY,
          slot: `pause of ${event.account ?? '?'}`,
          line: said(event),
        },
  threshold_pause_ended: (event) => ({
    ...closing(overThresholdKey(event), `${event.account ?? 'An account'} is over no threshold any more`),
    line: said(event),
  }),
  unknown_wall: (event) => ({
    ...opening(wallKey(event), `${event.pane ?? 'A pane'} stands still, and no pattern knows why`),
    ...seen(event, text(event, 'text')),
    needs: 'look at this pane; claude-failover incidents lists what was read there',
  }),
  session_not_switchable: (event) => {
    // A suspicion is none yet, and an old limit none any more.
    if (event.data.decision !== 'confirmed' && event.data.decision !== 'instant') return [];
    return {
      ...opening(`own-limit:${event.pane ?? '?'}`, `${event.pane ?? 'A pane'} hit a limit that no swap can help`),
      ...seen(event, text(event, 'snippet')),
      settles: true,
      needs: `wait or see to it by hand: ${text(event, 'not_switchable') ?? 'this pane does not follow the account link'}`,
    };
  },
  session_unreachable: (event) => ({
    ...opening(unreachableKey(event), `${event.pane ?? 'A pane'} cannot be read any more`),
    line: said(event),
    needs: 'run: claude-failover doctor',
  }),
  account_over_capacity: (event) => ({
    ...opening(`capacity:${event.account ?? '?'}`, `${event.account ?? 'An account'} runs more sessions than it may`),
    line: said(event),
  }),
  leases_unavailable: (event) => ({
    ...opening('leases', 'It cannot be counted how many sessions run on an account'),
    line: said(event),
    needs: 'check the store; leases.on_error decides what happens meanwhile',
  }),
  loop_degraded: (event) => ({
    ...opening(`loop:${said(event) ?? ''}`, 'A part of the daemon keeps failing'),
    line: [said(event), text(event, 'error')].filter(Boolean).join(': '),
    needs: 'run: claude-failover doctor',
  }),
  recovered_by_hand: (event) =>
    [`partial:${event.pool ?? '?'}`, `swap:${event.swap ?? '?'}`, breakerKey(event), failingKey(event), driftKey(event)]
      .map((key) => closing(key, `${poolName(event)} was put in order by hand`))
      .concat(closing('store', 'The database was accepted by hand')),
  account_recovered: recovered,
  tmux_unavailable: (event) => ({
    ...opening('tmux', 'A tmux server cannot be read'),
    line: [said(event), text(event, 'reason')]
      .filter((part, i, all) => part !== null && all.indexOf(part) === i)
      .join(': '),
    needs: 'run: claude-failover doctor',
  }),
  tmux_available: (event) => ({ ...closing('tmux', 'tmux can be read again'), line: said(event) }),
  paused: (event) => ({ ...opening('pause', 'Paused: nothing is done automatically'), line: said(event) }),
  resumed: () => ({ ...closing('pause', 'Resumed') }),
  store_quarantined: (event) => ({
    ...opening('store', 'The database was damaged; a new one only observes'),
    line: said(event),
    needs: 'check the disk, then run: claude-failover recover',
  }),
};

/** An account that can be used again ends both its own trouble and its pool's, and begins a resumption when it has an id. */
function recovered(event: JournalEvent): readonly Saying[] {
  const line = said(event);
  const end = (key: string): Saying => ({
    ...closing(key, `${event.account ?? 'An account'} can be used again`),
    line,
  });
  const ends = [end(loginKey(event)), end(`unusable:${event.account ?? '?'}`), end(exhaustedKey(event))];
  const title = `${event.account ?? 'An account'} has its limit behind it; work goes on`;
  return event.swap === null ? ends : [...ends, { ...swapSaying(event), title, slot: 'plan', line }];
}

/** What a swap was asked for. */
function occasion(event: JournalEvent): string {
  switch (text(event, 'by')) {
    case 'hand':
      return 'a swap was asked for by hand';
    case 'threshold':
      return `${text(event, 'from') ?? 'the account'} is over its threshold, swapping`;
    case 'down':
      return `the login of ${text(event, 'from') ?? 'the account'} is refused, swapping`;
    case 'known_limit':
      return `${text(event, 'from') ?? 'the account'} has reached its limit, which no pane shows, swapping`;
    case 'return':
      return `going back to ${event.account ?? 'the preferred account'}`;
    default:
      return `${event.account ?? 'the account'} hit its limit, swapping`;
  }
}

/** The swap that was told to be under way; that it ended so is told for the pool, once for however many tries. */
function failedSwap(event: JournalEvent, what: string): Saying {
  const base = { ...swapSaying(event), opens: false, settles: true, isAside: true, needs: null };
  return { ...base, title: `${poolName(event)}: ${what}`, slot: 'end', line: said(event) };
}

function general(event: JournalEvent): Saying {
  const where = [event.pool, event.account, event.session ?? event.pane].filter((part) => part !== null);
  return {
    ...opening([event.type, ...where].join(':'), [plain(event.type), ...where.slice(-1)].join(': ')),
    line: said(event),
    ...(text(event, 'remedy') === null ? {} : { needs: text(event, 'remedy') }),
  };
}

/** After its own reset a pool goes on where it is. */
function isResumption(event: JournalEvent): boolean {
  return text(event, 'from') !== null && text(event, 'from') === text(event, 'to');
}

function fromTo(event: JournalEvent): string {
  const to = text(event, 'to') ?? event.account ?? '?';
  return isResumption(event) ? to : `${text(event, 'from') ?? '?'} → ${to}`;
}

function panes(event: JournalEvent): string {
  const handedOver = number(event, 'handedOver');
  const back = number(event, 'panes') - handedOver;
  if (number(event, 'panes') === 0) return 'done, no pane had stopped';
  const all = back === 1 ? '1 pane works again' : `${back} panes work again`;
  return handedOver === 0 ? all : `${all}, ${handedOver} handed over`;
}

function after(event: JournalEvent): string {
  const afterMs = number(event, 'afterMs');
  return afterMs > 0 ? ` after ${formatDuration(afterMs)}` : '';
}
