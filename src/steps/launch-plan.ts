/** What is started in a session: the agent's command from the configuration, as words. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { AgentKind } from '../core/agents/profile.ts';
import type { LaunchPlan } from '../core/sessions/lifecycle.ts';

/** What may follow `--model`: never another flag. */
const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,99}$/;

/**
 * @param cwd    where the agent begins
 * @param model  null: the CLI chooses. It may come from a task file.
 * @returns      null: the agent is not configured, or the model is no name of one
 * @example launchPlan(config, pool, 'claude', '/p', 'opus') // { argv: ['claude', '--model', 'opus'], cwd: '/p', configDir: null }
 */
export function launchPlan(
  config: Pick<Config, 'agents'>,
  pool: Pick<PoolConfig, 'link' | 'linkIsDefault'>,
  agent: AgentKind,
  cwd: string,
  model: string | null,
): LaunchPlan | null {
  const how = config.agents[agent];
  if (how === undefined || (model !== null && !MODEL.test(model))) return null;
  const argv = [how.command, ...how.args, ...(model === null ? [] : ['--model', model])];
  return { argv, cwd, configDir: pool.linkIsDefault ? null : pool.link };
}
