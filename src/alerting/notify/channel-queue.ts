import type { Channel, Delivery, WaitingDelivery } from '../../model/alert.js';

/** One delivery on its way. */
export interface Waiting {
  delivery: WaitingDelivery;
  /** Of the monotonic clock. */
  dueAtMs: number;
  /** What came of it, until that is recorded: it is not sent again meanwhile. */
  unrecorded: Delivery | null;
}

/** Of what waits because something failed, or the channel is switched off; beyond it what is missed least is given up. */
export const MAX_HELD_UP = 500;
/** Of everything: a receiver that is well gets all of it, only not in a moment. */
export const MAX_WAITING = 10_000;
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
  private restsUntilMs = -Infinity;

  get size(): number {
    return this.entries.size;
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  add(delivery: WaitingDelivery, dueAtMs: number): void {
    this.entries.set(delivery.id, { delivery, dueAtMs, unrecorded: null });
  }

  /**
   * What is to be given up because too many wait: what is missed least, and nothing that is under way.
   * @param maxWaiting of everything, whether it is held up or not
   */
  surplus(channel: Channel, maxWaiting: number): Waiting[] {
    if (this.entries.size <= MAX_HELD_UP) return [];
    const open = [...this.entries.values()].filter((entry) => entry.unrecorded === null);
    const isHeldUp = this.heldUp(channel, open);
    const tooManyHeldUp = Math.max(0, open.filter(isHeldUp).length - MAX_HELD_UP);
    if (tooManyHeldUp === 0 && open.length <= maxWaiting) return [];
    const least = this.leastNeededFirst(open);
    const givenUp = new Set(least.filter(isHeldUp).slice(0, tooManyHeldUp));
    for (const entry of least) {
      if (open.length - givenUp.size <= maxWaiting) break;
      givenUp.add(entry);
    }
    return [...givenUp];
  }

  /**
   * What is to be recorded, or sent, now; it is under way until the next one is asked for. Of several groups that are due the
   * one that was tried least, then the one that waits longest. All is due when the channel has changed: that may be what it
   * waited for.
   */
  next(channel: Channel, nowMs: number): Waiting | null {
    if (this.channel !== null && this.channel !== channel) this.allDue(nowMs);
    this.channel = channel;
    this.underWay = null;
    if (nowMs < this.restsUntilMs) return null;
    const canSend = channel.enabled && nowMs >= this.pausedUntilMs;
    this.underWay = firstUnrecorded(this.entries.values()) ?? (canSend ? firstDue(this.entries.values(), nowMs) : null);
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

  /** Nothing can be read or recorded: until then there is nothing to be done. */
  rest(untilMs: number): void {
    this.restsUntilMs = untilMs;
  }

  remove({ delivery }: Waiting): void {
    this.entries.delete(delivery.id);
  }

  private allDue(nowMs: number): void {
    for (const entry of this.entries.values()) entry.dueAtMs = Math.min(entry.dueAtMs, nowMs);
    this.answered();
  }

  /** All of a channel that is off, or fails for every group; else what is of a group that fails. */
  private heldUp(channel: Channel, open: readonly Waiting[]): (entry: Waiting) => boolean {
    if (!channel.enabled || this.failing.size >= GROUPS_UNTIL_PAUSE) return () => true;
    const groups = new Set(open.filter(({ delivery }) => delivery.attempts > 0).map(({ delivery }) => delivery.groupKey));
    return ({ delivery }) => groups.has(delivery.groupKey);
  }

  /**
   * What a later delivery of the same group tells again goes before what is the group's last word; of both, what fires goes
   * before what is over, which none that is made later says again. Equals go the oldest first; what was tried keeps its place
   * before what was not, so that pauses go on growing.
   */
  private leastNeededFirst(open: readonly Waiting[]): Waiting[] {
    const newest = new Map(open.map(({ delivery }) => [delivery.groupKey, delivery.createdAtMs]));
    const need = ({ delivery: { groupKey, createdAtMs, attempts, tellsResolved } }: Waiting): number => {
      // Pieces of one notification are made at the same time, and do not tell the same.
      const isToldAgain = newest.get(groupKey) !== createdAtMs;
      return (isToldAgain ? 0 : 4) + (tellsResolved ? 2 : 0) + (attempts > 0 ? 1 : 0);
    };
    return open.filter((entry) => entry !== this.underWay).toSorted((a, b) => need(a) - need(b));
  }
}

function firstUnrecorded(entries: Iterable<Waiting>): Waiting | null {
  for (const entry of entries) if (entry.unrecorded !== null) return entry;
  return null;
}

function firstDue(entries: Iterable<Waiting>, nowMs: number): Waiting | null {
  const groups = new Set<string>();
  let first: Waiting | null = null;
  for (const entry of entries) {
    const { groupKey, attempts } = entry.delivery;
    if (groups.has(groupKey)) continue;
    groups.add(groupKey);
    if (entry.dueAtMs <= nowMs && (first === null || attempts < first.delivery.attempts)) first = entry;
    // None can be less tried: in a long queue this is what is found at once.
    if (first?.delivery.attempts === 0) break;
  }
  return first;
}
