/**
 * Prints `N passed, N failed` from Jest's JSON result (first argument) as the last line of .ci/run. A test file
 * that could not be loaded counts as one failure, and so does a run that left no result or ran nothing.
 */
import { existsSync, readFileSync } from 'node:fs';

const file = process.argv[2];
if (file === undefined || !existsSync(file)) {
  console.error('The tests left no result.');
  console.log('0 passed, 1 failed');
  process.exit(1);
}
const result = JSON.parse(readFileSync(file, 'utf8'));
const passed = result.numPassedTests;
const failures = result.testResults.flatMap(({ name, assertionResults }) =>
  assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `${name}: ${fullName}`),
);
const brokenFiles = result.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0);
for (const line of [...failures, ...brokenFiles.map(({ name }) => `${name}: could not be run`)]) console.log(`FAILED ${line}`);
// Jest's own verdict also knows failures that belong to no test, such as an error after the tests were done.
const failed = Math.max(result.numFailedTests + result.numRuntimeErrorTestSuites, result.success && passed > 0 ? 0 : 1);
if (passed === 0 && failed === 1) console.error('No test ran.');
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
