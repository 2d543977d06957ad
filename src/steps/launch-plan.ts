/** What is started in a session: the agent's command from the configuration, as words. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { AgentKind } from '../core/agents/profile.ts';
import type { LaunchPlan } from '../core/sessions/lifecycle.ts';

/** What may follow `--model`: never another flag. */
const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,99}$/;

/**
 * @param cwd      where the agent begins
 * @param model    null: the CLI chooses. It may come from a task file.
 * @param account  the active one of the pool; null: not known now
 * @returns        null: the agent is not configured, the model is no name of one, or the mode needs an account
 * @example launchPlan(config, pool, 'claude', '/p', 'opus', 'work-1') // { argv: ['claude', '--model', 'opus'], cwd: '/p', configDir: null }
 */
export function launchPlan(
  config: Pick<Config, 'agents'>,
  pool: Pick<PoolConfig, 'mode' | 'configDir' | 'accounts'>,
  agent: AgentKind,
  cwd: string,
  model: string | null,
  account: string | null,
): LaunchPlan | null {
  const how = config.agents[agent];
  if (how === undefined || (model !== null && !MODEL.test(model))) return null;
  const argv = [how.command, ...how.args, ...(model === null ? [] : ['--model', model])];
  if (pool.mode !== 'env') return { argv, cwd, configDir: pool.configDir };
  const home = pool.accounts.find(({ name }) => name === account)?.home;
  return home === undefined ? null : { argv, cwd, configDir: home };
}
