import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { AgentStore } from '../../core/agent-store';
import { Api } from '../../core/api';
import { loadable } from '../../core/loadable';
import { formatCount, formatValue } from '../../core/units';
import { Notice } from '../../shared/notice';
import { Status } from '../../shared/status';
import { ActivityFeed } from './activity-feed';
import { attentionOf, countTroubled } from './attention';
import { AttentionList } from './attention-list';
import { FiringLine } from './firing-line';
import { FirstAgent } from './first-agent';
import { FleetBars } from './fleet-bars';
import { countBy, countByStatus } from './fleet-counts';
import { type Health, healthNow, ingestRate } from './health-words';
import { refreshLive } from './live-refresh';
import { NetworkCharts } from './network-charts';

const HEALTH_REFRESH_MS = 5_000;
/** Also when nothing comes in: that nothing does is news too. */
const HEALTH_FALLBACK_MS = 15_000;

/** The whole fleet at a glance: what is wrong first, then how many there are, how the network does and what happened. */
@Component({
  selector: 'ccv-overview-page',
  imports: [RouterLink, Notice, Status, ActivityFeed, AttentionList, FiringLine, FirstAgent, FleetBars, NetworkCharts],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './overview-page.html',
  styleUrl: './overview-page.scss',
})
export class OverviewPage {
  private readonly api = inject(Api);
  protected readonly store = inject(AgentStore);
  /** Live news that come before the first answer are a part of the fleet: its counts would be wrong. */
  private readonly agents = computed(() => (this.store.isLoaded() ? this.store.agents() : []));
  protected readonly health = loadable({
    params: () => ({}),
    load: (_params, abort) => this.api.get<Health>('/dashboard/health', {}, abort),
    refreshMs: HEALTH_FALLBACK_MS,
    keepsValue: true,
  });
  protected readonly view = computed(() => {
    if (this.store.isLoaded()) return this.store.agents().length === 0 ? 'empty' : 'fleet';
    return this.store.error() === null ? 'loading' : 'error';
  });
  protected readonly refreshError = computed(() => this.store.error() ?? this.health.error());
  private readonly counts = computed(() => countByStatus(this.agents()));
  protected readonly statuses = computed(() => {
    const counts = this.counts();
    return [
      { status: 'connected', label: 'Connected', count: counts.connected, mark: 'connected' },
      { status: 'disconnected', label: 'Disconnected', count: counts.disconnected, mark: counts.disconnected > 0 ? 'error' : 'none' },
      { status: 'error', label: 'In error', count: counts.error, mark: counts.error > 0 ? 'error' : 'none' },
    ];
  });
  protected readonly providers = computed(() => countBy(this.agents(), 'provider'));
  protected readonly regions = computed(() => countBy(this.agents(), 'region'));
  protected readonly attention = computed(() => attentionOf(this.agents(), this.health.value()?.issues.recentErrors ?? []));
  protected readonly troubled = computed(() => {
    const count = countTroubled(this.attention());
    return count === 0 ? '' : count === 1 ? 'one agent' : `${formatCount(count)} agents`;
  });
  protected readonly count = formatCount;
  protected readonly tiles = computed(() => {
    const health = this.health.value();
    const agents = this.store.agents().length;
    const now = health === undefined ? undefined : healthNow(health, this.counts().disconnected, agents);
    return {
      score: health === undefined ? '–' : String(Math.floor(health.healthScore * 10) / 10),
      status: now?.status ?? 'unknown',
      words: now?.words ?? 'Not known yet',
      why: now?.why ?? '',
      connected: formatCount(this.store.connected()),
      agents: formatCount(agents),
      rate: formatValue(health === undefined ? null : ingestRate(health), null),
      sending: health === undefined ? '' : `from ${formatCount(health.metrics.active_agents_5m)} agents`,
    };
  });

  constructor() {
    refreshLive(
      () => HEALTH_REFRESH_MS,
      () => {
        if (!this.health.isLoading()) this.health.reload();
      },
    );
  }

  protected retry(): void {
    void this.store.refresh();
    this.health.reload();
  }
}
