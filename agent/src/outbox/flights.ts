import type { Departure } from './lanes.js';

/** A batch under way: being read, sent, or answered. Times are monotonic. */
export interface Flight extends Departure {
  resends: number;
  firstSentMs: number | null;
  sentMs: number;
  /** When it counts as unanswered; never while it is being read. */
  dueMs: number;
  /** The spool is being told what became of it. */
  isAnswered: boolean;
}

export const NEVER = Number.POSITIVE_INFINITY;

/** What is under way, in the order it went. */
export class Flights {
  private readonly byId = new Map<string, Flight>();

  get size(): number {
    return this.byId.size;
  }

  get hasLive(): boolean {
    return [...this.byId.values()].some(({ isBacklog }) => !isBacklog);
  }

  get hasBacklog(): boolean {
    return [...this.byId.values()].some(({ isBacklog }) => isBacklog);
  }

  /** When the first of them counts as unanswered. */
  get dueMs(): number {
    return Math.min(NEVER, ...[...this.byId.values()].map(({ dueMs }) => dueMs));
  }

  add(departure: Departure): Flight {
    const flight: Flight = { ...departure, resends: 0, firstSentMs: null, sentMs: 0, dueMs: NEVER, isAnswered: false };
    this.byId.set(flight.entry.batchId, flight);
    return flight;
  }

  get(batchId: string): Flight | undefined {
    return this.byId.get(batchId);
  }

  /** False: it is over, or was forgotten; another with the same batch may be there. */
  has(flight: Flight): boolean {
    return this.byId.get(flight.entry.batchId) === flight;
  }

  overdue(nowMs: number): Flight[] {
    return [...this.byId.values()].filter(({ dueMs }) => dueMs <= nowMs);
  }

  unanswered(): Flight[] {
    return [...this.byId.values()].filter(({ isAnswered }) => !isAnswered);
  }

  remove(flight: Flight): void {
    if (this.has(flight)) this.byId.delete(flight.entry.batchId);
  }

  clear(): void {
    this.byId.clear();
  }
}
