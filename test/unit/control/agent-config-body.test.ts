import { describe, expect, test } from '@jest/globals';
import { parseAgentConfig, withTargets } from '../../../src/control/agent-config-body.js';

function problemOf(body: unknown): string {
  try {
    parseAgentConfig(body, 'a1');
  } catch (error) {
    expect(error).toMatchObject({ name: 'AppError', code: 'validation_failed' });
    return (error as Error).message;
  }
  throw new Error('accepted');
}

const FLAT = {
  collection_interval: 30,
  transmission_interval: 60,
  batch_size: 100,
  retry_attempts: 3,
  retry_delay: 1_000,
  targets: { ping: ['8.8.8.8'], dns: ['example.com'], http: ['https://example.com'], tcp: ['example.com:443'] },
  filters: { interfaces: ['eth0'], metrics: ['ping_success'] },
};

describe('parseAgentConfig', () => {
  test('keeps the flat shape as it is', () => {
    expect(parseAgentConfig(FLAT, 'a1')).toEqual(FLAT);
  });

  test('takes camelCase keys', () => {
    const body = { collectionInterval: 30, transmissionInterval: 60, batchSize: 100, retryAttempts: 3, retryDelay: 1_000 };
    const { targets: _targets, filters: _filters, ...numbers } = FLAT;
    expect(parseAgentConfig(body, 'a1')).toEqual(numbers);
  });

  test.each([
    { agent_id: 'a1', collection: { interval: 30, transmission_interval: 60, batch_size: 100 }, targets: { ping: ['8.8.8.8'] } },
    { agentId: 'a1', collection: { interval: 30, transmissionInterval: 60, batchSize: 100 }, targets: { ping: ['8.8.8.8'] } },
  ])('flattens the nested shape', (body) => {
    expect(parseAgentConfig(body, 'a1')).toEqual({
      collection_interval: 30,
      transmission_interval: 60,
      batch_size: 100,
      targets: { ping: ['8.8.8.8'] },
    });
  });

  test.each([
    ['collection_interval', 1, 3_600],
    ['transmission_interval', 1, 3_600],
    ['batch_size', 1, 1_000],
    ['retry_attempts', 0, 10],
    ['retry_delay', 100, 60_000],
  ])('holds %s between %d and %d', (key, least, most) => {
    expect(parseAgentConfig({ [key]: least }, 'a1')).toEqual({ [key]: least });
    expect(parseAgentConfig({ [key]: most }, 'a1')).toEqual({ [key]: most });
    expect(problemOf({ [key]: least - 1 })).toContain(key);
    expect(problemOf({ [key]: most + 1 })).toContain(key);
    expect(problemOf({ [key]: least + 0.5 })).toContain(key);
  });

  test.each([
    [{ collection_intervall: 30 }, 'collection_intervall'],
    [{ collection: { intervall: 30 } }, 'collection.intervall'],
    [{ targets: { icmp: ['8.8.8.8'] } }, 'targets.icmp'],
    [{ filters: { names: [] } }, 'filters.names'],
    [{ targets: { ping: [1] } }, 'targets.ping'],
    [{ targets: { ping: [''] } }, 'targets.ping'],
    [{ targets: { ping: ['x'.repeat(2_049)] } }, 'targets.ping'],
    [{ targets: { ping: Array.from({ length: 1_001 }, (_, i) => `h${i}`) } }, 'targets.ping'],
    [{ collection_interval: 1, collectionInterval: 2 }, 'collectionInterval'],
    [{ collection_interval: 1, collection: { interval: 2 } }, 'collection.interval'],
    [{ agent_id: 'other', collection_interval: 1 }, 'agent_id'],
    [{ targets: { ping: ['h'], http: ['https://x.test/', 'https://user:hidden@x.test/'] } }, '"targets.http.1" must not hold a user name'],
    [{}, 'sets nothing'],
    [{ agent_id: 'a1' }, 'sets nothing'],
    [{ collection: {} }, 'sets nothing'],
    [undefined, 'sets nothing'],
    [[1], 'object'],
    ['text', 'object'],
  ])('refuses %j', (body, reason) => {
    expect(problemOf(body)).toContain(reason);
    expect(problemOf(body)).not.toContain('hidden');
  });

  test('a __proto__ key changes nothing', () => {
    const config = parseAgentConfig(JSON.parse('{"collection_interval":5,"__proto__":{"batch_size":7}}'), 'a1');
    expect(JSON.parse(JSON.stringify(config))).toEqual({ collection_interval: 5 });
    expect(({} as Record<string, unknown>).batch_size).toBeUndefined();
  });
});

describe('withTargets', () => {
  test('appends what applies behind the own list, without duplicates', () => {
    const own = { batch_size: 5, targets: { ping: ['a', 'b'], dns: [] } };
    expect(withTargets(own, { ping: ['b', 'c', 'c'], tcp: ['h:1'] })).toEqual({
      batch_size: 5,
      targets: { ping: ['a', 'b', 'c'], dns: [], tcp: ['h:1'] },
    });
  });

  test('says nothing of targets when there are none', () => {
    expect(withTargets({ batch_size: 5 }, {})).toEqual({ batch_size: 5 });
    expect(withTargets(null, {})).toEqual({});
    expect(withTargets(null, { http: ['https://x.test/'] })).toEqual({ targets: { http: ['https://x.test/'] } });
  });
});
