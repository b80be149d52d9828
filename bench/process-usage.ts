/** What processes and the machine have used, from /proc. Linux only; times in seconds, sizes in bytes. */
import { readFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat per second: 100 on every Linux a program can see. */
const TICKS_PER_SECOND = 100;

export interface ProcessCpu {
  /** utime + stime of all threads, ended ones too. */
  readonly total: number;
  /** The same of the first thread: in Node, the event loop. */
  readonly mainThread: number;
}

/** `first`: the number of the field in /proc/PID/stat; it and the next one are added up. */
function statSeconds(file: string, first = 14): number {
  const text = readFileSync(file, 'utf8');
  // The name in parentheses may hold anything; the fields behind it are numbers.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[first - 3]) + Number(fields[first - 2])) / TICKS_PER_SECOND;
}

export function processCpu(pid: number): ProcessCpu {
  return { total: statSeconds(`/proc/${pid}/stat`), mainThread: statSeconds(`/proc/${pid}/task/${pid}/stat`) };
}

/** CPU seconds of this process' children that have ended. */
export function endedChildrenCpu(): number {
  return statSeconds('/proc/self/stat', 16);
}

export interface ProcessMemory {
  readonly residentBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

export function processMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { residentBytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 };
}

/** Busy time of all cores since boot, without waiting for the disk. */
export function machineCpu(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** How many files (and so connections) this process and its children may open: Node raises the soft limit to the hard one. */
export function openFilesLimit(): number {
  const line = /^Max open files\s+(\S+)\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return line?.[2] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line?.[2]);
}
