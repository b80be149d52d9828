import { computed, inject, Injectable, signal } from '@angular/core';
import { AgentStore } from '../../core/agent-store';
import { Api } from '../../core/api';
import type { Agent, Metric } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { formatCount } from '../../core/units';
import { type ExplorerState, NOTHING_CHOSEN } from './explorer-state';
import type { PickerOption } from '../../shared/picker';

const MAX_SERIES = 2_000;
const SEARCH_DELAY_MS = 200;
const MIN_SEARCH = 2;

/** What the fields of the explorer offer: from the agents there are, the metrics there are, and the series of those that are chosen. */
@Injectable()
export class Choices {
  private readonly api = inject(Api);
  private readonly store = inject(AgentStore);
  readonly state = signal<ExplorerState>(NOTHING_CHOSEN);
  private readonly words = signal('');
  private readonly chosen = computed(() => this.state().metrics, { equal: (a, b) => a.join('\n') === b.join('\n') });
  private typing: ReturnType<typeof setTimeout> | null = null;

  private readonly names = loadable({
    params: () => ({}),
    load: (_params, abort) => this.api.get<{ metricNames: { name: string; type: string }[] }>('/metrics/names', {}, abort),
  });
  private readonly found = loadable({
    params: () => (this.words().length < MIN_SEARCH ? undefined : this.words()),
    load: (q, abort) => this.api.get<{ results: { name: string; agent_count: number }[] }>('/metrics/search', { q, limit: 200 }, abort),
    keepsValue: true,
  });
  private readonly series = loadable({
    params: () => (this.chosen().length === 0 ? undefined : this.chosen()),
    load: (metricName, abort) => this.api.get<{ series: Metric[] }>('/metrics/series', { metricName, limit: MAX_SERIES }, abort),
  });

  readonly isLoadingMetrics = computed(() => this.names.isLoading() || this.found.isLoading());
  readonly error = computed(() => this.names.error());
  /** That there is none at all is known. */
  readonly isEmpty = computed(() => this.names.value()?.metricNames.length === 0);
  readonly metrics = computed<PickerOption[]>(() => {
    const agents = new Map<string, number>();
    for (const { name, agent_count } of this.found.value()?.results ?? []) agents.set(name, Math.max(agents.get(name) ?? 0, agent_count));
    const types = new Map<string, string>();
    for (const { name, type } of this.names.value()?.metricNames ?? []) types.set(name, type);
    const names = [...new Set([...types.keys(), ...agents.keys()])].sort();
    return names.map((value) => {
      const count = agents.get(value);
      return {
        value,
        hint: [types.get(value), count === undefined ? '' : `${formatCount(count)} agents`].filter((part) => part).join(' · '),
      };
    });
  });
  readonly agents = computed<PickerOption[]>(() =>
    this.store
      .agents()
      .map(({ id, provider, region }) => ({ value: id, hint: [provider, region].filter((part) => part !== '').join(' · ') })),
  );
  readonly providers = computed(() => this.counted(({ provider }) => provider));
  readonly regions = computed(() => this.counted(({ region }) => region));
  readonly tags = computed<PickerOption[]>(() => this.tagged(([key, value]) => `${key}:${value}`));
  readonly tagKeys = computed(() => this.tagged(([key]) => key).map(({ value }) => value));
  readonly isLoadingTags = this.series.isLoading;

  reload(): void {
    this.names.reload();
  }

  /** Looks for metrics by these words, when nothing more is typed for a moment. */
  search(words: string): void {
    if (this.typing !== null) clearTimeout(this.typing);
    // The server looks for one piece of text; all words must be in what is offered of it.
    const longest = words.split(/\s+/).reduce((a, b) => (b.length > a.length ? b : a), '');
    this.typing = setTimeout(() => this.words.set(longest), SEARCH_DELAY_MS);
  }

  private counted(of: (agent: Agent) => string): PickerOption[] {
    const counts = new Map<string, number>();
    for (const agent of this.store.agents()) if (of(agent) !== '') counts.set(of(agent), (counts.get(of(agent)) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, count]) => ({ value, hint: `${formatCount(count)} agents` }));
  }

  private tagged(of: (tag: [string, string]) => string): PickerOption[] {
    const found = new Set<string>();
    for (const { tags } of this.series.value()?.series ?? []) for (const tag of Object.entries(tags)) found.add(of(tag));
    return [...found].sort().map((value) => ({ value }));
  }
}
