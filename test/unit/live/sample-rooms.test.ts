import { describe, expect, test } from '@jest/globals';
import { SampleRooms } from '../../../src/live/sample-rooms.js';
import type { LiveSample } from '../../../src/model/event.js';

type Told = readonly (readonly [seriesId: number, value: number])[];

/** Rooms and the consoles in them, each by its set of subscriptions. */
class Stage {
  readonly rooms: SampleRooms;

  constructor(maxPending = 1_000) {
    this.rooms = new SampleRooms(maxPending);
  }

  console(...agentIds: string[]): Set<string> {
    const subscriptions = new Set<string>();
    this.rooms.join(subscriptions);
    for (const agentId of agentIds) this.rooms.follow(subscriptions, agentId);
    return subscriptions;
  }

  /** Commits `[seriesId, value, timestampMs?]`; answers what was dropped. */
  commit(agentId: string, ...samples: (readonly [seriesId: number, value: number, timestampMs?: number])[]): number {
    const complete = samples.map(
      ([seriesId, value, timestampMs = 0]): LiveSample => ({
        seriesId,
        name: 'm',
        type: 'gauge',
        unit: null,
        tagsJson: '{}',
        timestampMs,
        value,
        objectJson: null,
      }),
    );
    return this.rooms.gather({ agentId, receivedAtMs: 0, samples: () => complete });
  }

  /** What each of the consoles hears with one send. */
  send(atMost: number, ...consoles: ReadonlySet<string>[]): Told[] {
    const heard = this.rooms.take(atMost, ({ sample }) => [sample.seriesId, sample.value] as const);
    return consoles.map(heard);
  }

  drain(console: ReadonlySet<string>): Told {
    return this.send(1_000, console)[0] ?? [];
  }
}

describe('turns', () => {
  test('the series that wait longest come first; a newer value keeps the place of the older one, an older one changes nothing', () => {
    const stage = new Stage();
    const all = stage.console();
    stage.commit('a', [1, 10, 100], [2, 20, 100], [3, 30, 100]);
    stage.commit('a', [2, 21, 101], [1, 9, 99], [3, 31, 100]);
    expect(stage.send(2, all)).toEqual([
      [
        [1, 10],
        [2, 21],
      ],
    ]);
    stage.commit('a', [1, 11, 102]);
    expect(stage.send(2, all)).toEqual([
      [
        [3, 31],
        [1, 11],
      ],
    ]);
    expect(stage.send(2, all)).toEqual([[]]);
  });

  test('200 series pushed over and over: one per send, and in 200 sends each comes once, with its newest value', () => {
    const stage = new Stage();
    const all = stage.console();
    const told: number[] = [];
    for (let round = 0; round < 400; round += 1) {
      stage.commit('a', ...Array.from({ length: 200 }, (_, id) => [id, round, round] as const));
      const [heard = []] = stage.send(1, all);
      expect(heard).toEqual([[round % 200, round]]);
      told.push(...heard.map(([id]) => id));
    }
    expect(new Set(told).size).toBe(200);
  });

  test('a console that follows several agents hears no more per send, and of all of them', () => {
    const stage = new Stage();
    const [one, three, all] = [stage.console('a'), stage.console('c', 'a', 'b'), stage.console()];
    stage.commit('a', [1, 1], [2, 2]);
    stage.commit('b', [3, 3], [4, 4]);
    stage.commit('c', [5, 5]);
    stage.commit('d', [6, 6]);
    const sends = Array.from({ length: 6 }, () => stage.send(1, one, three, all));
    const heardBy = (index: number): number[] => sends.flatMap((heard) => (heard[index] ?? []).map(([id]) => id));
    expect(sends.flat().every((told) => told.length <= 1)).toBe(true);
    expect([heardBy(0), heardBy(1), heardBy(2)]).toEqual([
      [1, 2],
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  test('consoles with the same subscriptions, in any order, share what is written', () => {
    const stage = new Stage();
    const [first, second] = [stage.console('a', 'b'), stage.console('b', 'a')];
    stage.commit('b', [1, 1]);
    const [one, two] = stage.send(1, first, second);
    expect(one).toEqual([[1, 1]]);
    expect(two).toBe(one);
  });
});

describe('what is dropped', () => {
  test('a series that finds its room full is dropped, once per console; a turn makes room', () => {
    const stage = new Stage(2);
    const [first, second, narrow] = [stage.console(), stage.console(), stage.console('b')];
    expect(stage.commit('a', [1, 1], [2, 2], [3, 3], [4, 4])).toBe(4);
    expect(stage.commit('a', [2, 22])).toBe(0);
    expect(stage.commit('b', [5, 5])).toBe(2);
    expect(stage.send(1, first, second, narrow)).toEqual([[[1, 1]], [[1, 1]], [[5, 5]]]);
    expect(stage.commit('a', [3, 33])).toBe(0);
    expect(stage.drain(first)).toEqual([
      [2, 22],
      [3, 33],
    ]);
  });

  test('a console that changes its subscriptions takes along what waits for it', () => {
    const stage = new Stage();
    const console = stage.console();
    stage.commit('a', [1, 1], [2, 2]);
    stage.commit('b', [3, 3]);
    expect(stage.rooms.follow(console, 'a')).toBe(0);
    expect(stage.rooms.follow(console, 'a')).toBe(0);
    expect(stage.rooms.follow(console, 'b')).toBe(0);
    stage.commit('b', [4, 4]);
    expect(stage.send(1, console)).toEqual([[[1, 1]]]);
    expect(stage.rooms.unfollow(console, 'a')).toBe(0);
    expect(stage.rooms.unfollow(console, 'a')).toBe(0);
    stage.commit('a', [1, 11]);
    expect(stage.rooms.unfollow(console, 'b')).toBe(0);
    stage.commit('a', [2, 22]);
    expect(stage.drain(console)).toEqual([
      [4, 4],
      [2, 22],
    ]);
  });

  test('unless it joins others, who would hear that twice: then it is counted, except for what waits for them too', () => {
    const stage = new Stage();
    const [other, console] = [stage.console('a'), stage.console()];
    stage.commit('b', [1, 1], [2, 2]);
    stage.commit('a', [3, 3]);
    expect(stage.send(1, other, console)).toEqual([[[3, 3]], [[1, 1]]]);
    stage.commit('a', [4, 4]);
    expect(stage.rooms.follow(console, 'a')).toBe(1);
    expect(stage.send(10, other, console)).toEqual([[[4, 4]], [[4, 4]]]);
  });

  test('a deleted agent is forgotten, in every room', () => {
    const stage = new Stage();
    const consoles = [stage.console(), stage.console('a'), stage.console('a', 'b')];
    stage.commit('a', [1, 1]);
    stage.commit('b', [2, 2]);
    stage.rooms.forget('a');
    expect(stage.send(10, ...consoles)).toEqual([[[2, 2]], [], [[2, 2]]]);
  });

  test('a room that the last console left keeps nothing, and one that left hears nothing', () => {
    const stage = new Stage();
    for (const agentIds of [[], ['a'], ['b', 'a']]) {
      const console = stage.console(...agentIds);
      stage.commit('a', [1, 1]);
      stage.rooms.leave(console);
      stage.rooms.leave(console);
      expect(stage.rooms.follow(console, 'c')).toBe(0);
      expect(stage.drain(console)).toEqual([]);
      expect(stage.drain(stage.console(...agentIds))).toEqual([]);
    }
    const unheard = {
      agentId: 'c',
      receivedAtMs: 0,
      samples: (): never => {
        throw new Error('nobody hears it');
      },
    };
    const stageOfNobody = new Stage();
    stageOfNobody.rooms.leave(stageOfNobody.console('c'));
    expect(stageOfNobody.rooms.gather(unheard)).toBe(0);
  });
});
