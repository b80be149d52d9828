/**
 * What is missing of an agent's count, against the naive way: the set of numbers that came. Through the real statements, in
 * a database in memory.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { closestTogether, type LimitedGap, together } from '../../src/storage/engine/gap-limit.js';
import { MIGRATIONS } from '../../src/storage/sqlite/migrations.js';
import { GapRecorder } from '../../src/storage/sqlite/writer/gap-recorder.js';
import { SeededRandom } from '../helpers/seeded-random.js';

const AGENT_KEY = 1;
const OTHER_KEY = 2;
const CYCLE_MS = 1_000;

interface Range {
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly lost: number;
}

let db: Database.Database | null = null;
afterEach(() => {
  db?.close();
  db = null;
});

/** A recorder over an empty database with two agents. */
class Counted {
  readonly db = new Database(':memory:');
  readonly recorder: GapRecorder;

  constructor() {
    db?.close();
    db = this.db;
    for (const migration of MIGRATIONS) this.db.exec(migration);
    this.recorder = new GapRecorder(this.db);
    const insert = this.db.prepare('INSERT INTO agent_totals (agent_key) VALUES (?)');
    for (const agentKey of [AGENT_KEY, OTHER_KEY]) insert.run(agentKey);
  }

  /** Batch `seq` of the count that began at `startMs`: all of a cycle, or nothing. */
  deliver(seq: number, startMs: number, empty = false, agentKey = AGENT_KEY): boolean | null {
    const oldestMs = startMs + seq * CYCLE_MS;
    const times = empty ? { oldestMs: null, newestMs: null } : { oldestMs, newestMs: oldestMs + 100 };
    return this.recorder.arrived(agentKey, { seq, ...times, receivedAtMs: startMs + 1e9 });
  }

  ranges(agentKey = AGENT_KEY): Range[] {
    return this.db
      .prepare<[number], Range>(
        `SELECT first_seq AS firstSeq, last_seq AS lastSeq, from_ms AS fromMs, to_ms AS toMs, lost FROM agent_gaps
         WHERE agent_key = ? ORDER BY first_seq, from_ms`,
      )
      .all(agentKey);
  }
}

/** One count: what came of it, in the naive way. */
class NaiveCount {
  private readonly came = new Set<number>();
  private first: number | null = null;
  last = 0;

  constructor(readonly startMs: number) {}

  deliver(seq: number): void {
    this.first ??= seq;
    this.last = Math.max(this.last, seq);
    this.came.add(seq);
  }

  /** A number that came, or is before all that did. */
  knows(seq: number): boolean {
    return this.came.has(seq) || seq < (this.first ?? 0);
  }

  /** Runs of numbers behind the first that came, up to the last. */
  missing(): Range[] {
    const ranges: Range[] = [];
    for (let seq = (this.first ?? 0) + 1; seq < this.last; seq += 1) {
      if (this.came.has(seq)) continue;
      const firstSeq = seq;
      while (!this.came.has(seq + 1)) seq += 1;
      ranges.push({
        firstSeq,
        lastSeq: seq,
        fromMs: this.startMs + (firstSeq - 1) * CYCLE_MS + 100,
        toMs: this.startMs + (seq + 1) * CYCLE_MS,
        lost: seq - firstSeq + 1,
      });
    }
    return ranges;
  }
}

/** Numbers in the order of an agent with outages: what is new first, the backlog behind it, some of it twice, some never. */
function deliveries(random: SeededRandom, startSeq: number): number[] {
  const order: number[] = [];
  let backlog: number[] = [];
  let next = startSeq;
  for (let n = random.between(1, 40); n > 0; n -= 1) {
    switch (random.between(0, 4)) {
      case 0:
        backlog.push(next++);
        break;
      case 1:
        order.push(...backlog.splice(random.between(0, backlog.length), random.between(0, 4)));
        break;
      case 2:
        if (order.length > 0) order.push(order[random.between(0, order.length - 1)] as number);
        break;
      case 3:
        backlog = backlog.filter(() => random.next() < 0.9);
        break;
      default:
        order.push(next++);
    }
  }
  return order;
}

describe('missing batches', () => {
  test('are those numbers that did not come, and the time between those that did; also when the count begins again', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed);
        const counted = new Counted();
        const ended: Range[] = [];
        let count = new NaiveCount(0);
        for (let counts = random.between(1, 3); counts > 0; counts -= 1) {
          const beginning = count.last === 0 ? random.between(0, 5) : random.between(0, count.last);
          const order = deliveries(random, beginning);
          // An agent that begins again shows it with a number that was there: others look like a long outage, or its end.
          if (count.last > 0 && !count.knows(order[0] ?? Infinity)) continue;
          if (count.last > 0) {
            ended.push(...count.missing().map((range) => ({ ...range, firstSeq: null, lastSeq: null })));
            count = new NaiveCount(count.startMs + 1e6);
          }
          for (const seq of order) {
            count.deliver(seq);
            const hasGaps = counted.deliver(seq, count.startMs);
            const expected = [...ended, ...count.missing()];
            expect(counted.ranges()).toEqual(expected);
            if (hasGaps !== null) expect(hasGaps).toBe(expected.length > 0);
          }
        }
        expect(counted.ranges(OTHER_KEY)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('are the same numbers when batches have no samples; no stretch of time ends before it begins', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed);
        const counted = new Counted();
        const count = new NaiveCount(0);
        for (const seq of deliveries(random, 1)) {
          count.deliver(seq);
          counted.deliver(seq, 0, random.next() < 0.4);
          const ranges = counted.ranges();
          const numbers = ({ firstSeq, lastSeq, lost }: Range): unknown => [firstSeq, lastSeq, lost];
          expect(ranges.map(numbers)).toEqual(count.missing().map(numbers));
          for (const { fromMs, toMs } of ranges) expect(fromMs).toBeLessThanOrEqual(toMs);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('come late also when the last batch holds nothing but the late result of a slow check', () => {
    const { recorder, ...counted } = new Counted();
    const arrive = (seq: number, atMs: number): unknown =>
      recorder.arrived(AGENT_KEY, { seq, oldestMs: atMs, newestMs: atMs, receivedAtMs: 1e9 });
    arrive(1, 1_000);
    arrive(4, 2_000);
    for (const seq of [3, 2]) arrive(seq, 5_000);
    arrive(5, 6_000);
    expect(counted.db.prepare('SELECT count(*) FROM agent_gaps').pluck().get()).toBe(0);
  });

  test('beyond a thousand ranges the closest become one; when everything has come, nothing is missing', () => {
    const counted = new Counted();
    const missing: number[] = [];
    counted.deliver(1, 0);
    let seq = 1;
    for (let n = 0; n < 1_300; n += 1) {
      // Every tenth lies five cycles from the next, which leave a longer way between.
      for (let there = n % 10 === 0 ? 5 : 1; there > 0; there -= 1) counted.deliver((seq += 1), 0);
      missing.push((seq += 1));
    }
    counted.deliver((seq += 1), 0);
    const ranges = counted.ranges();
    expect(ranges.length).toBeGreaterThan(800);
    expect(ranges.length).toBeLessThanOrEqual(1_000);
    expect(ranges.reduce((sum, { lost }) => sum + lost, 0)).toBe(missing.length);
    for (const [i, { lastSeq }] of ranges.slice(0, -1).entries()) expect(lastSeq).toBeLessThan(ranges[i + 1]?.firstSeq ?? 0);
    for (const { firstSeq } of ranges) expect(missing).toContain(firstSeq);

    const random = new SeededRandom(7);
    const late = missing.map((number) => ({ number, at: random.next() })).sort((a, b) => a.at - b.at);
    const said = late.map(({ number }) => counted.deliver(number, 0));
    expect(counted.ranges()).toEqual([]);
    expect(said).toEqual(missing.map((_, i) => i < missing.length - 1));
  });
});

describe('closestTogether', () => {
  const gap = fc.record({
    kind: fc.constantFrom<'missing' | 'dropped'>('missing', 'dropped'),
    open: fc.boolean(),
    at: fc.integer({ min: 0, max: 10_000 }),
    lengthMs: fc.integer({ min: 0, max: 50 }),
    lost: fc.integer({ min: 1, max: 9 }),
  });

  test('leaves no more than it may, closes the narrowest seams, loses nothing and mixes nothing', () => {
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 60 }), fc.integer({ min: 3, max: 60 }), (made, most) => {
        const gaps: LimitedGap[] = made.map(({ kind, open, at, lengthMs, lost }) => {
          const isOpen = kind === 'missing' && open;
          return { kind, firstSeq: isOpen ? at : null, lastSeq: isOpen ? at + lost - 1 : null, fromMs: at, toMs: at + lengthMs, lost };
        });
        const groups = closestTogether(gaps, most);
        const grouped = new Set(groups.flat());
        const left = [...gaps.filter((one) => !grouped.has(one)), ...groups.map(together)];
        expect(left.length).toBe(Math.min(gaps.length, most));
        const sum = (list: readonly LimitedGap[]): number => list.reduce((total, { lost }) => total + lost, 0);
        expect(sum(left)).toBe(sum(gaps));
        for (const group of groups) {
          const whole = together(group);
          expect(new Set(group.map(({ kind, firstSeq }) => `${kind} ${firstSeq === null}`)).size).toBe(1);
          for (const part of group) {
            expect(part.fromMs).toBeGreaterThanOrEqual(whole.fromMs);
            expect(part.toMs).toBeLessThanOrEqual(whole.toMs);
          }
        }
      }),
    );
  });

  test('of three in a row, the two that are closer', () => {
    const of = (fromMs: number, toMs: number): LimitedGap => ({ kind: 'dropped', firstSeq: null, lastSeq: null, fromMs, toMs, lost: 1 });
    const [a, b, c] = [of(0, 10), of(30, 40), of(45, 50)];
    expect(closestTogether([c, a, b], 2)).toEqual([[b, c]]);
    expect(together([b, c])).toEqual({ ...of(30, 50), lost: 2 });
    expect(closestTogether([a, b, c], 3)).toEqual([]);
  });
});
