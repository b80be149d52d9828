/** What rules see of groups of series: one reading of the samples for all of them. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Observation, Observations, type Question, questionOf } from '../../../src/alerting/observations.js';
import { SeriesBook } from '../../../src/alerting/series-book.js';
import type { MetricSubject, RuleFilter } from '../../../src/model/alert.js';
import { AppError } from '../../../src/model/errors.js';
import type { TotalsQuery } from '../../../src/storage/ports.js';
import { MINUTE, SECOND, T0 } from '../../helpers/alert-world.js';
import { NaiveReader, type PlainSample } from '../../helpers/naive-reader.js';

const NOW = T0 + MINUTE;

let reader: NaiveReader;
beforeEach(() => {
  reader = new NaiveReader();
});

function question(aggregation: MetricSubject['aggregation'], by: string[] | null, filter: RuleFilter = {}, metricName = 'load'): Question {
  const subject = { condition: 'gt', threshold: 0, recoveryThreshold: null, noData: 'keep', windowMs: MINUTE } as const;
  return questionOf({ kind: 'metric', metricName, aggregation, by, ...subject }, filter);
}

function add(value: number, seconds: number, fields: Partial<PlainSample> = {}): void {
  reader.add({ agentId: 'a', name: 'load', value, timestampMs: T0 + seconds * SECOND, ...fields });
}

async function observationsOf(...questions: Question[]): Promise<Observations> {
  const book = await SeriesBook.read(reader, new Set(questions.map(({ metricName }) => metricName)));
  return new Observations(reader, book, questions, NOW);
}

function byLabels({ selection, values }: Observation): Record<string, number> {
  return Object.fromEntries(selection.groups.map(({ key }, i) => [key, values[i] as number]));
}

async function valueOf(asked: Question): Promise<number> {
  const { values } = await (await observationsOf(asked)).of(asked);
  expect(values).toHaveLength(1);
  return values[0] as number;
}

describe('counters of several series', () => {
  const counter = { type: 'counter' } as const;

  test('go up together by what each goes up in its own time', async () => {
    // Both count one a second, seen at different moments.
    for (const [agentId, offset] of [
      ['a', 0],
      ['b', 29],
    ] as const)
      for (const seconds of [0, 30]) add(seconds, offset + seconds, { agentId, ...counter });
    expect(await valueOf(question('rate', []))).toBe(2);
    expect(await valueOf(question('increase', []))).toBe(60);
  });

  test('say nothing by one sample each', async () => {
    add(100, 10, { agentId: 'a', ...counter });
    add(200, 40, { agentId: 'b', ...counter });
    for (const aggregation of ['rate', 'increase'] as const) expect(await valueOf(question(aggregation, []))).toBeNaN();
    add(130, 40, { agentId: 'a', ...counter });
    expect(await valueOf(question('increase', []))).toBe(30);
  });
});

test.each([
  ['last', 0.66],
  ['min', 0.66],
  ['p50', 16.995],
  ['avg', 16.995],
] as const)('%s of a loss in hundredths reads all of it as hundredths', async (aggregation, value) => {
  for (const [i, loss] of [3333, 66].entries()) add(loss, i, { name: 'ping_packet_loss_percent' });
  expect(await valueOf(question(aggregation, null, {}, 'ping_packet_loss_percent'))).toBeCloseTo(value, 10);
});

describe('percentiles', () => {
  test('of a rule about little are there when those of all rules are too much to read', async () => {
    for (const agentId of ['a', 'b']) for (const value of [1, 2, 6]) add(value, value, { agentId });
    const totals = reader.totals.bind(reader);
    reader.totals = (query: TotalsQuery) =>
      query.percentiles !== undefined && query.filter.agentIds === undefined
        ? Promise.reject(new AppError('validation_failed', 'too many samples'))
        : totals(query);
    const [narrow, wide] = [question('p50', null, { agentIds: ['b'] }), question('p90', null)];
    const observations = await observationsOf(narrow, wide);
    expect(byLabels(await observations.of(narrow))).toEqual({ '{"agent":"b"}': 2 });
    await expect(observations.of(wide)).rejects.toThrow('too many samples');
  });

  test('that are asked for with the same grouping are read once, whatever metric they are of', async () => {
    for (const name of ['load', 'ping'])
      for (const agentId of ['a', 'b']) for (const value of [1, 2, 9]) add(name === 'load' ? value : 10 * value, value, { name, agentId });
    const questions = [
      question('p50', []),
      question('p99', []),
      question('p50', [], {}, 'ping'),
      question('p50', ['provider'], {}, 'ping'),
    ];
    let asked = 0;
    const aggregate = reader.aggregate.bind(reader);
    reader.aggregate = (query) => {
      asked += 1;
      return aggregate(query);
    };
    const observations = await observationsOf(...questions);
    const values = await Promise.all(questions.map(async (one) => (await observations.of(one)).values[0]));
    expect(values).toEqual([2, 9, 20, 20]);
    expect(asked).toBe(2);
  });
});
