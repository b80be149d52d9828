import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { loadavg, uptime } from 'node:os';
import type { Logger } from '../model.js';
import type { CpuTimes, DiskState, Host, MemoryState, NicCounters } from './host.js';
import { parseCpuTimes, parseMeminfo, parseMounts, parseNetDev } from './linux-proc.js';

/** How much a file system holds, in blocks. */
export interface FileSystemSize {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
}

export interface LinuxHostOptions {
  readonly logger: Logger;
  /** Default: the file itself. */
  readonly readText?: (path: string) => string;
  /** Default: the system's. */
  readonly fileSystemSize?: (mount: string) => Promise<FileSystemSize>;
  /** A file system that does not answer for so long is left out, and asked again only after it has answered. */
  readonly diskTimeoutMs?: number;
}

const DEFAULT_DISK_TIMEOUT_MS = 2_000;

/**
 * Linux, from /proc. The files are read synchronously: they are no files, the kernel makes a few kilobytes in memory, which takes
 * less than handing the work to another thread does. File systems are asked asynchronously, because a broken disk may take its time.
 */
export class LinuxHost implements Host {
  private readonly readText: (path: string) => string;
  private readonly fileSystemSize: (mount: string) => Promise<FileSystemSize>;
  private readonly diskTimeoutMs: number;
  /** Asked, and silent until now. Each holds one of the few threads Node has for this, so none is asked twice. */
  private readonly unanswered = new Set<string>();

  constructor(private readonly options: LinuxHostOptions) {
    this.readText = options.readText ?? ((path) => readFileSync(path, 'utf8'));
    this.fileSystemSize = options.fileSystemSize ?? statfs;
    this.diskTimeoutMs = options.diskTimeoutMs ?? DEFAULT_DISK_TIMEOUT_MS;
  }

  async nics(): Promise<NicCounters[]> {
    return parseNetDev(this.readText('/proc/net/dev'));
  }

  cpuTimes(): CpuTimes {
    return parseCpuTimes(this.readText('/proc/stat'));
  }

  async memory(): Promise<MemoryState> {
    return parseMeminfo(this.readText('/proc/meminfo'));
  }

  async disks(): Promise<DiskState[]> {
    const mounts = parseMounts(this.readText('/proc/self/mounts'));
    const states = await Promise.all(mounts.map((mount) => this.disk(mount)));
    return states.filter((state) => state !== null);
  }

  load(): readonly [number, number, number] {
    const [one = 0, five = 0, fifteen = 0] = loadavg();
    return [one, five, fifteen];
  }

  uptimeS(): number {
    return uptime();
  }

  private async disk(mount: string): Promise<DiskState | null> {
    if (this.unanswered.has(mount)) return null;
    this.unanswered.add(mount);
    const asked = this.fileSystemSize(mount)
      // Gone since the list was read, or out of bounds for this user: not a fact about the disk.
      .catch(() => null)
      .finally(() => this.unanswered.delete(mount));
    const size = await this.orTooLate(mount, asked);
    if (size === null || size.blocks === 0) return null;
    return { mount, usedBytes: (size.blocks - size.bfree) * size.bsize, availableBytes: size.bavail * size.bsize };
  }

  private async orTooLate<T>(mount: string, answer: Promise<T>): Promise<T | null> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<null>((resolve) => {
      timer = setTimeout(() => {
        this.options.logger.warn('a file system does not answer and is left out until it does', { mount });
        resolve(null);
      }, this.diskTimeoutMs);
    });
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }
}
