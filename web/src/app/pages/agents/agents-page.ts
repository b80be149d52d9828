import { ChangeDetectionStrategy, Component, computed, inject, input, linkedSignal, signal, untracked } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { type Params, Router, RouterLink } from '@angular/router';
import { ArrowDown, ArrowUp } from 'lucide';
import { AgentStore } from '../../core/agent-store';
import type { Agent } from '../../core/api-types';
import { formatCount } from '../../core/units';
import { addressSearch } from '../../shared/address-search';
import { Icon } from '../../shared/icon';
import { Notice } from '../../shared/notice';
import {
  type AgentQuery,
  BY_ID,
  COLUMNS,
  holdOrder,
  nextSort,
  optionsOf,
  PAGE_SIZES,
  pageOf,
  parsePage,
  parsePageSize,
  parseSort,
  selectAgents,
  type Sort,
  type SortKey,
  sortParam,
  USUAL_PAGE_SIZE,
} from './agent-query';
import { AgentsTable } from './agents-table';

/** The value of a choice that leaves everything in; the empty one stands for agents that have not said. */
const ANY = '*';

/**
 * All agents: filtered, searched, sorted and paged, live. What is looked at is in the address. While somebody points at the
 * rows or works in them they keep their places, and only what they say changes.
 */
@Component({
  selector: 'ccv-agents-page',
  imports: [RouterLink, MatButtonModule, Icon, Notice, AgentsTable],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './agents-page.html',
  styleUrl: './agents-page.scss',
})
export class AgentsPage {
  private readonly router = inject(Router);
  protected readonly store = inject(AgentStore);

  /** Of the address. */
  readonly status = input<string>();
  readonly provider = input<string>();
  readonly region = input<string>();
  readonly sort = input<string>();
  readonly page = input<string>();
  readonly size = input<string>();

  protected readonly searched = addressSearch({ page: null });
  protected readonly any = ANY;
  protected readonly columns = COLUMNS;
  protected readonly upIcon = ArrowUp;
  protected readonly downIcon = ArrowDown;
  protected readonly pageSizes = PAGE_SIZES;
  protected readonly count = formatCount;
  protected readonly query = computed<AgentQuery>(
    () => ({
      status: this.status() || null,
      provider: this.provider() ?? null,
      region: this.region() ?? null,
      search: this.searched.words(),
      sort: parseSort(this.sort()) ?? BY_ID,
    }),
    { equal: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  );
  protected readonly isFiltered = computed(() => {
    const { status, provider, region, search } = this.query();
    return status !== null || provider !== null || region !== null || search.trim() !== '';
  });
  protected readonly pageSize = computed(() => parsePageSize(this.size()));
  /** Somebody is at the rows: they must not move. */
  protected readonly isHeld = signal(false);

  private readonly selected = linkedSignal<{ agents: readonly Agent[]; query: AgentQuery; isHeld: boolean }, readonly Agent[]>({
    source: () => ({ agents: this.store.agents(), query: this.query(), isHeld: this.isHeld() }),
    computation: ({ agents, query, isHeld }, previous) =>
      isHeld && previous !== undefined && previous.source.query === query
        ? holdOrder(previous.value, agents, query)
        : selectAgents(agents, query),
  });
  protected readonly total = computed(() => this.selected().length);
  protected readonly shown = computed(() => pageOf(this.selected(), parsePage(this.page()), this.pageSize()));
  /** Said aloud when something else is looked at, not at every change of the fleet. */
  protected readonly announcement = computed(() => {
    this.query();
    if (!this.store.isLoaded()) return '';
    return untracked(() => `${formatCount(this.total())} of ${formatCount(this.store.agents().length)} agents`);
  });

  protected readonly statuses = computed(() =>
    withChosen(
      optionsOf(this.store.agents(), ({ status }) => status),
      this.query().status,
    ),
  );
  protected readonly providers = computed(() =>
    withChosen(
      optionsOf(this.store.agents(), ({ provider }) => provider),
      this.query().provider,
    ),
  );
  protected readonly regions = computed(() => {
    const { provider, region } = this.query();
    const agents = this.store.agents().filter((agent) => provider === null || agent.provider === provider);
    return withChosen(
      optionsOf(agents, (agent) => agent.region),
      region,
    );
  });

  protected choose(name: 'status' | 'provider' | 'region', value: string): void {
    const change: Params = { [name]: value === ANY ? null : value, page: null };
    // A region of another provider would leave nothing.
    if (name === 'provider') change['region'] = null;
    this.go(change);
  }

  protected order(sort: Sort): void {
    this.go({ sort: sortParam(sort), page: null });
  }

  protected orderBy(key: string): void {
    const sort = parseSort(key);
    if (sort !== null) this.turnOrder(sort.key);
  }

  /** To this column, or around where it is the one already. */
  protected turnOrder(key: SortKey): void {
    this.order(nextSort(this.query().sort, key));
  }

  protected resize(size: string): void {
    this.go({ size: parsePageSize(size) === USUAL_PAGE_SIZE ? null : size, page: null });
  }

  protected turnTo(page: number): void {
    this.go({ page: page === 1 ? null : page });
  }

  protected clear(): void {
    this.go({ status: null, provider: null, region: null, q: null, page: null });
  }

  private go(queryParams: Params): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge' });
  }
}

/** What was chosen stays among the choices, also while no agent has it. */
function withChosen(options: readonly { value: string; count: number }[], chosen: string | null): { value: string; count: number }[] {
  return chosen === null || options.some(({ value }) => value === chosen) ? [...options] : [...options, { value: chosen, count: 0 }];
}
