/**
 * The dashboard's network figures: latency, packet loss and throughput, over time and in sum. "No data" is null,
 * never zero. Throughput adds up all interfaces (each one's mean), bytes per second become Mbit/s.
 */
import { isoTime } from '../model/iso-time.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader } from '../storage/ports.js';
import type { MetricFilter } from './filter.js';
import { averageLoss, PACKET_LOSS_METRIC, packetLoss } from './packet-loss.js';
import { finiteOrNull } from './present.js';

const RTT_AVG = 'ping_rtt_avg_ms';
const RTT_MIN = 'ping_rtt_min_ms';
const RTT_MAX = 'ping_rtt_max_ms';
const RX = 'network_interface_rx_bytes_per_sec';
const TX = 'network_interface_tx_bytes_per_sec';
const NETWORK_METRICS = [RTT_AVG, RTT_MIN, RTT_MAX, RX, TX, PACKET_LOSS_METRIC];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const STEPS_MS = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS, 360 * MINUTE_MS, DAY_MS];
const MAX_POINTS = 300;

/** Bucket width for a chart: the narrowest of 1m, 5m, 15m, 1h, 6h, 1d (then whole days) with at most 300 points. */
export function chartStepMs(range: TimeRange): number {
  const lengthMs = range.endMs - range.startMs;
  return STEPS_MS.find((stepMs) => lengthMs / stepMs <= MAX_POINTS) ?? Math.ceil(lengthMs / MAX_POINTS / DAY_MS) * DAY_MS;
}

/**
 * Series ready to plot: a regular grid of every bucket that touches the range (at most 301), and arrays of the same
 * length, null where there was nothing. Maximal latency falls back on the averages of agents that report no maximum.
 */
export async function networkCharts(reader: MetricReader, filter: MetricFilter, range: TimeRange) {
  const stepMs = chartStepMs(range);
  const groups = await reader.aggregate({
    filter: { ...filter, names: NETWORK_METRICS },
    range,
    stepMs,
    groupBy: ['name'],
    wants: { sumOfMeans: true },
  });
  const losses = await packetLoss(reader, filter, range, stepMs, groupOf(groups, PACKET_LOSS_METRIC));
  const firstMs = Math.floor(range.startMs / stepMs) * stepMs;
  const grid = Array.from({ length: Math.ceil((range.endMs - firstMs) / stepMs) }, (_, i) => firstMs + i * stepMs);
  const byName = new Map(groups.map((group) => [group.labels[0], rowsByBucket(group)]));
  const plot = (value: (bucketMs: number) => number | undefined): (number | null)[] => grid.map((at) => finiteOrNull(value(at)));
  const column = (name: string, pick: (group: AggregateGroup, row: number) => number | undefined) => (bucketMs: number) => {
    const found = byName.get(name);
    const row = found?.rows.get(bucketMs);
    return found === undefined || row === undefined ? undefined : pick(found.group, row);
  };
  const maximum = column(RTT_MAX, (group, row) => group.max[row]);
  const maximumOfAverages = column(RTT_AVG, (group, row) => group.max[row]);
  return {
    timestamps: grid.map(isoTime),
    latency: {
      avg: plot(column(RTT_AVG, meanOf)),
      max: plot((at) => extreme(Math.max, maximum(at), maximumOfAverages(at))),
    },
    packetLoss: plot((at) => {
      const bucket = losses.get(at);
      return bucket === undefined || bucket === null ? undefined : bucket.sum / bucket.count;
    }),
    throughput: {
      rx: plot(column(RX, megabitsOf)),
      tx: plot(column(TX, megabitsOf)),
    },
  };
}

/** The same figures in one number each, over the whole range. */
export async function networkSummary(reader: MetricReader, filter: MetricFilter, range: TimeRange) {
  const groups = await reader.aggregate({
    filter: { ...filter, names: NETWORK_METRICS },
    range,
    stepMs: null,
    groupBy: ['name'],
    wants: { sumOfMeans: true },
  });
  const loss = await averageLoss(reader, filter, range, chartStepMs(range), groupOf(groups, PACKET_LOSS_METRIC));
  const of = (name: string, pick: (group: AggregateGroup, row: number) => number | undefined): number | undefined => {
    const group = groupOf(groups, name);
    return group === undefined ? undefined : pick(group, 0);
  };
  const min = (group: AggregateGroup, row: number): number | undefined => group.min[row];
  const max = (group: AggregateGroup, row: number): number | undefined => group.max[row];
  return {
    networkLatency: {
      avg: finiteOrNull(of(RTT_AVG, meanOf)),
      min: finiteOrNull(extreme(Math.min, of(RTT_MIN, min), of(RTT_AVG, min))),
      max: finiteOrNull(extreme(Math.max, of(RTT_MAX, max), of(RTT_AVG, max))),
    },
    packetLoss: finiteOrNull(loss ?? undefined),
    throughput: { rx: finiteOrNull(of(RX, megabitsOf)), tx: finiteOrNull(of(TX, megabitsOf)) },
  };
}

function groupOf(groups: readonly AggregateGroup[], name: string): AggregateGroup | undefined {
  return groups.find(({ labels }) => labels[0] === name);
}

function rowsByBucket(group: AggregateGroup): { group: AggregateGroup; rows: Map<number, number> } {
  return { group, rows: new Map(Array.from(group.bucketsMs, (bucketMs, row) => [bucketMs, row])) };
}

function meanOf(group: AggregateGroup, row: number): number {
  return (group.sum[row] ?? NaN) / (group.count[row] ?? NaN);
}

function megabitsOf(group: AggregateGroup, row: number): number {
  return ((group.sumOfMeans?.[row] ?? NaN) * 8) / 1e6;
}

/** The extreme of those values that are there. */
function extreme(pick: (...values: number[]) => number, ...values: (number | undefined)[]): number | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? undefined : pick(...present);
}
