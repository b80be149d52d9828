import type { WireMetric } from './agent-client.js';

/**
 * What an agent has to deliver: batches of samples of which each can be told from every other, kept until they are
 * acknowledged. Every value is unique, so that a stored sample says which agent, batch and row it comes from.
 */
export interface SpooledSample {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly slot: string;
  readonly timestampMs: number;
}

export interface SpooledBatch {
  readonly number: number;
  /** Null for agents that give their batches no name: a repeat is recognised by series and time alone. */
  readonly batchId: string | null;
  readonly samples: readonly SpooledSample[];
  acknowledged: boolean;
  /** How often it was sent. */
  sent: number;
}

export interface SpoolOptions {
  readonly agentNumber: number;
  readonly batchIds: boolean;
  readonly batchSize: number;
  /** Time of the first batch's samples; each further batch is a millisecond later. */
  readonly baseMs: number;
}

const HOUR_MS = 3_600_000;
/** After so many batches an agent starts a new series: the dictionary grows while the server dies. */
const BATCHES_PER_SERIES = 32;

export class Spool {
  /** Every batch that was ever made, in order. */
  readonly batches: SpooledBatch[] = [];
  readonly agentId: string;
  private firstOpen = 0;

  constructor(readonly options: SpoolOptions) {
    this.agentId = `agent-${String(options.agentNumber).padStart(2, '0')}-${options.batchIds ? 'named' : 'nameless'}`;
  }

  /** A batch that was not there before. */
  make(): SpooledBatch {
    const { batchIds, batchSize } = this.options;
    const number = this.batches.length;
    const batch = {
      number,
      batchId: batchIds ? `${this.agentId}:${number}` : null,
      samples: Array.from({ length: batchSize }, (_, row) => this.sample(number, row)),
      acknowledged: false,
      sent: 0,
    };
    this.batches.push(batch);
    return batch;
  }

  /** Sent or not, these have no acknowledgement; oldest first. */
  open(): SpooledBatch[] {
    while (this.batches[this.firstOpen]?.acknowledged === true) this.firstOpen++;
    return this.batches.slice(this.firstOpen).filter((batch) => !batch.acknowledged);
  }

  get acknowledged(): number {
    return this.batches.length - this.open().length;
  }

  /** The `data` of a `metrics` frame; the same for every sending of the batch. */
  data(batch: SpooledBatch): object {
    batch.sent++;
    return {
      agent_id: this.agentId,
      timestamp: new Date(this.options.baseMs + batch.number).toISOString(),
      ...(batch.batchId === null ? {} : { batch_id: batch.batchId }),
      metrics: batch.samples.map(
        ({ name, type, value, slot, timestampMs }): WireMetric => ({
          name,
          type,
          value,
          tags: { slot },
          timestamp: new Date(timestampMs).toISOString(),
        }),
      ),
    };
  }

  private sample(number: number, row: number): SpooledSample {
    const unique = this.options.agentNumber * 1e9 + number * 1_000 + row;
    const timestampMs = this.options.baseMs + number;
    const plain = { name: 'load', type: 'gauge', value: unique as unknown, slot: String(row), timestampMs };
    // Storage keeps an hour in a row of its own: half a batch must not appear without the other half.
    if (row === 0) return { ...plain, timestampMs: timestampMs - HOUR_MS };
    if (row === 1) return { ...plain, type: 'timer', value: { value: unique, count: number } };
    if (row === 2) return { ...plain, name: `load_since_${Math.floor(number / BATCHES_PER_SERIES)}` };
    return plain;
  }
}
