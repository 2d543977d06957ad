/** The policies that the pure decisions take, read off one config snapshot. */
import type { Config, PoolConfig } from '../config/schema.ts';
import { inMode } from '../core/agents/mode.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import type { SwapPolicy } from '../core/quota/policy.ts';
import type { Hit } from '../core/verdict/confirm.ts';

export function swapPolicyOf(config: Config): SwapPolicy {
  return {
    swapCooldownMs: config.quota.swapCooldownMs,
    swapsPerHour: config.daemon.circuitBreaker.swapsPerHour,
    eligibility: {
      accountReactivateCooldownMs: config.quota.accountReactivateCooldownMs,
      modelLimitSwaps: config.quota.modelLimitSwaps,
      autoPause: config.quota.autoPause,
      sampleStaleAfterMs: config.quota.sampleStaleAfterMs,
    },
  };
}

/** What is true of the pool's agent in the pool's mode. @throws {Error} the config names an agent that has no profile; the schema does not let that happen */
export function profileOf(profiles: readonly AgentProfile[], pool: PoolConfig): AgentProfile {
  const profile = profiles.find((candidate) => candidate.kind === pool.agent);
  if (profile === undefined) throw new Error(`no profile for agent ${pool.agent}`);
  return inMode(profile, pool.mode);
}

/** A limit of one model that does not count for the whole account. */
export function isModelOnly(hit: Hit, config: Config): boolean {
  return hit.window === 'model' && !config.quota.modelLimitSwaps;
}
