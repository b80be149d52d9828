import { whyNoBrowserTests } from './scripts/chromium.mjs';

/**
 * Tests are TypeScript and are stripped of types on the fly; the code they test is the build. `src/` in an import
 * therefore means `dist/` (of the agent: `agent/dist/`): worker threads and spawned servers run the same files as the tests look at, and coverage of
 * all of them adds up.
 *
 * @type {import('jest').Config}
 */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Without a browser there is nothing they could say; scripts/test.mjs says that they were left out.
  testPathIgnorePatterns: ['/node_modules/', ...(whyNoBrowserTests() === null ? [] : ['<rootDir>/test/browser/'])],
  // Only the tests and the build are searched for modules: copies of the project elsewhere must not be taken for it.
  roots: ['<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    '^(?:\\.\\./)+src/(.*)\\.js$': '<rootDir>/dist/$1.js',
    '^(?:\\.\\./)+agent/src/(.*)\\.js$': '<rootDir>/agent/dist/$1.js',
    // Imports between test files say `.js`, as TypeScript wants it, and mean the `.ts` beside them.
    '^(\\.{1,2}/(?:.*/)?(?:helpers/)?[^/]+)\\.js$': '$1',
  },
  testTimeout: 20_000,
  maxWorkers: 2,
  passWithNoTests: false,
  errorOnDeprecated: true,
};
