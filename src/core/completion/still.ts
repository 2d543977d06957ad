/** Whether anything still moves in a session that works. */
import type { EpochMs } from '../time.ts';
import { formatDuration, MINUTE } from '../time.ts';
import type { Judgement, JudgePolicy, PaneFacts, Seen, Watch, WorkFacts } from './work.ts';
import { working } from './work.ts';

/** Nothing moved on its screen and in its heartbeat. */
export function stillness(
  watch: Watch,
  pane: PaneFacts,
  facts: WorkFacts,
  now: EpochMs,
  policy: JudgePolicy,
): Judgement {
  const key = stillKey(pane.screenText);
  const heartbeatAt = facts.heartbeatAt !== null && facts.heartbeatAt <= now + MINUTE ? facts.heartbeatAt : 0;
  const isStill = key === watch.stillKey && watch.stillSince <= now;
  const since = isStill ? Math.max(watch.stillSince, heartbeatAt) : now;
  const next = { ...watch, stillKey: key, stillSince: since };
  const stillMs = now - since;
  if (stillMs < policy.stallAfterMs) return working(next, 'working', null);
  const detail = `nothing has moved for ${formatDuration(stillMs)}`;
  if (stillMs < policy.stallAfterMs + policy.stallKillAfterMs) return working(next, 'stalled', detail);
  const seen: Seen = { source: 'screen', at: since, detail };
  return {
    kind: 'failed',
    error: 'session_died',
    completion: null,
    reason: `${detail}; its session is started anew`,
    seen: [seen],
  };
}

/** What a screen shows, but for the figures and marks that move while nothing happens. */
export function stillKey(text: string): string {
  let hash = 0x811c9dc5;
  for (const sign of text.replace(/[\d·✢✳✶✻✽∗*⠀-⣿]+/g, '').replace(/\s+/g, ' ')) {
    hash = Math.imul(hash ^ (sign.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16);
}
