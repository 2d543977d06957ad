/** What must hold before the link of a swap is moved: the accounts, their logins, and the locks it is moved under. */
import { LinkError } from '../core/errors.ts';
import type { AccountFacts } from '../core/quota/eligibility.ts';
import { isEligible } from '../core/quota/eligibility.ts';
import { purposeOf } from '../core/quota/policy.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { SwapRow } from '../core/swap/swap.ts';
import { swapPolicyOf } from './config-policy.ts';
import { placeOf, readAccount } from './read-pool.ts';
import type { Run, SwapPorts } from './swap-ports.ts';

/** Locks older than this are not flipped under: the CLI waits for them, and a machine that slept may have lost them. */
const LOCK_TRUST_MS = 800;

/**
 * The link is where the plan says, both homes are ours, and the target holds a usable login of the identity it always had.
 *
 * @returns what is known of the target now
 */
export async function assertReady(ports: SwapPorts, run: Run): Promise<AccountFacts> {
  const state = await ports.link.read(placeOf(run.config));
  if (state.kind !== 'account' || state.account !== run.swap.from) {
    throw new LinkError('link_moved', `the link is ${describeLink(state)}, not at ${run.swap.from}`);
  }
  // The outgoing login may be dead or somebody else's: that is no reason to stay on it.
  const target = await readAccount(ports, run.config, run.swap.to, run.profile, ports.clock.now());
  const { home, row } = target;
  if (home?.problem != null) throw new LinkError('home_unusable', `the home of ${target.name} is ${home.problem}`);
  if (home === null || home.credentials !== 'ok') {
    throw new LinkError(
      'credentials_unusable',
      `the credentials of ${target.name} are ${home?.credentials ?? 'unknown'}`,
    );
  }
  const known = row?.identity ?? null;
  if (known !== null && home.identity !== null && known !== home.identity) {
    const hint = 'run: claude-failover doctor';
    throw new LinkError('identity_changed', `${target.name} is logged in as somebody else`, { hint });
  }
  return target;
}

/** Ready, and its account may still be used. */
export async function assertStillRight(ports: SwapPorts, run: Run): Promise<void> {
  const target = await assertReady(ports, run);
  const wish = run.request?.wish;
  if (wish?.kind === 'manual' && wish.force) return;
  const { eligibility } = swapPolicyOf(run.context.config);
  const purpose = wish === undefined ? 'swap' : purposeOf(wish);
  const verdict = isEligible(target, ports.clock.now(), eligibility, { purpose });
  if (verdict.ok) return;
  const why = verdict.reasons.map((reason) => reason.detail).join('; ');
  throw new LinkError('target_became_ineligible', `${run.swap.to}${LOST}${why}`);
}

export function areLocksYoung(ports: SwapPorts, run: Run): boolean {
  return heldMs(ports, run) <= LOCK_TRUST_MS;
}

function heldMs({ clock }: SwapPorts, { lockedAt }: Run): number {
  return lockedAt === null ? 0 : clock.monotonic() - lockedAt;
}

/** Under locks that were lost, or are about to be taken over, the link is not moved. */
export function demandTrustedLocks(ports: SwapPorts, run: Run): void {
  const lost = run.locks === null ? 'they are not held' : run.locks.compromised();
  // A CLI that has no locks of this kind has ended.
  const ageMs = run.locks?.locks.length === 0 ? 0 : heldMs(ports, run);
  if (lost === null && ageMs <= LOCK_TRUST_MS) return;
  run.contended = true;
  const why = lost ?? `they are held for ${Math.round(ageMs)} ms already`;
  throw new LinkError('locks_not_trusted', `the link is not moved under these locks: ${why}; the swap is postponed`);
}

const LOST = ' became ineligible: ';

/** Whether this swap failed because its target could not be used any more: nothing was touched. */
export function isTargetLost({ phase, to, error }: SwapRow): boolean {
  return phase === 'failed' && error?.startsWith(`${to}${LOST}`) === true;
}
