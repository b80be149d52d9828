import { isHost } from '../control/target-text.js';
import type { CheckTarget, Logger } from '../model.js';
import { flag, gauge, type Reading, roundedMs, type Tags } from './metric.js';
import type { PingResult } from './ping-output.js';
import type { PingProgram } from './ping-program.js';

export interface PingCheckOptions {
  readonly icmp: Pick<PingProgram, 'ping'>;
  readonly tcp: (host: string, timeoutMs: number, signal: AbortSignal) => Promise<PingResult | null>;
  readonly logger: Logger;
}

/**
 * Pings by ICMP; once that turned out to be impossible on this machine, by TCP, and says so in a tag: the two are not the same figure.
 */
export class PingCheck {
  private icmpIsPossible = true;

  constructor(private readonly options: PingCheckOptions) {}

  async run({ address, timeoutMs }: CheckTarget, signal: AbortSignal): Promise<Reading[]> {
    if (!isHost(address)) return readings(address, null, {});
    if (this.icmpIsPossible) {
      const result = await this.options.icmp.ping(address, timeoutMs, signal);
      if (result === null || !('impossible' in result)) return readings(address, result, {});
      // Several pings find out at the same time; one says it.
      if (this.icmpIsPossible) this.options.logger.warn('no ping by ICMP here, TCP is used instead', { reason: result.impossible });
      this.icmpIsPossible = false;
    }
    return readings(address, await this.options.tcp(address, timeoutMs, signal), { method: 'tcp' });
  }
}

/** A failed ping says nothing but that it failed, as the Go agents' do. */
function readings(target: string, result: PingResult | null, method: Tags): Reading[] {
  if (result === null || result.lossPercent === 100) return [flag('ping_success', false, { target, ...method })];
  const { targetIp, lossPercent, rttMs } = result;
  const tags = { target, ...(targetIp === null ? {} : { target_ip: targetIp }), ...method };
  const times =
    rttMs === null
      ? []
      : [
          gauge('ping_rtt_avg_ms', roundedMs(rttMs.avg), 'ms', tags),
          gauge('ping_rtt_min_ms', roundedMs(rttMs.min), 'ms', tags),
          gauge('ping_rtt_max_ms', roundedMs(rttMs.max), 'ms', tags),
        ];
  return [flag('ping_success', true, tags), ...times, gauge('ping_packet_loss_percent', lossPercent, 'percent', tags)];
}
