/**
 * The older agent's measurements under the Go agent's names, so that both kinds are one line in every chart.
 * Values are passed on as they are: the metric checker says what is wrong with one, and the others are stored.
 */
import { invalid } from './messages.js';
import { isPlainObject, type RawMetric, shown } from './metric-checks.js';

type Body = Readonly<Record<string, unknown>>;

/** What the older agent calls a measurement, and what it is stored as. */
const SYSTEM_METRICS = [
  { field: 'cpu_usage', camel: 'cpuUsage', name: 'system_cpu_percent', unit: 'percent' },
  { field: 'memory_usage', camel: 'memoryUsage', name: 'system_memory_percent', unit: 'percent' },
  { field: 'disk_usage', camel: 'diskUsage', name: 'system_disk_percent', unit: 'percent' },
  { field: 'uptime', camel: 'uptime', name: 'system_uptime_seconds', unit: 'seconds' },
] as const;

/** Metrics that one ping becomes at the most. */
const METRICS_PER_PING = 3;

/**
 * The metrics of one push. Their time is the push's.
 * @throws AppError `validation_failed` when the body is of neither shape or holds more than a batch may
 */
export function httpAgentMetrics(body: Body, maxMetrics: number): RawMetric[] {
  const pings = body.ping_results ?? body.pingResults ?? [];
  const system = body.system_info ?? body.systemInfo;
  const said = body.ping_results ?? body.pingResults ?? system ?? body.network_info ?? body.networkInfo;
  if (said === undefined) throw invalid('metrics', 'The body must hold metrics, ping_results or system_info', undefined);
  if (!Array.isArray(pings)) throw invalid('ping_results', `ping_results must be an array (it is ${shown(pings)})`, pings);
  if (pings.length * METRICS_PER_PING + SYSTEM_METRICS.length > maxMetrics) {
    throw invalid('ping_results', `ping_results has ${pings.length} entries, more than a batch may hold`, pings.length);
  }
  if (system !== undefined && system !== null && !isPlainObject(system)) {
    throw invalid('system_info', `system_info must be an object (it is ${shown(system)})`, system);
  }
  return [...pings.flatMap(pingMetrics), ...(isPlainObject(system) ? systemMetrics(system) : [])];
}

function pingMetrics(ping: unknown): RawMetric[] {
  if (!isPlainObject(ping)) return [ping as RawMetric];
  const { success } = ping;
  const tags = { target: ping.target };
  const reached: RawMetric = {
    name: 'ping_success',
    type: 'gauge',
    unit: 'boolean',
    tags,
    value: typeof success === 'boolean' ? Number(success) : success,
  };
  // A failed ping says latency 0 and loss 0, and means neither.
  if (success !== true) return [reached];
  const rtt = ping.latency_ms ?? ping.latencyMs;
  const loss = ping.packet_loss ?? ping.packetLoss;
  const metrics = [reached];
  if (rtt !== undefined && rtt !== null) metrics.push({ name: 'ping_rtt_avg_ms', type: 'gauge', unit: 'ms', tags, value: rtt });
  if (loss !== undefined && loss !== null) {
    metrics.push({ name: 'ping_packet_loss_percent', type: 'gauge', unit: 'percent', tags, value: loss });
  }
  return metrics;
}

function systemMetrics(system: Body): RawMetric[] {
  const metrics: RawMetric[] = [];
  for (const { field, camel, name, unit } of SYSTEM_METRICS) {
    const value = system[field] ?? system[camel];
    if (value !== undefined && value !== null) metrics.push({ name, type: 'gauge', unit, value });
  }
  return metrics;
}
