import type { ApiAnswer, ApiInit } from './http.js';
import type { Spool, SpooledBatch } from './spool.js';

interface Api {
  api(path: string, init?: ApiInit): Promise<ApiAnswer>;
}

interface MetricAnswer {
  readonly id: string;
  readonly agent_id: string;
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly tags: { readonly slot?: string };
  readonly timestamp: string;
}

const PAGE = 10_000;
const SHOWN_PROBLEMS = 20;

/** What a server has, read over REST page by page, to be held against what agents sent. */
export class StoredSamples {
  private readonly byKey = new Map<string, MetricAnswer>();
  private readonly repeated: string[] = [];

  /** All samples, or those of these agents alone. */
  static async read(server: Api, spools: readonly Spool[] = []): Promise<StoredSamples> {
    const stored = new StoredSamples();
    const filter = spools.map(({ agentId }) => `&agent_id=${agentId}`).join('');
    let cursor = '';
    do {
      const { status, body } = await server.api(`/api/v1/metrics?limit=${PAGE}&cursor=${cursor}${filter}`);
      if (status !== 200) throw new Error(`GET /metrics was answered ${status}: ${JSON.stringify(body)}`);
      for (const metric of body.metrics as MetricAnswer[]) stored.add(metric);
      cursor = body.pagination.hasMore === true ? body.pagination.cursor : '';
    } while (cursor !== '');
    return stored;
  }

  get size(): number {
    return this.byKey.size;
  }

  /** Values by `agent name type slot timestamp`. */
  values(): Map<string, unknown> {
    return new Map([...this.byKey].map(([key, { value }]) => [key, value]));
  }

  /** Keys of samples that came more than once. */
  get repeats(): readonly string[] {
    return this.repeated;
  }

  /** True when any sample of this batch is there. */
  has(spool: Spool, batch: SpooledBatch): boolean {
    return batch.samples.some((_, row) => this.byKey.has(keyOf(spool, batch, row)));
  }

  /**
   * What speaks against "every acknowledged sample exactly once, with its value; whole batches or none; and nothing
   * that was never sent". The first few; empty when nothing does.
   */
  problems(spools: readonly Spool[]): string[] {
    const problems = this.repeated.map((key) => `twice: ${key}`);
    const expected = new Set<string>();
    for (const spool of spools) {
      for (const batch of spool.batches) {
        const keys = batch.samples.map((_, row) => keyOf(spool, batch, row));
        const found = keys.filter((key) => this.byKey.has(key)).length;
        if (batch.acknowledged && found < keys.length) {
          problems.push(`lost: ${keys.length - found} of ${keys.length} acknowledged samples of ${spool.agentId}, batch ${batch.number}`);
        } else if (found > 0 && found < keys.length) {
          problems.push(`torn: ${found} of ${keys.length} samples of ${spool.agentId}, batch ${batch.number}`);
        }
        for (const [row, key] of keys.entries()) {
          expected.add(key);
          const metric = this.byKey.get(key);
          const sample = batch.samples[row];
          if (metric !== undefined && JSON.stringify(metric.value) !== JSON.stringify(sample?.value)) {
            problems.push(`wrong: ${key} is ${JSON.stringify(metric.value)} and was sent as ${JSON.stringify(sample?.value)}`);
          }
        }
      }
    }
    for (const key of this.byKey.keys()) if (!expected.has(key)) problems.push(`never sent: ${key}`);
    return problems.slice(0, SHOWN_PROBLEMS);
  }

  private add(metric: MetricAnswer): void {
    const { agent_id: agentId, name, type, tags, timestamp } = metric;
    const key = [agentId, name, type, tags.slot ?? '', timestamp].join(' ');
    if (this.byKey.has(key)) this.repeated.push(key);
    this.byKey.set(key, metric);
  }
}

function keyOf(spool: Spool, batch: SpooledBatch, row: number): string {
  const sample = batch.samples[row];
  if (sample === undefined) throw new RangeError(`batch ${batch.number} has no row ${row}`);
  return [spool.agentId, sample.name, sample.type, sample.slot, new Date(sample.timestampMs).toISOString()].join(' ');
}
