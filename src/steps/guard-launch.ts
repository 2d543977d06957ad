/** Sees to the safety hook before an agent that asks for no permission is started in a session of the daemon's own. */
import type { Config } from '../config/schema.ts';
import type { LaunchPlan } from '../core/sessions/lifecycle.ts';
import { skipsPermissions } from '../core/sessions/permissions.ts';
import type { SafetyHook } from '../ports/safety-hook.ts';
import type { TickContext } from '../ports.ts';

export interface GuardPorts {
  readonly safetyHook: SafetyHook;
}

/** @returns why the agent must not be started; null: it may, guarded or with no need to be */
export async function guardLaunch(
  { safetyHook }: GuardPorts,
  { argv, cwd }: Pick<LaunchPlan, 'argv' | 'cwd'>,
  { config, signal }: Pick<TickContext, 'config' | 'signal'>,
): Promise<string | null> {
  if (!mustGuard(argv, config)) return null;
  const why = await safetyHook.deploy(cwd, signal);
  return why === null ? null : `its agent was not started without the safety hook: ${why}`;
}

/** One that is brought back in the middle of its work goes on, guarded or not: it is only told. */
export async function guardResume(
  { safetyHook }: GuardPorts,
  session: string,
  { argv, cwd }: Pick<LaunchPlan, 'argv' | 'cwd'>,
  { config, signal, log }: TickContext,
): Promise<void> {
  const isOwn = config.sessions.autonomous.names.includes(session);
  if (!isOwn || !mustGuard(argv, config)) return;
  const reason = await safetyHook.deploy(cwd, signal);
  if (reason !== null) log.warn({ session, reason }, 'an agent is brought back without the safety hook');
}

function mustGuard(argv: readonly string[], { dispatcher }: Config): boolean {
  return dispatcher.safetyHook && skipsPermissions(argv);
}
