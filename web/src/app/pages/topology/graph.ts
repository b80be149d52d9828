/**
 * The picture of a topology: boxes of providers, regions and networks one below the other at the left, agents in them (or their
 * number, where there are many), targets at the right. Places follow from what there is alone, so that a picture that is drawn
 * again looks the same. Pure.
 */
import type { Tone } from '../../shared/tone';
import { toneOf } from '../../shared/tone';
import { joined, type Path, pathOf, targetLabel, type Topology, type TopologyAgent, type TopologyNetwork, toneOfPath } from './topology';

export type NodeKind = 'provider' | 'region' | 'network' | 'agents' | 'agent' | 'target';

export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  readonly label: string;
  readonly tone: Tone;
  /** The box around it; null for the outermost and for targets. */
  readonly parent: string | null;
  /** Where it stands; null for boxes, which are as large as what is in them. */
  readonly at: { readonly x: number; readonly y: number } | null;
  /** The agents it stands for. */
  readonly agentIds: readonly string[];
}

export interface GraphEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly tone: Tone;
  readonly path: Path;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** With more agents than this in all, networks show their number only, until they are opened. */
export const MANY_AGENTS = 40;
/** Of an opened network, so many agents are drawn. */
export const MAX_OPEN_AGENTS = 100;

const ROW_PX = 44;
/** Between the last row of a box and the first of the next: what the boxes around them take with their names, level by level. */
const NETWORK_GAP_PX = 36;
const REGION_GAP_PX = 48;
const PROVIDER_GAP_PX = 56;
const TARGETS_X = 620;

/** `opened`: ids of networks whose agents are to be seen one by one. */
export function graphOf(topology: Topology, opened: ReadonlySet<string>): Graph {
  const agents = new Map(topology.agents.map((agent) => [agent.id, agent]));
  const nodes: GraphNode[] = [];
  /** The node that stands for an agent. */
  const standIn = new Map<string, string>();
  const height = new Map<string, number>();
  let y = 0;
  const place = (node: Omit<GraphNode, 'at'>): void => {
    nodes.push({ ...node, at: { x: 0, y } });
    height.set(node.id, y);
    for (const id of node.agentIds) standIn.set(id, node.id);
    y += ROW_PX;
  };
  for (const provider of topology.providers) {
    const providerId = `provider ${provider.name}`;
    nodes.push(box(providerId, 'provider', provider.name, null));
    for (const region of provider.regions) {
      const regionId = `${providerId} / ${region.name}`;
      nodes.push(box(regionId, 'region', region.name, providerId));
      for (const network of region.networks) {
        const networkId = `${regionId} / ${network.name}`;
        nodes.push(box(networkId, 'network', network.name, regionId));
        for (const node of inNetwork(network, networkId, agents, topology.agents.length <= MANY_AGENTS || opened.has(networkId)))
          place(node);
        y += NETWORK_GAP_PX;
      }
      y += REGION_GAP_PX;
    }
    y += PROVIDER_GAP_PX;
  }
  const edges = edgesOf(topology, standIn);
  return { nodes: [...nodes, ...targetsOf(topology, edges, height)], edges };
}

function inNetwork(
  network: TopologyNetwork,
  parent: string,
  agents: ReadonlyMap<string, TopologyAgent>,
  isOpen: boolean,
): Omit<GraphNode, 'at'>[] {
  const ids = network.agent_ids;
  const shown = isOpen ? ids.slice(0, MAX_OPEN_AGENTS) : [];
  const rest = ids.slice(shown.length);
  const ofAgents = shown.map((id) => ({
    id: `agent ${id}`,
    kind: 'agent' as const,
    label: id,
    tone: toneOf(agents.get(id)?.status ?? ''),
    parent,
    agentIds: [id],
  }));
  if (rest.length === 0) return ofAgents;
  const down = rest.filter((id) => agents.get(id)?.status !== 'connected').length;
  const label = `${isOpen ? `${rest.length} more agents` : rest.length === 1 ? '1 agent' : `${rest.length} agents`}${down > 0 ? `, ${down} not connected` : ''}`;
  const tone: Tone = down === 0 ? 'ok' : down === rest.length ? 'off' : 'warn';
  return [...ofAgents, { id: `agents ${parent}`, kind: 'agents', label, tone, parent, agentIds: rest }];
}

function edgesOf(topology: Topology, standIn: ReadonlyMap<string, string>): GraphEdge[] {
  const paths = new Map<string, { source: string; target: string; paths: Path[] }>();
  for (const edge of topology.edges) {
    const source = standIn.get(edge.agent_id);
    if (source === undefined) continue;
    const target = `target ${edge.target}`;
    const id = `${source} → ${target}`;
    const known = paths.get(id);
    if (known === undefined) paths.set(id, { source, target, paths: [pathOf(edge)] });
    else known.paths.push(pathOf(edge));
  }
  return [...paths].map(([id, { source, target, paths: all }]) => {
    const path = joined(all);
    return { id, source, target, path, tone: toneOfPath(path) };
  });
}

/** Targets stand beside those who ask them, in the order of where these are; never on top of each other. */
function targetsOf(topology: Topology, edges: readonly GraphEdge[], height: ReadonlyMap<string, number>): GraphNode[] {
  const heights = new Map<string, number[]>();
  const tones = new Map<string, Set<Tone>>();
  for (const { source, target, tone } of edges) {
    const known = heights.get(target) ?? [];
    known.push(height.get(source) ?? 0);
    heights.set(target, known);
    tones.set(target, (tones.get(target) ?? new Set()).add(tone));
  }
  const mean = (id: string): number => {
    const all = heights.get(id) ?? [0];
    return all.reduce((sum, value) => sum + value, 0) / all.length;
  };
  const wanted = topology.targets
    .map((target) => ({ id: `target ${target.id}`, label: targetLabel(target), y: mean(`target ${target.id}`) }))
    .sort((a, b) => a.y - b.y || a.label.localeCompare(b.label));
  const total = wanted.length * ROW_PX;
  const middle = wanted.reduce((sum, { y }) => sum + y, 0) / Math.max(1, wanted.length);
  let next = middle - total / 2;
  return wanted.map(({ id, label, y }) => {
    const at = { x: TARGETS_X, y: Math.max(next, y - total / 4) };
    next = at.y + ROW_PX;
    return { id, kind: 'target' as const, label, tone: worst(tones.get(id) ?? new Set()), parent: null, at, agentIds: [] };
  });
}

function box(id: string, kind: NodeKind, name: string, parent: string | null): GraphNode {
  return { id, kind, label: name === '' ? `no ${kind} known` : name, tone: 'off', parent, at: null, agentIds: [] };
}

function worst(tones: ReadonlySet<Tone>): Tone {
  return (['error', 'warn', 'ok'] as const).find((tone) => tones.has(tone)) ?? 'off';
}
