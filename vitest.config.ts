import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build-once.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Loading TF.js anew for each file took as long as a third of the tests.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
