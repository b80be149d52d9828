/** How long acknowledgements took: percentiles by nearest rank of the last so many, taken out when they are asked for. */
export class Latencies {
  private readonly values: Float64Array;
  private added = 0;

  constructor(capacity: number) {
    this.values = new Float64Array(capacity);
  }

  add(ms: number): void {
    this.values[this.added % this.values.length] = ms;
    this.added += 1;
  }

  /** Of those since the last call; null when there were none. */
  take(): { readonly p50: number; readonly p99: number } | null {
    const sorted = this.values.slice(0, Math.min(this.added, this.values.length)).sort();
    this.added = 0;
    if (sorted.length === 0) return null;
    const at = (share: number): number => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
