/** The tail of Codex' rollouts: how the last turn went, and the figures of its limits. */
import type { EpochMs } from '../../core/time.ts';
import type { AssistantRow, QuotaFigure, QuotaFigures, TranscriptTail } from '../../core/verdict/signals.ts';
import type { Clock, Logger } from '../../ports.ts';
import { type RolloutFigure, readRolloutRow } from './codex-rows.ts';
import { instantOf, soundTime } from './instants.ts';
import { createJsonlTail, type NoFileReason, type SkipReason } from './jsonl-tail.ts';
import { figureOf } from './statusline.ts';
import type { ClassifyText } from './transcript-rows.ts';
import { noTurns, type Turns, tailOf, takeTurn } from './turns.ts';

export interface RolloutLook {
  /** Null: there is no file to read. */
  readonly tail: TranscriptTail | null;
  readonly figures: QuotaFigures | null;
  readonly skipped: Readonly<Partial<Record<SkipReason | NoFileReason | 'unsound_figure' | 'window_over', number>>>;
}

export interface RolloutReader {
  /** Never throws; reads at most one mebibyte. */
  read(path: string, sessionId: string): Promise<RolloutLook>;
}

/** A window's figure, and since when it has been the same. */
interface Reported extends RolloutFigure {
  readonly since: EpochMs;
}

interface Rollout {
  readonly turns: Turns;
  readonly figures: Map<string, Reported>;
}

export function createRolloutReader(deps: {
  readonly clock: Clock;
  readonly log: Logger;
  /** What the detector says of the words of an error of Codex. */
  readonly classifyText: ClassifyText;
  readonly ownUid: number;
}): RolloutReader {
  const { clock, log, classifyText, ownUid } = deps;
  const rollouts = createJsonlTail<Rollout>({
    what: 'a rollout',
    fresh: () => ({ turns: noTurns(), figures: new Map() }),
    take({ turns, figures }, value, mtimeMs) {
      const found = readRolloutRow(value, classifyText);
      if (found?.kind === 'turn') takeTurn(turns, found.turn, clock.now(), mtimeMs);
      if (found?.kind !== 'figures') return;
      for (const raw of found.figures) {
        const figure = { ...raw, at: soundTime(raw.at, clock.now(), mtimeMs) };
        const before = figures.get(figure.window);
        const isSame =
          before !== undefined && before.used_percent === figure.used_percent && before.resets_at === figure.resets_at;
        figures.set(figure.window, { ...figure, since: isSame ? before.since : figure.at });
      }
    },
    ownUid,
    followLinks: true,
    log,
  });

  return {
    async read(path, sessionId) {
      const look = await rollouts.read(path);
      if (look.kind === 'none') return { tail: null, figures: null, skipped: { [look.reason]: 1 } };
      const { turns, figures } = look.state;
      const told = [...figures.values()];
      const lastAssistant = turns.lastAssistant === null ? null : withWindow(turns.lastAssistant, told);
      const skipped: Record<string, number> = { ...look.skipped };
      const present: QuotaFigure[] = [];
      for (const { window, at, since, ...fields } of told) {
        const figure = figureOf(window, fields, clock.now());
        if (typeof figure === 'string') skipped[figure] = (skipped[figure] ?? 0) + 1;
        else present.push({ ...figure, source: 'rollout', at, since });
      }
      const tail = tailOf({ ...turns, lastAssistant }, path, sessionId);
      return { tail, figures: present.length === 0 ? null : present, skipped };
    },
  };
}

/** The words of a limit seldom name the window: it is the one that is used up. The one that ends last counts. */
function withWindow(row: AssistantRow, figures: readonly Reported[]): AssistantRow {
  if (row.kind !== 'rejected' || (row.window !== null && row.resetAt !== null)) return row;
  const usedUp = figures
    .filter(({ window, used_percent: used }) => window !== 'model' && typeof used === 'number' && used >= 100)
    .map(({ window, resets_at }) => ({ window, resetAt: instantOf(resets_at) }))
    .filter(({ resetAt }) => (resetAt ?? 0) > row.at)
    .sort((a, b) => (a.resetAt ?? 0) - (b.resetAt ?? 0))
    .at(-1);
  return { ...row, window: row.window ?? usedUp?.window ?? null, resetAt: row.resetAt ?? usedUp?.resetAt ?? null };
}
