/** What the figures were measured on. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { planHistory, SimulatedAgent } from './fleet.js';
import { type Percentiles, percentiles } from './percentiles.js';

const SYNC_ROUNDS = 200;
const SYNC_BYTES = 4096;
const PARSE_ROUNDS = 2_000;

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly disk: string;
  /** Appending 4 kB and fdatasync, in ms: what every acknowledgement waits for at least once. */
  readonly syncMs: Percentiles;
  /** CPU time of one JSON.parse of a batch, in µs: a yardstick for the core, since every batch needs at least that. */
  readonly parseUs: number;
}

/** Looks at the machine and at the disk that `dir` is on. */
export function describeMachine(dir: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    disk: describeDisk(dir),
    syncMs: measureSync(dir),
    parseUs: measureParse(),
  };
}

function describeDisk(dir: string): string {
  const path = realpathSync(dir);
  let best = { point: '', fileSystem: 'unknown', source: '' };
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [source = '', point = '', fileSystem = ''] = line.split(' ');
    const contains = point === '/' || path === point || path.startsWith(`${point}/`);
    if (contains && point.length >= best.point.length) best = { point, fileSystem, source };
  }
  if (best.fileSystem === 'tmpfs') return 'tmpfs (memory, not a disk: syncing costs nothing there)';
  const device = best.source.split('/').at(-1) ?? '';
  return `${best.fileSystem} on ${best.source.startsWith('/dev/') ? `${device}${rotation(device)}` : best.source}`;
}

function rotation(device: string): string {
  for (const place of [`/sys/class/block/${device}/queue`, `/sys/class/block/${device}/../queue`]) {
    try {
      return readFileSync(`${place}/rotational`, 'utf8').trim() === '1' ? ' (says it is rotational)' : ' (not rotational)';
    } catch {
      // A partition has no queue of its own; its disk, one level up, has.
    }
  }
  return '';
}

function measureSync(dir: string): Percentiles {
  const folder = mkdtempSync(join(dir, 'ccv-bench-sync-'));
  const file = openSync(join(folder, 'file'), 'w');
  try {
    const block = Buffer.alloc(SYNC_BYTES, 1);
    const times = new Float64Array(SYNC_ROUNDS);
    for (let i = 0; i < SYNC_ROUNDS; i += 1) {
      const startMs = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      times[i] = performance.now() - startMs;
    }
    return percentiles(times);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

function measureParse(): number {
  const nowMs = Date.now();
  const history = planHistory(nowMs, PARSE_ROUNDS, 1);
  const frames = Array.from({ length: PARSE_ROUNDS }, (_, i) => Buffer.from(new SimulatedAgent(i, history).metricsFrame(nowMs)));
  // The first round warms up.
  let usedUs = 0;
  for (let round = 0; round < 2; round += 1) {
    const before = process.cpuUsage();
    for (const frame of frames) JSON.parse(frame.toString());
    const { user, system } = process.cpuUsage(before);
    usedUs = user + system;
  }
  return usedUs / PARSE_ROUNDS;
}
