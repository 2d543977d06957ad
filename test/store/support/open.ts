/** Opens stores that are closed after the test. */
import { onTestFinished } from 'vitest';
import type { OpenedStore, OpenStoreOptions } from '../../../src/store/open.ts';
import { openStore } from '../../../src/store/open.ts';
import { NOON } from './rows.ts';

export async function openFor(stateDir: string, more: Partial<OpenStoreOptions> = {}): Promise<OpenedStore> {
  const store = await openStore({ stateDir, now: NOON, ...more });
  onTestFinished(() => store.close());
  return store;
}
