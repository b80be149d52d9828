/** Runs a program of ours (Node) to its end. */
import { type ChildProcess, spawn } from 'node:child_process';

export class ScriptRun {
  /** What it wrote to standard output. Rejects, with its last words, when it ends with anything but 0. */
  readonly output: Promise<string>;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(script: string, args: readonly string[]) {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.ended = new Promise((resolve) => child.once('close', () => resolve()));
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    this.output = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve(stdout);
        else reject(new Error(`${script} ended with ${signal ?? String(code)}: ${stderr.slice(-1000)}`));
      });
    });
    // Whoever started it awaits the output later; until then a failure must not count as unhandled.
    this.output.catch(() => undefined);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('a program did not start');
    return this.child.pid;
  }

  /** Ends it, should it still run. */
  async stop(): Promise<void> {
    this.child.kill();
    await this.ended;
  }
}
