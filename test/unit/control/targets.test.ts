import { beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigPusher } from '../../../src/control/config-pusher.js';
import { TargetBook } from '../../../src/control/target-book.js';
import { TargetService } from '../../../src/control/targets.js';
import type { AppError } from '../../../src/model/errors.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { agentOf, FakeAgents } from '../../helpers/fake-agents.js';
import { MemoryConfigStore, MemoryTargetStore } from '../../helpers/memory-stores.js';

const NOW_MS = Date.UTC(2026, 0, 2);
const PING = { name: 'Google', type: 'ping', address: '8.8.8.8' };

function build() {
  const clock = { nowMs: () => NOW_MS };
  const agents = new FakeAgents(agentOf('a1'), agentOf('a2', { agentKey: 2 }), agentOf('a3', { agentKey: 3, status: 'disconnected' }));
  const configs = new MemoryConfigStore();
  const store = new MemoryTargetStore();
  const book = new TargetBook(store);
  const pusher = new ConfigPusher({ configs, targets: book, agents, clock, logger: silentLogger });
  return { agents, configs, store, book, service: new TargetService({ store, book, agents, pusher, clock }) };
}

let house: ReturnType<typeof build>;

beforeEach(() => {
  house = build();
});

/** The configuration each agent was sent last. */
function lastPushed(): Record<string, unknown> {
  return Object.fromEntries(house.agents.sent.map(({ id, data }) => [id, data.config]));
}

describe('TargetService', () => {
  test('creates with defaults, answers in the shape of the wire, lists', async () => {
    const expected = {
      id: 'target-1',
      name: 'Google',
      type: 'ping',
      address: '8.8.8.8',
      interval: 60,
      timeout: 5,
      enabled: true,
      agent_ids: [],
      created_at: '2026-01-02T00:00:00.000Z',
      updated_at: '2026-01-02T00:00:00.000Z',
    };
    expect(await house.service.create(PING)).toEqual(expected);
    expect(house.service.list()).toEqual([expected]);
  });

  test('tells every agent of a target for all, and counts up also for those that are away', async () => {
    await house.service.create(PING);
    await house.agents.sentCount(2);
    expect(lastPushed()).toEqual({ a1: { targets: { ping: ['8.8.8.8'] } }, a2: { targets: { ping: ['8.8.8.8'] } } });
    expect([...house.configs.rows.values()].map((row) => row.version)).toEqual([1, 1, 1]);
  });

  test('tells the agents before and after a change, and nobody else', async () => {
    const { service, agents, configs } = house;
    const { id } = await service.create({ ...PING, agentIds: ['a1', 'a1', 'unheard-of'] });
    await agents.sentCount(1);
    expect(lastPushed()).toEqual({ a1: { targets: { ping: ['8.8.8.8'] } } });
    await service.update(id, { agent_ids: ['a2'] });
    await agents.sentCount(3);
    expect(lastPushed()).toEqual({ a1: {}, a2: { targets: { ping: ['8.8.8.8'] } } });
    expect(configs.rows.has(3)).toBe(false);
    await service.remove(id);
    await agents.sentCount(4);
    expect(lastPushed()).toEqual({ a1: {}, a2: {} });
    expect(service.list()).toEqual([]);
  });

  test('a disabled target concerns nobody', async () => {
    await house.service.create({ ...PING, enabled: false });
    expect(house.configs.rows.size).toBe(0);
    expect(house.agents.sent).toEqual([]);
  });

  test('an update keeps what it does not mention', async () => {
    const { service } = house;
    const created = await service.create({ ...PING, interval: 30, timeout: 10, agent_ids: ['a1'] });
    expect(await service.update(created.id, { name: 'Renamed' })).toEqual({ ...created, name: 'Renamed' });
    expect(await service.update(created.id, { ...created, type: 'tcp', port: 53 })).toMatchObject({
      type: 'tcp',
      port: 53,
      name: 'Google',
    });
    expect(await service.update(created.id, { type: 'ping', port: null })).not.toHaveProperty('port');
  });

  test.each([
    [{ ...PING, address: 'dns.google' }],
    [{ ...PING, address: '2001:4860:4860::8888' }],
    [{ ...PING, type: 'dns', address: 'my_host.internal.' }],
    [{ ...PING, type: 'tcp', address: 'example.com', port: 443 }],
    [{ ...PING, type: 'http', address: 'https://example.com/health?x=1' }],
    [{ ...PING, type: 'http', address: 'https://example.com/@me?to=a@b.example' }],
    [{ ...PING, interval: 1 }],
  ])('accepts %j', async (body) => {
    await expect(house.service.create(body)).resolves.toMatchObject({ address: body.address });
  });

  test.each([
    [{}, 'name'],
    [{ ...PING, name: '' }, 'name'],
    [{ ...PING, type: 'icmp' }, 'type'],
    [{ ...PING, address: '-f' }, 'address'],
    [{ ...PING, address: 'a b' }, 'address'],
    [{ ...PING, address: 'a\u0000b' }, 'address'],
    [{ ...PING, address: 'a;reboot' }, 'address'],
    [{ ...PING, address: `${'x'.repeat(64)}.test` }, 'address'],
    [{ ...PING, type: 'http', address: 'example.com' }, 'address'],
    [{ ...PING, type: 'http', address: 'ftp://example.com' }, 'address'],
    [{ ...PING, type: 'http', address: 'https://exam\nple.com' }, 'address'],
    [{ ...PING, type: 'tcp' }, 'port'],
    [{ ...PING, type: 'tcp', port: 0 }, 'port'],
    [{ ...PING, type: 'tcp', port: 65_536 }, 'port'],
    [{ ...PING, interval: 0 }, 'interval'],
    [{ ...PING, interval: 3_601 }, 'interval'],
    [{ ...PING, timeout: 301 }, 'timeout'],
    [{ ...PING, interval: 10, timeout: 11 }, 'timeout'],
    [{ ...PING, agent_ids: ['a/b'] }, 'agent_ids'],
    [{ ...PING, agent_ids: 'a1' }, 'agent_ids'],
    [{ ...PING, colour: 'red' }, 'colour'],
  ])('refuses %j', async (body, field) => {
    await expect(house.service.create(body)).rejects.toMatchObject({ code: 'validation_failed', message: expect.stringContaining(field) });
    expect(house.store.rows.size).toBe(0);
  });

  test.each([
    ['http', 'https://user:hidden@example.com/health'],
    ['http', 'https://hidden@example.com'],
    ['http', 'https:user:hidden@example.com'],
    ['http', 'https:\\\\user:hidden@example.com'],
    ['http', 'ftp://user:hidden@example.com'],
    ['http', 'https://user:hidden@'],
    ['ping', 'user:hidden@example.com'],
  ])('refuses a password in the address of a %s target, without repeating it: %s', async (type, address) => {
    const refused = house.service.create({ ...PING, type, address });
    await expect(refused).rejects.toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('"address" must not hold a user name or password'),
      details: [{ field: 'address' }],
    });
    expect(JSON.stringify(await refused.catch((error: AppError) => [error.message, error.details]))).not.toContain('hidden');
  });

  test('unknown targets, and one too many', async () => {
    const { service, store, book } = house;
    await expect(service.update('nope', PING)).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.remove('nope')).rejects.toMatchObject({ code: 'not_found' });
    for (let i = 0; i < 1_000; i++) {
      await store.create({ name: 't', type: 'ping', address: 'h', port: null, interval: 60, timeout: 5, enabled: false, agentIds: [] }, 1);
    }
    await book.start();
    await expect(service.create(PING)).rejects.toMatchObject({ code: 'conflict' });
  });
});

test('names are by kind and address, as agents show it; of two for the same it is the older one', async () => {
  for (const body of [
    PING,
    { name: 'The same', type: 'ping', address: '8.8.8.8' },
    { name: 'DNS', type: 'dns', address: '8.8.8.8' },
    { name: 'Database', type: 'tcp', address: 'db.example.com', port: 5432 },
    { name: 'Six', type: 'tcp', address: '2001:db8::1', port: 443 },
  ]) {
    await house.service.create(body);
  }
  expect([...house.book.names()]).toEqual([
    ['ping:8.8.8.8', 'Google'],
    ['dns:8.8.8.8', 'DNS'],
    ['tcp:db.example.com:5432', 'Database'],
    ['tcp:[2001:db8::1]:443', 'Six'],
  ]);
});
