import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './project-root.js';

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  /** What it reads from standard input; it is at its end then. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder. Default: the project. */
  readonly cwd?: string;
}

/** Runs a built command-line tool (`node dist/tools/<name>.js`) to its end. */
export function runBuiltTool(name: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const { PATH, HOME, NODE_V8_COVERAGE } = process.env;
  const env = { PATH, HOME, ...(NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }), ...options.env };
  const child = spawn(process.execPath, [join(projectRoot, `dist/tools/${name}.js`), ...args], {
    cwd: options.cwd ?? projectRoot,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
