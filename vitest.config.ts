import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/real-agents/**'],
    globalSetup: ['test/support/built.ts'],
    setupFiles: ['test/support/guard.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxWorkers: 2,
    // On a shared machine one late process must not hide all other results; a test that needed it is printed, and is a bug.
    retry: process.env.CI === 'true' ? 1 : 0,
  },
});
