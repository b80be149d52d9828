/** Looking at another stretch of time than the whole: where the moves of a chart lead to. Pure. */
import type { Span } from '../core/time-range';

const MIN_SPAN_MS = 2_000;
/** Nothing is kept for as long as this; dates end somewhere. */
const MAX_SPAN_MS = 10 * 366 * 86_400_000;
const PAN_SHARE = 0.25;
const ZOOM_FACTOR = 2;

/** Moved by a share of its length; to the right when positive. */
export function panned({ startMs, endMs }: Span, share: number): Span {
  const byMs = Math.round((endMs - startMs) * share);
  return { startMs: startMs + byMs, endMs: endMs + byMs };
}

/** `factor` times as long (below 1: closer), while what is at `anchor` (0: start, 1: end) stays where it is. */
export function scaled({ startMs, endMs }: Span, factor: number, anchor = 0.5): Span {
  const lengthMs = endMs - startMs;
  const newMs = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, Math.round(lengthMs * factor)));
  const newStartMs = Math.round(startMs + (lengthMs - newMs) * anchor);
  return { startMs: newStartMs, endMs: newStartMs + newMs };
}

/** What a key does to what is seen; null: nothing. */
export function moveOfKey(key: string, span: Span): Span | null {
  switch (key) {
    case 'ArrowLeft':
      return panned(span, -PAN_SHARE);
    case 'ArrowRight':
      return panned(span, PAN_SHARE);
    case '+':
    case '=':
      return scaled(span, 1 / ZOOM_FACTOR);
    case '-':
      return scaled(span, ZOOM_FACTOR);
    default:
      return null;
  }
}
