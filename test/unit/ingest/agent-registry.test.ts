import { afterEach, describe, expect, test } from '@jest/globals';
import type { AgentLink } from '../../../src/ingest/agent-record.js';
import { UNKNOWN_LOCATION } from '../../../src/model/agent.js';
import { AppError } from '../../../src/model/errors.js';
import type { AgentDescription } from '../../../src/storage/ports.js';
import { WayIn, type WayInOptions } from '../../helpers/way-in.js';

const describing = (id: string, more: Partial<AgentDescription> = {}): AgentDescription => ({
  ...UNKNOWN_LOCATION,
  id,
  version: '',
  capabilities: null,
  ...more,
});

class FakeLink implements AgentLink {
  readonly sent: [string, object][] = [];
  closedWith: [number, string] | null = null;

  send(type: string, data: object): boolean {
    this.sent.push([type, data]);
    return true;
  }

  close(code: number, reason: string): void {
    this.closedWith = [code, reason];
  }
}

let nowMs = 0;
const started: WayIn[] = [];

async function start(options: WayInOptions = {}): Promise<WayIn> {
  nowMs = 1_000_000;
  const wayIn = new WayIn({ monotonic: () => nowMs, ...options });
  await wayIn.registry.start();
  started.push(wayIn);
  return wayIn;
}

afterEach(async () => {
  for (const wayIn of started.splice(0)) await wayIn.registry.stop();
});

describe('AgentRegistry', () => {
  test('loads every agent as disconnected, and starts and stops more than once', async () => {
    const first = await start();
    const record = await first.registry.describe(describing('a', { provider: 'gcp' }));
    first.registry.attach(record, new FakeLink());
    const second = await start({ agents: first.agents });
    await second.registry.start();
    expect(second.registry.find('a')).toMatchObject({ id: 'a', provider: 'gcp', status: 'disconnected' });
    expect(second.registry.all()).toHaveLength(1);
    expect(second.registry.find('b')).toBeNull();
    await second.registry.stop();
    await second.registry.stop();
  });

  test('what says nothing new is not written', async () => {
    const { registry, agents } = await start();
    await registry.describe(describing('a', { provider: 'gcp', version: '1' }));
    await registry.describe(describing('a', { provider: 'gcp' }));
    await registry.describe(describing('a'));
    expect(agents.upserts).toBe(1);
    await registry.describe(describing('a', { capabilities: ['ping'] }));
    expect(agents.upserts).toBe(2);
    expect(registry.find('a')).toMatchObject({ provider: 'gcp', version: '1', capabilities: ['ping'] });
  });

  test('many who say the same at once are one write and one agent', async () => {
    const { registry, agents, activities } = await start();
    const records = await Promise.all(Array.from({ length: 20 }, () => registry.describe(describing('a', { region: 'r' }))));
    expect(new Set(records).size).toBe(1);
    expect(agents.upserts).toBe(1);
    expect(activities.activities.map(({ type }) => type)).toEqual(['agent_registered']);
  });

  test("a failure of storage is the caller's, and the next one tries again", async () => {
    const { registry, agents } = await start();
    agents.failures.push(new AppError('storage_unavailable', 'no'));
    await expect(registry.describe(describing('a'))).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(registry.describe(describing('a'))).resolves.toMatchObject({ agent: { id: 'a' } });
  });

  test('knows no more agents than it may', async () => {
    const { registry } = await start({ maxAgents: 2 });
    await Promise.all([registry.describe(describing('a')), registry.describe(describing('b'))]);
    await expect(registry.describe(describing('c'))).rejects.toMatchObject({ code: 'overloaded' });
    await registry.remove('a');
    await expect(registry.describe(describing('c'))).resolves.toBeDefined();
  });

  test('the newest connection owns the agent; the late close of an older one changes nothing', async () => {
    const { registry, activities } = await start();
    const record = await registry.describe(describing('a'));
    const [older, newer] = [new FakeLink(), new FakeLink()];
    registry.attach(record, older);
    registry.attach(record, newer);
    expect(registry.send('a', 'ping', { x: 1 })).toBe(true);
    expect([older.sent, newer.sent]).toEqual([[], [['ping', { x: 1 }]]]);
    registry.detach(record, older, 'lost');
    expect(registry.find('a')?.status).toBe('connected');
    expect(registry.counts).toEqual({ known: 1, connected: 1 });
    registry.detach(record, newer, 'lost');
    expect(registry.find('a')?.status).toBe('disconnected');
    expect(registry.counts.connected).toBe(0);
    expect(registry.send('a', 'ping', {})).toBe(false);
    expect(activities.activities.map(({ type, message }) => [type, message])).toEqual([
      ['agent_registered', expect.any(String)],
      ['agent_connected', 'Agent connected'],
      ['agent_disconnected', 'Agent disconnected: lost'],
    ]);
  });

  test('the status is error while a connected agent says so', async () => {
    const { registry, bus, activities } = await start();
    const seen: string[] = [];
    bus.on('agentUpdated', ({ status, health }) => seen.push(`${status} ${health}`));
    const record = await registry.describe(describing('a'));
    const link = new FakeLink();
    registry.attach(record, link);
    seen.length = 0;
    registry.reportHealth(record, { health: 'error', message: 'disk' });
    registry.reportHealth(record, { health: 'error', message: 'disk' });
    nowMs += 2_000;
    registry.reportHealth(record, { health: 'healthy', message: '' });
    expect(seen).toEqual(['error error', 'error error', 'connected healthy']);
    registry.reportHealth(record, { health: 'error', message: '' });
    registry.detach(record, link, 'lost');
    expect(registry.find('a')).toMatchObject({ status: 'disconnected', health: 'error' });
    // The last change came within a second of the one before.
    expect(activities.activities.filter(({ type }) => type === 'agent_status').map(({ message }) => message)).toEqual([
      'Agent reports error: disk',
      'Agent reports healthy',
    ]);
  });

  test('deleting closes the socket, forgets the series and makes way for another incarnation', async () => {
    const { registry, bus, agents } = await start();
    const deleted: string[] = [];
    bus.on('agentDeleted', ({ id, status }) => deleted.push(`${id} ${status}`));
    const record = await registry.describe(describing('a'));
    const link = new FakeLink();
    registry.attach(record, link);
    registry.dictionaryOf(record);
    await expect(registry.remove('a')).resolves.toBe(true);
    await expect(registry.remove('a')).resolves.toBe(false);
    expect(link.closedWith).toEqual([1000, 'agent deleted']);
    expect(record.dictionary).toBeNull();
    expect(deleted).toEqual(['a disconnected']);
    expect(registry.find('a')).toBeNull();
    registry.detach(record, link, 'closed');
    registry.attach(record, link);
    const again = await registry.describe(describing('a'));
    expect(again.agent.agentKey).not.toBe(record.agent.agentKey);
    expect(registry.counts).toEqual({ known: 1, connected: 0 });
    expect(agents.rows.size).toBe(1);
  });

  test('keeps and announces how the configuration is; what is older or of another incarnation changes nothing', async () => {
    const { registry, bus } = await start();
    const told: (number | undefined)[] = [];
    const { agent } = await registry.describe(describing('a'));
    bus.on('agentUpdated', ({ config }) => told.push(config?.version));
    const { agentKey } = agent;
    const state = {
      agentKey,
      version: 2,
      updatedAtMs: 1,
      attemptedVersion: null,
      attemptStatus: null,
      attemptError: null,
      attemptedAtMs: null,
      effectiveVersion: null,
      effectiveAtMs: null,
    };
    const more = { ...state, config: { batch_size: 7 }, createdAtMs: 1 };
    registry.configChanged('a', more);
    const { agentKey: _key, ...shown } = state;
    expect(registry.find('a')?.config).toEqual(shown);
    registry.configChanged('a', { ...state, version: 1 });
    registry.configChanged('a', { ...state, version: 3, agentKey: agentKey + 1 });
    registry.configChanged('nobody', state);
    expect(registry.find('a')?.config).toEqual(shown);
    registry.configChanged('a', { ...state, attemptedVersion: 2, attemptStatus: 'applied', effectiveVersion: 2 });
    expect(registry.find('a')?.config).toMatchObject({ effectiveVersion: 2 });
    expect(told).toEqual([2, 2]);
    await registry.remove('a');
    await registry.describe(describing('a'));
    expect(registry.find('a')?.config).toBeNull();
  });

  test('an agent over HTTP is there until it missed three of its own intervals', async () => {
    const { registry } = await start();
    const record = await registry.describe(describing('a'));
    registry.pushed(record, true);
    expect(registry.find('a')?.status).toBe('connected');
    nowMs += 10_000;
    registry.pushed(record, true);
    nowMs += 29_000;
    registry.tick();
    expect(registry.find('a')?.status).toBe('connected');
    nowMs += 1_000;
    registry.tick();
    expect(registry.find('a')?.status).toBe('disconnected');
    // Two pushes in a row must not make it a matter of milliseconds.
    registry.pushed(record, true);
    registry.pushed(record, true);
    nowMs += 14_000;
    registry.tick();
    expect(registry.find('a')?.status).toBe('connected');
  });

  test('a push sent again a second later does not shorten the interval of an agent over HTTP', async () => {
    const { registry } = await start();
    const record = await registry.describe(describing('a'));
    registry.pushed(record, true);
    nowMs += 60_000;
    registry.pushed(record, true);
    nowMs += 1_000;
    registry.pushed(record, true);
    nowMs += 100_000;
    registry.tick();
    expect(registry.find('a')?.status).toBe('connected');
  });

  test('the first push right after the registration says nothing of its interval', async () => {
    const { registry } = await start();
    const record = await registry.describe(describing('a'));
    registry.pushed(record, false);
    nowMs += 100;
    registry.pushed(record, true);
    nowMs += 179_000;
    registry.tick();
    expect(registry.find('a')?.status).toBe('connected');
    nowMs += 1_000;
    registry.tick();
    expect(registry.find('a')?.status).toBe('disconnected');
  });

  test('a push does not take over from a WebSocket', async () => {
    const { registry } = await start();
    const record = await registry.describe(describing('a'));
    const link = new FakeLink();
    registry.attach(record, link);
    registry.pushed(record, true);
    expect(record.http).toBeNull();
    nowMs += 3_600_000;
    registry.tick();
    expect(registry.find('a')?.status).toBe('connected');
    expect(registry.send('a', 'x', {})).toBe(true);
    registry.detach(record, link, 'closed');
    expect(registry.find('a')?.status).toBe('disconnected');
  });

  test('activity is written back, and again when that failed', async () => {
    const { registry, agents } = await start();
    const record = await registry.describe(describing('a'));
    registry.heard(record);
    registry.heard(record, 2);
    registry.heard(record, 0);
    agents.failures.push(new AppError('storage_full', 'no room'));
    registry.tick();
    await registry.stop();
    expect(agents.written).toEqual([expect.objectContaining({ agentKey: record.agent.agentKey, messages: 3 })]);
    expect(record.agent.totalMessages).toBe(3);
  });

  test('activity is announced now and then, and only when somebody listens', async () => {
    const { registry, bus } = await start();
    const record = await registry.describe(describing('a'));
    let told = 0;
    registry.heard(record);
    bus.on('agentUpdated', () => told++);
    for (let i = 0; i < 12; i++) {
      registry.heard(record);
      nowMs += 1_000;
    }
    expect(told).toBe(3);
  });
});
