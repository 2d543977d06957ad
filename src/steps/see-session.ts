/** What the last poll saw of a kept session: its panes, what its agent does, and what a swap does with it. */
import { type PaneView, paneKey } from '../core/panes.ts';
import type { PaneSight, SessionSight } from '../core/sessions/keep.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import { isSwapping } from '../core/sessions/lifecycle.ts';
import type { RecoveryRow } from '../core/swap/swap.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { Board, LocalStore, Panes } from '../ports.ts';

export interface SeePorts {
  readonly board: Board;
  readonly panes: Panes;
  readonly local: Pick<LocalStore, 'openRecoveries' | 'swaps' | 'recoveries'>;
}

/** @returns null: its tmux server was not seen, so nothing is known */
export async function seeSession(
  ports: SeePorts,
  row: LifecycleRow,
  open: readonly RecoveryRow[],
  signal: AbortSignal,
): Promise<SessionSight | null> {
  const snapshot = ports.board.snapshot();
  const server = snapshot?.servers.find((candidate) => candidate.server === row.server);
  if (snapshot === null || (server?.state !== 'ok' && server?.state !== 'absent')) return null;
  const views = snapshot.panes.filter(
    (view) => view.sessionName === row.session && view.identity.server === row.server,
  );
  const own = row.pane === null ? null : paneKey(row.pane);
  const isOwn = (view: PaneView): boolean => paneKey(view.identity) === own;
  const findings = ports.board.findings();
  const ordered = [...views].sort((a, b) => Number(isOwn(b)) - Number(isOwn(a)) || rank(b) - rank(a));
  const panes = await Promise.all(
    ordered.map(async (view, index): Promise<PaneSight> => {
      const agent = agentIn(view, findings.get(paneKey(view.identity)));
      // Asking costs a tmux client, so only where the answer decides something.
      const matters = index === 0 && agent === 'none' && (row.taskId !== null || row.state === 'failed');
      const fresh = matters ? await ports.panes.observe(view.identity, signal) : null;
      const shellInFront = fresh === null || fresh.process !== null ? null : fresh.shellInFront;
      return { pane: view.identity, dead: view.dead, agent, shellInFront };
    }),
  );
  return { seenAt: snapshot.takenAt, panes, recovery: await recoveryOf(ports, row, open) };
}

/** A pane with an agent rather than one without. */
function rank(view: PaneView): number {
  return view.dead ? 0 : view.process === null ? 1 : 2;
}

function agentIn({ process }: PaneView, finding: PaneFinding | undefined): PaneSight['agent'] {
  if (process === null) return 'none';
  if (finding === undefined || finding.process.pid !== process.pid) return 'quiet';
  const { reading } = finding;
  if (reading.dialog !== null) return 'dialog';
  if (reading.busy) return 'turn';
  return reading.composer === null ? 'quiet' : 'rest';
}

async function recoveryOf(
  { local }: Pick<SeePorts, 'local'>,
  row: LifecycleRow,
  open: readonly RecoveryRow[],
): Promise<SessionSight['recovery']> {
  if (row.pane === null) return null;
  const own = paneKey(row.pane);
  if (open.some(({ pane }) => paneKey(pane) === own)) return 'open';
  if (!isSwapping(row)) return null;
  const swaps = await local.swaps({ sinceAt: row.stateSince - SWAP_MS, limit: 20 });
  const ended = (await Promise.all(swaps.map(({ id }) => local.recoveries(id))))
    .flat()
    .filter(({ pane, finishedAt }) => paneKey(pane) === own && finishedAt !== null)
    .sort((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0))[0];
  if (ended === undefined) return null;
  return ended.state === 'recovered' ? 'recovered' : 'failed';
}

/** Longer than a swap with all its recoveries may take. */
const SWAP_MS = 4 * 3_600_000;
