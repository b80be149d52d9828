/** The dashboard's figures as charts. Pure. */
import type { ChartData } from '../../shared/chart-data';

type Values = readonly (number | null)[];

/** The answer of `GET /dashboard/metrics`: one value per moment, null where there was nothing. */
export interface NetworkMetrics {
  /** ISO 8601. */
  readonly timestamps: readonly string[];
  /** Milliseconds. */
  readonly latency: { readonly avg: Values; readonly max: Values };
  /** Percent. */
  readonly packetLoss: Values;
  /** Mbit/s, all interfaces of all agents together. */
  readonly throughput: { readonly rx: Values; readonly tx: Values };
}

export interface Panel {
  readonly title: string;
  readonly hint: string;
  readonly data: ChartData;
  readonly isEmpty: boolean;
}

/** Latency, packet loss and throughput, in this order. */
export function networkPanels({ timestamps, latency, packetLoss, throughput }: NetworkMetrics): Panel[] {
  const timesMs = timestamps.map((timestamp) => Date.parse(timestamp));
  const panel = (title: string, unit: string, hint: string, lines: readonly (readonly [string, Values])[]): Panel => ({
    title,
    hint,
    data: { timesMs, lines: lines.map(([label, values]) => ({ label, unit, values })) },
    isEmpty: lines.every(([, values]) => values.every((value) => value === null)),
  });
  return [
    panel('Latency', 'ms', 'Round-trip times of all pings', [
      ['Mean', latency.avg],
      ['Highest', latency.max],
    ]),
    panel('Packet loss', 'percent', 'Lost packets of all pings', [['Lost', packetLoss]]),
    panel('Throughput', 'Mbit/s', 'All interfaces of all agents together', [
      ['Received', throughput.rx],
      ['Sent', throughput.tx],
    ]),
  ];
}
