/** Carries out what was asked by chat, through the same door as every other wish, and finds the words for the answer. */

import type { ButtonWish } from '../core/alerts/callback.ts';
import type { ChatCommand } from '../core/alerts/chat-commands.ts';
import type { ChatTasks } from '../core/alerts/chat-tasks.ts';
import { SHOWN_TASKS, taskLines } from '../core/alerts/chat-tasks.ts';
import { accountLines, helpLines, sessionLines, statusLines } from '../core/alerts/chat-text.ts';
import { UNDER_WAY } from '../core/queue/task.ts';
import type { QueueView } from '../core/queue/view.ts';
import { buildStatus } from '../core/status.ts';
import type { EpochMs } from '../core/time.ts';
import { HOUR } from '../core/time.ts';
import { wallTime } from '../core/wall-time.ts';
import { explainPane, explainSwap } from '../core/why.ts';
import type { DaemonApi, ManualSwapAnswer } from '../ports/daemon.ts';
import type { Clock } from '../ports.ts';

export interface AnswerPorts {
  readonly api: DaemonApi;
  readonly clock: Clock;
  /** @returns one sentence on what became of the alert */
  readonly acknowledge: (id: string, by: string) => Promise<string>;
}

/** Lines for a person, text in columns, or a question that is answered by a button. */
export interface Reply {
  readonly lines?: readonly string[];
  readonly block?: string;
  readonly question?: readonly { readonly label: string; readonly wish: ButtonWish }[];
}

export async function followCommand(ports: AnswerPorts, command: ChatCommand, by: string): Promise<Reply> {
  const now = ports.clock.now();
  const time = { now, zone: ports.clock.zone() };
  const status = () => buildStatus(ports.api.facts(), now);
  switch (command.kind) {
    case 'status':
      return { lines: statusLines(status(), time) };
    case 'accounts':
      return { lines: accountLines(status(), time) };
    case 'sessions':
      return { lines: sessionLines(status(), time) };
    case 'tasks':
      return { lines: taskLines(await tasksOf(ports.api, status().queue), time) };
    case 'help':
      return { lines: helpLines() };
    case 'wrong':
      return { lines: [command.answer] };
    case 'swap':
      return proposeSwap(ports, null, command.account, by);
    case 'pause':
      return pause(ports, command.forMs, by);
    case 'resume':
      await ports.api.resume();
      return { lines: ['Resumed: the pause and every hold are over.'] };
    case 'why':
      return why(ports, command.subject);
    case 'ack':
      return { lines: [await ports.acknowledge(command.id, by)] };
  }
}

/** A wish of a button; its subject is known to be one of ours. */
export async function followButton(ports: AnswerPorts, wish: ButtonWish, by: string): Promise<Reply> {
  switch (wish.action) {
    case 'swap':
      return proposeSwap(ports, wish.subject, null, by);
    case 'swap_now': {
      const [pool = '', to = ''] = wish.subject.split('/', 2);
      const answer = await ports.api.swap({ pool, to, force: false, reason: `asked for by ${by}`, dryRun: false });
      return { lines: describeSwap(answer, ports) };
    }
    case 'keep':
      return { lines: ['Nothing was done.'] };
    case 'hold': {
      const until = ports.clock.now() + HOUR;
      const isHeld = await ports.api.hold(wish.subject, until, `held by ${by}`);
      if (!isHeld) return { lines: [`There is no pool ${wish.subject} any more.`] };
      return { lines: [`Pool ${wish.subject}: no automatic swap until ${at(until, ports)}. /resume ends it.`] };
    }
    case 'pause':
      return pause(ports, HOUR, by);
    case 'ack':
      return { lines: [await ports.acknowledge(wish.subject, by)] };
  }
}

/** What a button may be about, by its action. Null: its subject is taken as it is. */
export function subjectsOf(api: DaemonApi, action: ButtonWish['action']): readonly string[] | null {
  const pools = api.facts().pools.map(({ pool }) => pool);
  if (action === 'swap' || action === 'hold') return pools.map(({ pool }) => pool);
  if (action === 'swap_now')
    return pools.flatMap(({ pool, accounts }) => accounts.map(({ name }) => `${pool}/${name}`));
  return action === 'ack' ? null : [''];
}

async function proposeSwap(ports: AnswerPorts, pool: string | null, to: string | null, by: string): Promise<Reply> {
  const answer = await ports.api.swap({ pool, to, force: false, reason: `asked for by ${by}`, dryRun: true });
  if (answer.kind !== 'would_swap') return { lines: describeSwap(answer, ports) };
  const panes = answer.panes.length === 0 ? 'no pane is stopped' : `brings back ${answer.panes.join(', ')}`;
  return {
    lines: [`Swap pool ${answer.pool} from ${answer.from ?? 'no account'} to ${answer.to}?`, `${answer.why}; ${panes}`],
    question: [
      { label: `Swap to ${answer.to}`, wish: { action: 'swap_now', subject: `${answer.pool}/${answer.to}` } },
      { label: 'Keep', wish: { action: 'keep', subject: '' } },
    ],
  };
}

function describeSwap(answer: ManualSwapAnswer, ports: AnswerPorts): readonly string[] {
  if (answer.kind === 'accepted') return [`Swapping pool ${answer.pool} to ${answer.to} (${answer.id}).`];
  if (answer.kind === 'would_swap') return [`Would swap pool ${answer.pool} to ${answer.to}.`];
  const until = (end: EpochMs | null): string =>
    end === null || end <= ports.clock.now() ? '' : ` until ${at(end, ports)}`;
  const others = answer.passedOver.map(({ account, reasons }) => {
    const why = reasons.map((reason) => `${reason.detail}${until(reason.until)}`);
    return `${account}: ${why.join('; ')}`;
  });
  return [`Not swapped (${answer.reason}): ${answer.detail}${until(answer.until)}`, ...others];
}

async function pause(
  { api, clock }: Pick<AnswerPorts, 'api' | 'clock'>,
  forMs: number | null,
  by: string,
): Promise<Reply> {
  const until = forMs === null ? null : clock.now() + forMs;
  await api.pause(`paused by ${by}`, until);
  const end = until === null ? '' : `It ends by itself at ${at(until, { clock })}; `;
  return { lines: [`Paused: nothing is swapped or typed. ${end}/resume ends it.`] };
}

async function tasksOf({ tasks }: DaemonApi, queue: QueueView | null): Promise<ChatTasks> {
  const [projects, inWork, failed] = await Promise.all([
    tasks.counts(),
    tasks.list({ statuses: UNDER_WAY, limit: SHOWN_TASKS.inWork }),
    tasks.list({ statuses: ['failed', 'timeout'], limit: SHOWN_TASKS.failed }),
  ]);
  return { queue, projects, inWork, failed };
}

async function why({ api, clock }: AnswerPorts, subject: string): Promise<Reply> {
  const [now, zone] = [clock.now(), clock.zone()];
  const id = subject === 'last' ? (await api.swaps(1))[0]?.id : subject;
  const swap = id === undefined ? null : await api.swapRecord(id);
  if (swap !== null) return { block: explainSwap(swap, now, zone) };
  const pane = await api.paneRecord(subject);
  if (pane !== null) return { block: explainPane(pane, now, zone) };
  const nothing =
    subject === 'last' ? 'There was no swap yet.' : 'There is no such swap, and no watched pane of this name.';
  return { lines: [nothing] };
}

function at(until: EpochMs, { clock }: Pick<AnswerPorts, 'clock'>): string {
  return wallTime(until, clock.now(), clock.zone());
}
