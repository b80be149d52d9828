import { describe, expect, test } from '@jest/globals';
import { SeriesBook } from '../../../src/alerting/series-book.js';
import type { SeriesInfo } from '../../../src/model/metric.js';
import { turnsDuring } from '../../helpers/turns-during.js';

const NAME = 'ping_rtt_avg_ms';

function infoOf(id: number, fields: Partial<SeriesInfo> = {}): SeriesInfo {
  return {
    id,
    agentId: `agent-${id}`,
    name: NAME,
    type: 'gauge',
    unit: 'ms',
    tagsJson: '{}',
    provider: 'gcp',
    region: 'r',
    zone: '',
    ...fields,
  };
}

function bookOf(infos: readonly SeriesInfo[]): Promise<SeriesBook> {
  const series = ({ limit, offset }: { limit: number; offset: number }) =>
    Promise.resolve({ series: infos.slice(offset, offset + limit), total: infos.length });
  return SeriesBook.read({ series }, new Set([NAME]));
}

describe('the book of series', () => {
  test('names tens of thousands of groups with breaths in between; then a selection has them', async () => {
    const infos = Array.from({ length: 40_000 }, (_, i) =>
      infoOf(i + 1, {
        agentId: `agent-${i % 1_000}`,
        tagsJson: JSON.stringify({ target: `10.0.0.${Math.floor(i / 1_000)}`, target_ip: '192.0.2.1' }),
      }),
    );
    const book = await bookOf(infos);
    expect((await turnsDuring(book.prepare({ metricName: NAME, by: null }))).turns).toBeGreaterThan(1);
    expect((await turnsDuring(book.prepare({ metricName: NAME, by: null }))).turns).toBe(0);
    const { groups } = book.select({ metricName: NAME, filter: {}, by: null });
    expect(groups).toHaveLength(40_000);
    expect(groups[1_001]).toEqual({
      key: '{"agent":"agent-1","target":"10.0.0.1"}',
      labels: { agent: 'agent-1', target: '10.0.0.1' },
      agentId: 'agent-1',
    });
  });

  describe('while series come and go', () => {
    const MANY = 45_000;
    const manyInfos = (): SeriesInfo[] => Array.from({ length: MANY }, (_, i) => infoOf(i + 1));

    /** After each page `change` is made to the list. */
    function readWhile(infos: SeriesInfo[], change: (page: number) => void): Promise<SeriesBook> {
      let pages = 0;
      const series = async ({ limit, offset }: { limit: number; offset: number }) => {
        const page = { series: infos.slice(offset, offset + limit), total: infos.length };
        pages += 1;
        change(pages);
        return page;
      };
      return SeriesBook.read({ series }, new Set([NAME]));
    }

    test('none that stays is passed over when others are deleted, nor when as many are new', async () => {
      for (const added of [[], [infoOf(90_001), infoOf(90_002)]]) {
        const infos = manyInfos();
        const book = await readWhile(infos, (page) => {
          if (page === 1) infos.splice(100, 2);
          if (page === 2) infos.push(...added);
        });
        expect(infos.filter(({ id }) => book.slotOf(id) === undefined)).toEqual([]);
      }
    });

    test('new ones do not make it begin anew', async () => {
      const infos = manyInfos();
      let pages = 0;
      const book = await readWhile(infos, (page) => {
        pages = page;
        infos.unshift(infoOf(90_000 + page));
      });
      expect(pages).toBe(3);
      expect(book.size).toBe(MANY);
    });

    test('when they are deleted all the time it says so, and when all are gone it is empty', async () => {
      const infos = manyInfos();
      await expect(readWhile(infos, () => infos.splice(0, 1))).rejects.toMatchObject({ code: 'overloaded' });
      expect((await readWhile(infos, () => infos.splice(0))).size).toBe(0);
    });
  });

  test('looks up long lists of agents, and does not search through them', async () => {
    const infos = Array.from({ length: 5_000 }, (_, i) => infoOf(i + 1));
    const book = await bookOf(infos);
    // Whoever searches compares with all that are before it.
    let compared = 0;
    const agentIds = infos.map(({ agentId }) => agentId);
    agentIds.includes = () => {
      compared += 1;
      return true;
    };
    const { series } = book.select({ metricName: NAME, filter: { agentIds: agentIds.slice(0, 3) }, by: [] });
    expect(series.map(({ info }) => info.id)).toEqual([1, 2, 3]);
    expect(book.select({ metricName: NAME, filter: { agentIds }, by: null }).series).toHaveLength(5_000);
    expect(compared).toBe(0);
  });

  test('a filter by tags knows only own tags', async () => {
    const book = await bookOf([infoOf(1, { tagsJson: '{"a":"b"}' }), infoOf(2)]);
    const select = (key: string, value: string) => book.select({ metricName: NAME, filter: { tags: [{ key, value }] }, by: null }).series;
    expect(select('a', 'b').map(({ info }) => info.id)).toEqual([1]);
    expect(select('constructor', 'x')).toEqual([]);
  });
});
