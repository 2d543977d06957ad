/** The figures that a CLI reported of its account's windows, as `/status` shows them. */
import { toIso } from './time.ts';
import type { QuotaFigures } from './verdict/signals.ts';

export interface FigureView {
  readonly window: string;
  readonly used_percent: number;
  readonly reset_at: string | null;
  /** Which file told it. */
  readonly source: string;
  readonly as_of: string | null;
}

/** Empty where nothing is known. */
export function figureViews(figures: QuotaFigures | null | undefined): readonly FigureView[] {
  return (figures ?? []).map((figure) => ({
    window: figure.window,
    used_percent: figure.usedPercent,
    reset_at: toIso(figure.resetAt),
    source: figure.source,
    as_of: toIso(figure.at),
  }));
}
