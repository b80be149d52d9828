import { readFileSync } from 'node:fs';

/** The version in the package's own file. */
export function agentVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
