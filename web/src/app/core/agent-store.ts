import { computed, effect, inject, Injectable, signal, untracked } from '@angular/core';
import { Api, type ApiError } from './api';
import type { Agent, Pagination } from './api-types';
import { LiveChannel } from './live-channel';

/** News of agents come together on the screen this often: with a thousand agents there are hundreds a second. */
const SHOW_INTERVAL_MS = 500;
const PAGE = 1_000;
/** While the live channel is away or a reading failed, and now and then otherwise: who was deleted is not said there. */
const REFRESH_OFFLINE_MS = 15_000;
const REFRESH_LIVE_MS = 120_000;

/** All agents, kept up to date: read over REST, then by the live channel; by REST alone while that is away. */
@Injectable({ providedIn: 'root' })
export class AgentStore {
  private readonly api = inject(Api);
  private readonly live = inject(LiveChannel);
  private byId = new Map<string, Agent>();
  private readonly shown = signal<readonly Agent[]>([]);
  private readonly failure = signal<ApiError | null>(null);
  private readonly loaded = signal(false);
  /** By id. */
  readonly agents = this.shown.asReadonly();
  /** False until the first answer has come: there may be agents, they are just not known yet. */
  readonly isLoaded = this.loaded.asReadonly();
  /** Why the last reading failed; null when it did not, and while the frame around all pages says that the server is away. */
  readonly error = computed(() => (this.failure()?.status === 0 && this.loaded() && !this.live.isLive() ? null : this.failure()));
  readonly connected = computed(() => this.shown().filter(({ status }) => status === 'connected').length);
  private showing: ReturnType<typeof setTimeout> | null = null;
  private reading: Promise<void> | null = null;
  /** What a reading that is on its way brings may be older than what made somebody ask for it. */
  private mustReadAgain = false;
  /** Of whom something was heard while a list was on its way: that is newer than what the list says of them. */
  private readonly heardOf = new Set<string>();
  private readonly readings = signal(0);

  constructor() {
    for (const type of ['agent_connected', 'agent_disconnected', 'agent_updated'] as const) {
      this.live.on(type, (agent) => {
        this.byId.set(agent.id, agent);
        this.heardOf.add(agent.id);
        this.showSoon();
      });
    }
    document.addEventListener('visibilitychange', () => this.showSoon());
    effect(() => {
      this.live.comebacks();
      untracked(() => void this.refresh());
    });
    effect((onCleanup) => {
      this.readings();
      const isUpToDate = this.live.isLive() && this.failure() === null;
      const timer = setTimeout(() => void this.refresh(), isUpToDate ? REFRESH_LIVE_MS : REFRESH_OFFLINE_MS);
      onCleanup(() => clearTimeout(timer));
    });
  }

  /** The agent as it is known now; changes as it changes. */
  find(id: () => string) {
    return computed(() => this.shown().find((agent) => agent.id === id()) ?? null);
  }

  /** Out of sight at once: it was deleted here. */
  remove(id: string): void {
    this.byId.delete(id);
    this.heardOf.add(id);
    this.show();
  }

  /** Reads all agents; one reading at a time, and another one after it when asked meanwhile. Never throws: see `error`. */
  refresh(): Promise<void> {
    this.mustReadAgain = this.reading !== null;
    this.reading ??= this.readUntilNew().finally(() => {
      this.reading = null;
      this.readings.update((count) => count + 1);
    });
    return this.reading;
  }

  private async readUntilNew(): Promise<void> {
    do {
      this.mustReadAgain = false;
      await this.read();
    } while (this.mustReadAgain);
  }

  private async read(): Promise<void> {
    this.heardOf.clear();
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
      const read = new Map(all.map((agent) => [agent.id, agent]));
      for (const id of this.heardOf) {
        const agent = this.byId.get(id);
        if (agent === undefined) read.delete(id);
        else read.set(id, agent);
      }
      this.byId = read;
      this.failure.set(null);
      this.loaded.set(true);
      this.show();
    } catch (error) {
      this.failure.set(error as ApiError);
    }
  }

  /** Not while nobody looks: it is made up for when somebody does. */
  private showSoon(): void {
    if (document.visibilityState === 'visible') this.showing ??= setTimeout(() => this.show(), SHOW_INTERVAL_MS);
  }

  private show(): void {
    if (this.showing !== null) clearTimeout(this.showing);
    this.showing = null;
    this.shown.set([...this.byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
  }
}
