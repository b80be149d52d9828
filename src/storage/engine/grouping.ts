import type { GroupKey } from '../../model/aggregate.js';
import type { SeriesInfo } from '../../model/metric.js';
import { labelOf } from './group-labels.js';

/** Which series fall into which group: the same for every question about the same series, and worth keeping. */
export class Grouping {
  /** Of each group, in the order in which their first series was given. */
  readonly labels: (readonly (string | null)[])[] = [];
  /** Per slot. */
  readonly groupOf: Uint32Array;

  constructor(series: readonly SeriesInfo[], groupBy: readonly GroupKey[]) {
    this.groupOf = new Uint32Array(series.length);
    const byKey = new Map<string, number>();
    for (const [slot, info] of series.entries()) {
      const labels = groupBy.map((key) => labelOf(info, key));
      const key = JSON.stringify(labels);
      let group = byKey.get(key);
      if (group === undefined) {
        group = this.labels.push(labels) - 1;
        byKey.set(key, group);
      }
      this.groupOf[slot] = group;
    }
  }
}
