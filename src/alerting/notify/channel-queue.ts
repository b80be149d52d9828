import type { Channel, Delivery, WaitingDelivery } from '../../model/alert.js';

/** One delivery on its way. */
export interface Waiting {
  delivery: WaitingDelivery;
  /** Of the monotonic clock. */
  dueAtMs: number;
  /** What came of it, until that is recorded: it is not sent again meanwhile. */
  unrecorded: Delivery | null;
}

/** Beyond it what is missed least is given up. */
export const MAX_WAITING_PER_CHANNEL = 500;
/** So many groups that fail one after the other are not about what they tell: it is the channel. */
const GROUPS_UNTIL_PAUSE = 3;
const PAUSE_MS = 60_000;

/**
 * What waits for one channel, in the order in which it was made. Deliveries of one group of alerts keep that order: what
 * cannot be delivered holds up what is told of the group later. Other groups pass, because it may be this message that
 * the other side does not take; when three groups have failed and none got through, the channel is tried with one
 * delivery a minute.
 */
export class ChannelQueue {
  private readonly entries = new Map<string, Waiting>();
  /** As it was when it was last asked for something to send. */
  private channel: Channel | null = null;
  private underWay: Waiting | null = null;
  private readonly failing = new Set<string>();
  private pausedUntilMs = -Infinity;

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /** Answers what is to be given up for it, when too many wait. */
  add(delivery: WaitingDelivery, dueAtMs: number): Waiting | null {
    this.entries.set(delivery.id, { delivery, dueAtMs, unrecorded: null });
    if (this.entries.size <= MAX_WAITING_PER_CHANNEL) return null;
    const open = [...this.entries.values()].filter((entry) => entry.unrecorded === null);
    return open.length <= MAX_WAITING_PER_CHANNEL ? null : this.leastNeeded(open);
  }

  /**
   * What is to be recorded, or sent, now; it is under way until the next one is asked for. Of several groups that are due the
   * one that was tried least, then the one that waits longest. All is due when the channel has changed: that may be what it
   * waited for.
   */
  next(channel: Channel, nowMs: number): Waiting | null {
    if (this.channel !== null && this.channel !== channel) this.allDue(nowMs);
    this.channel = channel;
    const entries = [...this.entries.values()];
    const canSend = channel.enabled && nowMs >= this.pausedUntilMs;
    this.underWay = entries.find((entry) => entry.unrecorded !== null) ?? (canSend ? firstDue(entries, nowMs) : null);
    return this.underWay;
  }

  /** The other side was there, whatever it thinks of this message. */
  answered(): void {
    this.failing.clear();
    this.pausedUntilMs = -Infinity;
  }

  /** @param askedMs for how long the other side wants to be left alone */
  failed(groupKey: string, askedMs: number, nowMs: number): void {
    this.failing.add(groupKey);
    const pauseMs = this.failing.size < GROUPS_UNTIL_PAUSE ? askedMs : Math.max(askedMs, PAUSE_MS);
    if (pauseMs > 0) this.pausedUntilMs = nowMs + pauseMs;
  }

  remove({ delivery }: Waiting): void {
    this.entries.delete(delivery.id);
  }

  private allDue(nowMs: number): void {
    for (const entry of this.entries.values()) entry.dueAtMs = Math.min(entry.dueAtMs, nowMs);
    this.answered();
  }

  /**
   * The oldest of those that are missed least: what fires is told again by a later delivery of the same group, what is over
   * is not. What was tried keeps its place before what was not, so that pauses go on growing.
   */
  private leastNeeded(open: readonly Waiting[]): Waiting | null {
    const newest = new Map(open.map(({ delivery }) => [delivery.groupKey, delivery.createdAtMs]));
    let least: Waiting | null = null;
    let leastNeed = Infinity;
    for (const entry of open) {
      const { groupKey, createdAtMs, attempts, tellsResolved } = entry.delivery;
      // Pieces of one notification are made at the same time, and do not tell the same.
      const isToldAgain = newest.get(groupKey) !== createdAtMs;
      const need = (attempts > 0 ? 4 : 0) + (isToldAgain ? 0 : 2) + (tellsResolved ? 1 : 0);
      if (entry !== this.underWay && need < leastNeed) [least, leastNeed] = [entry, need];
    }
    return least;
  }
}

function firstDue(entries: readonly Waiting[], nowMs: number): Waiting | null {
  const groups = new Set<string>();
  let first: Waiting | null = null;
  for (const entry of entries) {
    const { groupKey, attempts } = entry.delivery;
    if (groups.has(groupKey)) continue;
    groups.add(groupKey);
    if (entry.dueAtMs <= nowMs && (first === null || attempts < first.delivery.attempts)) first = entry;
  }
  return first;
}
