/** Checks of the machine: Node, the clock, the environment. */

import type { Env } from '../../config/expand-path.ts';
import { compareVersions } from '../../core/agents/profile.ts';
import { wallStamp } from '../../core/wall-time.ts';
import type { Clock } from '../../ports.ts';
import type { Check } from './check.ts';
import { failed, noted, passed, warned } from './check.ts';

const OLDEST_NODE = '20.19.0';
/** Earlier than this program: the clock was never set. */
const BUILT_AFTER = Date.UTC(2026, 0, 1);

/** Variables that change how programs of ours, or libraries in them, behave. */
const MEDDLING = ['NODE_OPTIONS', 'NODE_DEBUG', 'DEBUG', 'NODE_TLS_REJECT_UNAUTHORIZED'];

export function checkMachine(nodeVersion: string, env: Env, clock: Clock): readonly Check[] {
  const checks: Check[] = [];
  const isOld = compareVersions(nodeVersion, OLDEST_NODE) < 0;
  checks.push(
    isOld
      ? failed('node', `version ${nodeVersion} is too old`, `install Node ${OLDEST_NODE} or newer; 24 is recommended`)
      : passed('node', `version ${nodeVersion}`),
  );
  const zone = clock.zone();
  const stamp = `${wallStamp(clock.now(), zone)} ${zone}`;
  if (clock.now() < BUILT_AFTER)
    checks.push(failed('clock', `${stamp} lies in the past`, 'set the clock: timedatectl set-ntp true'));
  else if (!zone)
    checks.push(
      warned('clock', 'the time zone of this machine is not known', 'set it: timedatectl set-timezone Europe/Paris'),
    );
  else checks.push(passed('clock', `${stamp}; stated resets without a zone are read in this one`));

  const set = MEDDLING.filter((name) => env[name]);
  if (set.length > 0) {
    checks.push(
      warned(
        'environment',
        `${set.join(', ')} ${set.length === 1 ? 'is' : 'are'} set`,
        `start the daemon without ${set.length === 1 ? 'it' : 'them'}: env -u ${set.join(' -u ')} claude-failover run`,
      ),
    );
  } else checks.push(passed('environment', 'nothing is set that would change how Node behaves'));
  checks.push(
    noted('tokens', 'an agent that runs under your user can read your tokens itself; nothing here can prevent that'),
  );
  return checks;
}
