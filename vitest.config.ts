import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Machines of two cores use both.
    maxWorkers: 2,
    // Another folder of recorded outputs need not have every area; the project's own copy has.
    passWithNoTests: Boolean(process.env.DREY_GOLDEN),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts', 'sim/**/*.test.ts'],
          exclude: ['**/*.golden.test.ts'],
          pool: 'threads',
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'golden',
          include: ['golden/*.golden.test.ts', 'packages/*/src/**/*.golden.test.ts', 'sim/**/*.golden.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts', 'sim/spec-walk.test.ts'],
          env: { DREY_SIM_EXTENT: 'whole' },
          exclude: ['**/*.conformance.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        // The cross-section of e2e that `npm test` runs.
        test: {
          name: 'smoke',
          include: [
            'e2e/kubectl.test.ts',
            'e2e/flink-contract/contract.test.ts',
            'e2e/story.test.ts',
            'e2e/kill.test.ts',
            'e2e/simulate.test.ts',
            'e2e/bad-input.test.ts',
          ],
          env: { DREY_E2E_EXTENT: 'brief' },
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'conformance',
          include: ['e2e/**/*.conformance.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
