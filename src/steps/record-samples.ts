/** Records the figures of use that sessions show, each for the account it belongs to, and warns of what grows full. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { paneKey } from '../core/panes.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import type { SessionFigure } from '../core/quota/figures.ts';
import { chargeFigure, figureOf } from '../core/quota/figures.ts';
import type { QuotaSample, SampleResult } from '../core/quota/sample.ts';
import { applySample, newestSamples } from '../core/quota/sample.ts';
import type { PoolView } from '../core/status.ts';
import type { Activation } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import { MINUTE, toIso } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { Clock, LocalStore, PoolStore, TickContext } from '../ports.ts';
import { profileOf } from './config-policy.ts';
import { isHot } from './recover-panes.ts';
import { warnOfUse } from './warn-of-use.ts';

export interface SamplePorts {
  readonly local: Pick<LocalStore, 'activations' | 'append' | 'meta' | 'setMeta'>;
  readonly shared: Pick<PoolStore, 'mergeQuotas'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly profiles: readonly AgentProfile[];
}

/** What is remembered between ticks. */
export interface SampleMemory {
  /** By pane key: the warnings on its screen. Null: it stood there at first sight, so that its age is not known. */
  readonly screens: Map<string, { readonly process: string; readonly figures: Map<string, SessionFigure | null> }>;
  /** By pane key, window and source: the figure that was dealt with last. */
  readonly handled: Map<string, string>;
}

export function newSampleMemory(): SampleMemory {
  return { screens: new Map(), handled: new Map() };
}

/** A figure that nobody could be charged with for this long is given up. */
const GIVE_UP_MS = 10 * MINUTE;

/** @returns whether any record changed */
export async function recordSamples(
  ports: SamplePorts,
  memory: SampleMemory,
  findings: ReadonlyMap<string, PaneFinding>,
  views: ReadonlyMap<string, PoolView>,
  context: TickContext,
): Promise<boolean> {
  forgetGone(memory, findings);
  const samples: QuotaSample[] = [];
  for (const config of context.config.pools) {
    const accounts = views.get(config.name)?.pool.accounts ?? [];
    const mine = [...findings.values()].filter((finding) => finding.pool === config.name);
    samples.push(...(await samplesOf(ports, memory, config, accounts, mine, context)));
  }
  try {
    return await mergeSamples(ports, samples, context);
  } catch (error) {
    // What could not be written is dealt with again at the next look.
    memory.handled.clear();
    throw error;
  }
}

/** All of them in one transaction: of a thousand samples only the newest of each account and window is written. */
export async function mergeSamples(
  ports: Pick<SamplePorts, 'local' | 'shared' | 'clock'>,
  samples: readonly QuotaSample[],
  context: TickContext,
): Promise<boolean> {
  const newest = newestSamples(samples);
  if (newest.length === 0) return false;
  const now = ports.clock.now();
  const results = new Map<QuotaSample, SampleResult>();
  let isChanged = false;
  await ports.shared.mergeQuotas(
    newest.map((sample) => ({
      account: sample.account,
      window: sample.window,
      merge: (current) => {
        const result = applySample(current, sample, now, context.config.quota.unknownResetLockMs);
        results.set(sample, result);
        if (result.record !== current) isChanged = true;
        return result.record;
      },
    })),
  );
  for (const sample of newest) {
    const outcome = results.get(sample)?.outcome ?? 'account_unknown';
    context.log.debug({ ...fieldsOf(sample), outcome }, 'quota sample');
    if (outcome === 'no_credible_time')
      context.log.warn(fieldsOf(sample), 'a figure without a credible time is not used');
  }
  const taken = newest.flatMap((sample) => {
    const result = results.get(sample);
    return result?.outcome === 'taken' && result.record !== null ? [result.record] : [];
  });
  await warnOfUse(ports, taken, context);
  return isChanged;
}

async function samplesOf(
  ports: SamplePorts,
  memory: SampleMemory,
  config: PoolConfig,
  accounts: readonly AccountFacts[],
  findings: readonly PaneFinding[],
  context: TickContext,
): Promise<readonly QuotaSample[]> {
  const now = ports.clock.now();
  const samples: QuotaSample[] = [];
  let activations: readonly Activation[] | null = null;
  for (const finding of findings) {
    const figures: readonly SessionFigure[] = [...(finding.signals?.figures ?? []), ...screenFigures(memory, finding)];
    // What outranks the link outranks it for the figures too: they are of another login.
    if (finding.notSwitchable !== null) continue;
    for (const figure of figures) {
      const slot = `${paneKey(finding.view.identity)}|${figure.window}|${figure.source}`;
      const stamp = `${figure.since}|${figure.usedPercent}|${figure.resetAt}`;
      if (memory.handled.get(slot) === stamp) continue;
      activations ??= await ports.local.activations(config.name, 50);
      const account = chargeFigure(figure, {
        followsLink: isHot(finding, profileOf(ports.profiles, config)),
        processStartedAt: finding.process.startedAt,
        launchedUnder: finding.launchedUnder,
        requestAt: finding.signals?.isGuess === false ? (finding.signals.transcript?.requestAt ?? null) : null,
        activations,
      });
      if (account === null) {
        if (now - figure.since > GIVE_UP_MS) memory.handled.set(slot, stamp);
        continue;
      }
      memory.handled.set(slot, stamp);
      const facts = accounts.find(({ name }) => name === account);
      if (facts === undefined || isSomebodyElse(facts) || isOfAnotherHome(figure, facts)) {
        context.log.debug({ pane: finding.view.label, account, ...figure }, 'a figure of another login is not used');
        continue;
      }
      const { window, usedPercent, resetAt, source, since } = figure;
      samples.push({ account, window, usedPercent, resetAt, source, at: since });
    }
  }
  return samples;
}

/** Warnings that appeared while the pane was watched, as they were read when they appeared. */
function screenFigures(memory: SampleMemory, finding: PaneFinding): readonly SessionFigure[] {
  const key = paneKey(finding.view.identity);
  const process = `${finding.process.pid}.${finding.process.startTicks}`;
  const before = memory.screens.get(key);
  const isFirst = before === undefined || before.process !== process;
  const figures = new Map<string, SessionFigure | null>();
  for (const warning of finding.reading.warnings) {
    const figure = figureOf(warning, finding.at);
    if (figure === null) continue;
    const name = `${figure.window} ${figure.usedPercent}`;
    const known = isFirst ? null : before.figures.get(name);
    figures.set(name, known === undefined ? figure : known);
  }
  memory.screens.set(key, { process, figures });
  return [...figures.values()].flatMap((figure) => figure ?? []);
}

/** The home is logged in as another identity than the account always had. */
function isSomebodyElse({ row, home }: AccountFacts): boolean {
  return row?.identity != null && home?.identity != null && row.identity !== home.identity;
}

function isOfAnotherHome(figure: SessionFigure, { home }: AccountFacts): boolean {
  return figure.home != null && home?.realPath != null && figure.home !== home.realPath;
}

function forgetGone(memory: SampleMemory, findings: ReadonlyMap<string, PaneFinding>): void {
  for (const key of memory.screens.keys()) if (!findings.has(key)) memory.screens.delete(key);
  for (const slot of memory.handled.keys()) {
    if (!findings.has(slot.split('|').slice(0, -2).join('|'))) memory.handled.delete(slot);
  }
}

function fieldsOf({
  account,
  window,
  usedPercent,
  resetAt,
  source,
  at,
}: QuotaSample): Readonly<Record<string, unknown>> {
  const time = (instant: EpochMs | null) => (instant === null || !Number.isFinite(instant) ? null : toIso(instant));
  return { account, window, used_percent: usedPercent, reset_at: time(resetAt), source, at: time(at) };
}
