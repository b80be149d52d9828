import type { AgentConfig, CheckTarget, Collector, Logger, Metric } from '../model.js';
import type { Check } from './check.js';
import { CheckCollector } from './check-collector.js';
import { dnsCheck } from './dns-check.js';
import { HttpCheck } from './http-check.js';
import { NicCollector } from './nic-collector.js';
import { matchesAny } from './patterns.js';
import { PingCheck } from './ping-check.js';
import { PingProgram } from './ping-program.js';
import type { Slots } from './slots.js';
import { SystemCollector } from './system-collector.js';
import { tcpCheck } from './tcp-check.js';
import { tcpPing } from './tcp-ping.js';
import { hostOf } from './this-host.js';

export interface CollectOptions {
  /** Name or path of the program that pings. Default: `ping`. */
  readonly pingProgram?: string;
  /** Shared by all checks there are: so many run at once. */
  readonly slots: Slots;
  readonly logger: Logger;
}

const DEFAULT_PING_PROGRAM = 'ping';

/**
 * Everything a configuration asks to be measured: this machine, and its targets. Metrics the configuration leaves out are left out here.
 * Collectors know the time before; with new ones, rates begin anew.
 */
export function collectorsFor(config: AgentConfig, options: CollectOptions): Collector[] {
  const { logger } = options;
  const host = hostOf(process.platform, logger);
  const monotonicMs = (): number => performance.now();
  const collectors: Collector[] = [
    new NicCollector({ host, interfaces: config.interfaces, monotonicMs }),
    new SystemCollector({ host, monotonicMs, logger }),
    ...checksFor(config.targets, options),
  ];
  return config.metrics.length === 0 ? collectors : collectors.map((collector) => new FilteredCollector(collector, config.metrics));
}

/** The checks alone, one collector for each kind there is a target of: for commands, too, that check a target out of turn. */
export function checksFor(
  targets: readonly CheckTarget[],
  { pingProgram = DEFAULT_PING_PROGRAM, slots, logger }: CollectOptions,
): Collector[] {
  const ping = new PingCheck({ icmp: new PingProgram({ program: pingProgram, platform: process.platform }), tcp: tcpPing, logger });
  const http = new HttpCheck();
  const checks: Readonly<Record<CheckTarget['type'], Check>> = {
    ping: (target, signal) => ping.run(target, signal),
    http: (target, signal) => http.run(target, signal),
    tcp: tcpCheck,
    dns: dnsCheck,
  };
  const kinds = [...new Set(targets.map(({ type }) => type))];
  return kinds.map(
    (kind) =>
      new CheckCollector({
        name: kind,
        targets: targets.filter(({ type }) => type === kind),
        check: checks[kind],
        slots,
        logger,
      }),
  );
}

/** Lets through the metrics whose names are asked for. */
class FilteredCollector implements Collector {
  readonly name: string;

  constructor(
    private readonly collector: Collector,
    private readonly names: readonly string[],
  ) {
    this.name = collector.name;
  }

  async collect(nowMs: number, signal: AbortSignal): Promise<Metric[]> {
    const metrics = await this.collector.collect(nowMs, signal);
    return metrics.filter(({ name }) => matchesAny(name, this.names));
  }
}
