/** Checks of what a pool's mode asks of the installed CLI. */
import type { Config } from '../../config/schema.ts';
import { claude } from '../../core/agents/claude.ts';
import { probeCredentialsDir } from '../adoption/probe.ts';
import type { CommandIo } from '../io.ts';
import type { Check } from './check.ts';
import { failed, passed } from './check.ts';

/** The CLI is tried with a made-up login in a directory of its own. */
export async function checkModes(config: Config, io: Pick<CommandIo, 'env'>): Promise<readonly Check[]> {
  const pools = config.pools.filter(({ mode }) => mode === 'secure_storage');
  if (pools.length === 0) return [];
  const problem = await probeCredentialsDir(claude, io);
  return pools.map(({ name }) => {
    const title = `pool ${name}: mode`;
    if (problem === null) return passed(title, 'the installed Claude Code takes its credentials through the link');
    const least = claude.credentialsDir?.since;
    return failed(title, problem, `update Claude Code to ${least} or newer, or set pools.${name}.mode: config_dir`);
  });
}
