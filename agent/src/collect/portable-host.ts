import { cpus, loadavg, uptime } from 'node:os';
import type * as systeminformation from 'systeminformation';
import type { CpuTimes, DiskState, Host, MemoryState, NicCounters } from './host.js';

type Library = Pick<typeof systeminformation, 'fsSize' | 'mem' | 'networkStats'>;

/** Pseudo file systems, and those that belong to another machine. */
const NOT_LOCAL = /^(devfs|autofs|nfs\d?|smbfs|cifs|webdav|afpfs|nullfs|fdescfs|procfs|linprocfs|tmpfs)$/i;

/**
 * Systems other than Linux, as far as Node and the library know them. The library takes some 10 MB and is loaded when first asked,
 * so that it costs nothing where it is not needed. It does not count packets: those figures are absent.
 */
export class PortableHost implements Host {
  private library: Promise<Library> | null = null;

  /** @param loadLibrary the library; default: `systeminformation` */
  constructor(
    private readonly platform: NodeJS.Platform,
    private readonly loadLibrary: () => Promise<Library> = () => import('systeminformation'),
  ) {}

  async nics(): Promise<NicCounters[]> {
    const { networkStats } = await this.loaded();
    return (await networkStats('*')).map((nic) => ({
      name: nic.iface,
      counters: {
        rx_bytes: nic.rx_bytes,
        tx_bytes: nic.tx_bytes,
        rx_errors: nic.rx_errors,
        tx_errors: nic.tx_errors,
        rx_drops: nic.rx_dropped,
        tx_drops: nic.tx_dropped,
      },
    }));
  }

  cpuTimes(): CpuTimes {
    let busy = 0;
    let idle = 0;
    for (const { times } of cpus()) {
      busy += times.user + times.nice + times.sys + times.irq;
      idle += times.idle;
    }
    return { busy, total: busy + idle };
  }

  async memory(): Promise<MemoryState> {
    const { mem } = await this.loaded();
    const { total, available } = await mem();
    return { totalBytes: total, availableBytes: available };
  }

  async disks(): Promise<DiskState[]> {
    const { fsSize } = await this.loaded();
    return (await fsSize())
      .filter(({ size, type }) => size > 0 && !NOT_LOCAL.test(type))
      .map(({ mount, used, available }) => ({ mount, usedBytes: used, availableBytes: available }));
  }

  load(): readonly [number, number, number] | null {
    const [one = 0, five = 0, fifteen = 0] = loadavg();
    // Windows has no such figure, and Node says 0 for it.
    return this.platform === 'win32' ? null : [one, five, fifteen];
  }

  uptimeS(): number {
    return uptime();
  }

  private loaded(): Promise<Library> {
    this.library ??= this.loadLibrary();
    return this.library;
  }
}
