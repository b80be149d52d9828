import { describe, expect, test } from '@jest/globals';
import {
  addsNothing,
  mayMove,
  readBatchEnvelope,
  readCommandResult,
  readConfigStatus,
  readConnectParameters,
  readDropped,
  readHttpRegistration,
  readLocation,
  readRegistration,
  readStatus,
} from '../../../src/ingest/messages.js';
import { UNKNOWN_LOCATION } from '../../../src/model/agent.js';
import { goAgentFrames, httpAgentCalls } from '../../helpers/fixtures.js';

const NOTHING = { ...UNKNOWN_LOCATION, version: '', capabilities: null };

describe('registration', () => {
  test("the real agent's", () => {
    const frame = goAgentFrames().find(({ type }) => type === 'registration');
    expect(readRegistration('lab-agent', frame?.data)).toEqual({
      description: {
        ...NOTHING,
        id: 'lab-agent',
        version: '1.0.0',
        provider: 'on-premise',
        region: 'lab',
        zone: 'lab-a',
        network: 'default',
        subnet: 'default',
      },
      dropped: undefined,
    });
  });

  test('with everything that was ever seen, in either spelling', () => {
    const expected = {
      ...NOTHING,
      id: 'a',
      provider: 'gcp',
      instanceId: 'i-1',
      ipAddress: '10.0.0.2',
      capabilities: ['ping', 'dns'],
    };
    const snake = {
      agent_id: 'ignored',
      location: { provider: 'gcp', instance_id: 'i-1', ip_address: '10.0.0.2', private_ip: '10.0.0.9', more: {} },
      capabilities: ['ping', null, 'dns', ''],
      config: { anything: [1] },
      dropped: { count: 3, from: '2026-11-22T19:04:38Z', to: 5 },
      version: '',
      unknown: 1,
    };
    const camel = {
      location: { provider: 'gcp', instanceId: 'i-1', privateIp: '10.0.0.2', publicIp: '1.2.3.4' },
      capabilities: ['ping', 'dns'],
    };
    expect(readRegistration('a', snake)).toEqual({ description: expected, dropped: snake.dropped });
    expect(readRegistration('a', camel)).toEqual({ description: expected, dropped: undefined });
    expect(readRegistration('a', {}).description).toEqual({ ...NOTHING, id: 'a' });
    expect(readRegistration('a', { location: null, capabilities: null, dropped: null, config: null }).dropped).toBeUndefined();
  });

  test.each([{ version: 5 }, { location: [] }, { location: { region: {} } }, { capabilities: 'x' }, { version: 'x'.repeat(300) }])(
    'refuses %j, naming the field',
    (data) => {
      const [field = ''] = Object.keys(data);
      expect(() => readRegistration('a', data)).toThrow(
        expect.objectContaining({ code: 'validation_failed', message: expect.stringContaining(field === 'location' ? '' : field) }),
      );
    },
  );

  test('a key named __proto__ is a key', () => {
    expect(readRegistration('a', JSON.parse('{"__proto__":{"version":"x"},"constructor":1}')).description).toEqual({ ...NOTHING, id: 'a' });
  });

  test('over HTTP, the older agent is one of gcp', () => {
    for (const { path, body } of httpAgentCalls()) {
      if (!path.endsWith('register')) continue;
      expect(readHttpRegistration(String(body.id), body).description).toEqual({
        ...NOTHING,
        id: body.id,
        provider: 'gcp',
        region: 'us-central1',
        zone: 'us-central1-a',
        network: 'default',
        subnet: 'default',
        version: '1.0.0',
      });
    }
    expect(readHttpRegistration('a', { location: { provider: 'aws' } }).description.provider).toBe('aws');
  });
});

describe('what an agent had to drop', () => {
  const NOW_MS = Date.UTC(2026, 10, 22, 20);
  const OLDEST_MS = Date.UTC(2026, 9, 23);

  test('is a number of samples and the time they are of', () => {
    const expected = { count: 3, fromMs: Date.UTC(2026, 10, 22, 19), toMs: Date.UTC(2026, 10, 22, 20, 59) };
    const { fromMs, toMs } = expected;
    expect(readDropped({ count: 3, from: '2026-11-22T19:00:00Z', to: '2026-11-22T21:59:00+01:00', more: 1 }, NOW_MS, OLDEST_MS)).toEqual(
      expected,
    );
    expect(readDropped({ count: 3, from: fromMs / 1_000, to: toMs }, NOW_MS, OLDEST_MS)).toEqual(expected);
  });

  test('is told as far as samples are kept', () => {
    const report = (fromMs: number, toMs: number) => readDropped({ count: 3, from: fromMs, to: toMs }, NOW_MS, OLDEST_MS);
    expect(report(OLDEST_MS - 1, NOW_MS)).toEqual({ count: 3, fromMs: OLDEST_MS, toMs: NOW_MS });
    expect(report(OLDEST_MS + 1, NOW_MS)).toEqual({ count: 3, fromMs: OLDEST_MS + 1, toMs: NOW_MS });
    expect(report(OLDEST_MS - 1, OLDEST_MS)).toEqual({ count: 3, fromMs: OLDEST_MS, toMs: OLDEST_MS });
    expect(report(OLDEST_MS - 2, OLDEST_MS - 1)).toBeNull();
  });

  test.each([undefined, {}, { count: 0 }, { count: 0, from: null, to: '' }])('%j says that nothing was', (dropped) => {
    expect(readDropped(dropped, NOW_MS, OLDEST_MS)).toBeNull();
  });

  test.each([
    'x',
    [],
    null,
    { count: -1 },
    { count: '3', from: 1, to: 2 },
    { count: 1.5, from: 1, to: 2 },
    { count: 2 ** 49, from: 1, to: 2 },
    { count: 3 },
    { count: 3, from: 'yesterday', to: 'today' },
    { count: 3, from: 2, to: 1 },
    { count: 3, from: -1, to: 1 },
    { count: 3, from: NOW_MS, to: NOW_MS + 3_600_001 },
  ])('%j is refused', (dropped) => {
    expect(() => readDropped(dropped, NOW_MS, OLDEST_MS)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  });
});

test('the connect URL describes the agent, and is cut rather than refused', () => {
  const parameters = new URLSearchParams({
    provider: 'gcp',
    region: 'r',
    zone: 'x'.repeat(500),
    instanceId: 'i',
    token: 'secret',
    version: '2',
  });
  expect(readConnectParameters('a', parameters)).toEqual({
    ...NOTHING,
    id: 'a',
    provider: 'gcp',
    region: 'r',
    zone: 'x'.repeat(256),
    instanceId: 'i',
    version: '2',
  });
});

test('status', () => {
  expect(readStatus({ status: 'warning', message: 'disk', details: { a: 1 } })).toEqual({ health: 'warning', message: 'disk' });
  expect(readStatus({ status: 'stopped', message: null })).toEqual({ health: 'stopped', message: '' });
  expect(readStatus({ status: 'error', message: 'x'.repeat(5_000) }).message).toHaveLength(1_024);
  expect(() => readStatus({ status: 'fine' })).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  expect(() => readStatus({})).toThrow('status');
});

test('config_status and command_result', () => {
  expect(readConfigStatus({ version: 3, status: 'applied' })).toEqual({ version: 3, status: 'applied', error: null });
  expect(readConfigStatus({ version: 3, status: 'failed', error: 'no' })).toEqual({ version: 3, status: 'failed', error: 'no' });
  expect(() => readConfigStatus({ version: -1, status: 'applied' })).toThrow('version');
  const result = { commandId: 'c', status: 'ok', output: 'hi', error: null };
  expect(readCommandResult({ command_id: 'c', status: 'ok', output: 'hi', error: '' })).toEqual(result);
  expect(readCommandResult({ commandId: 'c', status: 'ok', output: 'hi' })).toEqual(result);
  expect(() => readCommandResult({ status: 'ok' })).toThrow('command_id');
});

describe('the envelope of a batch', () => {
  test('in either spelling, with nulls of Go', () => {
    expect(readBatchEnvelope({ metrics: [1], batch_id: 'b', timestamp: 't' }, 10)).toMatchObject({
      metrics: [1],
      batchId: 'b',
      timestamp: 't',
    });
    expect(readBatchEnvelope({ metrics: null, batchId: 'b' }, 10)).toMatchObject({ metrics: [], batchId: 'b' });
    expect(readBatchEnvelope({ metrics: [], batch_id: '' }, 10).batchId).toBeNull();
  });

  test.each([0, 1, 7, 2 ** 48])('counts: %s', (seq) => {
    expect(readBatchEnvelope({ metrics: [], seq }, 10).seq).toBe(seq);
  });

  test.each([undefined, null, '', '7', 1.5, -1, 2 ** 48 + 1, Infinity, {}, true])('is good without a count, which %s is not', (seq) => {
    expect(readBatchEnvelope({ metrics: [], seq }, 10).seq).toBeNull();
  });

  test.each<[string, unknown]>([
    ['data', []],
    ['metrics', {}],
    ['metrics', { metrics: {} }],
    ['metrics', { metrics: [1, 2, 3] }],
    ['batch_id', { metrics: [], batch_id: 5 }],
    ['batch_id', { metrics: [], batch_id: 'x'.repeat(129) }],
    ['batch_id', { metrics: [], batch_id: '\ud800' }],
  ])('refuses it for its %s: %j', (field, data) => {
    expect(() => readBatchEnvelope(data, 2)).toThrow(
      expect.objectContaining({ code: 'validation_failed', details: [expect.objectContaining({ field })] }),
    );
  });
});

test('a location that came with metrics is looked at only when it says something new', () => {
  const known = readLocation('a', { provider: 'gcp', region: 'r', subnetwork: 's', private_ip: '10.0.0.1' });
  expect(known).toMatchObject({ subnet: 's', ipAddress: '10.0.0.1' });
  expect(mayMove(known, { provider: 'gcp', region: 'r', zone: '', subnet: 's', private_ip: '10.0.0.1' })).toBe(false);
  expect(mayMove(known, null)).toBe(false);
  expect(mayMove(known, { region: 'elsewhere' })).toBe(true);
  expect(mayMove({ ...known, ipAddress: '' }, { public_ip: '1.1.1.1' })).toBe(true);
  expect(addsNothing(known, { ...NOTHING, id: 'a', region: 'r' })).toBe(true);
  expect(addsNothing(known, { ...NOTHING, id: 'a', version: '2' })).toBe(false);
  expect(addsNothing({ ...known, capabilities: ['x'] }, { ...NOTHING, id: 'a', capabilities: ['y'] })).toBe(false);
});
