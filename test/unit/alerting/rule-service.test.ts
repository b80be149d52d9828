import { describe, expect, test } from '@jest/globals';
import { RuleService } from '../../../src/alerting/rule-service.js';
import { MINUTE, T0 } from '../../helpers/alert-world.js';
import { MemoryAlertStores } from '../../helpers/memory-alert-stores.js';
import { NaiveReader } from '../../helpers/naive-reader.js';

const RULE = { metric_name: 'load', aggregation: 'last', window: '1m', threshold: 10 };
const RANGE = { startMs: T0, endMs: T0 + 10 * MINUTE };

const reader = new NaiveReader([{ agentId: 'a', name: 'load', timestampMs: T0, value: 1 }]);
const service = new RuleService({
  store: new MemoryAlertStores().rules,
  evaluator: { rulesChanged: () => Promise.resolve(), status: () => null },
  reader,
  clock: { nowMs: () => T0 },
});

describe('a rule that is tried', () => {
  test('says what nobody knows of the past', async () => {
    expect(await service.test({ ...RULE, no_data: 'alert' }, RANGE)).toMatchObject({
      groups: [{ labels: { agent: 'a' }, firings: [{ peak: null }] }],
      warning: expect.stringMatching(/connected/),
    });
    expect(await service.test({ ...RULE, no_data: 'alert', metric_name: 'laod' }, RANGE)).toMatchObject({
      warning: 'no series matches this rule',
    });
    expect(await service.test(RULE, RANGE)).toMatchObject({ groups: [], warning: null });
  });
});
