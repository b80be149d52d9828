import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { IconNode } from 'lucide';

/** An icon of the Lucide set, as large as the text around it. Decoration: whatever it says must also be there in words. */
@Component({
  selector: 'ccv-icon',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<svg
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    <path [attr.d]="path()" />
  </svg>`,
  styles: `
    :host {
      display: inline-flex;
      vertical-align: -0.25em;
      width: 1.25em;
      height: 1.25em;
      flex: none;
    }
    svg {
      width: 100%;
      height: 100%;
    }
  `,
})
export class Icon {
  readonly icon = input.required<IconNode>();
  /** All of the icon's shapes as one path. */
  protected readonly path = computed(() => this.icon().map(pathOf).join(''));
}

function pathOf([shape, attributes]: IconNode[number]): string {
  const number = (name: string): number => Number(attributes[name] ?? 0);
  switch (shape) {
    case 'path':
      // A path may begin with a relative move: as a part of another it would go on from where that ended.
      return `M0 0${String(attributes['d'])}`;
    case 'line':
      return `M${number('x1')} ${number('y1')}L${number('x2')} ${number('y2')}`;
    case 'polyline':
      return `M${String(attributes['points'])}`;
    case 'polygon':
      return `M${String(attributes['points'])}Z`;
    case 'circle':
    case 'ellipse': {
      const rx = shape === 'circle' ? number('r') : number('rx');
      const ry = shape === 'circle' ? number('r') : number('ry');
      return `M${number('cx') - rx} ${number('cy')}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0`;
    }
    case 'rect': {
      const [x, y, width, height] = [number('x'), number('y'), number('width'), number('height')];
      const r = Math.min(number('rx') || number('ry'), width / 2, height / 2);
      const corner = (dx: number, dy: number): string => (r === 0 ? '' : `a${r} ${r} 0 0 1 ${dx * r} ${dy * r}`);
      return `M${x + r} ${y}h${width - 2 * r}${corner(1, 1)}v${height - 2 * r}${corner(-1, 1)}h${2 * r - width}${corner(-1, -1)}v${2 * r - height}${corner(1, -1)}z`;
    }
    default:
      return '';
  }
}
