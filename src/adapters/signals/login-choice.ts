/** Whether variables outrank the login of a CLI: not where its settings choose the login. */
import { join } from 'node:path';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { fieldsOf } from '../../core/json.ts';
import { readSmallJson } from './small-json.ts';

const MAX_SETTINGS_BYTES = 1024 * 1024;

/**
 * Those of the names that outrank the login all the same. Settings that cannot be read choose nothing.
 *
 * @param names of the profile's `overridingEnv`, as the process has them
 */
export async function outranking(
  names: readonly string[],
  { project, configDir }: { readonly project: string; readonly configDir: string },
  profile: AgentProfile,
): Promise<readonly string[]> {
  const choice = profile.loginChoice;
  if (choice === undefined || !names.some((name) => choice.outranks.includes(name))) return names;
  for (const directory of [join(project, profile.configDir.underHome), configDir]) {
    const settings = await readSmallJson(join(directory, choice.file), MAX_SETTINGS_BYTES, null);
    if (settings.kind !== 'read') continue;
    const chosen = choice.keys.map((path) => valueAt(settings.value, path)).find((value) => value !== undefined);
    if (chosen === undefined) continue;
    return chosen === choice.value ? names.filter((name) => !choice.outranks.includes(name)) : names;
  }
  return names;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((within, key) => fieldsOf(within)[key], value);
}
