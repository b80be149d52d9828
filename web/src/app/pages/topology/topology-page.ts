import { ChangeDetectionStrategy, Component, computed, inject, input, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { Maximize, ZoomIn, ZoomOut } from 'lucide';
import { Api } from '../../core/api';
import { loadable } from '../../core/loadable';
import { lasting, parseRange, rangeParams, rangeQuery, type TimeRange } from '../../core/time-range';
import { formatCount, formatValue } from '../../core/units';
import { addressSearch } from '../../shared/address-search';
import { Icon } from '../../shared/icon';
import { Notice } from '../../shared/notice';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { TimeRangePicker } from '../../shared/time-range-picker';
import { type Graph, graphOf, type GraphEdge, type GraphNode, MANY_AGENTS } from './graph';
import {
  BAD_LOSS_PERCENT,
  LOSSY_PERCENT,
  METRICS_OF,
  pathOf,
  SLOW_RTT_MS,
  targetLabel,
  type Topology,
  type TopologyEdge,
  toneOfPath,
  worstFirst,
} from './topology';
import { TopologyGraph } from './topology-graph';

const REFRESH_MS = 10_000;
/** A list longer than this is searched, not read. */
const MAX_LISTED = 300;
const WORDS = { ok: 'good', warn: 'slow or losing', error: 'bad', off: 'not measured' } as const;

/** Where agents are, what they reach, and how well: as a picture, and the same as a list. The view is in the address. */
@Component({
  selector: 'ccv-topology-page',
  imports: [RouterLink, MatButtonModule, Icon, Notice, Status, Time, TimeRangePicker, TopologyGraph],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './topology-page.html',
  styleUrl: './topology-page.scss',
})
export class TopologyPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  /** From the address. */
  readonly range = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();
  readonly view = input<string>();
  /** Networks whose agents are seen one by one. */
  readonly open = input<string | readonly string[]>();

  protected readonly icons = { fit: Maximize, zoomIn: ZoomIn, zoomOut: ZoomOut };
  protected readonly limits = { slowMs: SLOW_RTT_MS, lossyPercent: LOSSY_PERCENT, badPercent: BAD_LOSS_PERCENT };
  protected readonly timeRange = computed(() =>
    parseRange({ range: this.range() ?? null, from: this.from() ?? null, to: this.to() ?? null }, lasting(300_000)),
  );
  protected readonly isList = computed(() => this.view() === 'list');
  protected readonly topology = loadable({
    params: () => this.timeRange(),
    load: (range, abort) => this.api.get<Topology>('/topology', rangeQuery(range), abort),
    refreshMs: REFRESH_MS,
    keepsValue: true,
  });
  private readonly opened = computed<ReadonlySet<string>>(() => new Set([this.open() ?? []].flat()));
  protected readonly graph = computed<Graph>(() => {
    const topology = this.topology.value();
    return topology === undefined ? { nodes: [], edges: [] } : graphOf(topology, this.opened());
  });
  protected readonly isFolded = computed(() => (this.topology.value()?.agents.length ?? 0) > MANY_AGENTS);
  protected readonly chosen = signal<string | null>(null);
  protected readonly chosenNode = computed(() => this.graph().nodes.find(({ id }) => id === this.chosen()) ?? null);
  protected readonly chosenEdge = computed(() => this.graph().edges.find(({ id }) => id === this.chosen()) ?? null);
  /** The paths that what is chosen stands for. */
  protected readonly chosenPaths = computed(() => {
    const [node, edge] = [this.chosenNode(), this.chosenEdge()];
    const edges = this.topology.value()?.edges ?? [];
    if (edge !== null) {
      const agents = new Set(this.graph().nodes.find(({ id }) => id === edge.source)?.agentIds);
      return worstFirst(edges.filter(({ agent_id, target }) => agents.has(agent_id) && `target ${target}` === edge.target));
    }
    if (node === null) return [];
    if (node.kind === 'target') return worstFirst(edges.filter(({ target }) => `target ${target}` === node.id));
    const agents = new Set(node.agentIds);
    return worstFirst(edges.filter(({ agent_id }) => agents.has(agent_id)));
  });
  protected readonly chosenAgent = computed(() => {
    const node = this.chosenNode();
    return node?.kind === 'agent' ? (this.topology.value()?.agents.find(({ id }) => id === node.agentIds[0]) ?? null) : null;
  });
  protected readonly searched = addressSearch();
  /** With the text that is searched: made once for an answer, not at each letter. */
  private readonly ordered = computed(() => {
    const agents = new Map((this.topology.value()?.agents ?? []).map((agent) => [agent.id, agent]));
    return worstFirst(this.topology.value()?.edges ?? []).map((edge) => {
      const agent = agents.get(edge.agent_id);
      return { edge, text: [edge.agent_id, this.targetOf(edge), agent?.provider, agent?.region, agent?.network].join(' ').toLowerCase() };
    });
  });
  protected readonly listed = computed(() => {
    const words = this.searched.words().toLowerCase().split(/\s+/).filter(Boolean);
    return this.ordered().flatMap(({ edge, text }) => (words.every((word) => text.includes(word)) ? [edge] : []));
  });
  protected readonly shown = computed(() => this.listed().slice(0, MAX_LISTED));
  protected readonly description = computed(() => {
    const topology = this.topology.value();
    if (topology === undefined) return 'The topology, not loaded yet';
    const bad = topology.edges.filter((edge) => toneOfPath(pathOf(edge)) === 'error').length;
    return `Topology: ${topology.agents.length} agents, ${topology.targets.length} targets, ${topology.edges.length} paths, ${bad} of them bad. The list has the same in words.`;
  });

  protected readonly count = formatCount;
  protected readonly ms = (value: number | null): string => formatValue(value, 'ms');
  protected readonly percent = (value: number | null): string => formatValue(value, 'percent');
  protected readonly toneOf = (edge: TopologyEdge) => toneOfPath(pathOf(edge));
  protected readonly word = (edge: TopologyEdge): string => WORDS[toneOfPath(pathOf(edge))];

  private readonly targets = computed(() => new Map((this.topology.value()?.targets ?? []).map((target) => [target.id, target])));
  protected readonly targetOf = (edge: TopologyEdge): string => {
    const target = this.targets().get(edge.target);
    return target === undefined ? edge.target : targetLabel(target);
  };
  protected readonly chartOf = (edge: TopologyEdge) => ({
    m: METRICS_OF[edge.type],
    agent: edge.agent_id,
    tag: `target:${edge.target.slice(edge.type.length + 1)}`,
    range: '1h',
  });

  protected choose(node: GraphNode): void {
    this.chosen.set(node.id);
    if (node.kind === 'agents' && node.parent !== null) this.toggle(node.parent);
    else if (node.kind === 'network' && this.isFolded()) this.toggle(node.id);
  }

  protected chooseEdge(edge: GraphEdge): void {
    this.chosen.set(edge.id);
  }

  protected setRange(range: TimeRange): void {
    this.navigate(rangeParams(range));
  }

  protected setView(view: 'list' | null): void {
    this.navigate({ view });
  }

  private toggle(networkId: string): void {
    const open = new Set(this.opened());
    if (!open.delete(networkId)) open.add(networkId);
    this.navigate({ open: open.size === 0 ? null : [...open] });
  }

  private navigate(queryParams: Record<string, string | readonly string[] | null>): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge' });
  }
}
