import type { Part } from '../runtime/lifecycle.js';
import type { Logger } from '../runtime/logger.js';
import type { SelfMetrics } from '../runtime/self-metrics.js';
import type { AgentStore } from '../storage/ports.js';
import type { AlertStore, DeliveryStore } from '../storage/ports/alerts.js';
import type { TrustedTime } from './trusted-time.js';

export interface HousekeeperSettings {
  /** Of samples; of rollups of five minutes, and of an hour. */
  readonly retentionMs: number;
  readonly fiveMinuteRetentionMs: number;
  readonly oneHourRetentionMs: number;
  /** Of alerts that are over. */
  readonly alertHistoryMs: number;
  readonly cleanupIntervalMs: number;
  readonly batchMemoryMs: number;
}

/** What the housekeeper needs of the registry: deleting an agent everywhere at once. */
export interface AgentRemover {
  find(id: string): { readonly agentKey: number; readonly status: string } | null;
  remove(id: string): Promise<boolean>;
}

export interface HousekeeperDeps {
  readonly store: AgentStore;
  readonly alerts: Pick<AlertStore, 'purge'>;
  readonly deliveries: Pick<DeliveryStore, 'purge'>;
  readonly registry: AgentRemover;
  readonly settings: HousekeeperSettings;
  readonly time: TrustedTime;
  readonly metrics: SelfMetrics;
  readonly logger: Logger;
}

/** Pause between two slices of deletions, so that batches get their turn at the writer. */
const SLICE_PAUSE_MS = 5;
/** Alerts that are over, however young: a rule that goes on and off every minute makes more of them than anybody reads. */
const ALERT_HISTORY_LENGTH = 200_000;
/** How long notifications that are done are kept, and how many of each channel. */
const DELIVERY_LOG_MS = 30 * 86_400_000;
const DELIVERY_LOG_LENGTH = 1_000;

/**
 * Deletes what is past its time: samples beyond retention (which live on as rollups until those are, too), receipts, old
 * activities, agents that have neither been seen nor left anything, alerts that are over, notifications that are done, and what
 * deleted agents left behind. In slices; a failure is logged and tried again at the next round. While the clock is not to be
 * believed, nothing goes by its age.
 */
export class Housekeeper implements Part {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private stopped = false;

  constructor(private readonly deps: HousekeeperDeps) {}

  start(): void {
    this.stopped = false;
    this.deps.time.restart();
    this.timer = setInterval(() => void this.clean(), this.deps.settings.cleanupIntervalMs);
    this.timer.unref();
    void this.clean();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    await this.round;
  }

  /** Starts a round unless one is going on; resolves at its end. */
  clean(): Promise<void> {
    this.round ??= this.run()
      .catch((error: unknown) => this.deps.logger.warn('cleaning up failed; it is tried again at the next round', { error }))
      .finally(() => {
        this.round = null;
      });
    return this.round;
  }

  private async run(): Promise<void> {
    const nowMs = this.deps.time.nowMs();
    if (nowMs === null) this.deps.metrics.cleanupsSkipped.inc();
    else await this.expire(nowMs);
    await this.slices(() => this.deps.store.eraseDeleted());
  }

  private async expire(nowMs: number): Promise<void> {
    const { store, alerts, deliveries, settings } = this.deps;
    const beforeMs = nowMs - settings.retentionMs;
    const limits = {
      samplesBeforeMs: beforeMs,
      fiveMinutesBeforeMs: nowMs - settings.fiveMinuteRetentionMs,
      oneHourBeforeMs: nowMs - settings.oneHourRetentionMs,
      receiptsBeforeMs: nowMs - settings.batchMemoryMs,
      activitiesBeforeMs: beforeMs,
    };
    await this.slices(() => store.purge(limits));
    await this.slices(() => this.removeExpired(beforeMs));
    await this.slices(async () => (await alerts.purge(nowMs - settings.alertHistoryMs, ALERT_HISTORY_LENGTH)) > 0);
    await this.slices(async () => (await deliveries.purge(nowMs - DELIVERY_LOG_MS, DELIVERY_LOG_LENGTH)) > 0);
  }

  /** Removes one page of expired agents; true while there may be another. A crash loop breeds thousands in an hour. */
  private async removeExpired(beforeMs: number): Promise<boolean> {
    const { store, registry, logger } = this.deps;
    let removed = 0;
    for (const { id, agentKey } of await store.expired(beforeMs)) {
      const agent = registry.find(id);
      if (this.stopped || agent === null || agent.agentKey !== agentKey || agent.status !== 'disconnected') continue;
      logger.info('agent expired', { agentId: id });
      if (await registry.remove(id)) removed++;
    }
    return removed > 0;
  }

  private async slices(slice: () => Promise<boolean>): Promise<void> {
    while (!this.stopped && (await slice())) await new Promise((resolve) => setTimeout(resolve, SLICE_PAUSE_MS));
  }
}
