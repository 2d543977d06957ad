import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/real-agents/**'],
    globalSetup: ['test/support/built.ts'],
    setupFiles: ['test/support/guard.ts'],
    // Longer than a test waits for any one fact, which tells more than this limit.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
