import { computed, inject, Injectable, signal } from '@angular/core';
import { AgentStore } from '../../core/agent-store';
import { Api } from '../../core/api';
import type { Agent, Metric } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { formatCount } from '../../core/units';
import type { PickerOption } from '../../shared/picker';

const MAX_SERIES = 2_000;
/** Of what a rule may be told by besides tags. */
const GROUPS = ['agent', 'provider', 'region', 'type'];

/** What the fields of a rule offer: the metrics there are, and what the series of the one that is chosen are like. */
@Injectable()
export class RuleChoices {
  private readonly api = inject(Api);
  private readonly store = inject(AgentStore);
  readonly metricName = signal('');
  private readonly names = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<{ metricNames: { name: string; type: string }[] }>('/metrics/names', {}, abort),
  });
  private readonly series = loadable({
    params: () => (this.metricName() === '' ? undefined : this.metricName()),
    load: (metricName, abort) => this.api.get<{ series: Metric[] }>('/metrics/series', { metricName, limit: MAX_SERIES }, abort),
  });
  private readonly found = computed(() => (this.metricName() === '' ? [] : (this.series.value()?.series ?? [])));

  readonly isLoading = this.names.isLoading;
  readonly metrics = computed<PickerOption[]>(() => {
    const types = new Map<string, string[]>();
    for (const { name, type } of this.names.value()?.metricNames ?? []) types.set(name, [...(types.get(name) ?? []), type]);
    return [...types].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, hints]) => ({ value, hint: hints.join(', ') }));
  });
  /** Of the metric, as its samples say; null: they do not agree, have none, or there are none. */
  readonly unit = computed(() => {
    const units = new Set(this.found().map(({ unit }) => unit));
    return units.size === 1 ? ([...units][0] ?? null) : null;
  });
  /** How many series there are of the metric, in words; empty while that is not known. */
  readonly seriesText = computed(() => {
    if (this.metricName() === '' || this.series.value() === undefined) return '';
    const count = this.found().length;
    return count === 0 ? 'No agent sends this metric now.' : `${formatCount(count)}${count === MAX_SERIES ? ' or more' : ''} series.`;
  });
  readonly tags = computed<PickerOption[]>(() => this.tagged(([key, value]) => `${key}:${value}`));
  readonly groups = computed<PickerOption[]>(() => [
    ...GROUPS.map((value) => ({ value })),
    ...this.tagged(([key]) => key).map(({ value }) => ({ value, hint: 'tag' })),
  ]);
  readonly agents = computed<PickerOption[]>(() =>
    this.store
      .agents()
      .map(({ id, provider, region }) => ({ value: id, hint: [provider, region].filter((part) => part !== '').join(' · ') })),
  );
  readonly providers = computed(() => this.counted(({ provider }) => provider));
  readonly regions = computed(() => this.counted(({ region }) => region));

  private counted(of: (agent: Agent) => string): PickerOption[] {
    const counts = new Map<string, number>();
    for (const agent of this.store.agents()) if (of(agent) !== '') counts.set(of(agent), (counts.get(of(agent)) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, count]) => ({ value, hint: `${formatCount(count)} agents` }));
  }

  private tagged(of: (tag: [string, string]) => string): PickerOption[] {
    const found = new Set<string>();
    for (const { tags } of this.found()) for (const tag of Object.entries(tags)) found.add(of(tag));
    return [...found].sort().map((value) => ({ value }));
  }
}
