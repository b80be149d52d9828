import { describe, expect, test } from '@jest/globals';
import type { Metric, Target } from '../../../web/src/app/core/api-types.js';
import { allowedBy, argsOf, argsText, outputText, suggestionsFor } from '../../../web/src/app/pages/agent-detail/command-model.js';
import { gapText, skewText } from '../../../web/src/app/pages/agent-detail/facts.js';
import { merged } from '../../../web/src/app/pages/agent-detail/sample-list.js';
import { explorerOf, matching, type SeriesRow, valueText } from '../../../web/src/app/pages/agent-detail/series-list.js';

describe('commands', () => {
  test('a form becomes arguments', () => {
    expect(argsOf({ name: 'ping_now', type: 'ping', address: '' })).toEqual({ args: {} });
    expect(argsOf({ name: 'ping_now', type: 'ping', address: ' 8.8.8.8 ' })).toEqual({ args: { target: '8.8.8.8' } });
    expect(argsOf({ name: 'flush', type: 'ping', address: 'left over' })).toEqual({ args: {} });
    expect(argsOf({ name: 'run_check', type: 'http', address: 'http://a:80/' })).toEqual({
      args: { type: 'http', address: 'http://a:80/' },
    });
    expect(argsOf({ name: 'run_check', type: 'tcp', address: 'a:80' })).toEqual({ args: { type: 'tcp', address: 'a', port: 80 } });
    expect(argsOf({ name: 'run_check', type: 'tcp', address: '[::1]:80' })).toEqual({ args: { type: 'tcp', address: '::1', port: 80 } });
    expect(argsOf({ name: 'run_check', type: 'dns', address: '::1' })).toEqual({ args: { type: 'dns', address: '::1' } });
    expect(argsOf({ name: 'run_check', type: 'ping', address: ' ' })).toHaveProperty('problem');
  });

  test('agents that can be configured say what they obey, others do not', () => {
    expect(allowedBy([])).toBeNull();
    expect(allowedBy(['metrics'])).toBeNull();
    expect([...(allowedBy(['config_update', 'ping_now', 'seq']) ?? [])]).toEqual(['ping_now']);
    expect(allowedBy(['config_update'])?.size).toBe(0);
  });

  test('targets to choose from are those that the agent has', () => {
    const target = (address: string, rest: Partial<Target> = {}): Target => ({
      id: address,
      name: address,
      type: 'tcp',
      address,
      port: 80,
      interval: null,
      timeout: null,
      enabled: true,
      agent_ids: [],
      ...rest,
    });
    const targets = [
      target('b'),
      target('::1'),
      target('off', { enabled: false }),
      target('other', { agent_ids: ['z'] }),
      target('p', { type: 'ping' }),
    ];
    expect(suggestionsFor('tcp', 'a', { targets: { tcp: ['x:1', 'b:80'] } }, targets)).toEqual(['[::1]:80', 'b:80', 'x:1']);
    expect(suggestionsFor('dns', 'a', null, targets)).toEqual([]);
  });

  test('what was asked and what came back can be read', () => {
    expect(argsText({ target: 'a', port: 1 })).toBe('target=a, port=1');
    expect(outputText('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(outputText('3')).toBe('3');
    expect(outputText('cut {')).toBe('cut {');
  });
});

describe('facts', () => {
  test('a clock is right within a second', () => {
    expect(skewText(null).text).toBe('not known');
    expect(skewText(-900)).toEqual({ text: 'right', isWrong: false });
    expect(skewText(5_000)).toEqual({ text: '5 s behind', isWrong: false });
    expect(skewText(-3_600_000)).toEqual({ text: '1 h ahead', isWrong: true });
  });

  test('a gap says why and how much', () => {
    const gap = { agent_id: 'a', from: '', to: '', batches: null, samples: null };
    expect(gapText({ ...gap, reason: 'missing', batches: 1 })).toBe('It has not come yet: 1 batch');
    expect(gapText({ ...gap, reason: 'dropped', samples: 2_790, batches: 31 })).toBe(
      'The agent had to throw it away: 2,790 samples, 31 batches',
    );
    expect(gapText({ ...gap, reason: 'dropped' })).toBe('The agent had to throw it away');
  });
});

describe('series', () => {
  const row = (name: string, tags: Record<string, string>, unit: string | null = 'ms'): SeriesRow => ({
    id: name,
    agent_id: 'a',
    name,
    type: 'gauge',
    unit,
    tags,
    value: 1,
    timestamp: null,
  });
  const rows = [row('ping_rtt', { target: '8.8.8.8' }), row('cpu', {}, 'percent')];

  test('all words of the filter must be found', () => {
    expect(matching(rows, '  ')).toBe(rows);
    expect(matching(rows, 'PING target=8').map(({ name }) => name)).toEqual(['ping_rtt']);
    expect(matching(rows, 'gauge percent').map(({ name }) => name)).toEqual(['cpu']);
    expect(matching(rows, 'ping percent')).toEqual([]);
  });

  test('histograms and timers show the value that counts', () => {
    expect(valueText(12.5, 'ms')).toBe('12.5 ms');
    expect(valueText({ value: 3, count: 9 }, null)).toBe('3');
    expect(valueText(null, 'ms')).toBe('–');
  });

  test('the explorer is asked for exactly this series', () => {
    expect(explorerOf(row('cpu', {}))).toEqual({ m: 'cpu', agent: 'a' });
    expect(explorerOf(row('x', { target: 'h:1', ip: '::1' }))).toEqual({ m: 'x', agent: 'a', tag: ['target:h:1', 'ip:::1'] });
  });
});

test('samples are listed once, newest first, and not for ever', () => {
  const sample = (id: string, at: number, value = 1): Metric => ({
    id,
    agent_id: 'a',
    name: id,
    type: 'gauge',
    value,
    unit: null,
    tags: {},
    provider: '',
    region: '',
    zone: '',
    timestamp: new Date(at).toISOString(),
    received_at: null,
  });
  const list = merged([sample('old', 1), sample('b', 2), sample('a', 2)], [sample('a', 2, 5), sample('new', 3)], 3);
  expect(list.map(({ id, value }) => [id, value])).toEqual([
    ['new', 1],
    ['a', 5],
    ['b', 1],
  ]);
});
