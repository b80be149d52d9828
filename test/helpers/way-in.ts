import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentRegistry } from '../../src/ingest/agent-registry.js';
import { AgentSockets, type AgentSocketSettings } from '../../src/ingest/agent-socket.js';
import { BatchProcessor, type QueueSettings } from '../../src/ingest/batch-processor.js';
import { HttpPush } from '../../src/ingest/http-push.js';
import type { MetricLimits } from '../../src/ingest/metric-checks.js';
import { MetricFrameDecoder } from '../../src/ingest/metric-frame.js';
import { KnownFrameReader } from '../../src/ingest/templates/known-frame-reader.js';
import type { Events } from '../../src/model/event.js';
import { systemClock } from '../../src/runtime/clock.js';
import { EventBus } from '../../src/runtime/event-bus.js';
import { silentLogger } from '../../src/runtime/logger.js';
import { SelfMetrics } from '../../src/runtime/self-metrics.js';
import { MemoryActivityStore, MemoryAgentStore, MemoryWriter } from './memory-storage.js';

const RETENTION_MS = 3_650 * 86_400_000;

export const LIMITS: MetricLimits = {
  maxMetricsPerBatch: 200,
  maxTagsPerMetric: 4,
  maxTagLength: 64,
  maxTagsLength: 256,
  maxNameLength: 64,
  maxObjectValueBytes: 256,
};

export interface WayInOptions {
  readonly sockets?: Partial<AgentSocketSettings>;
  readonly queue?: Partial<QueueSettings>;
  readonly maxAgents?: number;
  readonly monotonic?: () => number;
  readonly agents?: MemoryAgentStore;
}

/** The whole way in over storage in memory, wired as the app does it; sockets listen only after `listen`. */
export class WayIn {
  readonly writer = new MemoryWriter();
  readonly agents: MemoryAgentStore;
  readonly activities = new MemoryActivityStore();
  readonly bus = new EventBus<Events>(silentLogger);
  readonly metrics = new SelfMetrics();
  readonly decoder = new MetricFrameDecoder(LIMITS, RETENTION_MS);
  readonly registry: AgentRegistry;
  readonly processor: BatchProcessor;
  readonly sockets: AgentSockets;
  readonly push: HttpPush;
  private readonly server = createServer();

  constructor(options: WayInOptions = {}) {
    const { writer, activities, bus, metrics, decoder } = this;
    const { maxMetricsPerBatch } = LIMITS;
    this.agents = options.agents ?? new MemoryAgentStore();
    this.registry = new AgentRegistry({
      agents: this.agents,
      activities,
      bus,
      clock: systemClock,
      logger: silentLogger,
      settings: { maxAgents: options.maxAgents ?? 1_000, retentionMs: RETENTION_MS },
      ...(options.monotonic === undefined ? {} : { monotonic: options.monotonic }),
    });
    const { registry } = this;
    const queue = { queueBatches: 100, queueBytes: 1_000_000, agentQueueBatches: 50, ...options.queue };
    this.processor = new BatchProcessor({ writer, registry, bus, metrics, settings: queue });
    const { processor } = this;
    this.sockets = new AgentSockets({
      registry,
      processor,
      decoder,
      knownFrames: new KnownFrameReader(decoder, maxMetricsPerBatch),
      bus,
      clock: systemClock,
      metrics,
      logger: silentLogger,
      maxMetricsPerBatch,
      version: '9.9.9',
      settings: { heartbeatIntervalMs: 30_000, connectionTimeoutMs: 60_000, maxMessageBytes: 100_000, ...options.sockets },
    });
    this.push = new HttpPush({ registry, processor, decoder, clock: systemClock, maxMetricsPerBatch });
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<this> {
    await this.registry.start();
    this.sockets.start();
    this.server.on('upgrade', (request, socket, head) => {
      this.sockets.accept(request, socket, head, new URL(request.url ?? '/', 'http://server'));
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    await this.sockets.stop();
    await this.registry.stop();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The next announcement of this kind that `accepts` takes. */
  nextEvent<K extends keyof Events>(type: K, accepts: (payload: Events[K]) => boolean = () => true): Promise<Events[K]> {
    return new Promise((resolve) => {
      const unsubscribe = this.bus.on(type, (payload) => {
        if (!accepts(payload)) return;
        unsubscribe();
        resolve(payload);
      });
    });
  }

  /** The value of a self metric with these labels. */
  async counted(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const metric = await this.metrics.registry.getSingleMetric(name)?.get();
    const found = metric?.values.filter(({ labels: own }) =>
      Object.entries(labels).every(([key, value]) => (own as Record<string, unknown>)[key] === value),
    );
    return found?.reduce((sum, { value }) => sum + value, 0) ?? 0;
  }
}
