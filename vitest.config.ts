import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/real-agents/**'],
    globalSetup: ['test/support/built.ts'],
    setupFiles: ['test/support/guard.ts'],
    // A machine that others use can make one test late: it is tried once more and printed as such; it stays a bug of the day.
    retry: process.env.CI === 'true' ? 1 : 0,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxWorkers: 2,
  },
});
