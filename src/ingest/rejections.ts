import { type Problem, type RejectReason, shortened } from './metric-checks.js';

/** A metric that was not stored, as `details` of the acknowledgement show it. */
export interface RejectedMetric {
  readonly index: number;
  readonly name: string;
  readonly error: string;
}

/** At most this many rejected metrics are told apart in one answer; all of them are counted. */
const MAX_DETAILS = 1_000;

/** The metrics of one batch that were not stored. */
export class Rejections {
  readonly details: RejectedMetric[] = [];
  readonly counts = new Map<RejectReason, number>();
  total = 0;
  lastError: string | null = null;

  add(index: number, name: unknown, { reason, text }: Problem): void {
    this.total++;
    this.lastError = text;
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    if (this.details.length < MAX_DETAILS) {
      this.details.push({ index, name: typeof name === 'string' ? shortened(name) : '', error: text });
    }
  }
}
