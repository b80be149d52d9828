/**
 * Moving a chart in time: by keys (arrows, + and -), by wheel (sideways, or with Ctrl to zoom as maps do it), and by dragging with
 * Shift. What is moved to is shown at once, with what is known; who uses the chart hears of it when it has come to rest.
 */
import type { Span } from '../core/time-range';
import { moveOfKey, panned, scaled } from './chart-moves';

/** A chart that is being moved has come to rest after this long without a move. */
const REST_MS = 250;

/** What is moved. */
export interface Movable {
  /** What is seen now. */
  seen(): Span;
  show(span: Span): void;
  /** It has come to rest there. */
  rested(span: Span): void;
  back(): void;
}

export class ChartMotion {
  private rest: ReturnType<typeof setTimeout> | null = null;
  private dragging: AbortController | null = null;

  constructor(private readonly chart: Movable) {}

  /** What is shown is on its way elsewhere: news must not take it back. */
  get isMoving(): boolean {
    return this.rest !== null || this.dragging !== null;
  }

  key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '0' || event.key === 'Escape') {
      this.chart.back();
      return;
    }
    const to = moveOfKey(event.key, this.chart.seen());
    if (to === null) return;
    event.preventDefault();
    this.move(to);
  }

  /** Over what is `left` of the window's edge and so wide. Up and down the page scrolls. */
  wheel(event: WheelEvent, { left, width }: DOMRect): void {
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (event.ctrlKey) {
      const anchor = Math.min(1, Math.max(0, (event.clientX - left) / width));
      this.move(scaled(this.chart.seen(), Math.exp(event.deltaY / 300), anchor));
    } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      this.move(panned(this.chart.seen(), sideways / width));
    } else return;
    event.preventDefault();
  }

  drag({ clientX }: MouseEvent, { width }: DOMRect): void {
    const from = this.chart.seen();
    const controller = new AbortController();
    const { signal } = controller;
    this.dragging?.abort();
    this.dragging = controller;
    addEventListener('mousemove', (event) => this.move(panned(from, (clientX - event.clientX) / width)), { signal });
    addEventListener('mouseup', () => this.drop(), { signal });
  }

  stop(): void {
    this.drop();
    if (this.rest !== null) clearTimeout(this.rest);
    this.rest = null;
  }

  private drop(): void {
    this.dragging?.abort();
    this.dragging = null;
  }

  private move(to: Span): void {
    this.chart.show(to);
    if (this.rest !== null) clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.rest = null;
      this.chart.rested(to);
    }, REST_MS);
  }
}
