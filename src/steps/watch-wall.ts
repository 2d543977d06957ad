/** Tells once a day of a wall whose words no pattern knows, with the screen, so that they become a pattern. */
import { snippet } from '../core/redact.ts';
import { DAY } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { recordEvidence, storedScreen } from '../core/verdict/recorded.ts';
import type { WallMemory } from '../core/verdict/unknown-wall.ts';
import { stepWall, unexplainedWall } from '../core/verdict/unknown-wall.ts';
import type { Clock, LocalStore, TickContext } from '../ports.ts';
import { poolOfEvent } from './report-finding.ts';

export interface WallPorts {
  readonly local: LocalStore;
  readonly clock: Clock;
}

/** Walls of one day that are looked through for the same wording; more than that are told twice. */
const TOLD_PER_DAY = 200;
/** Of a reason, which quotes what it read. */
const MAX_TEXT = 400;

/** @param mine what is remembered of the pane between two polls */
export async function watchWall(
  ports: WallPorts,
  mine: { wall: WallMemory | null },
  finding: PaneFinding,
  context: TickContext,
): Promise<void> {
  const wall = unexplainedWall(finding);
  const { memory, raise } = stepWall(mine.wall, wall, finding.at);
  if (!raise || wall === null) {
    mine.wall = memory;
    return;
  }
  const { wording, text } = wall;
  const told = await ports.local.events({ types: ['unknown_wall'], sinceAt: finding.at - DAY, limit: TOLD_PER_DAY });
  if (!told.some(({ data }) => data.wording === wording)) {
    const { view, evidence } = finding;
    const detail = `no pattern knows what stopped this pane: ${text}`;
    const data = {
      detail,
      wording,
      text,
      reason: snippet(evidence.reason, MAX_TEXT),
      screen: storedScreen(view.screen?.text ?? ''),
      evidence: recordEvidence(finding, ports.clock.zone(), context.config.quota.snippetChars),
    };
    const pane = { session: view.sessionName, pane: view.label };
    await ports.local.append([{ type: 'unknown_wall', ...pane, data, ...poolOfEvent(finding) }], finding.at);
    context.log.warn({ ...pane, text, wording }, 'a wall whose words no pattern knows');
  }
  // Only what was written down counts as told.
  mine.wall = memory;
}
