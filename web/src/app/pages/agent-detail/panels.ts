/** Which charts an agent has, by the names of what it measures, and how an answer becomes a chart. Pure. */
import type { ChartSeries } from '../../core/chart-answer';

/** Of a chart on an agent's page. */
export interface Panel {
  readonly id: string;
  readonly title: string;
  /** At most ten: no more may be asked for at once. */
  readonly names: readonly string[];
  /** What tells apart the lines of one metric; null: every series is a line. */
  readonly tag: string | null;
  readonly aggregation: 'avg' | 'max' | 'min';
}

/** What of a series is needed for a line. Its name is there: it is asked for. */
type Drawn = Pick<ChartSeries, 'unit' | 'tags' | 'values'> & { readonly name?: string };

export interface PanelLine {
  readonly label: string;
  readonly unit: string | null;
  readonly values: readonly (number | null)[];
}

const NIC = 'network_interface_';

const KNOWN: readonly Panel[] = [
  {
    id: 'latency',
    title: 'Latency by target',
    names: ['ping_rtt_avg_ms', 'http_response_time_ms', 'tcp_connect_time_ms', 'dns_lookup_time_ms'],
    tag: 'target',
    aggregation: 'avg',
  },
  { id: 'loss', title: 'Packet loss by target', names: ['ping_packet_loss_percent'], tag: 'target', aggregation: 'avg' },
  {
    id: 'checks',
    title: 'Checks that succeed (1: yes, 0: no)',
    names: ['ping_success', 'http_success', 'tcp_success', 'dns_success'],
    tag: 'target',
    aggregation: 'min',
  },
  {
    id: 'throughput',
    title: 'Throughput by interface',
    names: [`${NIC}rx_bytes_per_sec`, `${NIC}tx_bytes_per_sec`],
    tag: 'interface',
    aggregation: 'avg',
  },
  {
    id: 'faults',
    title: 'Errors and drops by interface',
    names: [`${NIC}rx_errors_per_sec`, `${NIC}tx_errors_per_sec`, `${NIC}rx_drops_per_sec`, `${NIC}tx_drops_per_sec`],
    tag: 'interface',
    aggregation: 'max',
  },
  {
    id: 'machine',
    title: 'CPU, memory and disk',
    names: ['system_cpu_percent', 'system_memory_percent', 'system_disk_percent'],
    tag: 'mount',
    aggregation: 'avg',
  },
  { id: 'load', title: 'Load', names: ['system_load_1m', 'system_load_5m', 'system_load_15m'], tag: null, aggregation: 'avg' },
  { id: 'agent', title: 'The agent itself', names: ['agent_cpu_percent', 'agent_rss_bytes'], tag: null, aggregation: 'avg' },
];

const MAX_OTHERS = 8;

const WORDS: Readonly<Record<string, string>> = {
  ping_rtt_avg_ms: 'ping',
  ping_packet_loss_percent: '',
  ping_success: 'ping',
  http_response_time_ms: 'http',
  http_success: 'http',
  tcp_connect_time_ms: 'tcp',
  tcp_success: 'tcp',
  dns_lookup_time_ms: 'dns',
  dns_success: 'dns',
  [`${NIC}rx_bytes_per_sec`]: 'received',
  [`${NIC}tx_bytes_per_sec`]: 'sent',
  [`${NIC}rx_errors_per_sec`]: 'receive errors',
  [`${NIC}tx_errors_per_sec`]: 'send errors',
  [`${NIC}rx_drops_per_sec`]: 'receive drops',
  [`${NIC}tx_drops_per_sec`]: 'send drops',
  system_cpu_percent: 'CPU',
  system_memory_percent: 'memory',
  system_disk_percent: 'disk',
  system_load_1m: '1 minute',
  system_load_5m: '5 minutes',
  system_load_15m: '15 minutes',
  agent_cpu_percent: 'CPU',
  agent_rss_bytes: 'memory',
};

/** The charts for an agent that measures this; of one that measures nothing usual, the first few of what it does. */
export function panelsFor(names: readonly string[]): Panel[] {
  const there = new Set(names);
  const known = KNOWN.map((panel) => ({ ...panel, names: panel.names.filter((name) => there.has(name)) })).filter(
    (panel) => panel.names.length > 0,
  );
  if (known.length > 0) return known;
  return [...there]
    .sort()
    .slice(0, MAX_OTHERS)
    .map((name) => ({ id: `other ${name}`, title: name, names: [name], tag: null, aggregation: 'avg' }));
}

/** The answer's lines, with names for people, in an order that stays. */
export function linesOf(panel: Panel, series: readonly Drawn[]): PanelLine[] {
  const named = series.map((one) => ({ one, label: labelOf(panel, one) }));
  return (
    named
      // Agents tell the root's disk twice, once without saying which one it is.
      .filter(({ one }) => !(one.name === 'system_disk_percent' && one.tags['mount'] === undefined && hasRoot(series)))
      .map(({ one, label }) => ({ label, unit: one.unit, values: one.values }))
      .sort((a, b) => a.label.localeCompare(b.label, 'en', { numeric: true }))
  );
}

function hasRoot(series: readonly Drawn[]): boolean {
  return series.some(({ name, tags }) => name === 'system_disk_percent' && tags['mount'] !== undefined);
}

function labelOf({ tag, names }: Panel, { name = '', tags }: Drawn): string {
  const word = WORDS[name] ?? (names.length === 1 ? '' : name);
  if (tag === null) {
    const all = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
    return [word, ...all].filter((part) => part !== '').join(' ') || name;
  }
  const value = tags[tag] ?? '';
  // A URL says itself what kind it is.
  if (value.startsWith(`${word}:`) || value.startsWith(`${word}s:`)) return value;
  // Kinds of checks stand before their target, ways of traffic behind their interface.
  const parts = tag === 'interface' ? [value, word] : [word, value];
  return parts.filter((part) => part !== '').join(' ') || name;
}

/** Parameters of an explorer's address that shows the same. */
export function explorerParams({ names, tag, aggregation }: Panel, agentId: string): Record<string, string | readonly string[]> {
  return { m: names, agent: agentId, ...(aggregation !== 'avg' && { agg: aggregation }), ...(tag !== null && { by: `tag:${tag}` }) };
}
