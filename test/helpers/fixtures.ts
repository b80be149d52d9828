import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');

export interface CapturedMetric {
  readonly name: string;
  readonly type: string;
  readonly value: number;
  readonly unit: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly timestamp: string;
}

export interface CapturedFrame {
  readonly file: string;
  /** The frame as the agent sent it. */
  readonly text: string;
  readonly type: string;
  readonly data: { readonly agent_id?: string; readonly timestamp: string; readonly metrics?: readonly CapturedMetric[] };
}

/** Everything a real Go agent sent in its first minute, in order. */
export function goAgentFrames(): CapturedFrame[] {
  return filesOf('go-agent').map(([file, text]) => ({ file, text, ...(JSON.parse(text) as Omit<CapturedFrame, 'file' | 'text'>) }));
}

/** The bodies a real HTTP agent posted, in order, with the path of each. */
export function httpAgentCalls(): { file: string; path: string; body: Record<string, any> }[] {
  return filesOf('http-agent').map(([file, text]) => ({
    file,
    path: file.slice(file.indexOf('_api_v1'), -'.json'.length).replaceAll('_', '/'),
    body: JSON.parse(text) as Record<string, any>,
  }));
}

function filesOf(folder: string): [string, string][] {
  const path = join(FIXTURES, folder);
  return readdirSync(path)
    .sort()
    .map((file) => [file, readFileSync(join(path, file), 'utf8')]);
}
