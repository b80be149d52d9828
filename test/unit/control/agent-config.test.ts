import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigService } from '../../../src/control/agent-config.js';
import { ConfigPusher } from '../../../src/control/config-pusher.js';
import { TargetBook } from '../../../src/control/target-book.js';
import { AppError } from '../../../src/model/errors.js';
import type { Events } from '../../../src/model/event.js';
import { EventBus } from '../../../src/runtime/event-bus.js';
import { agentOf, FakeAgents } from '../../helpers/fake-agents.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { MemoryActivities, MemoryConfigStore, MemoryTargetStore } from '../../helpers/memory-stores.js';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const NOW = '2026-01-02T03:04:05.678Z';

function build() {
  const logger = new MemoryLogger();
  const bus = new EventBus<Events>(logger);
  const clock = { nowMs: () => NOW_MS };
  const agents = new FakeAgents(agentOf('a1'), agentOf('away', { agentKey: 2, status: 'disconnected' }));
  const configs = new MemoryConfigStore();
  const activities = new MemoryActivities();
  const targetStore = new MemoryTargetStore();
  const book = new TargetBook(targetStore);
  const pusher = new ConfigPusher({ configs, targets: book, agents, clock, logger });
  const service = new ConfigService({ configs, agents, pusher, activities, bus, clock, logger });
  return { logger, bus, agents, configs, activities, targetStore, book, pusher, service };
}

let house: ReturnType<typeof build>;

beforeEach(() => {
  house = build();
  house.pusher.start();
  house.service.start();
});

afterEach(() => {
  house.service.stop();
  house.pusher.stop();
});

/** Until everything that is under way, without timers, has come to its end. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('ConfigService', () => {
  test('stores, answers and pushes at once', async () => {
    const { service, agents, activities } = house;
    const answer = await service.put('a1', { collection: { interval: 15 } });
    expect(answer).toEqual({
      message: 'configuration stored and pushed',
      agentId: 'a1',
      config: { collection_interval: 15 },
      version: 1,
      delivered: true,
    });
    expect(agents.sent).toEqual([{ id: 'a1', type: 'config_update', data: { version: 1, config: { collection_interval: 15 } } }]);
    expect(activities.entries).toEqual([
      {
        agentKey: 1,
        activity: { timestampMs: NOW_MS, type: 'config_changed', agentId: 'a1', message: 'configuration version 1 was set' },
      },
    ]);
    expect(await service.get('a1')).toEqual({
      agentId: 'a1',
      config: { collection_interval: 15 },
      version: 1,
      status: 'pending',
      attempted_version: null,
      desired_version: 1,
      effective_version: null,
      error: null,
      desired_since: NOW,
      attempted_at: null,
      effective_since: null,
      created_at: NOW,
      updated_at: NOW,
    });
    expect(agents.find('a1')?.config).toMatchObject({ version: 1, updatedAtMs: NOW_MS, effectiveVersion: null });
  });

  test('an agent that is away gets it with its registration, and with every one after it', async () => {
    const { service, agents, bus } = house;
    expect(await service.put('away', { batch_size: 7 })).toMatchObject({ version: 1, delivered: false });
    expect(agents.sent).toEqual([]);
    const back = agentOf('away', { agentKey: 2 });
    agents.agents.set('away', back);
    for (const count of [1, 2]) {
      bus.emit('agentRegistered', back);
      await agents.sentCount(count);
    }
    expect(agents.sent).toEqual(
      Array.from({ length: 2 }, () => ({ id: 'away', type: 'config_update', data: { version: 1, config: { batch_size: 7 } } })),
    );
    bus.emit('configStatusReported', { agent: back, version: 1, status: 'applied', error: null });
    await settled();
    bus.emit('agentRegistered', back);
    await settled();
    expect(agents.sent).toHaveLength(3);
  });

  test('what an agent says again changes nothing and is noted once', async () => {
    const { service, agents, bus, activities, configs } = house;
    const agent = agents.find('a1') ?? agentOf('a1');
    await service.put('a1', { batch_size: 7 });
    for (let i = 0; i < 3; i++) {
      bus.emit('configStatusReported', { agent, version: 1, status: 'applied', error: null });
      await settled();
    }
    expect(activities.entries.filter(({ activity }) => activity.type === 'config_status')).toHaveLength(1);
    const before = configs.rows.get(1);
    bus.emit('configStatusReported', { agent, version: 1, status: 'applied', error: null });
    await settled();
    expect(configs.rows.get(1)).toBe(before);
  });

  test('the agent shows how it is: what it should run, tried, and runs', async () => {
    const { service, agents, bus } = house;
    const agent = agents.find('a1') ?? agentOf('a1');
    await service.put('a1', { batch_size: 7 });
    bus.emit('configStatusReported', { agent, version: 1, status: 'applied', error: null });
    await settled();
    await service.put('a1', { batch_size: 8 });
    bus.emit('configStatusReported', { agent, version: 2, status: 'failed', error: 'x'.repeat(600) });
    await settled();
    expect(agents.find('a1')?.config).toMatchObject({
      version: 2,
      attemptedVersion: 2,
      attemptStatus: 'failed',
      attemptError: 'x'.repeat(500),
      effectiveVersion: 1,
      effectiveAtMs: NOW_MS,
    });
    expect(await service.get('a1')).toMatchObject({ status: 'failed', desired_version: 2, effective_version: 1, effective_since: NOW });
  });

  test('what the agent says of the current version is shown, of an older one is pending', async () => {
    const { service, agents, bus, activities } = house;
    const agent = agents.find('a1') ?? agentOf('a1');
    await service.put('a1', { batch_size: 7 });
    bus.emit('configStatusReported', { agent, version: 1, status: 'failed', error: 'no such interface' });
    await settled();
    expect(await service.get('a1')).toMatchObject({
      status: 'failed',
      error: 'no such interface',
      attempted_version: 1,
      effective_version: null,
    });
    expect(activities.entries.at(-1)?.activity).toMatchObject({
      type: 'config_status',
      message: 'configuration version 1 failed: no such interface',
    });
    await service.put('a1', { batch_size: 8 });
    expect(await service.get('a1')).toMatchObject({ status: 'pending', version: 2 });
    bus.emit('configStatusReported', { agent, version: 2, status: 'applied', error: null });
    await settled();
    expect(await service.get('a1')).toMatchObject({ status: 'applied', error: null, effective_version: 2, attempted_at: NOW });
  });

  test('a report of a version that was never sent is ignored', async () => {
    const { service, agents, bus, configs } = house;
    const agent = agents.find('a1') ?? agentOf('a1');
    bus.emit('configStatusReported', { agent, version: 1, status: 'applied', error: null });
    await service.put('a1', { batch_size: 7 });
    bus.emit('configStatusReported', { agent, version: 2, status: 'applied', error: null });
    await settled();
    expect(configs.rows.get(1)).toMatchObject({ attemptedVersion: null, effectiveVersion: null });
  });

  test('unknown agents and agents without a configuration', async () => {
    const { service, configs } = house;
    await expect(service.get('nobody')).rejects.toMatchObject({ code: 'agent_not_found' });
    await expect(service.put('nobody', { batch_size: 1 })).rejects.toMatchObject({ code: 'agent_not_found' });
    await expect(service.get('a1')).rejects.toMatchObject({ code: 'not_found' });
    await configs.bump([1], NOW_MS);
    await expect(service.get('a1')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('the targets that apply are pushed with it, and are not in the answer', async () => {
    const { service, agents, book, targetStore } = house;
    const fields = { name: 't', port: null, interval: 60, timeout: 5, enabled: true, agentIds: [] };
    await targetStore.create({ ...fields, type: 'ping', address: '9.9.9.9' }, 1);
    await targetStore.create({ ...fields, type: 'tcp', address: '::1', port: 443 }, 1);
    await targetStore.create({ ...fields, type: 'dns', address: 'a.test', agentIds: ['other'] }, 1);
    await targetStore.create({ ...fields, type: 'http', address: 'https://a.test/', enabled: false }, 1);
    await book.start();
    const answer = await service.put('a1', { targets: { ping: ['8.8.8.8'] } });
    expect(answer.config).toEqual({ targets: { ping: ['8.8.8.8'] } });
    expect(agents.sent.at(-1)?.data.config).toEqual({ targets: { ping: ['8.8.8.8', '9.9.9.9'], tcp: ['[::1]:443'] } });
  });

  test('an agent that comes after the targets gets them when it registers', async () => {
    const { bus, agents, book, targetStore } = house;
    const fields = { name: 't', port: null, interval: 60, timeout: 5, enabled: true, agentIds: [] };
    await targetStore.create({ ...fields, type: 'ping', address: '9.9.9.9' }, 1);
    await book.start();
    bus.emit('agentRegistered', agentOf('a1'));
    await agents.sentCount(1);
    expect(agents.sent[0]?.data).toEqual({ version: 1, config: { targets: { ping: ['9.9.9.9'] } } });
    expect(agents.find('a1')?.config).toMatchObject({ version: 1 });
  });

  test('the last frame is the newest version, however puts overtake one another', async () => {
    const { service, agents } = house;
    await Promise.all(Array.from({ length: 10 }, (_, i) => service.put('a1', { batch_size: i + 1 })));
    expect(agents.sent.at(-1)?.data).toEqual({ version: 10, config: { batch_size: 10 } });
    const versions = agents.sent.map(({ data }) => data.version);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  test('a push that storage could not serve is tried again; what cannot heal is logged', async () => {
    const { configs, agents, bus, logger, service } = house;
    await service.put('a1', { batch_size: 7 });
    configs.failWith = new AppError('overloaded', 'busy');
    bus.emit('agentRegistered', agentOf('a1'));
    await settled();
    configs.failWith = null;
    await agents.sentCount(2);
    expect(logger.of('warn')).toEqual([]);
    configs.failWith = new Error('bug');
    bus.emit('agentRegistered', agentOf('a1'));
    await settled();
    expect(logger.of('warn')).toHaveLength(1);
  });

  test('ten thousand registrations at once are pushed once each, a few at a time', async () => {
    const { configs, agents, bus } = house;
    const fleet = Array.from({ length: 10_000 }, (_, i) => agentOf(`f${i}`, { agentKey: 100 + i }));
    for (const agent of fleet) agents.agents.set(agent.id, agent);
    await configs.bump(
      fleet.map((agent) => agent.agentKey),
      1,
    );
    let reading = 0;
    let most = 0;
    const get = configs.get.bind(configs);
    configs.get = async (agentKey) => {
      reading += 1;
      most = Math.max(most, reading);
      await new Promise((resolve) => setImmediate(resolve));
      reading -= 1;
      return get(agentKey);
    };
    for (const agent of fleet) bus.emit('agentRegistered', agent);
    for (const agent of fleet) bus.emit('agentRegistered', agent);
    await agents.sentCount(fleet.length);
    await settled();
    expect(new Set(agents.sent.map(({ id }) => id)).size).toBe(fleet.length);
    expect(most).toBeLessThanOrEqual(8);
  });
});
