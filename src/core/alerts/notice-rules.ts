/** What each kind of event says to a person: which incident it belongs to, a line about it, what it needs. */
import type { EventType, JournalEvent, Severity } from '../events.ts';
import { formatDuration } from '../time.ts';

/** What one event adds to the message of its incident. */
export interface Saying {
  /** The incident. Events with the same key are told in one message. */
  readonly key: string;
  /** Can begin an incident; false: only goes on with one that was told. */
  readonly opens: boolean;
  /** Nothing more is expected after this. */
  readonly settles: boolean;
  /** The new headline; null: the one before stays. */
  readonly title: string | null;
  /** What is added below it; a line with the same slot replaces the earlier one. */
  readonly slot: string;
  readonly line: string | null;
  readonly quote?: string | null;
  /** null: nothing is needed any more; absent: as before. */
  readonly needs?: string | null;
}

type Rule = (event: JournalEvent) => Saying;

/** Not told unless `notifications.events` gives them a severity: they happen all day, or are told by what follows. */
export const UNTOLD: ReadonlySet<EventType> = new Set<EventType>([
  'config_applied',
  'quota_suspected',
  'quota_hit',
  'quota_warning',
  'throttled',
  'swap_refused',
  'session_adopted',
  'session_gone',
  'chat_refused',
  'pool_held',
  'account_disabled',
  'account_enabled',
  'account_removed',
  'quota_reset_by_hand',
  'session_terminated',
  'state_imported',
  'threshold_pause_ended',
]);

/** How loud an event is in a message. */
export function toldSeverity(event: JournalEvent): Severity {
  return UNTOLD.has(event.type) ? 'debug' : event.severity;
}

/** What an event says; one without a rule of its own is told by its type and its own words. */
export function sayingsOf(event: JournalEvent): readonly Saying[] {
  if (event.type.startsWith('alert_')) return alertSaying(event);
  const rule: Rule | undefined = RULES[event.type];
  const first = rule?.(event) ?? general(event);
  return event.type === 'account_recovered' ? recovered(event) : [first];
}

const RULES: Partial<Readonly<Record<EventType, Rule>>> = {
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
    ...words(event),
    needs: `log in to ${event.account ?? 'the account'} again: no limit, no waiting helps`,
  }),
  no_eligible_account: (event) => ({
    ...opening(`exhausted:${event.pool ?? '?'}`, `No account of ${poolName(event)} can be used`),
    line: said(event),
    needs: text(event, 'earliest') === null ? 'log in to an account or add one' : 'nothing, if you can wait',
  }),
  swap_requested: (event) => ({
    ...swapSaying(event),
    title: `${poolName(event)}: ${text(event, 'by') === 'hand' ? 'a swap was asked for by hand' : `${event.account ?? 'the account'} hit its limit, swapping`}`,
    slot: 'request',
    line: text(event, 'by') === 'hand' ? said(event) : `seen in ${event.pane ?? event.session ?? '?'}${resets(event)}`,
    quote: text(event, 'snippet'),
  }),
  swap_prepared: (event) => ({ ...swapSaying(event), slot: 'plan', line: `from ${fromTo(event)}` }),
  swap_flipped: (event) => ({
    ...swapSaying(event),
    title: `${fromTo(event)}: link moved, bringing the panes back`,
    slot: 'plan',
    line: null,
  }),
  swap_completed: (event) => ({
    ...swapSaying(event),
    settles: true,
    title: `${fromTo(event)}: ${panes(event)}`,
    slot: 'plan',
    line: null,
    needs: number(event, 'handedOver') > 0 ? 'look at the panes that were handed over' : null,
  }),
  swap_failed: (event) => ({
    ...swapSaying(event),
    settles: true,
    title: `${poolName(event)}: the swap failed, everything is as before`,
    slot: 'end',
    line: said(event),
    needs: 'see claude-failover why last; it is tried again by itself',
  }),
  swap_postponed: (event) => ({
    ...swapSaying(event),
    settles: true,
    title: `${poolName(event)}: the swap was put off, it is tried again`,
    slot: 'end',
    line: said(event),
  }),
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
    ...opening(`breaker:${event.pool ?? '?'}`, `${poolName(event)} swaps too often; it only observes now`),
    line: said(event),
    needs: 'find out why, then run: claude-failover recover',
  }),
  drift: (event) => ({
    ...opening(
      `drift:${event.pool ?? '?'}:${event.account ?? ''}`,
      `${event.account ?? poolName(event)} is not as it was left`,
    ),
    line: said(event),
    needs: text(event, 'remedy') ?? 'run: claude-failover doctor',
  }),
  active_account_external_change: (event) => ({
    ...opening(`external:${event.pool ?? '?'}`, `${poolName(event)}: somebody else moved the link`),
    settles: true,
    line: said(event),
  }),
  account_not_usable: (event) => ({
    ...opening(`unusable:${event.account ?? '?'}`, `${event.account ?? 'An account'} cannot be used`),
    line: said(event),
    needs: 'run: claude-failover doctor',
  }),
  billing_wall: (event) => ({
    ...opening(`billing:${event.account ?? event.pane ?? '?'}`, `${event.account ?? 'An account'} met a billing wall`),
    ...words(event),
    needs: 'see to the plan or the credit of this account; no swap is made for it',
  }),
  model_limit: (event) => ({
    ...opening(
      `model:${event.account ?? event.pane ?? '?'}`,
      `${event.account ?? 'An account'} hit the limit of one model`,
    ),
    ...words(event),
    settles: true,
    needs: 'choose another model there, or set quota.model_limit_swaps',
  }),
  tmux_unavailable: (event) => ({ ...opening('tmux', 'A tmux server cannot be read'), line: said(event) }),
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
  const ends = [
    end(`login:${event.account ?? '?'}`),
    end(`unusable:${event.account ?? '?'}`),
    end(`exhausted:${event.pool ?? '?'}`),
  ];
  const title = `${event.account ?? 'An account'} has its limit behind it; work goes on`;
  return event.swap === null ? ends : [...ends, { ...swapSaying(event), title, slot: 'plan', line }];
}

/**
 * Alerts. One whose condition an event has told already (`told_by`) only lends its id to that event's message and ends it;
 * any other is an incident of its own, but a dead login is one incident however it was found.
 */
function alertSaying(event: JournalEvent): readonly Saying[] {
  const fingerprint = text(event, 'fingerprint') ?? '?';
  const isOver = event.type === 'alert_resolved' || event.type === 'alert_dismissed';
  const known = KEY_OF_ALERT[text(event, 'alert_type') ?? '']?.(event) ?? null;
  const isTold = text(event, 'told_by') !== null;
  if (isTold && known === null) return [];
  const key = known ?? `alert:${fingerprint}`;
  const [type = '', , subject = ''] = fingerprint.split(':');
  const title = `${plain(type)}: ${subject}`;
  if (isOver) return [closing(key, `Over: ${title}`)];
  const goesOn: Saying = { key, opens: false, settles: false, title: null, slot: 'alert', line: null };
  if (isTold) return [goesOn];
  if (event.type === 'alert_acknowledged')
    return [{ ...goesOn, line: `acknowledged by ${text(event, 'by') ?? 'somebody'}`, needs: null }];
  return [{ ...opening(key, title), slot: 'alert', line: [said(event), measured(event)].filter(Boolean).join('; ') }];
}

const KEY_OF_ALERT: Readonly<Record<string, (event: JournalEvent) => string>> = {
  login_needed: loginKey,
  credential_expired: loginKey,
  no_eligible_account: (event) => `exhausted:${event.pool ?? '?'}`,
  circuit_breaker: (event) => `breaker:${event.pool ?? '?'}`,
  config_reload_failed: () => 'config',
};

function loginKey(event: JournalEvent): string {
  return `login:${event.account ?? event.pane ?? '?'}`;
}

function measured(event: JournalEvent): string | null {
  const { value, threshold, metric } = event.data;
  if (typeof value !== 'number' || typeof threshold !== 'number' || typeof metric !== 'string' || metric === 'is_so')
    return null;
  const window = text(event, 'window');
  return `${metric.replaceAll('_', ' ')} ${value}, threshold ${threshold}${window === null ? '' : ` in ${window}`}`;
}

function general(event: JournalEvent): Saying {
  const where = [event.pool, event.account, event.session ?? event.pane].filter((part) => part !== null);
  return {
    ...opening([event.type, ...where].join(':'), [plain(event.type), ...where.slice(-1)].join(': ')),
    ...words(event),
    ...(text(event, 'remedy') === null ? {} : { needs: text(event, 'remedy') }),
  };
}

function opening(key: string, title: string): Saying {
  return { key, opens: true, settles: false, title, slot: 'what', line: null };
}

function closing(key: string, title: string): Saying {
  return { key, opens: false, settles: true, title, slot: 'end', line: null, needs: null };
}

function swapSaying(event: JournalEvent): Saying {
  return { ...opening(`swap:${event.swap ?? '?'}`, ''), title: null };
}

function words(event: JournalEvent): Pick<Saying, 'line' | 'quote'> {
  const quote = text(event, 'snippet');
  // What a pane showed is a quotation, and nothing else is.
  if (event.pane !== null && quote === null && event.type === 'login_needed')
    return { line: `seen in ${event.pane}`, quote: text(event, 'detail') };
  return { line: said(event), quote };
}

/** The event's own sentence. */
function said(event: JournalEvent): string | null {
  return text(event, 'detail') ?? text(event, 'reason') ?? text(event, 'error');
}

function text(event: JournalEvent, name: string): string | null {
  const value = event.data[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

function number(event: JournalEvent, name: string): number {
  const value = event.data[name];
  return typeof value === 'number' ? value : 0;
}

function poolName(event: JournalEvent): string {
  return event.pool === null ? 'the pool' : `pool ${event.pool}`;
}

function fromTo(event: JournalEvent): string {
  return `${text(event, 'from') ?? '?'} → ${text(event, 'to') ?? event.account ?? '?'}`;
}

function panes(event: JournalEvent): string {
  const handedOver = number(event, 'handedOver');
  const back = number(event, 'panes') - handedOver;
  if (number(event, 'panes') === 0) return 'done, no pane had stopped';
  const all = back === 1 ? '1 pane works again' : `${back} panes work again`;
  return handedOver === 0 ? all : `${all}, ${handedOver} handed over`;
}

function resets(event: JournalEvent): string {
  const at = text(event, 'reset_at');
  return at === null ? '' : `, resets at ${at.slice(0, 16).replace('T', ' ')} UTC`;
}

function after(event: JournalEvent): string {
  const afterMs = number(event, 'afterMs');
  return afterMs > 0 ? ` after ${formatDuration(afterMs)}` : '';
}

function plain(type: string): string {
  const words = type.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
