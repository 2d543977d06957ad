/** All suites in one run: the everyday ones, long where CF_LONG makes them so, and the real agents. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import everyday from '../vitest.config.ts';

// biome-ignore lint/style/noDefaultExport: vitest asks for one
export default defineConfig({
  ...everyday,
  test: {
    ...everyday.test,
    root: fileURLToPath(new URL('..', import.meta.url)),
    exclude: ['**/node_modules/**'],
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
  },
});
