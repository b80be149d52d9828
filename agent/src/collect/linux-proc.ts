import type { CpuTimes, MemoryState, NicCounters } from './host.js';

/** What Linux tells in /proc: the files' text taken apart. All throw an Error for a text that is not what the file holds. */

/** Columns of /proc/net/dev behind the name. */
const NET_DEV_COLUMNS = {
  rx_bytes: 0,
  rx_packets: 1,
  rx_errors: 2,
  rx_drops: 3,
  tx_bytes: 8,
  tx_packets: 9,
  tx_errors: 10,
  tx_drops: 11,
} as const;
const NET_DEV_HEADER_LINES = 2;

/** Of /proc/net/dev: all interfaces, also those that are down. */
export function parseNetDev(text: string): NicCounters[] {
  const nics: NicCounters[] = [];
  for (const line of text.split('\n').slice(NET_DEV_HEADER_LINES)) {
    // An alias has a colon in its name; figures have none. On old kernels no blank follows the colon.
    const colon = line.lastIndexOf(':');
    if (colon === -1) continue;
    const figures = numbers(line.slice(colon + 1));
    const column = (at: number): number => figures[at] ?? fail('/proc/net/dev', line);
    nics.push({
      name: line.slice(0, colon).trim(),
      counters: {
        rx_bytes: column(NET_DEV_COLUMNS.rx_bytes),
        tx_bytes: column(NET_DEV_COLUMNS.tx_bytes),
        rx_packets: column(NET_DEV_COLUMNS.rx_packets),
        tx_packets: column(NET_DEV_COLUMNS.tx_packets),
        rx_errors: column(NET_DEV_COLUMNS.rx_errors),
        tx_errors: column(NET_DEV_COLUMNS.tx_errors),
        rx_drops: column(NET_DEV_COLUMNS.rx_drops),
        tx_drops: column(NET_DEV_COLUMNS.tx_drops),
      },
    });
  }
  return nics;
}

/** Of /proc/stat: all cores together, in ticks. */
export function parseCpuTimes(text: string): CpuTimes {
  const line = /^cpu +(.*)$/m.exec(text)?.[1] ?? fail('/proc/stat', text);
  // What guests take is in `user` and `nice` as well, and not counted twice.
  const [user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0] = numbers(line);
  if (user === undefined || nice === undefined || system === undefined || idle === undefined) return fail('/proc/stat', line);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, total: busy + idle + iowait };
}

/** Of /proc/meminfo. */
export function parseMeminfo(text: string): MemoryState {
  const bytes = (name: string): number | null => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1_024;
  };
  const totalBytes = bytes('MemTotal') ?? fail('/proc/meminfo', text);
  // Kernels before 3.14 do not estimate what is available.
  const availableBytes = bytes('MemAvailable') ?? (bytes('MemFree') ?? 0) + (bytes('Buffers') ?? 0) + (bytes('Cached') ?? 0);
  return { totalBytes, availableBytes };
}

/** File systems that hold no data of their own, or that are full by nature. */
const IMAGES = new Set(['squashfs', 'iso9660', 'udf', 'erofs', 'cramfs']);
/** Local ones whose source is not a device. */
const WITHOUT_DEVICE = new Set(['zfs', 'btrfs', 'bcachefs']);
/** Where systems and container runtimes mount what is theirs, or once more what is elsewhere already. */
const NOT_OURS = /^\/(dev|proc|run|sys|etc|snap|var\/snap|var\/lib\/(docker|containers|containerd|kubelet))(\/|$)/;
const MAX_MOUNTS = 32;

/**
 * Of /proc/self/mounts: the mount points of local file systems, the root first. A device that is mounted in several places counts
 * once, by its shortest path. Network file systems are left out: asking one whose server is gone hangs.
 */
export function parseMounts(text: string): string[] {
  const byPath = new Map<string, { source: string; type: string }>();
  for (const line of text.split('\n')) {
    const [source, path, type] = line.split(' ');
    // A later mount lies on top of an earlier one at the same place.
    if (source !== undefined && path !== undefined && type !== undefined) byPath.set(unescaped(path), { source, type });
  }
  const bySource = new Map<string, string>();
  for (const [path, { source, type }] of byPath) {
    if (path === '/' || IMAGES.has(type) || NOT_OURS.test(path)) continue;
    if (!source.startsWith('/dev/') && !WITHOUT_DEVICE.has(type)) continue;
    if (source === byPath.get('/')?.source) continue;
    const other = bySource.get(source);
    if (other === undefined || path.length < other.length) bySource.set(source, path);
  }
  return ['/', ...[...bySource.values()].sort()].slice(0, MAX_MOUNTS);
}

/** Blanks and the like are written as octal numbers there. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function numbers(text: string): number[] {
  return text.trim().split(/\s+/).map(Number);
}

function fail(file: string, text: string): never {
  throw new Error(`${file} is not as expected: ${text.slice(0, 100)}`);
}
