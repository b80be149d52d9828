import { computed, effect, inject, Injectable, signal, untracked } from '@angular/core';
import { Api, type ApiError } from './api';
import type { Agent, Pagination } from './api-types';
import { LiveChannel } from './live-channel';

/** News of agents come together on the screen this often: with a thousand agents there are hundreds a second. */
const SHOW_INTERVAL_MS = 500;
const PAGE = 1_000;
/** While the live channel is away, and now and then when it is not: who was deleted is not said there. */
const REFRESH_OFFLINE_MS = 15_000;
const REFRESH_LIVE_MS = 120_000;

/** All agents, kept up to date: read over REST, then by the live channel; by REST alone while that is away. */
@Injectable({ providedIn: 'root' })
export class AgentStore {
  private readonly api = inject(Api);
  private readonly live = inject(LiveChannel);
  private readonly byId = new Map<string, Agent>();
  private readonly shown = signal<readonly Agent[]>([]);
  private readonly failure = signal<ApiError | null>(null);
  private readonly loaded = signal(false);
  /** By id. */
  readonly agents = this.shown.asReadonly();
  /** False until the first answer has come: there may be agents, they are just not known yet. */
  readonly isLoaded = this.loaded.asReadonly();
  /** Why the last reading failed; null when it did not. */
  readonly error = this.failure.asReadonly();
  readonly connected = computed(() => this.shown().filter(({ status }) => status === 'connected').length);
  private showing: ReturnType<typeof setTimeout> | null = null;
  private refreshing: ReturnType<typeof setTimeout> | null = null;
  private reading: Promise<void> | null = null;

  constructor() {
    for (const type of ['agent_connected', 'agent_disconnected', 'agent_updated'] as const) {
      this.live.on(type, (agent) => {
        this.byId.set(agent.id, agent);
        this.showSoon();
      });
    }
    effect(() => {
      this.live.connections();
      this.live.isLive();
      untracked(() => void this.refresh());
    });
  }

  /** The agent as it is known now; changes as it changes. */
  find(id: () => string) {
    return computed(() => this.shown().find((agent) => agent.id === id()) ?? null);
  }

  /** Out of sight at once: it was deleted here. */
  remove(id: string): void {
    this.byId.delete(id);
    this.show();
  }

  /** Reads all agents; one reading at a time. Never throws: see `error`. */
  refresh(): Promise<void> {
    this.reading ??= this.read().finally(() => {
      this.reading = null;
      if (this.refreshing !== null) clearTimeout(this.refreshing);
      this.refreshing = setTimeout(() => void this.refresh(), this.live.isLive() ? REFRESH_LIVE_MS : REFRESH_OFFLINE_MS);
    });
    return this.reading;
  }

  private async read(): Promise<void> {
    try {
      const all: Agent[] = [];
      for (let more = true; more; ) {
        const page = await this.api.get<{ agents: Agent[]; pagination: Pagination }>('/agents', {
          status: 'all',
          sort: 'id',
          limit: PAGE,
          offset: all.length,
        });
        all.push(...page.agents);
        more = page.pagination.hasMore && page.agents.length > 0;
      }
      this.byId.clear();
      for (const agent of all) this.byId.set(agent.id, agent);
      this.failure.set(null);
      this.loaded.set(true);
      this.show();
    } catch (error) {
      this.failure.set(error as ApiError);
    }
  }

  private showSoon(): void {
    this.showing ??= setTimeout(() => this.show(), SHOW_INTERVAL_MS);
  }

  private show(): void {
    if (this.showing !== null) clearTimeout(this.showing);
    this.showing = null;
    this.shown.set([...this.byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
  }
}
