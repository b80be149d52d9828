import type { Collector, Logger, Metric } from '../model.js';
import type { CpuTimes, DiskState, Host } from './host.js';
import { at, gauge, type Reading } from './metric.js';

/** What a process has used of the processors, in microseconds, and what it holds of the memory. */
export interface OwnUsage {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

export interface SystemCollectorOptions {
  readonly host: Host;
  /** Default: this process. */
  readonly ownUsage?: () => OwnUsage;
  readonly monotonicMs: () => number;
  readonly logger: Logger;
}

/** The machine as a whole, and what the agent takes of it. Shares of processor time are those since the collection before. */
export class SystemCollector implements Collector {
  readonly name = 'system';
  private cpuBefore: CpuTimes | null = null;
  private ownBefore: { readonly monotonicMs: number; readonly cpuUs: number } | null = null;

  constructor(private readonly options: SystemCollectorOptions) {}

  /** What one part of the system does not tell does not cost the rest. @throws Error when none of them says anything */
  async collect(nowMs: number): Promise<Metric[]> {
    const { host, logger } = this.options;
    const results = await Promise.allSettled([
      this.cpu(),
      memory(host),
      host.disks().then(diskReadings),
      (async () => loadReadings(host))(),
      (async () => [gauge('system_uptime_seconds', host.uptimeS(), 'seconds')])(),
    ]);
    const problems = results.filter((result) => result.status === 'rejected').map(({ reason }): unknown => reason);
    if (problems.length === results.length) throw new Error('the system tells nothing', { cause: problems[0] });
    if (problems.length > 0) logger.debug('a part of the system was not read', { problems: problems.map(String) });
    return at([...results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])), ...this.own()], nowMs);
  }

  private async cpu(): Promise<Reading[]> {
    const now = this.options.host.cpuTimes();
    const before = this.cpuBefore;
    this.cpuBefore = now;
    if (before === null || now.total <= before.total) return [];
    // Kernels correct these figures a little downwards now and then.
    const share = Math.min(1, Math.max(0, (now.busy - before.busy) / (now.total - before.total)));
    return [gauge('system_cpu_percent', share * 100, 'percent')];
  }

  private own(): Reading[] {
    const { cpuUs, rssBytes } = (this.options.ownUsage ?? usageOfThisProcess)();
    const monotonicMs = this.options.monotonicMs();
    const before = this.ownBefore;
    this.ownBefore = { monotonicMs, cpuUs };
    const readings = [gauge('agent_rss_bytes', rssBytes, 'bytes')];
    if (before !== null && monotonicMs > before.monotonicMs) {
      const share = (cpuUs - before.cpuUs) / 1_000 / (monotonicMs - before.monotonicMs);
      readings.push(gauge('agent_cpu_percent', share * 100, 'percent'));
    }
    return readings;
  }
}

async function memory(host: Host): Promise<Reading[]> {
  const { totalBytes, availableBytes } = await host.memory();
  const usedBytes = totalBytes - availableBytes;
  return [gauge('system_memory_percent', (usedBytes / totalBytes) * 100, 'percent'), gauge('system_memory_used_bytes', usedBytes, 'bytes')];
}

/** The root is reported once more without a tag: that is the name under which the older agents' disks are charted. */
function diskReadings(disks: readonly DiskState[]): Reading[] {
  const root = disks.find(({ mount }) => mount === '/');
  const readings = disks.map((disk) => gauge('system_disk_percent', usedPercent(disk), 'percent', { mount: disk.mount }));
  return root === undefined ? readings : [gauge('system_disk_percent', usedPercent(root), 'percent'), ...readings];
}

/** As `df` counts: what is set aside for the administrator is neither used nor available. */
function usedPercent({ usedBytes, availableBytes }: DiskState): number {
  return usedBytes === 0 ? 0 : (usedBytes / (usedBytes + availableBytes)) * 100;
}

function loadReadings(host: Host): Reading[] {
  const load = host.load();
  if (load === null) return [];
  const [one, five, fifteen] = load;
  return [gauge('system_load_1m', one, ''), gauge('system_load_5m', five, ''), gauge('system_load_15m', fifteen, '')];
}

function usageOfThisProcess(): OwnUsage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
}
