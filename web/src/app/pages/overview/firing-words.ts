/** The alerts that fire, in a few words. Pure. */
import type { AlertCounts } from '../../core/alert-types';
import { formatCount } from '../../core/units';

/** `2 alerts fire: 1 critical, 1 warning`; the mark is that of the worst. Silenced and acknowledged ones count, and it is said. */
export function firingWords({ firing, critical, warning, info, silenced, acknowledged }: AlertCounts): { mark: string; text: string } {
  if (firing === 0) return { mark: 'ok', text: 'No alert fires' };
  const kinds: readonly (readonly [number, string])[] = [
    [critical, 'critical'],
    [warning, 'warning'],
    [info, 'info'],
    [acknowledged, 'acknowledged'],
    [silenced, 'silenced'],
  ];
  const parts = kinds.filter(([count]) => count > 0).map(([count, word]) => `${formatCount(count)} ${word}`);
  return {
    mark: critical > 0 ? 'critical' : warning > 0 ? 'warning' : 'info',
    text: `${firing === 1 ? 'One alert fires' : `${formatCount(firing)} alerts fire`}: ${parts.join(', ')}`,
  };
}
