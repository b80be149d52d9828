/**
 * Agents and scripts that push over HTTP: the older agent's two calls, and the WebSocket's `metrics` object in a
 * POST. Both end in the same decoder, queue and storage as the sockets; the answer is given when the batch is on
 * disk. A sender that cannot be paused is answered `overloaded` (503 with Retry-After) when the queue is full.
 */
import { agentIdProblem } from '../model/agent.js';
import { type Clock, monotonicMs } from '../runtime/clock.js';
import type { AgentRecord } from './agent-record.js';
import type { AgentRegistry } from './agent-registry.js';
import type { BatchOutcome, BatchProcessor } from './batch-processor.js';
import { httpAgentMetrics } from './http-agent-metrics.js';
import { type BatchEnvelope, invalid, readBatchEnvelope, readBatchId, readHttpRegistration, readLocation } from './messages.js';
import { isPlainObject, type RawMetric, shown } from './metric-checks.js';
import type { MetricFrameDecoder } from './metric-frame.js';
import type { RejectedMetric } from './rejections.js';

export interface HttpPushDeps {
  readonly registry: AgentRegistry;
  readonly processor: BatchProcessor;
  readonly decoder: MetricFrameDecoder;
  readonly clock: Clock;
  readonly maxMetricsPerBatch: number;
}

/** The answer in its wire form. */
export interface PushAnswer {
  readonly success: boolean;
  readonly message: string;
  readonly agentId: string;
  readonly processed?: number;
  readonly errors?: number;
  readonly batch_id?: string;
  readonly duplicate?: true;
  readonly details?: readonly RejectedMetric[];
}

type Body = Readonly<Record<string, unknown>>;

export class HttpPush {
  constructor(private readonly deps: HttpPushDeps) {}

  /** `POST /agents/register`. @throws AppError `validation_failed`, `overloaded`, or of storage */
  async register(body: unknown): Promise<PushAnswer> {
    const { registry } = this.deps;
    const fields = requireBody(body);
    const id = requireAgentId(fields, 'id');
    const { description, dropped } = readHttpRegistration(id, fields);
    const record = await registry.describe(description);
    registry.pushed(record, false);
    await registry.reportDropped(record, dropped);
    registry.registered(record);
    return { success: true, message: 'Agent registered', agentId: id };
  }

  /** `POST /metrics`, in either shape. @throws AppError `validation_failed`, `overloaded`, or of storage */
  async push(body: unknown): Promise<PushAnswer> {
    const fields = requireBody(body);
    const arrivedMs = monotonicMs();
    const id = requireAgentId(fields, 'agent_id');
    return fields.metrics === undefined ? this.pushCycle(id, fields, arrivedMs) : this.pushBatch(id, fields, arrivedMs);
  }

  /** The `metrics` object as it also comes over WebSocket. */
  private async pushBatch(id: string, fields: Body, arrivedMs: number): Promise<PushAnswer> {
    const envelope = readBatchEnvelope(fields, this.deps.maxMetricsPerBatch);
    const record = await this.deps.registry.describe(readLocation(id, envelope.location || {}));
    const outcome = await this.store(record, envelope, arrivedMs);
    const { processed, errors, duplicate, details } = outcome;
    return {
      success: processed > 0 || errors === 0,
      message: `${processed} stored, ${errors} rejected`,
      agentId: id,
      processed,
      errors,
      ...(envelope.batchId === null ? {} : { batch_id: envelope.batchId }),
      ...(duplicate ? { duplicate: true } : {}),
      ...(details.length === 0 ? {} : { details }),
    };
  }

  /** One collection cycle of the older agent. */
  private async pushCycle(id: string, fields: Body, arrivedMs: number): Promise<PushAnswer> {
    const metrics: readonly RawMetric[] = httpAgentMetrics(fields, this.deps.maxMetricsPerBatch);
    const record = await this.deps.registry.describe(readHttpRegistration(id, fields).description);
    const envelope = { batchId: readBatchId(fields), seq: null, timestamp: fields.timestamp, location: null, metrics };
    const { processed, errors } = await this.store(record, envelope, arrivedMs);
    return { success: true, message: `${processed} metrics stored, ${errors} rejected`, agentId: id };
  }

  private store(record: AgentRecord, envelope: BatchEnvelope, arrivedMs: number): Promise<BatchOutcome> {
    const { registry, processor, decoder, clock } = this.deps;
    processor.requireRoom(record);
    registry.pushed(record, true);
    const { batchId, seq, timestamp, metrics } = envelope;
    if (metrics.length === 0 && batchId === null && seq === null) return Promise.resolve(NOTHING_STORED);
    const frame = { agentKey: record.agent.agentKey, batchId, seq, receivedAtMs: clock.nowMs(), timestamp };
    const decoded = decoder.decode(registry.dictionaryOf(record), metrics, frame);
    return processor.submit(record, decoded, arrivedMs);
  }
}

const NOTHING_STORED: BatchOutcome = { processed: 0, errors: 0, duplicate: false, details: [] };

function requireBody(body: unknown): Body {
  if (!isPlainObject(body)) throw invalid('body', `The body must be a JSON object (it is ${shown(body)})`, body);
  return body;
}

/** The older agent registers under `id` and pushes under `agent_id`; whichever is there counts. */
function requireAgentId(fields: Body, name: 'id' | 'agent_id'): string {
  const others = fields.agent_id ?? fields.agentId;
  const id = name === 'id' ? (fields.id ?? others) : (others ?? fields.id);
  const problem = agentIdProblem(id);
  if (problem !== null) throw invalid(name, problem.replace('agent_id', name), id);
  return id as string;
}
