/**
 * From a checked batch to its acknowledgement: hands it to storage, counts what is waiting, and tells the sockets
 * when to stop reading and when to go on.
 *
 * What waits is bounded in batches, in bytes, and per agent. The processor itself never refuses a batch that was
 * read already; it says `saturated`, upon which sockets are paused (TCP pushes back on the agent) and HTTP pushes
 * are answered 503. It is saturated from the limit down to half of it, so that sockets are not flapping.
 * A batch resolves only when it is on disk; a failed append rejects with storage's error, and nothing is retried
 * here: the agent still has the batch.
 */
import type { Events } from '../model/event.js';
import { AppError } from '../model/errors.js';
import { monotonicMs } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { SelfMetrics } from '../runtime/self-metrics.js';
import type { MetricWriter } from '../storage/ports.js';
import type { AgentRecord } from './agent-record.js';
import type { AgentRegistry } from './agent-registry.js';
import { newestOfLate } from './late-batch.js';
import { liveSamples, settleAppended, settleFailed } from './metric-frame.js';
import type { DecodedBatch } from './metric-rows.js';
import type { RejectedMetric } from './rejections.js';

export interface QueueSettings {
  readonly queueBatches: number;
  readonly queueBytes: number;
  readonly agentQueueBatches: number;
}

export interface BatchProcessorDeps {
  readonly writer: MetricWriter;
  readonly registry: AgentRegistry;
  readonly bus: EventBus<Events>;
  readonly metrics: SelfMetrics;
  readonly settings: QueueSettings;
}

/** What the sender is told of a batch that is on disk. */
export interface BatchOutcome {
  readonly processed: number;
  readonly errors: number;
  readonly duplicate: boolean;
  readonly details: readonly RejectedMetric[];
}

const BATCH_OVERHEAD_BYTES = 512;
const SAMPLE_BYTES = 28;
const SERIES_OVERHEAD_BYTES = 64;
const REJECTION_OVERHEAD_BYTES = 64;

export class BatchProcessor {
  private readonly reliefListeners = new Set<() => void>();
  private batches = 0;
  private bytes = 0;
  private full = false;

  constructor(private readonly deps: BatchProcessorDeps) {}

  /** True while no more should be read: between the limit and half of it. */
  get saturated(): boolean {
    return this.full;
  }

  get queuedBatches(): number {
    return this.batches;
  }

  get queuedBytes(): number {
    return this.bytes;
  }

  /** True when this agent alone has as much waiting as it may. */
  agentSaturated(record: AgentRecord): boolean {
    return record.queuedBatches >= this.deps.settings.agentQueueBatches;
  }

  /** True when this agent's own queue has gone down far enough to read from it again. */
  agentRelieved(record: AgentRecord): boolean {
    return record.queuedBatches <= this.deps.settings.agentQueueBatches / 2;
  }

  /** Calls back whenever there is room again; the answer unsubscribes. */
  onRelief(listener: () => void): () => void {
    this.reliefListeners.add(listener);
    return () => this.reliefListeners.delete(listener);
  }

  /** For senders that cannot be paused. @throws AppError `overloaded` when there is no room */
  requireRoom(record: AgentRecord): void {
    if (!this.full && !this.agentSaturated(record)) return;
    this.deps.metrics.batches.inc({ outcome: 'refused' });
    throw new AppError('overloaded', 'More batches are waiting for the disk than may; send this one again later');
  }

  /**
   * Stores one batch. `arrivedMs` is the monotonic time at which it came.
   * @throws AppError as MetricWriter.append does; the batch is not stored then, as far as anybody knows
   */
  async submit(record: AgentRecord, decoded: DecodedBatch, arrivedMs: number): Promise<BatchOutcome> {
    const { writer, registry, bus, metrics } = this.deps;
    const { batch, rejections } = decoded;
    const dictionary = registry.dictionaryOf(record);
    const bytes = sizeOf(decoded);
    const lateMs = newestOfLate(batch);
    const settleLate = lateMs === null ? null : registry.noteLate(record, lateMs);
    this.enter(record, bytes);
    try {
      const result = await writer.append(batch);
      settleAppended(decoded, dictionary, result);
      settleLate?.(!result.duplicate);
      metrics.batches.inc(result.duplicate ? DUPLICATE : STORED);
      if (!result.duplicate) {
        metrics.samples.inc(result.processed);
        for (const [reason, count] of rejections.counts) metrics.rejected.inc({ reason }, count);
        registry.recordBatch(record, result.processed, result.errors, batch.clockSkewMs);
        if (result.processed > 0 && bus.hasListeners('samplesCommitted')) {
          bus.emit('samplesCommitted', {
            agentId: record.agent.id,
            receivedAtMs: batch.receivedAtMs,
            samples: () => liveSamples(decoded),
          });
        }
      }
      metrics.ackSeconds.observe((monotonicMs() - arrivedMs) / 1_000);
      return { processed: result.processed, errors: result.errors, duplicate: result.duplicate, details: rejections.details };
    } catch (error) {
      settleFailed(decoded, dictionary);
      // An answer may be lost behind the disk.
      settleLate?.(true);
      metrics.batches.inc(FAILED);
      throw error;
    } finally {
      this.leave(record, bytes);
    }
  }

  private enter(record: AgentRecord, bytes: number): void {
    this.batches++;
    this.bytes += bytes;
    record.queuedBatches++;
    const { queueBatches, queueBytes } = this.deps.settings;
    if (this.batches >= queueBatches || this.bytes >= queueBytes) this.full = true;
  }

  private leave(record: AgentRecord, bytes: number): void {
    this.batches--;
    this.bytes -= bytes;
    record.queuedBatches--;
    const { queueBatches, queueBytes } = this.deps.settings;
    if (this.full && this.batches <= queueBatches / 2 && this.bytes <= queueBytes / 2) {
      this.full = false;
      for (const listener of this.reliefListeners) listener();
    }
  }
}

const STORED = { outcome: 'stored' } as const;
const DUPLICATE = { outcome: 'duplicate' } as const;
const FAILED = { outcome: 'failed' } as const;

/** About what the batch holds in memory while it waits. */
function sizeOf({ batch, rejections }: DecodedBatch): number {
  let bytes = BATCH_OVERHEAD_BYTES + batch.seriesIds.length * SAMPLE_BYTES;
  for (const { name, tagsJson } of batch.newSeries) bytes += SERIES_OVERHEAD_BYTES + name.length + tagsJson.length;
  if (batch.objectValues !== null) for (const { json } of batch.objectValues) bytes += json.length;
  for (const { name, error } of rejections.details) bytes += REJECTION_OVERHEAD_BYTES + name.length + error.length;
  return bytes;
}
