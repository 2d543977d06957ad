/** Credential health: looks at the login of every account now and then, and at once when a pane asks for one. */
import type { AgentProfile } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import type { Clock, Loop } from '../ports.ts';
import { profileOf } from '../steps/config-policy.ts';
import { checkCredentials } from '../steps/credential-health.ts';
import type { PoolReaders } from '../steps/read-pool.ts';
import { readAccount } from '../steps/read-pool.ts';

export interface CredentialLoopPorts extends Pick<PoolReaders, 'local' | 'shared' | 'homes'> {
  readonly clock: Clock;
  readonly profiles: readonly AgentProfile[];
}

export function createCredentials(ports: CredentialLoopPorts): Loop {
  return {
    name: 'credentials',
    intervalMs: (config) => config.credentials.checkIntervalMs,
    async tick({ config, log }) {
      for (const pool of config.pools) {
        const profile = profileOf(ports.profiles, pool);
        for (const { name } of pool.accounts) {
          try {
            await checkCredentials(
              ports,
              await readAccount(ports, pool, name, profile, ports.clock.now()),
              profile,
              log,
            );
          } catch (error) {
            // One home must not hide the others; a store that fails would fail for all.
            if (error instanceof StoreError) throw error;
            log.warn({ account: name, err: error }, 'a login could not be looked at');
          }
        }
      }
    },
  };
}
