/** Runs the trespass under the real guard. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: vitest asks for one
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    include: ['test/support/guard-fixture/trespass.ts'],
    setupFiles: ['test/support/guard.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
