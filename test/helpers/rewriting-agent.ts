import { httpRequest } from './http.js';
import type { SeededRandom } from './seeded-random.js';

const HOUR_MS = 3_600_000;
const SERIES = 4;
const BATCH_SIZE = 24;
/** Places in an hour a sample can have: few, so that the same sample comes again and again with another value. */
const PLACES_PER_HOUR = 120;

interface PushedBatch {
  readonly number: number;
  readonly samples: readonly { readonly key: string; readonly metric: object; readonly value: number }[];
}

/**
 * An agent that pushes samples of hours long over, in any order, and the same ones again with other values. It has one
 * batch under way and sends it until it is acknowledged: so it knows which value of every sample is the last.
 */
export class RewritingAgent {
  /** The last acknowledged value of every sample, by the key of StoredSamples. */
  readonly acknowledged = new Map<string, number>();
  batches = 0;
  private pending: PushedBatch | null = null;

  constructor(
    readonly id: string,
    /** Starts of the hours its samples lie in. */
    private readonly hours: readonly number[],
    private readonly random: SeededRandom,
  ) {}

  /** Pushes until the server is gone, or `until` says so; answers true when nothing is left without acknowledgement. */
  async push(server: { readonly url: string }, until: () => boolean): Promise<boolean> {
    while (this.pending !== null || !until()) {
      this.pending ??= this.make();
      if (!(await this.send(server, this.pending))) return false;
      for (const { key, value } of this.pending.samples) this.acknowledged.set(key, value);
      this.pending = null;
    }
    return true;
  }

  /** Values of the batch that has no acknowledgement: stored, or not. */
  open(): Map<string, number> {
    return new Map((this.pending?.samples ?? []).map(({ key, value }) => [key, value]));
  }

  /** False when the server could not be asked, or went away before it answered. */
  private async send(server: { readonly url: string }, { number, samples }: PushedBatch): Promise<boolean> {
    const body = { agent_id: this.id, batch_id: `${this.id}:${number}`, metrics: samples.map(({ metric }) => metric) };
    const answer = await httpRequest(`${server.url}/api/v1/metrics`, { method: 'POST', body }).catch(() => null);
    if (answer === null) return false;
    if (answer.status >= 300 || answer.body.processed !== samples.length) {
      throw new Error(`batch ${number} of ${this.id} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return true;
  }

  private make(): PushedBatch {
    const { random, hours } = this;
    const number = this.batches++;
    const samples = Array.from({ length: BATCH_SIZE }, (_, row) => {
      const hour = hours[random.between(0, hours.length - 1)] as number;
      const timestamp = new Date(hour + random.between(0, PLACES_PER_HOUR - 1) * (HOUR_MS / PLACES_PER_HOUR)).toISOString();
      const slot = String(random.between(1, SERIES));
      const value = number * 1_000 + row;
      const metric = { name: 'load', type: 'gauge', value, tags: { slot }, timestamp };
      return { key: [this.id, 'load', 'gauge', slot, timestamp].join(' '), metric, value };
    });
    return { number, samples };
  }
}
