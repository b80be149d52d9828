import type { LiveSample, SamplesCommitted } from '../model/event.js';

/** A sample on its way to consoles. */
export interface PendingSample {
  readonly sample: LiveSample;
  readonly agentId: string;
  readonly receivedAtMs: number;
}

/** The newest sample of every series that waits for its turn, longest-waiting first, and how many consoles hear it. */
class Room {
  members = 0;
  private readonly waiting = new Map<number, PendingSample>();

  /** @param agentIds whose samples it takes; empty: everybody's */
  constructor(
    readonly agentIds: ReadonlySet<string>,
    private readonly maxPending: number,
  ) {}

  /**
   * Keeps the sample if it is the newest of its series: in the place of the older one that waits, else at the end.
   * False when there is no room for another series.
   */
  offer(pending: PendingSample): boolean {
    const { seriesId, timestampMs } = pending.sample;
    const before = this.waiting.get(seriesId);
    if (before === undefined) {
      if (this.waiting.size >= this.maxPending) return false;
    } else if (before.sample.timestampMs > timestampMs) {
      return true;
    }
    this.waiting.set(seriesId, pending);
    return true;
  }

  /** The samples of the `atMost` series that wait longest; the others go on waiting. */
  take(atMost: number): PendingSample[] {
    const samples: PendingSample[] = [];
    for (const [seriesId, pending] of this.waiting) {
      if (samples.length >= atMost) break;
      samples.push(pending);
      this.waiting.delete(seriesId);
    }
    return samples;
  }

  /**
   * For one console that comes from `other`: takes along what waits for it there, unless somebody is here already,
   * who would hear it twice. Answers how many samples the console loses by that.
   */
  adopt(other: Room): number {
    let lost = 0;
    for (const [seriesId, pending] of other.waiting) {
      if (this.agentIds.size > 0 && !this.agentIds.has(pending.agentId)) continue;
      if (this.members === 0) this.waiting.set(seriesId, pending);
      else if (!this.waiting.has(seriesId)) lost += 1;
    }
    return lost;
  }

  forget(agentId: string): void {
    for (const [seriesId, pending] of this.waiting) {
      if (pending.agentId === agentId) this.waiting.delete(seriesId);
    }
  }
}

/**
 * Samples for the consoles that hear the same: those with the same subscriptions share a room, and every console is in
 * exactly one. So what is taken out of a room per send is what a console is sent, however many agents it follows; the
 * agents it follows take turns by how long their series wait; a sample costs the same however many consoles watch
 * alike; and a console that follows one agent misses nothing because the rest of the fleet is loud.
 *
 * Dropped is what finds its room full, and what waited for a console alone when it joins others by (un)subscribing; what
 * waits for those others it hears from then on, also if it had heard that value before.
 *
 * A console's subscriptions are its own set and stand for it here; every change of them goes through this class.
 */
export class SampleRooms {
  private readonly rooms = new Map<string, Room>();
  private readonly roomsOfAgent = new Map<string, Set<Room>>();
  private readonly roomOf = new Map<ReadonlySet<string>, Room>();

  constructor(private readonly maxPending: number) {}

  join(subscriptions: ReadonlySet<string>): void {
    this.enter(subscriptions, this.open(subscriptions));
  }

  leave(subscriptions: ReadonlySet<string>): void {
    const room = this.roomOf.get(subscriptions);
    if (room === undefined) return;
    this.roomOf.delete(subscriptions);
    this.exit(room);
  }

  /** Answers how many samples the console loses by it. */
  follow(subscriptions: Set<string>, agentId: string): number {
    if (subscriptions.has(agentId)) return 0;
    subscriptions.add(agentId);
    return this.move(subscriptions);
  }

  /** Answers how many samples of the other agents it follows the console loses by it. */
  unfollow(subscriptions: Set<string>, agentId: string): number {
    return subscriptions.delete(agentId) ? this.move(subscriptions) : 0;
  }

  /** Keeps what somebody hears; answers how many samples it had to drop, counted once per console. */
  gather(committed: SamplesCommitted): number {
    const { agentId, receivedAtMs } = committed;
    const rooms = this.hearing(agentId);
    if (rooms.length === 0) return 0;
    let dropped = 0;
    for (const sample of committed.samples()) {
      const pending = { sample, agentId, receivedAtMs };
      for (const room of rooms) {
        if (!room.offer(pending)) dropped += room.members;
      }
    }
    return dropped;
  }

  /** Nothing that waits of this agent is told any more: it was deleted. */
  forget(agentId: string): void {
    for (const room of this.hearing(agentId)) room.forget(agentId);
  }

  /**
   * Takes the `atMost` series that wait longest out of every room. The answer tells what each console hears, as
   * `convert` makes it, shared between consoles.
   */
  take<T>(atMost: number, convert: (sample: PendingSample) => T): (subscriptions: ReadonlySet<string>) => readonly T[] {
    const taken = new Map<Room | undefined, readonly T[]>();
    for (const room of this.rooms.values()) taken.set(room, room.take(atMost).map(convert));
    return (subscriptions) => taken.get(this.roomOf.get(subscriptions)) ?? [];
  }

  private hearing(agentId: string): Room[] {
    const all = this.rooms.get(EVERYBODY);
    const rooms = [...(this.roomsOfAgent.get(agentId) ?? [])];
    return all === undefined ? rooms : [all, ...rooms];
  }

  private move(subscriptions: ReadonlySet<string>): number {
    const before = this.roomOf.get(subscriptions);
    if (before === undefined) return 0;
    const after = this.open(subscriptions);
    const lost = after.adopt(before);
    this.enter(subscriptions, after);
    this.exit(before);
    return lost;
  }

  private open(subscriptions: ReadonlySet<string>): Room {
    const key = keyOf(subscriptions);
    let room = this.rooms.get(key);
    if (room === undefined) {
      room = new Room(new Set(subscriptions), this.maxPending);
      this.rooms.set(key, room);
      for (const agentId of room.agentIds) {
        const rooms = this.roomsOfAgent.get(agentId);
        if (rooms === undefined) this.roomsOfAgent.set(agentId, new Set([room]));
        else rooms.add(room);
      }
    }
    return room;
  }

  private enter(subscriptions: ReadonlySet<string>, room: Room): void {
    room.members += 1;
    this.roomOf.set(subscriptions, room);
  }

  private exit(room: Room): void {
    room.members -= 1;
    if (room.members > 0) return;
    this.rooms.delete(keyOf(room.agentIds));
    for (const agentId of room.agentIds) {
      const rooms = this.roomsOfAgent.get(agentId);
      rooms?.delete(room);
      if (rooms?.size === 0) this.roomsOfAgent.delete(agentId);
    }
  }
}

/** The key of the room of those who follow nobody in particular. */
const EVERYBODY = '';

/** The same for the same agents, in whatever order they were subscribed to. No agent's id holds a slash. */
function keyOf(agentIds: ReadonlySet<string>): string {
  return [...agentIds].sort().join('/');
}
