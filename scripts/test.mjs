/**
 * Runs Jest as ES modules on the build in dist/ (see jest.config.js). Arguments go to Jest.
 * Where there is no browser to run test/browser with, it says so at the end.
 *
 * TEST_COVERAGE=dir  collects V8 coverage of everything that runs: the test files' own process, worker threads and
 *                    spawned servers. Jest's own --coverage sees only the first of the three.
 * TEST_RESULTS=file  writes Jest's result as JSON, for .ci/run.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNoBrowserTests } from './chromium.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { TEST_COVERAGE, TEST_RESULTS, ...environment } = process.env;
const jestArguments = process.argv.slice(2);

if (TEST_RESULTS !== undefined) {
  const file = resolve(root, TEST_RESULTS);
  rmSync(file, { force: true });
  mkdirSync(dirname(file), { recursive: true });
  jestArguments.push('--json', `--outputFile=${file}`);
}
if (TEST_COVERAGE !== undefined) {
  const dir = resolve(root, TEST_COVERAGE);
  rmSync(dir, { recursive: true, force: true });
  environment.NODE_V8_COVERAGE = dir;
  // Jest kills a worker process that takes longer than half a second to leave, and writing its coverage does: whatever
  // that worker had run would be missing. So everything runs in the one process that nobody kills.
  jestArguments.push('--runInBand');
}

const jest = spawn(
  process.execPath,
  ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', resolve(root, 'node_modules/jest/bin/jest.js'), ...jestArguments],
  // With --json Jest also prints the whole result: keep that out of the log.
  { cwd: root, env: environment, stdio: ['inherit', TEST_RESULTS === undefined ? 'inherit' : 'ignore', 'inherit'] },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
jest.on('exit', (code, signal) => {
  const reason = whyNoBrowserTests();
  if (reason !== null) console.error(`\nThe browser tests (test/browser) were LEFT OUT: ${reason}.`);
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
