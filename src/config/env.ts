import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { ConfigError } from './config.js';
import { SETTINGS } from './settings.js';

/**
 * Reads the settings: the `.env` file (if there is one), overlaid by the process environment. The file may only
 * hold names the server knows, so that a misspelt setting is found at the start and not at three in the morning;
 * the process environment is not policed. This is the only place that reads `process.env`.
 * @throws ConfigError naming the unknown settings.
 */
export function readEnvironment(envFile: string, environment: NodeJS.ProcessEnv = process.env): Record<string, string | undefined> {
  const fromFile = existsSync(envFile) ? parse(readFileSync(envFile)) : {};
  const known = new Set(SETTINGS.map((setting) => setting.name));
  const unknown = Object.keys(fromFile).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const named = unknown.map((name) => {
      const close = nearest(name, known);
      return `"${name}"${close === null ? '' : ` (did you mean ${close}?)`}`;
    });
    throw new ConfigError(`Configuration: ${envFile} holds unknown settings: ${named.join(', ')}`);
  }
  const merged: Record<string, string | undefined> = { ...fromFile };
  for (const name of known) {
    const value = environment[name];
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

function nearest(name: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = 4;
  for (const candidate of candidates) {
    const distance = editDistance(name.toUpperCase(), candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein distance, row by row. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
