/** All that one poll made of one pane: what it shows, what was decided and who is charged. */
import type { AgentProcess, PaneView } from '../panes.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import type { Charge } from './attribute.ts';
import type { Hit, PaneDecision } from './confirm.ts';
import type { Evidence } from './evidence.ts';
import type { SessionSignals } from './signals.ts';

/** Why a pane cannot be moved by flipping a link. */
export interface NotSwitchable {
  readonly reason: string;
  /** It uses a login that is none of its pool's: what it meets says nothing of their accounts. */
  readonly ownLogin: boolean;
}

export interface PaneFinding {
  readonly at: EpochMs;
  readonly view: PaneView;
  readonly process: AgentProcess;
  /** The pool whose link this process follows; null: of none. */
  readonly pool: string | null;
  readonly notSwitchable: NotSwitchable | null;
  readonly reading: Reading;
  /** When the screen was read: its times of day were understood as of then. */
  readonly readAt: EpochMs;
  /** When the pool's link was last moved; null: not since the record begins. */
  readonly switchedAt: EpochMs | null;
  readonly signals: SessionSignals | null;
  readonly evidence: Evidence;
  readonly decision: PaneDecision;
  /** Who is charged with the hit; null: no hit, or nobody can be. */
  readonly charge: Charge | null;
  /** The account recorded when this process was first seen. */
  readonly launchedUnder: string | null;
  /** The swap that this very hit caused already. */
  readonly consumedBy: string | null;
}

/** Whether a flip of this pool's link moves the pane. */
export function isSwitchable(finding: PaneFinding, pool: string): boolean {
  return finding.pool === pool && finding.notSwitchable === null;
}

/** The hit of a pane that is stopped by a confirmed limit, consumed or not. */
export function confirmedHit(finding: PaneFinding): Hit | null {
  return finding.decision.kind === 'confirmed' ? finding.decision.hit : null;
}

/** The hit that keeps a pane stopped: confirmed, or one whose reset passed while it stood there. */
export function stoppingHit(finding: PaneFinding): Hit | null {
  if (finding.decision.kind === 'stale' && finding.decision.hit.firstSeenAt < finding.decision.hit.endsAt) {
    return finding.decision.hit;
  }
  return confirmedHit(finding);
}
