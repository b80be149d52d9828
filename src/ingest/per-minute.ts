const MINUTE_MS = 60_000;

/** How often something happened in the minute that began with the first of it. */
export class PerMinute {
  private sinceMs = Number.NEGATIVE_INFINITY;
  private count = 0;

  /** It happened once more, now (monotonic); how often within this minute. */
  add(nowMs: number): number {
    if (nowMs - this.sinceMs > MINUTE_MS) {
      this.sinceMs = nowMs;
      this.count = 0;
    }
    return ++this.count;
  }
}
