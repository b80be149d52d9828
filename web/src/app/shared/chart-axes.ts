/** How the axes of charts are divided and written. */
import uPlot from 'uplot';

/** Bytes are counted in KiB and MiB: their ticks must be round in those. */
export const POWERS_OF_TWO: readonly number[] = Array.from({ length: 61 }, (_, i) => 2 ** i);

/** uPlot writes times as they do in the United States: where the day has 24 hours they are written so; months have names, and the year takes too much room. */
export function fmtDate(template: string): (date: Date) => string {
  const { hour12 = true } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions();
  const dates = template.replace('{M}/{D}', '{MMM} {D}').replace('/{YY}', '');
  return uPlot.fmtDate(hour12 ? dates : dates.replace('{h}{aa}', '{HH}:00').replace('{h}', '{HH}').replace('{aa}', ''));
}

/** From zero, where values do not go below: a chart must not make a mountain of a molehill. */
export function rangeOf(_plot: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const low = Math.min(0, min);
  const high = Math.max(0, max);
  if (low === high) return [0, 1];
  const room = (high - low) * 0.05;
  return [low === 0 ? 0 : low - room, high === 0 ? 0 : high + room];
}
