/** `config check`, `config show` and `config path`: what the configuration says, and what is wrong with it. */

import type { Env } from '../config/expand-path.ts';
import type { ConfigValues } from '../config/file-schema.ts';
import { findConfig, searchPath } from '../config/find.ts';
import { type LoadedConfig, loadConfigFile } from '../config/load.ts';
import { counted } from '../core/counted.ts';
import { ConfigError, problemLine } from '../core/errors.ts';

/** What a command may touch of its surroundings. */
export interface CommandIo {
  out(text: string): void;
  err(text: string): void;
  readonly env: Env;
  /** The user's home directory. */
  readonly home: string;
  readonly isTTY: boolean;
}

export interface ConfigOptions {
  /** The value of `--config`. */
  readonly config?: string;
  readonly json?: boolean;
}

/** EX_CONFIG of sysexits.h. */
export const EXIT_CONFIG = 78;

/** Validates the file and prints every problem and warning. @returns 0, or 78 when it cannot be used */
export function checkConfig(options: ConfigOptions, io: CommandIo): number {
  return withConfig(options, io, ({ config }) => {
    const enabled = config.pools.flatMap((pool) => pool.accounts).filter((account) => account.enabled).length;
    io.out(`${config.file}: ok, ${counted(config.pools.length, 'pool')}, ${counted(enabled, 'enabled account')}\n`);
  });
}

/**
 * Prints the configuration in force, every default filled in, as YAML or JSON. Keys that may hold a secret themselves are
 * masked. @returns 0 or 78
 */
export async function showConfig(options: ConfigOptions, io: CommandIo): Promise<number> {
  const { stringify } = await import('yaml');
  return withConfig(options, io, ({ values, config }) => {
    const accounts = config.pools.flatMap((pool) => pool.accounts);
    const priorityOf = (name: string) => accounts.find((account) => account.name === name)?.priority ?? null;
    const effective = {
      ...values,
      notifications: withoutSecrets(values.notifications),
      daemon: { ...values.daemon, runtime_dir: config.daemon.runtimeDir },
      http: { ...values.http, socket: config.http.socket },
      accounts: values.accounts.map((account) => ({ ...account, priority: priorityOf(account.name) })),
    };
    io.out(
      options.json === true ? `${JSON.stringify(effective, null, 2)}\n` : `# ${config.file}\n${stringify(effective)}`,
    );
  });
}

/** Prints which file is used. @returns 0, or 78 when there is none */
export function configPath(options: ConfigOptions, io: CommandIo): number {
  const file = findConfig({ path: options.config ?? null, env: io.env, home: io.home });
  if (file === null) {
    io.err(
      `there is no configuration file; looked for ${searchPath(io.home).join(' and ')}\nnext: claude-failover init\n`,
    );
    return EXIT_CONFIG;
  }
  io.out(`${file}\n`);
  return 0;
}

/** A secret in the file is masked, and of URLs that may be one only the place is shown. */
function withoutSecrets(values: ConfigValues['notifications']): ConfigValues['notifications'] {
  const place = (url: string): string => (URL.canParse(url) ? `${new URL(url).origin}/${MASKED}` : url);
  const { telegram, email, webhook, heartbeat_url } = values;
  return {
    ...values,
    telegram: { ...telegram, token: telegram.token === null ? null : MASKED },
    email: { ...email, api_key: email.api_key === null ? null : MASKED },
    webhook: { ...webhook, url: place(webhook.url), secret: webhook.secret === null ? null : MASKED },
    heartbeat_url: heartbeat_url === null ? null : place(heartbeat_url),
  };
}

const MASKED = '[masked]';

function withConfig(options: ConfigOptions, io: CommandIo, use: (loaded: LoadedConfig) => void): number {
  let loaded: LoadedConfig;
  try {
    loaded = loadConfigFile({ path: options.config ?? null, env: io.env, home: io.home });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) io.err(`${problemLine(error.file, problem)}\n`);
    return EXIT_CONFIG;
  }
  for (const warning of loaded.config.warnings) io.err(`${problemLine(loaded.config.file, warning)} [warning]\n`);
  use(loaded);
  return 0;
}
