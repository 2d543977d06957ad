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

/** The sessions that are looked at even before an agent is found in them. */
export function keptNames({ sessions }: Config): readonly string[] {
  return [...sessions.dedicated.map(({ name }) => name), ...sessions.autonomous.names];
}

/** Whose a session is: a person's that was configured, the daemon's own, or one that was found. */
export function kindOf({ sessions }: Config, session: string): 'dedicated' | 'autonomous' | 'adopted' {
  if (sessions.dedicated.some(({ name }) => name === session)) return 'dedicated';
  return sessions.autonomous.names.includes(session) ? 'autonomous' : 'adopted';
}
