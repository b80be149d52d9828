/**
 * One agent's WebSocket after the upgrade: frames in, answers out.
 *
 * What needs storage first (the agent itself, a registration) holds back the frames behind it; batches are acknowledged in
 * order, each when it is on disk. A frame that makes no sense is answered with an `error` frame and changes nothing else; too
 * many of them end the connection. When the socket is read, and when not, is AgentFlow's business.
 *
 * Ten thousand of these are idle most of the time: no timers and no closures of its own, only fields.
 */
import type { WebSocket } from 'ws';
import { isAppError } from '../model/errors.js';
import type { Events } from '../model/event.js';
import { isoTime } from '../model/iso-time.js';
import { type Clock, monotonicMs } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { Logger } from '../runtime/logger.js';
import type { AgentDescription } from '../storage/ports.js';
import { AgentFlow, type FlowContext, type FlowOwner } from './agent-flow.js';
import { ackText, type AgentFrame, batchIdOf, failureText, frameText, isRetryable, parseFrame } from './agent-frames.js';
import type { AgentLink, AgentRecord } from './agent-record.js';
import type { AgentRegistry } from './agent-registry.js';
import { END_TEXTS, type EndReason } from './end-reason.js';
import {
  type BatchEnvelope,
  mayMove,
  readBatchEnvelope,
  readCommandResult,
  readConfigStatus,
  readLocation,
  readRegistration,
  readStatus,
} from './messages.js';
import type { MetricFrameDecoder } from './metric-frame.js';
import type { DecodedBatch } from './metric-rows.js';
import { type Answer, OrderedAnswers } from './ordered-answers.js';
import { PerMinute } from './per-minute.js';
import type { KnownFrameReader } from './templates/known-frame-reader.js';

/** What all connections share. */
export interface ConnectionContext extends FlowContext {
  readonly registry: AgentRegistry;
  readonly decoder: MetricFrameDecoder;
  /** Reads most batches without JSON.parse; null when that is switched off. */
  readonly knownFrames: KnownFrameReader | null;
  readonly bus: EventBus<Events>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeatIntervalMs: number;
  readonly connectionTimeoutMs: number;
  readonly maxMetricsPerBatch: number;
  readonly version: string;
}

const FEATURES = ['metrics_ack', 'batch_id', 'config_update', 'command'];
const BAD_FRAMES_PER_MINUTE = 100;
/** Reports (of configurations and commands) cost a write each; further ones of the minute are refused. */
const REPORTS_PER_MINUTE = 120;

export class AgentConnection implements AgentLink, FlowOwner {
  record: AgentRecord | null = null;
  closing = false;
  ended = false;
  /** Monotonic. */
  private lastPingMs = monotonicMs();
  private readonly answers: OrderedAnswers;
  private readonly flow: AgentFlow;
  private readonly badFrames = new PerMinute();
  private readonly reports = new PerMinute();
  private endReason: EndReason | null = null;

  constructor(
    private readonly socket: WebSocket,
    private readonly description: AgentDescription,
    private readonly context: ConnectionContext,
  ) {
    this.answers = new OrderedAnswers(socket);
    this.flow = new AgentFlow(this, socket, this.answers, context);
  }

  /** Greets the agent and makes it known. */
  open(): void {
    this.send('welcome', {
      agentId: this.description.id,
      timestamp: this.now(),
      serverInfo: { version: this.context.version, features: FEATURES },
    });
    void this.holdingBack(() => this.identify());
  }

  send(type: string, data: object): boolean {
    return !this.closing && this.answers.send(this.frameText(type, data));
  }

  close(code: number, reason: string): void {
    if (this.closing || this.ended) return;
    this.closing = true;
    if (code === 1000) this.endReason ??= 'deleted';
    if (code === 1001) this.endReason ??= 'shutdown';
    // The other side's close frame must still be read.
    this.socket.resume();
    this.socket.close(code, reason);
  }

  /** Stops reading; resolves when all that was read is answered. */
  drain(): Promise<void> {
    return this.flow.drain();
  }

  /** One message arrived. */
  receive(data: Buffer, isBinary: boolean): void {
    if (this.closing) return;
    const arrivedMs = monotonicMs();
    this.flow.lastHeardMs = arrivedMs;
    if (isBinary) this.refuse('unsupported', 'Frames must be text, not binary');
    else this.flow.receive(data, arrivedMs);
  }

  /** A WebSocket ping or pong arrived: the agent lives. */
  signOfLife(): void {
    this.flow.lastHeardMs = monotonicMs();
    if (this.record !== null && !this.closing) this.context.registry.heard(this.record, 0);
    this.flow.pauseIfUnread();
  }

  /** The protocol was broken; ws closes the socket by itself. */
  failed(error: Error & { code?: string }): void {
    const tooLong = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const isProtocol = error.code?.startsWith('WS_ERR_') === true;
    this.endReason ??= tooLong ? 'too_long' : isProtocol ? 'protocol_error' : 'lost';
    if (isProtocol) this.context.metrics.badFrames.inc({ reason: this.endReason });
    this.context.logger.debug('agent socket failed', { agentId: this.description.id, error });
  }

  /** The socket is closed. What came before that is still handled. */
  closed(code: number): void {
    this.ended = true;
    this.flow.ended();
    const reason = this.endReason ?? (code === 1006 ? 'lost' : 'closed');
    this.context.metrics.connectionsClosed.inc({ reason });
    if (this.record !== null) this.context.registry.detach(this.record, this, END_TEXTS[reason], reason === 'shutdown');
  }

  /** Pings when it is time, and ends a connection that has been silent for too long. Called by the shared sweep. */
  sweep(nowMs: number): void {
    if (this.closing) return;
    const { flow } = this;
    const { heartbeatIntervalMs, connectionTimeoutMs } = this.context;
    if (this.record?.deleted === true) return this.close(1000, 'agent deleted');
    const { isUnread } = flow;
    if (flow.isPaused) {
      flow.resumeIfRoom();
      if (isUnread && nowMs - flow.lastHeardMs > connectionTimeoutMs) return this.cut('slow_reader');
    } else if (nowMs - flow.lastHeardMs > connectionTimeoutMs) {
      return this.cut('silent');
    }
    if (!isUnread && nowMs - this.lastPingMs >= heartbeatIntervalMs) {
      this.lastPingMs = nowMs;
      this.send('ping', { timestamp: this.now() });
    }
  }

  /** Handles a frame whose turn it is. */
  handle(data: Buffer, arrivedMs: number): void {
    if (this.takeKnownBatch(data, arrivedMs)) return;
    const frame = parseFrame(data.toString(), arrivedMs);
    if ('code' in frame) return this.refuse(frame.code, frame.message);
    this.context.metrics.frames.inc({ type: frame.type });
    if (this.record !== null) return this.dispatch(this.record, frame);
    void this.holdingBack(async () => this.dispatch(await this.identify(), frame), frame);
  }

  private dispatch(record: AgentRecord, frame: AgentFrame): void {
    const { registry } = this.context;
    if (record.deleted) return this.close(1000, 'agent deleted');
    this.hear(record);
    if (frame.type === 'metrics') return this.takeBatch(record, frame);
    try {
      switch (frame.type) {
        case 'registration':
          return this.register(record, frame.data);
        case 'status':
          return registry.reportHealth(record, readStatus(frame.data));
        case 'config_status':
          if (this.tooManyReports()) return;
          return this.context.bus.emit('configStatusReported', { agent: record.agent, ...readConfigStatus(frame.data) });
        case 'command_result':
          if (this.tooManyReports()) return;
          return this.context.bus.emit('commandResultReported', { agent: record.agent, ...readCommandResult(frame.data) });
        case 'pong':
          return;
      }
    } catch (error) {
      this.answerFailure(error);
    }
  }

  private hear(record: AgentRecord): void {
    const { registry } = this.context;
    if (record.link === null && !this.ended) registry.attach(record, this);
    registry.heard(record);
  }

  /** Makes the agent known under the socket's id, and takes it over unless the socket is closed already. */
  private async identify(): Promise<AgentRecord> {
    const record = await this.context.registry.describe(this.description);
    this.record = record;
    if (!this.ended && !this.closing) this.context.registry.attach(record, this);
    return record;
  }

  private register(record: AgentRecord, data: AgentFrame['data']): void {
    const { registry } = this.context;
    const { description, dropped } = readRegistration(record.agent.id, data);
    void this.holdingBack(async () => {
      this.record = await registry.describe(description);
      // Before the acknowledgement, upon which the agent forgets it.
      await registry.reportDropped(this.record, dropped);
      this.send('registration_ack', { status: 'success', agentId: description.id, timestamp: this.now() });
      registry.registered(this.record);
    });
  }

  /** Takes a batch of metrics that have the form they had before. False when it is to be read as any other frame. */
  private takeKnownBatch(data: Buffer, arrivedMs: number): boolean {
    const { record } = this;
    const { knownFrames, registry, clock, metrics } = this.context;
    if (knownFrames === null || record === null || record.deleted) return false;
    const batch = knownFrames.read(data, registry.dictionaryOf(record), record.agent.agentKey, clock.nowMs());
    if (batch === null) return false;
    metrics.frames.inc(METRICS);
    this.hear(record);
    this.store(record, batch.decoded, batch.location, arrivedMs);
    return true;
  }

  private takeBatch(record: AgentRecord, { data, arrivedMs }: AgentFrame): void {
    const { registry, decoder, clock, maxMetricsPerBatch } = this.context;
    let envelope: BatchEnvelope;
    try {
      envelope = readBatchEnvelope(data, maxMetricsPerBatch);
    } catch (error) {
      return this.answerFailure(error, { batch_id: batchIdOf(data), retryable: false });
    }
    const { metrics, batchId, seq, timestamp, location } = envelope;
    if (metrics.length === 0 && batchId === null && seq === null) {
      return this.answer(this.frameText('metrics_ack', { processed: 0, errors: 0, timestamp: this.now() }));
    }
    const frame = { agentKey: record.agent.agentKey, batchId, seq, receivedAtMs: clock.nowMs(), timestamp };
    this.store(record, decoder.decode(registry.dictionaryOf(record), metrics, frame), location, arrivedMs);
  }

  /** Hands a batch on; it is acknowledged when it is on disk. */
  private store(record: AgentRecord, decoded: DecodedBatch, location: unknown, arrivedMs: number): void {
    const { processor } = this.context;
    const { batchId } = decoded.batch;
    if (mayMove(record.agent, location)) this.move(location);
    const answer = this.answers.reserve();
    processor.submit(record, decoded, arrivedMs).then(
      (outcome) => this.batchEnded(answer, ackText(batchId, outcome, this.now())),
      (error: unknown) =>
        this.batchEnded(answer, this.failureText(error, { batch_id: batchId ?? undefined, retryable: isRetryable(error) })),
    );
    this.flow.pauseIfFull(record);
  }

  private batchEnded(answer: Answer, text: string): void {
    this.answers.fill(answer, text);
    this.flow.madeProgress();
  }

  /** A location that came with metrics is news now and then; nobody waits for it. */
  private move(location: unknown): void {
    const { registry, logger } = this.context;
    try {
      registry.describe(readLocation(this.description.id, location)).catch((error: unknown) => {
        logger.debug('location not stored', { agentId: this.description.id, error });
      });
    } catch (error) {
      logger.debug('location of a batch ignored', { agentId: this.description.id, error });
    }
  }

  /** Runs something that the frames behind must wait for. What it throws is told to the agent. */
  private holdingBack(work: () => Promise<unknown>, frame?: AgentFrame): Promise<void> {
    return this.flow.holdBack(async () => {
      try {
        await work();
      } catch (error) {
        const batch = frame?.type === 'metrics' ? { batch_id: batchIdOf(frame.data) } : {};
        this.answerFailure(error, { ...batch, retryable: isRetryable(error) });
      }
    });
  }

  /** Answers a frame that makes no sense, and ends the connection when they keep coming. */
  private refuse(code: string, message: string, more: object = {}): void {
    this.context.metrics.badFrames.inc({ reason: code });
    this.answer(this.frameText('error', { message, code, timestamp: this.now(), ...more }));
    if (this.badFrames.add(monotonicMs()) <= BAD_FRAMES_PER_MINUTE) return;
    this.endReason = 'too_many_bad_frames';
    this.close(1008, 'too many bad frames');
  }

  /** Answers a report that is one too many. It may be in order, so that it does not count towards the end of the connection. */
  private tooManyReports(): boolean {
    if (this.reports.add(monotonicMs()) <= REPORTS_PER_MINUTE) return false;
    this.context.metrics.badFrames.inc({ reason: 'rate_limited' });
    const message = `More than ${REPORTS_PER_MINUTE} reports within a minute; this one was not recorded`;
    this.answer(this.frameText('error', { message, code: 'rate_limited', timestamp: this.now() }));
    return true;
  }

  private answerFailure(error: unknown, more: object = {}): void {
    if (isAppError(error) && error.code === 'validation_failed') this.refuse(error.code, error.message, more);
    else this.answer(this.failureText(error, more));
  }

  private failureText(error: unknown, more: object): string {
    if (!isAppError(error)) this.context.logger.error('a frame could not be handled', { agentId: this.description.id, error });
    return failureText(error, more, this.now());
  }

  private answer(text: string): void {
    this.answers.fill(this.answers.reserve(), text);
    this.flow.pauseIfOwing();
  }

  private frameText(type: string, data: object): string {
    return frameText(type, data, this.now());
  }

  private cut(reason: EndReason): void {
    this.endReason = reason;
    this.closing = true;
    this.socket.terminate();
  }

  private now(): string {
    return isoTime(this.context.clock.nowMs());
  }
}

const METRICS = { type: 'metrics' } as const;
