/**
 * One agent per spool. Each that wants it makes a file of its own, `lock.<pid>.<start>.<realm>`, and then looks for others: it has the
 * lock when no other is alive. Of two at the same time at least one sees the other, because both are there before either looks; and
 * a file of the dead can be removed without a race, because its name is nobody else's. An answer of "no" may go to both: they try again.
 *
 * Whether another is alive is known at once on the same system: by its process, and by when that started, since numbers are given
 * again. Where the start is not told, or another system (a container, a machine) shares the folder, its file tells: a living
 * holder touches it again and again.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Who a lock belongs to: a process, in a system where its number means something. */
export interface LockOwner {
  readonly pid: number;
  /** When it was started, as the system tells it; '' where it does not. */
  readonly start: string;
  readonly realm: string;
}

export interface SpoolLockOptions {
  /** How often the holder touches its file. Default: 10 s. */
  readonly beatMs?: number;
  /** A file that was not touched for so long belongs to nobody. Default: 30 s. */
  readonly silenceMs?: number;
  /** Default: this process. */
  readonly owner?: LockOwner;
}

const NAME = /^lock\.(\d{1,10})\.(\d{0,20})\.([0-9a-f]{12})$/;
const ATTEMPTS = 5;
const MAX_PAUSE_MS = 150;
const LOOK_MS = 250;
const DEFAULT_BEAT_MS = 10_000;
const DEFAULT_SILENCE_MS = 30_000;

export class SpoolLock {
  /** Of the file that is ours, while it is. */
  private beat: NodeJS.Timeout | null = null;

  /** @param dir must exist when it is acquired */
  constructor(
    private readonly dir: string,
    private readonly options: SpoolLockOptions = {},
  ) {}

  /** @throws Error when another process has it */
  async acquire(): Promise<void> {
    const me = this.options.owner ?? thisProcess();
    for (let attempt = 1; ; attempt++) {
      await this.claim(me);
      const other = await this.other(me);
      if (other === null) return;
      await this.release();
      if (attempt === ATTEMPTS) throw new Error(`the process ${other.pid} uses this spool already (${this.dir})`);
      await sleep(Math.random() * MAX_PAUSE_MS);
    }
  }

  async release(): Promise<void> {
    if (this.beat === null) return;
    clearInterval(this.beat);
    this.beat = null;
    await rm(join(this.dir, nameOf(this.options.owner ?? thisProcess())), { force: true });
  }

  /** From here on others see that we are alive. */
  private async claim(me: LockOwner): Promise<void> {
    const path = join(this.dir, nameOf(me));
    await create(path);
    this.beat ??= setInterval(() => {
      const now = new Date();
      // Gone when somebody cleaned up; other trouble of the disk is told by those who write.
      utimes(path, now, now).catch(() => (this.beat === null ? undefined : create(path).catch(() => undefined)));
    }, this.options.beatMs ?? DEFAULT_BEAT_MS).unref();
  }

  /** Another that has it, or wants it; null when there is none. Files of the dead are removed. */
  private async other(me: LockOwner): Promise<LockOwner | null> {
    for (const name of await readdir(this.dir)) {
      const owner = ownerIn(name);
      if (owner === null || name === nameOf(me)) continue;
      if (await this.isAlive(owner, me, join(this.dir, name))) return owner;
      await rm(join(this.dir, name), { force: true });
    }
    return null;
  }

  private async isAlive({ pid, start, realm }: LockOwner, me: LockOwner, path: string): Promise<boolean> {
    const isNear = realm === me.realm;
    if (isNear) {
      const current = startOf(pid);
      if (current === null) return false;
      if (current !== '' && start !== '') return current === start;
    }
    const silenceMs = this.options.silenceMs ?? DEFAULT_SILENCE_MS;
    const firstMs = await touchedMs(path);
    // A system that just woke up has its holders touch their files soon; one that is far away was not asleep with us.
    if (firstMs === null || (!isNear && Date.now() - firstMs > silenceMs)) return false;
    for (const endMs = performance.now() + silenceMs; performance.now() < endMs; ) {
      await sleep(Math.min(LOOK_MS, silenceMs / 4));
      const nowMs = await touchedMs(path);
      if (nowMs !== firstMs) return nowMs !== null;
    }
    return false;
  }
}

/** Leaves one that is there already as it is: it is ours from before. */
async function create(path: string): Promise<void> {
  try {
    await writeFile(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function nameOf({ pid, start, realm }: LockOwner): string {
  return `lock.${pid}.${start}.${realm}`;
}

function ownerIn(name: string): LockOwner | null {
  const [, pid, start, realm] = NAME.exec(name) ?? [];
  return pid === undefined || start === undefined || realm === undefined ? null : { pid: Number(pid), start, realm };
}

/** Unix milliseconds; null when it is gone. */
async function touchedMs(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return null;
  }
}

/** This process, as it names itself in a lock. */
export function thisProcess(): LockOwner {
  return {
    pid: process.pid,
    start: startOf(process.pid) ?? '',
    realm: createHash('sha256').update(realmText()).digest('hex').slice(0, 12),
  };
}

/** Where process numbers are one's own: this boot of this machine, and in it this container. */
function realmText(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** When a process of this system was started; '' when that is not told, null when it does not run. */
function startOf(pid: number): string | null {
  try {
    // The 22nd field; the second, the name, may hold blanks and brackets.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return isRunning(pid) ? '' : null;
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
