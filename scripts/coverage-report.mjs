/**
 * Reports the coverage that scripts/test.mjs collected (TEST_COVERAGE=coverage/v8) in lines of src/, through the
 * build's source maps, and fails below the required share. Files that no test loaded count as uncovered; files that
 * hold nothing but types have nothing to run and are left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const REQUIRED_LINES_PERCENT = 90;

const root = fileURLToPath(new URL('..', import.meta.url));
const collected = join(root, 'coverage/v8');
const build = join(root, 'dist');

const seen = thinOut();
if (seen === 0) {
  console.error('No coverage of dist/ was collected: run the tests with TEST_COVERAGE=coverage/v8 first (npm run coverage does).');
  process.exit(1);
}
const excluded = typeOnlyModules().map((file) => `--exclude=src/${file}`);
const report = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/c8/bin/c8.js'),
    'report',
    `--temp-directory=${collected}`,
    '--all',
    '--src=src',
    '--include=src/**',
    ...excluded,
    '--exclude-after-remap',
    '--reporter=text',
    '--reporter=lcovonly',
    '--reports-dir=coverage',
    '--check-coverage',
    `--lines=${REQUIRED_LINES_PERCENT}`,
    '--branches=0',
    '--functions=0',
    '--statements=0',
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = report.status ?? 1;

/** Keeps only the build's own scripts in the collected files (the rest is Jest and libraries); answers how many there are. */
function thinOut() {
  if (!existsSync(collected)) return 0;
  const prefix = pathToFileURL(build).href;
  let scripts = 0;
  for (const name of readdirSync(collected)) {
    const file = join(collected, name);
    const coverage = parsed(readFileSync(file, 'utf8'));
    if (coverage === null) {
      console.log(`${name} is cut off (a server was killed while it wrote it): left out.`);
      rmSync(file);
      continue;
    }
    coverage.result = coverage.result.filter(({ url }) => url.startsWith(`${prefix}/`));
    delete coverage['source-map-cache'];
    writeFileSync(file, JSON.stringify(coverage));
    scripts += coverage.result.length;
  }
  return scripts;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Sources whose build is empty, relative to src/. */
function typeOnlyModules() {
  return readdirSync(build, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => /^export \{\};\s*(\/\/# sourceMappingURL=.*)?\s*$/.test(readFileSync(file, 'utf8')))
    .map((file) => relative(build, file).replace(/\.js$/, '.ts'));
}
