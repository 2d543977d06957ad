/** A login that somebody else changes in a stand-in world. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { StandInWorld } from './stand-in/index.ts';

/** A token that the provider does not know. */
export const REVOKED = { accessToken: 'sk-ant-oat01-made-up-revoked' };

/** Changes the login in an account's credentials file, in one step as the CLI does. @returns what puts it back */
export function changeLogin(
  world: StandInWorld,
  account: string,
  change: Readonly<Record<string, unknown>>,
): () => void {
  const path = world.home(account).credentials;
  const before = readFileSync(path, 'utf8');
  const write = (text: string): void => {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  const file = JSON.parse(before) as { claudeAiOauth: Record<string, unknown> };
  write(JSON.stringify({ ...file, claudeAiOauth: { ...file.claudeAiOauth, ...change } }));
  return () => write(before);
}
