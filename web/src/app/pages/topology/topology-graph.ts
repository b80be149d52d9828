import {
  afterNextRender,
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  effect,
  type ElementRef,
  inject,
  input,
  output,
  untracked,
  viewChild,
} from '@angular/core';
import type { Core, EdgeSingular, ElementDefinition, EventObject, NodeSingular, StylesheetJson } from 'cytoscape';
import { formatValue } from '../../core/units';
import { colorsOf } from '../../shared/css-colors';
import { whenRecolored } from '../../shared/recolored';
import type { Tone } from '../../shared/tone';
import type { Graph, GraphEdge, GraphNode } from './graph';

const TONES: readonly Tone[] = ['ok', 'warn', 'error', 'off'];
const LINES: Readonly<Record<Tone, string>> = { ok: 'solid', warn: 'dashed', error: 'dashed', off: 'dotted' };
const WIDTHS: Readonly<Record<Tone, number>> = { ok: 1.5, warn: 2.5, error: 3.5, off: 1 };
const SHAPES: Readonly<Record<Tone, string>> = { ok: 'ellipse', warn: 'triangle', error: 'diamond', off: 'ellipse' };

/** Draws a graph (Cytoscape), and tells what is chosen. What changes is changed in place: nothing jumps. */
@Component({
  selector: 'ccv-topology-graph',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div #host class="host" role="img" [attr.aria-label]="label()"></div>`,
  styles: `
    :host {
      display: block;
      height: 100%;
    }
    .host {
      height: 100%;
    }
  `,
})
export class TopologyGraph {
  readonly graph = input.required<Graph>();
  readonly label = input.required<string>();
  readonly nodeChosen = output<GraphNode>();
  readonly edgeChosen = output<GraphEdge>();
  private readonly host = viewChild.required<ElementRef<HTMLElement>>('host');
  private core: Core | null = null;
  private isGone = false;

  constructor() {
    afterNextRender(() => void this.open());
    whenRecolored(() => this.core?.style(this.style()));
    effect(() => {
      this.graph();
      untracked(() => this.draw());
    });
    inject(DestroyRef).onDestroy(() => {
      this.isGone = true;
      this.core?.destroy();
    });
  }

  /** Everything in sight. */
  fit(): void {
    this.core?.fit(undefined, 24);
  }

  zoom(factor: number): void {
    const { core } = this;
    if (core === null) return;
    core.zoom({ level: core.zoom() * factor, renderedPosition: { x: core.width() / 2, y: core.height() / 2 } });
  }

  private async open(): Promise<void> {
    const { default: cytoscape } = await import('cytoscape');
    if (this.isGone) return;
    const core = cytoscape({
      container: this.host().nativeElement,
      style: this.style(),
      layout: { name: 'preset' },
      minZoom: 0.1,
      maxZoom: 3,
      autoungrabify: true,
      boxSelectionEnabled: false,
    });
    core.on('tap', 'node', ({ target }: EventObject) => this.nodeChosen.emit((target as NodeSingular).data('node') as GraphNode));
    core.on('tap', 'edge', ({ target }: EventObject) => this.edgeChosen.emit((target as EdgeSingular).data('edge') as GraphEdge));
    core.on('mouseover', 'edge', ({ target }: EventObject) => {
      (target as EdgeSingular).addClass('near');
    });
    core.on('mouseout', 'edge', ({ target }: EventObject) => {
      (target as EdgeSingular).removeClass('near');
    });
    this.core = core;
    this.draw();
  }

  private draw(): void {
    const { core } = this;
    if (core === null) return;
    const { nodes, edges } = this.graph();
    const before = new Set(core.nodes().map((node) => node.id()));
    core.batch(() => {
      const wanted = new Set([...nodes, ...edges].map(({ id }) => id));
      core
        .elements()
        .filter((element) => !wanted.has(element.id()))
        .remove();
      for (const element of [...nodes.map(ofNode), ...edges.map(ofEdge)]) {
        const known = core.getElementById(String(element.data.id));
        if (known.empty()) core.add(element);
        else {
          known.data(element.data);
          known.classes(element.classes ?? '');
          if (element.position !== undefined) known.position(element.position);
        }
      }
    });
    const isSame = before.size === nodes.length && nodes.every(({ id }) => before.has(id));
    if (!isSame) this.fit();
  }

  private style(): StylesheetJson {
    const host = this.host().nativeElement;
    const color = colorsOf(host);
    const text = color('--mat-sys-on-surface');
    const ofTone: Readonly<Record<Tone, string>> = {
      ok: color('--ccv-ok'),
      warn: color('--ccv-warn'),
      error: color('--ccv-error'),
      off: color('--ccv-muted'),
    };
    return [
      {
        selector: 'node',
        style: {
          label: 'data(label)',
          color: text,
          'font-family': getComputedStyle(host).fontFamily,
          'font-size': 13,
          width: 16,
          height: 16,
          'text-valign': 'center',
          'text-halign': 'left',
          'text-margin-x': -6,
          'text-max-width': '220px',
          'text-wrap': 'ellipsis',
        },
      },
      { selector: 'node.target', style: { 'text-halign': 'right', 'text-margin-x': 6 } },
      { selector: 'node.agents', style: { width: 26, height: 26 } },
      {
        selector: 'node.provider, node.region, node.network',
        style: {
          'text-valign': 'top',
          'text-halign': 'center',
          'text-margin-x': 0,
          'background-color': color('--mat-sys-surface-container'),
          'background-opacity': 0.6,
          'border-width': 1,
          'border-color': color('--ccv-muted'),
          shape: 'round-rectangle',
          padding: '14px',
          'font-size': 12,
          // Names of agents stand left of their marks: the box goes around them.
          'bounds-expansion': 0,
          'min-width': '240px',
          'min-width-bias-left': '92%',
          'min-width-bias-right': '8%',
        },
      },
      ...TONES.flatMap(
        (tone): StylesheetJson => [
          { selector: `node.${tone}:childless`, style: { 'background-color': ofTone[tone], shape: SHAPES[tone] as 'ellipse' } },
          {
            selector: `edge.${tone}`,
            style: { 'line-color': ofTone[tone], 'line-style': LINES[tone] as 'solid', width: WIDTHS[tone], 'curve-style': 'straight' },
          },
        ],
      ),
      { selector: 'node.off:childless', style: { 'background-opacity': 0, 'border-width': 2, 'border-color': ofTone.off } },
      {
        selector: 'edge.near',
        style: {
          label: 'data(label)',
          color: text,
          'font-size': 13,
          'text-background-color': color('--mat-sys-surface'),
          'text-background-opacity': 0.9,
          'text-background-padding': '4px',
          'z-index': 10,
        },
      },
    ];
  }
}

function ofNode(node: GraphNode): ElementDefinition {
  return {
    group: 'nodes',
    data: { id: node.id, label: node.label, node, ...(node.parent !== null && { parent: node.parent }) },
    classes: `${node.kind} ${node.tone}`,
    ...(node.at !== null && { position: { ...node.at } }),
  };
}

function ofEdge(edge: GraphEdge): ElementDefinition {
  return {
    group: 'edges',
    data: { id: edge.id, source: edge.source, target: edge.target, label: describePath(edge), edge },
    classes: edge.tone,
  };
}

function describePath({ path }: GraphEdge): string {
  return `${formatValue(path.rttAvgMs, 'ms')}, ${formatValue(path.lossPercent, 'percent')} lost`;
}
