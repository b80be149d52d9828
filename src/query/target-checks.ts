/**
 * What agents' checks of targets amount to, per agent and target. A target is what the tag `target` says: a failed ping has
 * only that, a good one other tags besides, and both are of one edge.
 */
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader } from '../storage/ports.js';
import type { MetricFilter } from './filter.js';
import { lossPerTarget, PACKET_LOSS_METRIC } from './packet-loss.js';
import { finiteOrNull } from './present.js';
import { compareText } from './statistics.js';

export type CheckType = 'ping' | 'http' | 'tcp' | 'dns';

/** One agent's checks of one target. null: nothing was measured that would tell. */
export interface TargetEdge {
  readonly agent_id: string;
  /** `type:address`, which names the target. */
  readonly target: string;
  readonly type: CheckType;
  /** How long an answer took: of pings the round trip, else the response, the connect or the lookup. */
  readonly rtt_avg_ms: number | null;
  readonly rtt_max_ms: number | null;
  /** Of pings that were answered at all. */
  readonly packet_loss_percent: number | null;
  readonly success_percent: number | null;
  /** How many checks there were. */
  readonly samples: number;
}

type Part = 'success' | 'time' | 'maxTime' | 'loss';

const METRICS: ReadonlyMap<string, readonly [CheckType, Part]> = new Map<string, readonly [CheckType, Part]>([
  ['ping_success', ['ping', 'success']],
  ['ping_rtt_avg_ms', ['ping', 'time']],
  ['ping_rtt_max_ms', ['ping', 'maxTime']],
  [PACKET_LOSS_METRIC, ['ping', 'loss']],
  ['http_success', ['http', 'success']],
  ['http_response_time_ms', ['http', 'time']],
  ['tcp_success', ['tcp', 'success']],
  ['tcp_connect_time_ms', ['tcp', 'time']],
  ['dns_success', ['dns', 'success']],
  ['dns_lookup_time_ms', ['dns', 'time']],
]);

interface Checks {
  readonly agentId: string;
  readonly type: CheckType;
  readonly address: string;
  readonly parts: { [part in Part]?: AggregateGroup };
}

/** Sorted by agent, type and address. `filter`: which agents, and tags if not all targets are wanted. */
export async function targetChecks(reader: MetricReader, filter: MetricFilter, range: TimeRange): Promise<TargetEdge[]> {
  const groups = await reader.aggregate({
    filter: { ...filter, names: [...METRICS.keys()] },
    range,
    stepMs: null,
    groupBy: ['agent', 'name', 'tag:target'],
  });
  const checks = checksOf(groups);
  const pings = checks.flatMap(({ agentId, address, parts: { loss } }) =>
    loss === undefined ? [] : [{ agentId, target: address, all: loss }],
  );
  const losses = await lossPerTarget(reader, filter, range, pings);
  return checks
    .sort((a, b) => compareText(a.agentId, b.agentId) || compareText(a.type, b.type) || compareText(a.address, b.address))
    .map((check) => toEdge(check, check.parts.loss === undefined ? null : (losses.get(check.parts.loss) ?? null)));
}

function checksOf(groups: readonly AggregateGroup[]): Checks[] {
  const found = new Map<string, Checks>();
  for (const group of groups) {
    const [agentId, name, address] = group.labels;
    const metric = METRICS.get(name ?? '');
    if (metric === undefined || typeof agentId !== 'string' || typeof address !== 'string') continue;
    const [type, part] = metric;
    const key = JSON.stringify([agentId, type, address]);
    const checks = found.get(key) ?? { agentId, type, address, parts: {} };
    checks.parts[part] = group;
    found.set(key, checks);
  }
  return [...found.values()];
}

function toEdge({ agentId, type, address, parts }: Checks, loss: number | null): TargetEdge {
  const { success, time, maxTime } = parts;
  return {
    agent_id: agentId,
    target: `${type}:${address}`,
    type,
    rtt_avg_ms: meanOf(time),
    // Some agents report no maximum.
    rtt_max_ms: finiteOrNull(Math.max(maxTime?.max[0] ?? -Infinity, time?.max[0] ?? -Infinity)),
    packet_loss_percent: finiteOrNull(loss ?? undefined),
    success_percent: success === undefined ? null : finiteOrNull((100 * sumOf(success)) / countOf(success)),
    samples: Math.max(...Object.values(parts).map(countOf)),
  };
}

function meanOf(group: AggregateGroup | undefined): number | null {
  return group === undefined ? null : finiteOrNull(sumOf(group) / countOf(group));
}

function sumOf(group: AggregateGroup): number {
  return group.sum[0] ?? NaN;
}

function countOf(group: AggregateGroup): number {
  return group.count[0] ?? 0;
}
