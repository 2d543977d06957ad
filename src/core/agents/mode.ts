/** A profile as the mode of a pool changes it. */
import type { AgentProfile, PoolMode } from './profile.ts';

const NOTHING_SHARED: AgentProfile['sharedEntries'] = { required: [], optional: [] };

/** What is true of this agent in a pool of this mode. */
export function inMode(profile: AgentProfile, mode: PoolMode): AgentProfile {
  switch (mode) {
    case 'config_dir':
      return profile;
    // Sessions stay where they are: only the credentials move.
    case 'secure_storage':
      return { ...profile, sharedEntries: NOTHING_SHARED, hotSwapSince: profile.credentialsDir?.since ?? null };
    // No process reads the link, so none follows it and none is disturbed by its moving.
    case 'env':
      return { ...profile, hotSwapSince: null, stopFirst: 'never' };
    case 'file_link':
      return { ...profile, sharedEntries: NOTHING_SHARED };
  }
}
