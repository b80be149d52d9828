/** What an interface counts, in the order in which it is reported. */
export const NIC_COUNTERS = ['rx_bytes', 'tx_bytes', 'rx_packets', 'tx_packets', 'rx_errors', 'tx_errors', 'rx_drops', 'tx_drops'] as const;
export type NicCounter = (typeof NIC_COUNTERS)[number];

export interface NicCounters {
  readonly name: string;
  /** Since the interface came up. What the system does not count is absent. */
  readonly counters: Readonly<Partial<Record<NicCounter, number>>>;
}

/** Time of all cores since boot, in any unit. */
export interface CpuTimes {
  /** Without waiting for the disk. */
  readonly busy: number;
  readonly total: number;
}

export interface MemoryState {
  readonly totalBytes: number;
  /** What programs could have without swapping: caches that can be given up count. */
  readonly availableBytes: number;
}

export interface DiskState {
  /** Where it is mounted. */
  readonly mount: string;
  readonly usedBytes: number;
  /** For programs without privileges, as `df` has it. */
  readonly availableBytes: number;
}

/** What the operating system tells about the machine. Each may fail on its own (then it throws, or rejects). */
export interface Host {
  nics(): Promise<NicCounters[]>;
  cpuTimes(): CpuTimes;
  memory(): Promise<MemoryState>;
  /** Local file systems that are worth a look: no pseudo file systems, every device once, none that does not answer. */
  disks(): Promise<DiskState[]>;
  /** Of 1, 5 and 15 minutes; null where the system knows none. */
  load(): readonly [number, number, number] | null;
  uptimeS(): number;
}
