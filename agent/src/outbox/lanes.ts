/**
 * The batches that wait to be sent, in two lanes. What was made since the link came up is *live* and goes first. What was there before is
 * *backlog*: oldest first, one at a time, and no faster than its pace, so that neither live data nor the server suffers from an outage
 * that is over. Both stand still while the server asks for it; what failed is put off, which holds up the backlog alone. Times are monotonic.
 */
import type { SpoolEntry } from '../spool/spool.js';

/** One that leaves its lane. */
export interface Departure {
  readonly entry: SpoolEntry;
  readonly isBacklog: boolean;
}

export class Lanes {
  private isOpen = false;
  private readonly waiting: SpoolEntry[] = [];
  private live: SpoolEntry[] = [];
  /** The next one is at the end. */
  private backlog: SpoolEntry[] = [];
  private lastBacklogSeq = 0;
  private heldUntilMs = 0;
  private nextBacklogMs = 0;
  private putOffUntilMs = 0;

  /** @param backlogPauseMs least time between two batches of the backlog */
  constructor(private readonly backlogPauseMs: number) {}

  get hasLive(): boolean {
    return this.live.length > 0;
  }

  get hasBacklog(): boolean {
    return this.backlog.length > 0;
  }

  /** Live from `release` on. While closed nothing is noted: the spool knows. */
  add(entry: SpoolEntry): void {
    if (this.isOpen && entry.seq > this.lastBacklogSeq) this.waiting.push(entry);
  }

  release(): void {
    this.live.push(...this.waiting.splice(0));
  }

  /** Begins anew, with these as backlog. How long nothing may go stays as it was. @param entries oldest first */
  open(entries: readonly SpoolEntry[]): void {
    this.close();
    this.isOpen = true;
    this.backlog = entries.toReversed();
    this.lastBacklogSeq = this.backlog[0]?.seq ?? 0;
  }

  close(): void {
    this.isOpen = false;
    this.waiting.length = 0;
    this.live = [];
    this.backlog = [];
  }

  /** What may go at `nowMs`; null when nothing may. @param isBacklogUnderWay the one before has not been answered yet */
  next(nowMs: number, isBacklogUnderWay: boolean): Departure | null {
    if (nowMs < this.heldUntilMs) return null;
    const entry = this.live.shift();
    if (entry !== undefined) return { entry, isBacklog: false };
    if (isBacklogUnderWay || nowMs < this.backlogFromMs) return null;
    const old = this.backlog.pop();
    if (old === undefined) return null;
    this.nextBacklogMs = nowMs + this.backlogPauseMs;
    return { entry: old, isBacklog: true };
  }

  /** From when on `next` may have something; infinity when only another event can tell. */
  dueMs(isBacklogUnderWay: boolean): number {
    if (this.hasLive) return this.heldUntilMs;
    return this.hasBacklog && !isBacklogUnderWay ? Math.max(this.heldUntilMs, this.backlogFromMs) : Number.POSITIVE_INFINITY;
  }

  /** It did not go after all, and is the next of its lane. */
  putBack({ entry, isBacklog }: Departure): void {
    if (isBacklog) this.backlog.push(entry);
    else this.live = [entry, ...this.live].sort((a, b) => a.seq - b.seq);
  }

  /** It goes when all others of the backlog have gone, whichever lane it came from. */
  putLast({ entry }: Departure): void {
    if (this.isOpen) this.backlog.unshift(entry);
  }

  /** The backlog waits, also for the next `open`; live data does not. */
  isPutOff(nowMs: number): boolean {
    return nowMs < this.putOffUntilMs;
  }

  putOffUntil(timeMs: number): void {
    this.putOffUntilMs = timeMs;
  }

  private get backlogFromMs(): number {
    return Math.max(this.nextBacklogMs, this.putOffUntilMs);
  }

  /** Nothing goes before this time. */
  holdUntil(timeMs: number): void {
    this.heldUntilMs = Math.max(this.heldUntilMs, timeMs);
  }
}
