import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';

/**
 * One agent per spool. The lock names a process and, where the system tells it, when that was started: a lock whose process is
 * gone is nobody's, also when its number was given to another process since.
 */
export class SpoolLock {
  private isHeld = false;

  constructor(private readonly path: string) {}

  /** @throws Error when another process has it */
  async acquire(): Promise<void> {
    const holder = await readFile(this.path, 'utf8').catch(() => '');
    const pid = Number(/^(\d+) /.exec(holder)?.[1] ?? 0);
    if (pid !== 0 && pid !== process.pid && identity(pid) === holder) {
      throw new Error(`the process ${pid} uses this spool already (${this.path})`);
    }
    await writeFile(this.path, identity(process.pid) ?? '', { mode: 0o600 });
    this.isHeld = true;
  }

  async release(): Promise<void> {
    if (!this.isHeld) return;
    this.isHeld = false;
    await rm(this.path, { force: true });
  }
}

/** What tells a running process from all others, or null when it does not run. */
function identity(pid: number): string | null {
  try {
    // The 22nd field; the second, the name, may hold blanks and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const startedTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${pid} ${startedTicks}`;
  } catch {
    return isRunning(pid) ? `${pid} ?` : null;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
