import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../helpers/project-root.js';

/** The built agent as a process of its own (`node agent/dist/main.js`). */
export class SpawnedAgent {
  stdout = '';
  stderr = '';
  /** Resolves when the process is gone and its output is read to the end. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it, politely first. May be called when it is gone. */
  async dispose(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.kill('SIGTERM');
    const force = setTimeout(() => this.kill('SIGKILL'), 5_000);
    await this.exited;
    clearTimeout(force);
  }
}

/** Starts it; it sees only the environment given here. */
export function spawnAgent(args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnedAgent {
  const { PATH, HOME, NODE_V8_COVERAGE } = process.env;
  const child = spawn(process.execPath, [join(projectRoot, 'agent/dist/main.js'), ...args], {
    env: { PATH, HOME, ...(NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new SpawnedAgent(child);
}
