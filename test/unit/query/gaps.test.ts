import { describe, expect, test } from '@jest/globals';
import { GapQueries } from '../../../src/query/gaps.js';
import type { AgentGap, GapReader } from '../../../src/storage/ports.js';
import { directoryOf, makeAgent } from '../../helpers/agent-directory.js';

const T0 = Date.UTC(2026, 0, 31, 12);
const RANGE = { startMs: T0, endMs: T0 + 86_400_000, label: '24h' };
const AGENTS = directoryOf(
  makeAgent({ id: 'a', agentKey: 1, provider: 'gcp', region: 'r1' }),
  makeAgent({ id: 'b', agentKey: 2, provider: 'aws', region: 'r2' }),
  makeAgent({ id: 'c', agentKey: 3, provider: 'gcp', region: 'r2' }),
);

/** Answers these gaps and keeps what it was asked. */
class FakeGaps implements GapReader {
  readonly asked: { agentKeys: readonly number[] | null; limit: number }[] = [];
  readonly agents: ReadonlySet<number>;

  constructor(
    private readonly rows: readonly AgentGap[],
    agents: readonly number[] = rows.map(({ agentKey }) => agentKey),
  ) {
    this.agents = new Set(agents);
  }

  async within(query: { agentKeys: readonly number[] | null; limit: number }): Promise<AgentGap[]> {
    this.asked.push(query);
    return this.rows
      .filter(({ agentKey }) => query.agentKeys?.includes(agentKey) ?? true)
      .toSorted((a, b) => b.toMs - a.toMs)
      .slice(0, query.limit);
  }
}

const gap = (agentKey: number, reason: AgentGap['reason'], from: number, to: number, lost = 1): AgentGap => ({
  agentKey,
  reason,
  fromMs: T0 + from,
  toMs: T0 + to,
  lost,
});
const at = (offsetMs: number): string => new Date(T0 + offsetMs).toISOString();

/** The periods of one agent's gaps: [from, to, reason, batches, samples]. */
async function periods(...gaps: readonly AgentGap[]): Promise<unknown[]> {
  const answer = await new GapQueries(AGENTS, new FakeGaps(gaps)).within({}, RANGE);
  return answer.gaps.map(({ from, to, reason, batches = 0, samples = 0 }) => [
    Date.parse(from) - T0,
    Date.parse(to) - T0,
    reason,
    batches,
    samples,
  ]);
}

describe('periods', () => {
  test('are ascending, and apart where a sample is between them', async () => {
    expect(await periods(gap(1, 'missing', 500, 900, 4), gap(1, 'missing', 100, 200), gap(1, 'missing', 200, 300, 2))).toEqual([
      [100, 200, 'missing', 1, 0],
      [200, 300, 'missing', 2, 0],
      [500, 900, 'missing', 4, 0],
    ]);
  });

  test('of what was dropped tell the batches that are missing because of it', async () => {
    expect(await periods(gap(1, 'missing', 100, 200, 5), gap(1, 'dropped', 120, 180, 400))).toEqual([[100, 200, 'dropped', 5, 400]]);
    expect(await periods(gap(1, 'dropped', 120, 180, 400), gap(1, 'missing', 150, 200, 5))).toEqual([[120, 200, 'dropped', 5, 400]]);
    expect(await periods(gap(1, 'dropped', 120, 180, 400))).toEqual([[120, 180, 'dropped', 0, 400]]);
  });

  test('go on as long as one gap overlaps the next', async () => {
    const chain = [gap(1, 'missing', 0, 100), gap(1, 'missing', 50, 60), gap(1, 'missing', 99, 150), gap(1, 'missing', 149, 300)];
    expect(await periods(...chain)).toEqual([[0, 300, 'missing', 4, 0]]);
  });

  test('may be of no length; within another they are part of it, also at its end', async () => {
    expect(await periods(gap(1, 'missing', 100, 100), gap(1, 'missing', 100, 100))).toEqual([[100, 100, 'missing', 2, 0]]);
    expect(await periods(gap(1, 'missing', 100, 200), gap(1, 'missing', 200, 200))).toEqual([[100, 200, 'missing', 2, 0]]);
    expect(await periods(gap(1, 'missing', 200, 200), gap(1, 'missing', 200, 300))).toEqual([[200, 300, 'missing', 2, 0]]);
  });

  test('are of one agent each', async () => {
    const answer = await new GapQueries(AGENTS, new FakeGaps([gap(1, 'missing', 100, 300), gap(2, 'missing', 50, 200)])).within({}, RANGE);
    expect(answer).toEqual({
      gaps: [
        { agent_id: 'b', from: at(50), to: at(200), reason: 'missing', batches: 1 },
        { agent_id: 'a', from: at(100), to: at(300), reason: 'missing', batches: 1 },
      ],
    });
  });
});

describe('whose gaps', () => {
  const rows = [1, 2, 3].map((agentKey) => gap(agentKey, 'missing', agentKey, agentKey + 10));

  test.each([
    [{}, ['a', 'b', 'c'], null],
    [{ agentIds: ['b', 'nobody'] }, ['b'], [2]],
    [{ providers: ['gcp'] }, ['a', 'c'], [1, 3]],
    [{ providers: ['gcp'], regions: ['r2'] }, ['c'], [3]],
    [{ agentIds: ['a', 'b'], providers: ['aws'] }, ['b'], [2]],
  ])('%j', async (where, ids, agentKeys) => {
    const reader = new FakeGaps(rows);
    const { gaps } = await new GapQueries(AGENTS, reader).within(where, RANGE);
    expect(gaps.map(({ agent_id }) => agent_id)).toEqual(ids);
    expect(reader.asked).toEqual([expect.objectContaining({ agentKeys })]);
  });

  test('of agents that have none, storage is not asked', async () => {
    const reader = new FakeGaps([gap(2, 'missing', 1, 2)]);
    const queries = new GapQueries(AGENTS, reader);
    expect(await queries.within({ agentIds: ['a', 'nobody'] }, RANGE)).toEqual({ gaps: [] });
    expect(await queries.within({ providers: ['gcp'] }, RANGE)).toEqual({ gaps: [] });
    expect(await new GapQueries(AGENTS, new FakeGaps([])).within({}, RANGE)).toEqual({ gaps: [] });
    expect(reader.asked).toEqual([]);
  });

  test('what a deleted agent left is nobody’s', async () => {
    const { gaps } = await new GapQueries(AGENTS, new FakeGaps([...rows, gap(9, 'missing', 1, 2)])).within({}, RANGE);
    expect(gaps).toHaveLength(3);
  });

  test('of one agent, with the range', async () => {
    const queries = new GapQueries(AGENTS, new FakeGaps(rows));
    expect(await queries.ofAgent('b', RANGE)).toEqual({
      agentId: 'b',
      timeRange: '24h',
      period: { start: at(0), end: at(86_400_000) },
      gaps: [{ agent_id: 'b', from: at(2), to: at(12), reason: 'missing', batches: 1 }],
    });
    await expect(queries.ofAgent('nobody', RANGE)).rejects.toMatchObject({ code: 'agent_not_found' });
  });
});

describe('a thousand at the most', () => {
  const many = (count: number): AgentGap[] => Array.from({ length: count }, (_, i) => gap(1, 'missing', i * 10, i * 10 + 5));

  test('are all of them as long as they are no more', async () => {
    const answer = await new GapQueries(AGENTS, new FakeGaps(many(1_000))).within({}, RANGE);
    expect(answer.gaps).toHaveLength(1_000);
    expect(answer).not.toHaveProperty('gapsTruncated');
  });

  test('are the newest, and it is said', async () => {
    const answer = await new GapQueries(AGENTS, new FakeGaps(many(1_003))).within({}, RANGE);
    expect(answer.gapsTruncated).toBe(true);
    expect([answer.gaps.length, answer.gaps[0]?.from, answer.gaps.at(-1)?.from]).toEqual([1_000, at(30), at(10_020)]);
  });

  test('may be fewer when not all could be looked at', async () => {
    const overlapping = Array.from({ length: 6_000 }, (_, i) => gap(1, 'missing', i, i + 10));
    const reader = new FakeGaps(overlapping);
    const answer = await new GapQueries(AGENTS, reader).within({}, RANGE);
    expect(answer.gaps).toHaveLength(1);
    expect(answer.gapsTruncated).toBe(true);
    expect(reader.asked).toEqual([expect.objectContaining({ limit: 5_001 })]);
  });
});
