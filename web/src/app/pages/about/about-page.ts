import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { Api } from '../../core/api';
import { Clock } from '../../core/clock';
import { loadable } from '../../core/loadable';
import { formatCount, formatDuration, formatValue } from '../../core/units';
import { addressSearch } from '../../shared/address-search';
import { Notice } from '../../shared/notice';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { findMetrics, parseExposition } from './exposition';

interface Info {
  readonly service: string;
  readonly version: string;
  readonly endpoints: Readonly<Record<string, string>>;
}

interface Health {
  readonly status: string;
  readonly version: string;
  readonly uptime: number;
  readonly checks: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
}

interface Tier {
  readonly tier: string;
  readonly retention_days: number;
  readonly units: number;
  readonly samples: number;
  readonly bytes: number;
  readonly oldest: string | null;
  readonly newest: string | null;
}

interface Storage {
  readonly tiers: readonly Tier[];
  readonly log: { readonly batches: number; readonly bytes: number };
  readonly series: number;
  readonly database_bytes: number;
}

const REFRESH_MS = 15_000;
const TIER_NAMES: Readonly<Record<string, string>> = { raw: 'Samples', '5m': 'Rollups of 5 minutes', '1h': 'Rollups of an hour' };

/** What this server is, how it is, what it stores, and its own figures. */
@Component({
  selector: 'ccv-about-page',
  imports: [Notice, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './about-page.html',
  styleUrl: './about-page.scss',
})
export class AboutPage {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  protected readonly info = loadable({ params: () => ({}), load: (_, signal) => this.api.get<Info>('/info', {}, signal) });
  protected readonly health = loadable({
    params: () => ({}),
    load: async (_, signal) => {
      const health = JSON.parse(await this.api.text('/health', signal)) as Health;
      return { ...health, startedMs: this.clock.now() - health.uptime * 1_000 };
    },
    refreshMs: REFRESH_MS,
  });
  protected readonly storage = loadable({
    params: () => ({}),
    // The range is for the other half of the answer: the shortest costs least.
    load: async (_, signal) => (await this.api.get<{ storage: Storage }>('/metrics/stats', { timeRange: '1m' }, signal)).storage,
    refreshMs: REFRESH_MS,
  });
  protected readonly figures = loadable({
    params: () => ({}),
    load: async (_, signal) => parseExposition(await this.api.text('/metrics', signal)),
    refreshMs: REFRESH_MS,
  });
  protected readonly searched = addressSearch();
  protected readonly found = computed(() => findMetrics(this.figures.value() ?? [], this.searched.words()));
  protected readonly uptime = computed(() => {
    const health = this.health.value();
    return health === undefined ? '–' : formatDuration(this.clock.nowMs() - health.startedMs);
  });
  protected readonly checks = computed(() =>
    Object.entries(this.health.value()?.checks ?? {}).map(([name, check]) => ({
      name,
      status: String(check['status']),
      details: Object.entries(check)
        .filter(([key]) => key !== 'status')
        .map(([key, value]) => `${key.replaceAll('_', ' ')}: ${value}`)
        .join(', '),
    })),
  );
  protected readonly endpoints = computed(() => Object.entries(this.info.value()?.endpoints ?? {}));

  protected readonly count = formatCount;

  protected bytes(value: number): string {
    return formatValue(value, 'bytes');
  }

  protected tierName(tier: string): string {
    return TIER_NAMES[tier] ?? tier;
  }

  protected perSample({ bytes, samples }: Tier): string {
    return samples === 0 ? '–' : `${(bytes / samples).toFixed(2)} B`;
  }

  /** As the server wrote it: figures of a machine are compared digit by digit. */
  protected figure(value: number): string {
    return Number.isInteger(value) ? formatCount(value) : String(value);
  }
}
