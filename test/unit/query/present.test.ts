import { describe, expect, test } from '@jest/globals';
import { isoTimeOrNull } from '../../../src/model/iso-time.js';
import { finiteOrNull, presentActivity, presentAgent, presentMetric, presentRows } from '../../../src/query/present.js';
import { makeAgent } from '../../helpers/agent-directory.js';
import { NaiveReader } from '../../helpers/naive-reader.js';

const T0 = Date.UTC(2026, 0, 31, 12);

describe('agents', () => {
  test('have exactly the fields of the contract', () => {
    const agent = makeAgent({
      id: 'a',
      health: 'healthy',
      provider: 'gcp',
      instanceId: 'vm-1',
      ipAddress: '10.0.0.1',
      capabilities: ['ping'],
      connectedAtMs: T0,
      lastSeenMs: T0 + 1,
      totalMetrics: 7,
      clockSkewMs: -12,
      newestLateMs: null,
      createdAtMs: T0 - 1,
      updatedAtMs: T0,
    });
    expect(presentAgent(agent)).toEqual({
      id: 'a',
      provider: 'gcp',
      region: '',
      zone: '',
      network: '',
      subnet: '',
      instance_id: 'vm-1',
      ip_address: '10.0.0.1',
      version: '1.0.0',
      status: 'connected',
      health: 'healthy',
      capabilities: ['ping'],
      connected_at: '2026-01-31T12:00:00.000Z',
      last_seen: '2026-01-31T12:00:00.001Z',
      last_registration: null,
      total_messages: 0,
      total_metrics: 7,
      total_errors: 0,
      clock_skew_ms: -12,
      config: null,
      created_at: '2026-01-31T11:59:59.999Z',
      updated_at: '2026-01-31T12:00:00.000Z',
    });
  });

  test('say which configuration they should run, tried and run, and since when', () => {
    const config = {
      version: 3,
      updatedAtMs: T0,
      attemptedVersion: 2,
      attemptStatus: 'failed' as const,
      attemptError: 'no such interface',
      attemptedAtMs: T0 - 1_000,
      effectiveVersion: 1,
      effectiveAtMs: T0 - 2_000,
    };
    expect(presentAgent(makeAgent({ id: 'a', config })).config).toEqual({
      desired_version: 3,
      attempted_version: 2,
      effective_version: 1,
      status: 'pending',
      error: 'no such interface',
      desired_since: '2026-01-31T12:00:00.000Z',
      attempted_at: '2026-01-31T11:59:59.000Z',
      effective_since: '2026-01-31T11:59:58.000Z',
    });
    expect(presentAgent(makeAgent({ id: 'a', config: { ...config, version: 2 } })).config?.status).toBe('failed');
    const applied = { ...config, version: 2, attemptStatus: 'applied' as const };
    expect(presentAgent(makeAgent({ id: 'a', config: applied })).config?.status).toBe('applied');
  });
});

describe('metrics', () => {
  test('objects come back as they came, tags keep every key, unknown times are null', async () => {
    const tags = JSON.parse('{"__proto__":"x","b":"2"}') as Record<string, string>;
    const value = { value: 3, p99: [1, 2], nested: { deep: 'yes' } };
    const reader = new NaiveReader(
      [
        { agentId: 'a', name: 'plain', tags, unit: 'ms', timestampMs: T0, value: 1.5, receivedAtMs: T0 + 3 },
        { agentId: 'a', name: 'object', type: 'histogram', timestampMs: T0 + 1, value },
      ],
      { a: { provider: 'gcp', region: 'r', zone: 'z' } },
    );
    const rows = await reader.samples({ filter: {}, range: {}, order: 'oldest', limit: 10, offset: 0 });
    const [plain, object] = presentRows(rows);
    expect(plain).toMatchObject({
      id: `1-${T0}`,
      agent_id: 'a',
      name: 'plain',
      type: 'gauge',
      value: 1.5,
      unit: 'ms',
      provider: 'gcp',
      region: 'r',
      zone: 'z',
      timestamp: '2026-01-31T12:00:00.000Z',
      received_at: '2026-01-31T12:00:00.003Z',
    });
    expect(JSON.stringify(plain?.tags)).toBe('{"__proto__":"x","b":"2"}');
    expect(object).toMatchObject({ id: `2-${T0 + 1}`, value, unit: null, tags: {}, received_at: null });
  });

  test('one sample alone', () => {
    const series = {
      id: 4,
      agentId: 'a',
      name: 'n',
      type: 'timer',
      unit: null,
      tagsJson: '{"k":"v"}',
      provider: '',
      region: '',
      zone: '',
    } as const;
    const sample = { timestampMs: T0, value: 2, objectJson: '{"value":2,"max":9}', receivedAtMs: null };
    expect(presentMetric(series, sample)).toMatchObject({
      id: `4-${T0}`,
      tags: { k: 'v' },
      value: { value: 2, max: 9 },
      received_at: null,
    });
  });
});

test('activities', () => {
  expect(presentActivity({ timestampMs: T0, type: 'agent_connected', agentId: 'a', message: 'hello' })).toEqual({
    timestamp: '2026-01-31T12:00:00.000Z',
    type: 'agent_connected',
    agent_id: 'a',
    message: 'hello',
  });
});

test('what JSON cannot say is null', () => {
  expect([finiteOrNull(Infinity), finiteOrNull(NaN), finiteOrNull(undefined), finiteOrNull(0)]).toEqual([null, null, null, 0]);
  expect([isoTimeOrNull(null), isoTimeOrNull(NaN), isoTimeOrNull(0)]).toEqual([null, null, '1970-01-01T00:00:00.000Z']);
});
