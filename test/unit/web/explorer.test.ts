import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ChartAnswer, gapSpans, timesOf } from '../../../web/src/app/core/chart-answer.js';
import { chartQuestion, extended, tailQuestion } from '../../../web/src/app/pages/explorer/chart-question.js';
import { csvOf, fileName, rowsOf } from '../../../web/src/app/pages/explorer/csv.js';
import {
  type ExplorerState,
  formatState,
  MAX_METRICS,
  NOTHING_CHOSEN,
  parseState,
} from '../../../web/src/app/pages/explorer/explorer-state.js';
import {
  isolated,
  isShown,
  type Line,
  linesOf,
  panelsOf,
  summaryOf,
  toggled,
  unitAfter,
} from '../../../web/src/app/pages/explorer/lines.js';

const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
const list = fc.uniqueArray(words, { maxLength: 4 });
const tags = fc.uniqueArray(
  fc
    .tuple(
      words.filter((key) => !key.includes(':')),
      fc.string(),
    )
    .map(([key, value]) => `${key}:${value}`),
  { maxLength: 3 },
);
const range = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 9_999 }), fc.constantFrom(1_000, 60_000, 3_600_000, 86_400_000)).map(([n, unitMs]) => ({
    kind: 'last' as const,
    durationMs: n * unitMs,
  })),
  fc
    .tuple(fc.integer({ min: -(2 ** 45), max: 2 ** 45 }), fc.integer({ min: 1, max: 2 ** 40 }))
    .map(([startMs, lengthMs]) => ({ kind: 'between' as const, startMs, endMs: startMs + lengthMs })),
);
const states: fc.Arbitrary<ExplorerState> = fc
  .record({
    metrics: fc.uniqueArray(words, { maxLength: MAX_METRICS }),
    agents: list,
    providers: list,
    regions: list,
    tags,
    aggregation: fc.oneof(
      fc.constantFrom('avg', 'sum', 'min', 'max', 'count', 'rate', 'increase'),
      fc.integer({ min: 1, max: 99 }).map((p) => `p${p}`),
    ),
    by: fc.oneof(
      fc.constantFrom('series', 'agent', 'provider', 'region', 'none'),
      words.map((key) => `tag:${key}`),
    ),
    step: fc.constantFrom('auto', '10s', '90s', '5m', '7h', '2d'),
    range,
    view: fc.constantFrom('chart' as const, 'table' as const),
    live: fc.boolean(),
    hide: list,
    only: list,
  })
  .map((state) => ({ ...state, live: state.live && state.range.kind === 'last' }));

function address(state: ExplorerState): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(formatState(state))) {
    if (value === null) continue;
    if (typeof value === 'string') params.append(name, value);
    else for (const one of value) params.append(name, one);
  }
  // As text and back: what an address does to them.
  return new URLSearchParams(params.toString());
}

describe('the explorer’s address', () => {
  test('says the whole state', () => {
    fc.assert(fc.property(states, (state) => expect(parseState(address(state))).toEqual(state)));
  });

  test('means something whatever it says, and the same when it is written anew', () => {
    const names = fc.constantFrom(
      'm',
      'agent',
      'provider',
      'region',
      'tag',
      'agg',
      'by',
      'step',
      'range',
      'from',
      'to',
      'view',
      'live',
      'hide',
      'only',
    );
    const values = fc.oneof(
      fc.string(),
      fc.constantFrom('1', '1h', '60s', '0m', 'a:b', ':b', 'tag:', 'p0', 'p100', 'table', '2026-11-23T00:00:00Z'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values)), (pairs) => {
        const state = parseState(new URLSearchParams(pairs));
        expect(parseState(address(state))).toEqual(state);
      }),
    );
  });

  test('leaves out what is as usual', () => {
    expect(address(NOTHING_CHOSEN).toString()).toBe('');
    const state = parseState(new URLSearchParams('m=cpu&m=rtt&m=cpu&tag=target:8.8.8.8:53&tag=nokey&agg=p101&step=120s&live=1'));
    expect(state).toEqual({ ...NOTHING_CHOSEN, metrics: ['cpu', 'rtt'], tags: ['target:8.8.8.8:53'], step: '2m', live: true });
    expect(parseState(new URLSearchParams('from=2026-11-23&to=2026-11-24&live=1')).live).toBe(false);
  });
});

const BASE: ChartAnswer = {
  interval: '10s',
  interval_ms: 10_000,
  start_ms: 1_000_000,
  count: 4,
  series: [{ name: 'rtt', agent_id: 'a', unit: 'ms', tags: {}, values: [1, 2, 3, null] }],
  totalSeries: 1,
  truncated: false,
  period: { start: new Date(1_000_000).toISOString(), end: new Date(1_035_000).toISOString() },
  gaps: [],
};

describe('questions and answers', () => {
  test('ask for what the state says', () => {
    const state = { ...NOTHING_CHOSEN, metrics: ['a', 'b'], agents: ['x'], tags: ['k:v'], by: 'agent', aggregation: 'p95' };
    expect(chartQuestion(state)).toMatchObject({
      metricName: ['a', 'b'],
      agentId: ['x'],
      tag: ['k:v'],
      groupBy: 'name,agent',
      aggregation: 'p95',
      interval: 'auto',
      timeRange: '1h',
    });
    expect(chartQuestion({ ...state, by: 'none' })).toMatchObject({ groupBy: 'name' });
    expect(chartQuestion(NOTHING_CHOSEN)).toBeUndefined();
    expect(tailQuestion(state, BASE)).toMatchObject({ interval: '10s', since: new Date(1_000_000).toISOString() });
  });

  test('an answer grows by its tail and stays as long as it was', () => {
    const tail: ChartAnswer = {
      ...BASE,
      start_ms: 1_020_000,
      count: 4,
      series: [
        { name: 'rtt', agent_id: 'a', unit: 'ms', tags: {}, values: [30, 40, 50, null] },
        { name: 'rtt', agent_id: 'b', unit: 'ms', tags: {}, values: [null, null, 5, 6] },
      ],
      period: { start: new Date(1_020_000).toISOString(), end: new Date(1_055_000).toISOString() },
    };
    const grown = extended(BASE, tail, 'agent');
    // It began 35 s before the new end: its first bucket is the one of that moment.
    expect([grown.start_ms, grown.count]).toEqual([1_020_000, 4]);
    expect(grown.series.map(({ values }) => values)).toEqual([
      [30, 40, 50, null],
      [null, null, 5, 6],
    ]);
    expect(timesOf(grown)).toEqual([1_020_000, 1_030_000, 1_040_000, 1_050_000]);
    const short = { ...tail, start_ms: 1_030_000, count: 1, series: [], period: { ...tail.period, end: BASE.period.end } };
    expect(extended(BASE, short, 'agent').series[0]?.values).toEqual([1, 2, 3, null]);
  });

  test('a tail equals the whole, whatever its cut', () => {
    const value = fc.option(fc.integer(), { nil: null });
    fc.assert(
      fc.property(fc.array(value, { minLength: 6, maxLength: 40 }), fc.nat(), fc.nat(), (all, known, again) => {
        const seen = 3 + (known % (all.length - 3));
        const from = seen - 1 - (again % (seen - 1));
        const piece = (start: number, end: number): ChartAnswer => ({
          ...BASE,
          start_ms: start * 10_000,
          count: end - start,
          series: [{ name: 'x', unit: null, tags: {}, values: all.slice(start, end) }],
          period: { start: new Date(start * 10_000).toISOString(), end: new Date(end * 10_000).toISOString() },
        });
        const grown = extended(piece(0, seen), piece(from, all.length), 'none');
        const expected = all.slice(all.length - seen);
        expect(grown.count).toBe(seen);
        expect(grown.series[0]?.values ?? expected.map(() => null)).toEqual(expected);
      }),
    );
  });

  test('gaps that overlap are one', () => {
    const gap = (from: number, to: number) => ({
      agent_id: 'a',
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      reason: 'missing' as const,
      batches: 1,
      samples: null,
    });
    expect(gapSpans([gap(50, 60), gap(10, 20), gap(15, 30)])).toEqual([
      { startMs: 10, endMs: 30 },
      { startMs: 50, endMs: 60 },
    ]);
  });
});

describe('lines', () => {
  const line = (key: string, unit: string | null, values: (number | null)[] = []): Line => ({ key, label: key, unit, values, place: 0 });

  test('are named by what tells them apart', () => {
    const series = [
      { name: 'rtt', series: '1', agent_id: 'a', unit: 'ms', tags: { target: 'x', if: 'e' }, values: [] },
      { name: 'rtt', series: '2', agent_id: 'a', unit: 'ms', tags: { target: 'y', if: 'e' }, values: [] },
    ];
    expect(linesOf({ ...BASE, series }, { by: 'series', aggregation: 'avg' }).map(({ label, key }) => [key, label])).toEqual([
      ['1', 'target=x'],
      ['2', 'target=y'],
    ]);
    expect(linesOf(BASE, { by: 'agent', aggregation: 'rate' })).toMatchObject([{ label: 'rtt a', unit: 'ms/sec', place: 0 }]);
    expect([unitAfter('count', 'ms'), unitAfter('rate', 'count'), unitAfter('rate', 'bytes'), unitAfter('avg', 'ms')]).toEqual([
      null,
      '/sec',
      'bytes/sec',
      'ms',
    ]);
  });

  test('of two units share a chart, of more have one each', () => {
    expect(panelsOf([line('1', 'ms'), line('2', '%'), line('3', 'ms')])).toHaveLength(1);
    const panels = panelsOf([line('1', 'ms'), line('2', null), line('3', 'bytes'), line('4', 'ms')]);
    expect(panels.map(({ lines }) => lines.map(({ key }) => key))).toEqual([['1', '4'], ['2'], ['3']]);
    expect(panelsOf([])).toEqual([]);
  });

  test('are hidden, isolated and shown again', () => {
    const lines = ['1', '2', '3'].map((key) => line(key, null));
    const all = { hide: [], only: [] };
    expect(toggled(lines, '2', all)).toEqual({ hide: ['2'], only: [] });
    expect(toggled(lines, '2', { hide: ['2'], only: [] })).toEqual(all);
    const alone = isolated(lines, '3', all);
    expect(lines.filter((one) => isShown(one, alone)).map(({ key }) => key)).toEqual(['3']);
    expect(isolated(lines, '3', alone)).toEqual(all);
    const none = toggled(lines, '3', alone);
    expect(lines.some((one) => isShown(one, none))).toBe(false);
  });

  test('are summed up', () => {
    expect(summaryOf([null, 2, null, 4, null])).toEqual({ last: 4, min: 2, max: 4, avg: 3 });
    expect(summaryOf([null])).toEqual({ last: null, min: null, max: null, avg: null });
    expect(summaryOf([Number.MAX_VALUE, Number.MAX_VALUE]).avg).toBe(Number.MAX_VALUE);
  });
});

describe('CSV', () => {
  const lines: Line[] = [
    { key: '1', label: 'rtt "a", b', unit: 'ms', values: [1.5, null, 3], place: 0 },
    { key: '2', label: '=cmd', unit: null, values: [null, null, 0], place: 1 },
  ];

  test('has a column for each line and a row for each moment with a value', () => {
    expect(csvOf([0, 1_000, 2_000], lines)).toBe(
      'time,"rtt ""a"", b [ms]",\'=cmd\r\n1970-01-01T00:00:00.000Z,1.5,\r\n1970-01-01T00:00:02.000Z,3,0\r\n',
    );
    expect(rowsOf(lines, 3)).toEqual([0, 2]);
    expect(fileName(['a/b', 'c'], 0)).toBe('a_b+c 1970-01-01T00-00-00Z.csv');
  });

  test('is read back as it was, whatever the labels', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (labels) => {
        const made = labels.map((label, place) => ({ key: `${place}`, label, unit: null, values: [place], place }));
        const [header, row] = readCsv(csvOf([0], made));
        expect(header?.slice(1).map((label, i) => (label === `'${labels[i] ?? ''}` ? labels[i] : label))).toEqual(labels);
        expect(row).toEqual(['1970-01-01T00:00:00.000Z', ...labels.map((_, place) => `${place}`)]);
      }),
    );
  });
});

/** RFC 4180, read by its grammar. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  let row: string[] = [];
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') {
      rows.push(row);
      row = [];
    }
    if (cell.lastIndex === text.length) break;
  }
  return rows;
}
