import type { LiveSample, SamplesCommitted } from '../model/event.js';

/** A sample on its way to consoles. */
export interface PendingSample {
  readonly sample: LiveSample;
  readonly agentId: string;
  readonly receivedAtMs: number;
}

/** The newest sample per series since the last send, and how many consoles hear it. */
class Room {
  members = 0;
  private pending = new Map<number, PendingSample>();

  constructor(private readonly maxPending: number) {}

  /** Keeps the sample if it is the newest of its series; false when there is no room for another series. */
  offer(sample: LiveSample, agentId: string, receivedAtMs: number): boolean {
    const before = this.pending.get(sample.seriesId);
    if (before === undefined) {
      if (this.pending.size >= this.maxPending) return false;
    } else if (before.sample.timestampMs > sample.timestampMs) {
      return true;
    }
    this.pending.set(sample.seriesId, { sample, agentId, receivedAtMs });
    return true;
  }

  /** What is waiting; empty afterwards. */
  take(): PendingSample[] {
    const samples = [...this.pending.values()];
    if (samples.length > 0) this.pending = new Map();
    return samples;
  }
}

/**
 * Samples for the consoles that hear the same: those that follow an agent share its room, those that follow none
 * share the room of all. So a sample costs the same however many consoles watch, and a console that follows one
 * agent misses nothing because the rest of the fleet is loud.
 *
 * A console's subscriptions are its own set; every change of it goes through here, so that members are counted right.
 */
export class SampleRooms {
  private readonly ofAgents = new Map<string, Room>();
  private readonly ofAll: Room;

  constructor(private readonly maxPending: number) {
    this.ofAll = new Room(maxPending);
  }

  join(subscriptions: ReadonlySet<string>): void {
    if (subscriptions.size === 0) this.ofAll.members += 1;
    for (const agentId of subscriptions) this.room(agentId).members += 1;
  }

  leave(subscriptions: ReadonlySet<string>): void {
    if (subscriptions.size === 0) this.ofAll.members -= 1;
    for (const agentId of subscriptions) this.leaveRoom(agentId);
    if (this.ofAll.members === 0) this.ofAll.take();
  }

  follow(subscriptions: Set<string>, agentId: string): void {
    if (subscriptions.has(agentId)) return;
    if (subscriptions.size === 0) this.ofAll.members -= 1;
    subscriptions.add(agentId);
    this.room(agentId).members += 1;
  }

  unfollow(subscriptions: Set<string>, agentId: string): void {
    if (!subscriptions.delete(agentId)) return;
    this.leaveRoom(agentId);
    if (subscriptions.size === 0) this.ofAll.members += 1;
  }

  /** Keeps what somebody hears; answers how many samples it had to drop, counted once per console. */
  gather(committed: SamplesCommitted): number {
    const { agentId, receivedAtMs } = committed;
    const all = this.ofAll.members > 0 ? this.ofAll : undefined;
    const own = this.ofAgents.get(agentId);
    if (all === undefined && own === undefined) return 0;
    let dropped = 0;
    for (const sample of committed.samples()) {
      if (all !== undefined && !all.offer(sample, agentId, receivedAtMs)) dropped += all.members;
      if (own !== undefined && !own.offer(sample, agentId, receivedAtMs)) dropped += own.members;
    }
    return dropped;
  }

  /** Empties the rooms. The answer tells what each console hears, as `convert` makes it, shared between consoles. */
  take<T>(convert: (sample: PendingSample) => T): (subscriptions: ReadonlySet<string>) => (readonly T[])[] {
    const ofAll = this.ofAll.take().map(convert);
    const ofAgents = new Map<string, T[]>();
    for (const [agentId, room] of this.ofAgents) {
      const samples = room.take();
      if (samples.length > 0) ofAgents.set(agentId, samples.map(convert));
    }
    return (subscriptions) => {
      if (subscriptions.size === 0) return [ofAll];
      return [...ofAgents].filter(([agentId]) => subscriptions.has(agentId)).map(([, samples]) => samples);
    };
  }

  private room(agentId: string): Room {
    let room = this.ofAgents.get(agentId);
    if (room === undefined) {
      room = new Room(this.maxPending);
      this.ofAgents.set(agentId, room);
    }
    return room;
  }

  private leaveRoom(agentId: string): void {
    const room = this.ofAgents.get(agentId);
    if (room === undefined) return;
    room.members -= 1;
    if (room.members === 0) this.ofAgents.delete(agentId);
  }
}
