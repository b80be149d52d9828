/** What GET /api/v1/topology answers, and how good a path is. Pure. */
import type { TargetType } from '../../core/api-types';
import type { Tone } from '../../shared/tone';

export interface TopologyNetwork {
  readonly name: string;
  readonly agent_ids: readonly string[];
}

export interface TopologyRegion {
  readonly name: string;
  readonly networks: readonly TopologyNetwork[];
}

export interface TopologyProvider {
  readonly name: string;
  readonly regions: readonly TopologyRegion[];
}

export interface TopologyAgent {
  readonly id: string;
  readonly status: string;
  readonly health: string;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  readonly network: string;
  readonly last_seen: string | null;
}

export interface TopologyTarget {
  /** `type:address`. */
  readonly id: string;
  readonly type: TargetType;
  readonly address: string;
  /** As people call it; the address where nobody has named it. */
  readonly name: string;
}

export interface TopologyEdge {
  readonly agent_id: string;
  /** A target's id. */
  readonly target: string;
  readonly type: TargetType;
  /** Of pings the round trip, of other checks how long the answer took. */
  readonly rtt_avg_ms: number | null;
  readonly rtt_max_ms: number | null;
  readonly packet_loss_percent: number | null;
  readonly success_percent: number | null;
  readonly samples: number;
}

export interface Topology {
  readonly timestamp: string;
  readonly timeRange: string;
  readonly providers: readonly TopologyProvider[];
  readonly agents: readonly TopologyAgent[];
  readonly targets: readonly TopologyTarget[];
  readonly edges: readonly TopologyEdge[];
  readonly truncated: boolean;
}

/** What a path between two places is measured by. */
export interface Path {
  readonly rttAvgMs: number | null;
  readonly rttMaxMs: number | null;
  readonly lossPercent: number | null;
  readonly successPercent: number | null;
}

/** Where a path begins to be slow, and to be bad. */
export const SLOW_RTT_MS = 150;
export const BAD_LOSS_PERCENT = 5;
/** Now and then a packet is lost everywhere: less than this is no trouble. */
export const LOSSY_PERCENT = 1;

/** Off: nothing was measured. Error: five percent and more are lost, or answers stay away. Warn: one and more are, or it is slow. */
export function toneOfPath({ rttAvgMs, lossPercent, successPercent }: Path): Tone {
  if (rttAvgMs === null && lossPercent === null && successPercent === null) return 'off';
  const lost = Math.max(lossPercent ?? 0, 100 - (successPercent ?? 100));
  if (lost >= BAD_LOSS_PERCENT) return 'error';
  return lost >= LOSSY_PERCENT || (rttAvgMs ?? 0) >= SLOW_RTT_MS ? 'warn' : 'ok';
}

export function pathOf(edge: TopologyEdge): Path {
  return {
    rttAvgMs: edge.rtt_avg_ms,
    rttMaxMs: edge.rtt_max_ms,
    lossPercent: edge.packet_loss_percent,
    successPercent: edge.success_percent,
  };
}

/** Several paths as one: the mean of averages, the largest maximum. */
export function joined(paths: readonly Path[]): Path {
  const known = (pick: (path: Path) => number | null): number[] => paths.map(pick).filter((value) => value !== null);
  const mean = (values: readonly number[]): number | null =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const maxima = known(({ rttMaxMs }) => rttMaxMs);
  return {
    rttAvgMs: mean(known(({ rttAvgMs }) => rttAvgMs)),
    rttMaxMs: maxima.length === 0 ? null : Math.max(...maxima),
    lossPercent: mean(known(({ lossPercent }) => lossPercent)),
    successPercent: mean(known(({ successPercent }) => successPercent)),
  };
}

/** What a target is called in pictures and lists: pings are the usual thing. */
export function targetLabel({ type, name }: TopologyTarget): string {
  return type === 'ping' ? name : `${name} (${type})`;
}

/** The metrics that tell of a path over time. */
export const METRICS_OF: Readonly<Record<TargetType, readonly string[]>> = {
  ping: ['ping_rtt_avg_ms', 'ping_packet_loss_percent'],
  http: ['http_response_time_ms'],
  tcp: ['tcp_connect_time_ms'],
  dns: ['dns_lookup_time_ms'],
};

const NAMES = new Intl.Collator('en', { numeric: true });
const ORDER: readonly Tone[] = ['error', 'warn', 'ok', 'off'];

/** Of a list of edges, the worst first; of equals, the slower. */
export function worstFirst(edges: readonly TopologyEdge[]): TopologyEdge[] {
  const ranked = edges.map((edge) => ({ edge, rank: ORDER.indexOf(toneOfPath(pathOf(edge))) }));
  ranked.sort(
    ({ edge: a, rank: rankA }, { edge: b, rank: rankB }) =>
      rankA - rankB ||
      (b.packet_loss_percent ?? 0) - (a.packet_loss_percent ?? 0) ||
      (b.rtt_avg_ms ?? 0) - (a.rtt_avg_ms ?? 0) ||
      NAMES.compare(a.agent_id, b.agent_id) ||
      NAMES.compare(a.target, b.target),
  );
  return ranked.map(({ edge }) => edge);
}
