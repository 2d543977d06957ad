/** Says what was found on a pane: one structured line and one event for each change of mind. */
import type { Config } from '../config/schema.ts';
import type { NewEvent } from '../core/events.ts';
import { figureOf } from '../core/quota/figures.ts';
import { snippet } from '../core/redact.ts';
import { toIso } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { confirmedHit } from '../core/verdict/pane-finding.ts';
import type { LocalStore, TickContext } from '../ports.ts';
import { isModelOnly } from './config-policy.ts';

/**
 * One line and one event for each change of mind, never for each poll.
 *
 * @param saidBefore  what this returned for the pane at the poll before; empty at first sight
 */
export async function reportFinding(
  store: LocalStore,
  saidBefore: string,
  finding: PaneFinding,
  context: TickContext,
): Promise<string> {
  const { decision, evidence, view } = finding;
  const name = decisionName(finding);
  const said = `${name}|${'hit' in decision ? decision.hit.fingerprint : (evidence.conflict ?? evidence.family)}`;
  if (said === saidBefore) return said;
  // The row that settles it may be written a moment after the words were printed.
  const isConflict = decision.kind === 'clear' && evidence.conflict !== null;
  if (isConflict && saidBefore !== `${said}?`) return `${said}?`;
  if (decision.kind === 'clear' && !isConflict) {
    if (decision.wasSuspected) {
      const fields = { ...fieldsOf(finding, context), decision: 'cleared' };
      context.log.info(fields, 'suspected limit is gone');
      const { sessionName: session, label: pane } = view;
      await store.append([{ type: 'quota_cleared', session, pane, data: fields, ...poolOfEvent(finding) }], finding.at);
    }
    return said;
  }
  if (saidBefore === '' && decision.kind === 'other' && decision.class === 'warning') return said;
  const fields = { ...fieldsOf(finding, context), decision: name };
  context.log.info(fields, 'quota evidence');
  // A figure is told once for its account, not by every pane that shows it.
  if (decision.kind === 'other' && decision.class === 'warning' && finding.pool !== null && showsFigure(finding))
    return said;
  // The hit was told before its swap; that it was acted upon is the swap's to tell.
  if (finding.consumedBy !== null) return said;
  const type = eventType(finding, context.config);
  const notSwitchable = finding.notSwitchable === null ? {} : { not_switchable: finding.notSwitchable.reason };
  const data = { ...fields, ...notSwitchable };
  // A suspicion needs nobody yet.
  const isEarly = type === 'session_not_switchable' && decision.kind !== 'confirmed';
  const event: NewEvent = {
    type,
    ...(isEarly ? { severity: 'info' } : {}),
    session: view.sessionName,
    pane: view.label,
    data,
    ...poolOfEvent(finding),
  };
  await store.append([event], finding.at);
  return said;
}

function showsFigure({ reading, at }: PaneFinding): boolean {
  return reading.warnings.some((warning) => figureOf(warning, at) !== null);
}

function eventType(finding: PaneFinding, config: Config): NewEvent['type'] {
  const { decision } = finding;
  if (decision.kind === 'clear') return 'quota_suspected';
  if (finding.notSwitchable !== null && decision.kind !== 'other') return 'session_not_switchable';
  if (decision.kind === 'other') {
    return (
      { throttle: 'throttled', auth: 'quota_suspected', billing: 'billing_wall', warning: 'quota_warning' } as const
    )[decision.class];
  }
  const hit = confirmedHit(finding);
  if (hit !== null && isModelOnly(hit, config)) return 'model_limit';
  return hit === null ? 'quota_suspected' : 'quota_hit';
}

export function decisionName(finding: PaneFinding): string {
  const { decision } = finding;
  if (finding.consumedBy !== null) return 'consumed';
  if (decision.kind === 'confirmed') return decision.how === 'polls' ? 'confirmed' : 'instant';
  if (decision.kind === 'clear' && finding.evidence.conflict !== null) return 'vetoed';
  if (decision.kind === 'other') return decision.class;
  return decision.kind;
}

/** A reason quotes what it read. */
const MAX_REASON = 400;

export function fieldsOf(finding: PaneFinding, context: TickContext): Readonly<Record<string, unknown>> {
  const { decision, evidence, reading, view } = finding;
  const hit = 'hit' in decision ? decision.hit : null;
  // Of two that contradict each other the screen's words are those that a person sees.
  const shown = evidence.conflict === null ? null : reading.finding;
  return {
    trigger_session: view.sessionName,
    pane: view.label,
    pattern: shown?.family ?? evidence.family,
    class: evidence.class,
    window: evidence.window,
    snippet: snippet(shown?.text ?? evidence.text, context.config.quota.snippetChars),
    account: finding.charge?.account ?? null,
    charged: finding.charge?.reason ?? null,
    reset_at: toIso(hit?.resetAt ?? evidence.resetAt),
    reason: snippet(decision.reason, MAX_REASON),
    poll: decision.kind === 'suspected' ? decision.polls : null,
  };
}

export function poolOfEvent(finding: PaneFinding): { pool?: string; account?: string } {
  return {
    ...(finding.pool === null ? {} : { pool: finding.pool }),
    ...(finding.charge === null ? {} : { account: finding.charge.account }),
  };
}
