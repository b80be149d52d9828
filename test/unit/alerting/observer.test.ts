import { expect, test } from '@jest/globals';
import { questionOf } from '../../../src/alerting/observations.js';
import { Observer } from '../../../src/alerting/observer.js';
import type { MetricSubject } from '../../../src/model/alert.js';
import { metricRule, T0 } from '../../helpers/alert-world.js';
import { NaiveReader } from '../../helpers/naive-reader.js';

test('a dictionary that is out of date while it is read is read again', async () => {
  const reader = new NaiveReader();
  const series = reader.series.bind(reader);
  let reads = 0;
  let whileReading = (): void => undefined;
  reader.series = async (query) => {
    const page = await series(query);
    reads += 1;
    whileReading();
    return page;
  };
  const observer = new Observer(reader, () => 1_000_000);
  const question = questionOf(metricRule().subject as MetricSubject, {});
  const groups = async (): Promise<number> => {
    const observe = await observer.read([question], new Set(['load']), T0);
    return (await observe(question)).selection.groups.length;
  };
  reader.add({ agentId: 'a', name: 'load', timestampMs: T0 - 1, value: 1 });
  whileReading = () => observer.forgetBook();
  expect(await groups()).toBe(1);
  whileReading = () => undefined;
  expect([await groups(), reads]).toEqual([1, 2]);
  expect([await groups(), reads]).toEqual([1, 2]);
});
