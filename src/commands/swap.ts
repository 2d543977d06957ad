/** `swap`: asks the daemon to swap by hand, and tells what becomes of it. */
import type { PassedOverView, SwapView } from '../core/record-view.ts';
import { formatDuration, SECOND } from '../core/time.ts';
import { wallTimeAhead } from '../core/wall-time.ts';
import type { ApiError } from './daemon-client.ts';
import { askDaemon, asRecord, errorOf, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { clean, wrap } from './text.ts';

export interface SwapOptions extends JsonOption {
  readonly to?: string;
  readonly pool?: string;
  readonly force?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

const POLL_MS = 250;
/** An accepted swap begins at once; when it did not by then, a gate shut after it was accepted. */
const BEGIN_WITHIN_MS = 20 * SECOND;

/** @returns 0 done, 1 failed, 3 no eligible account, 4 daemon not running, 5 refused by a gate */
export async function swap(options: SwapOptions, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  const reply = await askDaemon(socket, '/trigger/swap', { body: bodyOf(options), timeoutMs: 30 * SECOND });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) return reportRefusal(error, options, io);
  if (options.dryRun === true) return describePlan(asRecord(asRecord(reply.body).would_swap), options, io);
  const accepted = expectAnswer<{ id: string; pool: string; to: string }>(reply, ['id', 'pool', 'to']);
  if (options.json !== true)
    io.err(`pool ${clean(accepted.pool)}: swapping to ${clean(accepted.to)} (${clean(accepted.id)})\n`);
  return follow(socket, accepted.id, options, io);
}

function bodyOf(options: SwapOptions): Readonly<Record<string, unknown>> {
  const { to, pool, reason, force, dryRun } = options;
  return {
    ...(to === undefined ? {} : { to }),
    ...(pool === undefined ? {} : { pool }),
    ...(reason === undefined ? {} : { reason }),
    ...(force === true ? { force } : {}),
    ...(dryRun === true ? { dry_run: true } : {}),
  };
}

/** What `/swaps/:id` says, as far as it is told here. */
interface SwapProgress {
  readonly swap: SwapView;
  readonly incident: {
    readonly steps: readonly { readonly at: string; readonly step: string; readonly duration_ms: number | null }[];
  } | null;
  readonly panes: readonly {
    readonly pane: string;
    readonly state: string;
    readonly recovered_by: string | null;
    readonly reason: string | null;
    readonly after_ms: number | null;
  }[];
}

async function follow(socket: string, id: string, options: SwapOptions, io: CommandIo): Promise<number> {
  const askedAt = io.clock.monotonic();
  let told = 0;
  while (!io.signal.aborted) {
    const reply = await askDaemon(socket, `/swaps/${encodeURIComponent(id)}`);
    if (reply.kind !== 'answer') {
      if (reply.kind === 'not_running') io.err(`the swap ${id} is finished or undone as soon as a daemon starts\n`);
      return reportNoDaemon(reply, io);
    }
    if (reply.status === 404) {
      if (io.clock.monotonic() - askedAt > BEGIN_WITHIN_MS) {
        io.err(`claude-failover: the swap was accepted and did not begin\nnext: claude-failover events --limit 10\n`);
        return EXIT.refused;
      }
    } else {
      const progress = expectAnswer<SwapProgress>(reply, ['swap', 'incident', 'panes']);
      const steps = progress.incident?.steps ?? [];
      if (options.json !== true) for (const step of steps.slice(told)) io.out(stepLine(step, progress.swap));
      told = steps.length;
      if (progress.swap.finished_at !== null || progress.swap.phase === 'partial')
        return tellEnd(progress, reply.body, options, io);
    }
    await io.clock.sleep(POLL_MS, io.signal);
  }
  io.err(`the swap goes on without this command: claude-failover why ${id}\n`);
  return EXIT.ok;
}

function stepLine(
  step: { readonly at: string; readonly step: string; readonly duration_ms: number | null },
  row: SwapView,
): string {
  const afterMs = Math.max(0, Date.parse(step.at) - Date.parse(row.started_at ?? step.at));
  const took = step.duration_ms === null ? '' : ` (${formatDuration(step.duration_ms)})`;
  return `  +${(afterMs / 1000).toFixed(1)} s  ${clean(step.step).replaceAll('_', ' ')}${took}\n`;
}

function tellEnd({ swap: row, panes }: SwapProgress, body: unknown, options: SwapOptions, io: CommandIo): number {
  const code = row.phase === 'done' ? EXIT.ok : EXIT.error;
  if (options.json === true) {
    io.out(`${JSON.stringify(body)}\n`);
    return code;
  }
  for (const { pane, state, recovered_by, reason, after_ms } of panes) {
    const by = recovered_by === null ? '' : ` (${recovered_by})`;
    const after = after_ms === null ? '' : ` after ${formatDuration(after_ms)}`;
    io.out(
      wrap(
        `  ${clean(pane)}: `,
        `${state.replaceAll('_', ' ')}${by}${after}${reason === null ? '' : `: ${reason}`}`,
        io.columns,
        '    ',
      ),
    );
  }
  const took =
    row.finished_at === null
      ? ''
      : ` in ${formatDuration(Date.parse(row.finished_at) - Date.parse(row.started_at ?? row.finished_at))}`;
  if (row.phase === 'done') io.out(`done: pool ${clean(row.pool)} is on ${clean(row.to)}${took}\n`);
  else {
    io.err(
      wrap('claude-failover: ', `the swap is ${row.phase}: ${row.error ?? 'no reason recorded'}`, io.columns, '  '),
    );
    io.err(
      row.phase === 'partial' ? 'next: claude-failover recover\n' : `next: claude-failover why ${clean(row.id)}\n`,
    );
  }
  return code;
}

async function describePlan(
  plan: Readonly<Record<string, unknown>>,
  options: SwapOptions,
  io: CommandIo,
): Promise<number> {
  const processes = await processesOf(plan.pool, options, io);
  if (options.json === true) {
    io.out(`${JSON.stringify({ would_swap: plan, processes })}\n`);
    return EXIT.ok;
  }
  io.out(
    wrap(
      '',
      `would swap pool ${plan.pool} from ${plan.from ?? 'nothing'} to ${plan.to}: ${plan.why}`,
      io.columns,
      '  ',
    ),
  );
  tellPassedOver(plan.passed_over, io, io.out);
  const panes = Array.isArray(plan.panes) ? plan.panes.map(String) : [];
  const words = panes.length === 0 ? 'none is stopped by a limit now' : panes.join(', ');
  io.out(wrap('  panes that would be brought back: ', words, io.columns, '    '));
  for (const line of processes) io.out(wrap('  affected: ', line, io.columns, '    '));
  io.out('nothing was changed\n');
  return EXIT.ok;
}

/** Also those that no pane shows: editors, jobs, servers. */
async function processesOf(name: unknown, options: SwapOptions, io: CommandIo): Promise<readonly string[]> {
  const { loadOffline } = await import('./offline.ts');
  const { affectedBy } = await import('./adoption/users.ts');
  const { PROFILES } = await import('../core/agents/languages.ts');
  const { profileOf } = await import('../steps/config-policy.ts');
  const pool = loadOffline(options, io).config.pools.find((candidate) => candidate.name === name);
  return pool === undefined ? [] : affectedBy(pool, profileOf(PROFILES, pool), io.clock);
}

function reportRefusal(error: ApiError, options: SwapOptions, io: CommandIo): number {
  if (options.json === true) io.out(`${JSON.stringify({ error: error.body })}\n`);
  io.err(wrap('claude-failover: ', `refused (${error.code}): ${error.message}`, io.columns, '  '));
  tellPassedOver(error.body.passed_over, io, io.err);
  if (error.until !== null)
    io.err(`  not before ${wallTimeAhead(Date.parse(error.until), io.clock.now(), io.clock.zone())}\n`);
  const next = NEXT[error.code];
  if (next !== undefined) io.err(`next: ${next}\n`);
  if (error.code === 'exhausted') return EXIT.noEligibleAccount;
  return USAGE_ERRORS.has(error.code) ? EXIT.usage : error.code === 'internal' ? EXIT.error : EXIT.refused;
}

const USAGE_ERRORS = new Set(['unknown_pool', 'several_pools', 'target_unknown', 'bad_parameter']);

const NEXT: Readonly<Record<string, string>> = {
  partial: 'claude-failover recover',
  paused: 'claude-failover resume, or swap --force',
  switching: 'wait for it: claude-failover status --watch',
  observe: 'set mode: act, or run claude-failover recover if the database was replaced',
  circuit_breaker: 'claude-failover recover',
  no_active_account: 'claude-failover doctor',
  pane_busy: 'let it end, or end it yourself; claude-failover sessions shows what each pane does',
  target_ineligible: 'take another account, or --force where only a quota or a cooldown stands in the way',
  target_unknown: 'claude-failover status names the accounts',
  unknown_pool: 'claude-failover status names the pools',
  several_pools: 'add --pool',
  exhausted: 'wait for the reset, or log in to another account and add it to the configuration',
};

function tellPassedOver(value: unknown, io: CommandIo, say: (text: string) => void): void {
  const passedOver: readonly PassedOverView[] = Array.isArray(value) ? value : [];
  for (const { account, reasons } of passedOver) {
    const words = reasons.map(({ detail, until }) =>
      until === null ? detail : `${detail} until ${wallTimeAhead(Date.parse(until), io.clock.now(), io.clock.zone())}`,
    );
    say(wrap(`  passed over ${clean(account)}: `, words.join('; '), io.columns, '    '));
  }
}
