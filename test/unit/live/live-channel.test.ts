import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { LiveChannel, type LiveSettings } from '../../../src/live/live-channel.js';
import { AppError } from '../../../src/model/errors.js';
import type { Events, LiveSample } from '../../../src/model/event.js';
import { systemClock } from '../../../src/runtime/clock.js';
import { EventBus } from '../../../src/runtime/event-bus.js';
import { SelfMetrics } from '../../../src/runtime/self-metrics.js';
import type { TestAgent } from '../../helpers/agent-client.js';
import { agentOf, FakeAgents } from '../../helpers/fake-agents.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { NaiveReader } from '../../helpers/naive-reader.js';
import { caughtUp, connectConsole, nextFrames } from '../../helpers/test-console.js';

const SETTINGS: LiveSettings = { maxClients: 10, intervalMs: 20, metricsPerInterval: 1, maxPending: 1_000, maxBufferedBytes: 1_048_576 };
const PLACE = { provider: 'gcp', region: 'us-central1', zone: 'us-central1-a' };

class Stage {
  readonly logger = new MemoryLogger();
  readonly bus = new EventBus<Events>(this.logger);
  readonly agents = new FakeAgents(agentOf('a1'), agentOf('a2', { agentKey: 2, region: 'europe-west1' }));
  readonly reader = new NaiveReader([], { a1: PLACE, a2: { ...PLACE, region: 'europe-west1' } });
  readonly metrics = new SelfMetrics();
  readonly channel: LiveChannel;
  private readonly http: Server;

  constructor(settings: Partial<LiveSettings>) {
    const { bus, agents, reader, metrics, logger } = this;
    this.channel = new LiveChannel({ settings: { ...SETTINGS, ...settings }, bus, agents, reader, metrics, clock: systemClock, logger });
    this.http = createServer();
    this.http.on('upgrade', (req, socket, head) => this.channel.accept(req, socket, head, new URL(req.url ?? '/', 'http://localhost')));
  }

  async start(): Promise<this> {
    this.channel.start();
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    await this.channel.stop();
    this.http.close();
    this.http.closeAllConnections();
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  commit(agentId: string, ...samples: (Partial<LiveSample> & { seriesId: number })[]): void {
    const complete = samples.map((sample) => ({
      name: `metric_${sample.seriesId}`,
      type: 'gauge' as const,
      unit: null,
      tagsJson: '{}',
      timestampMs: Date.now(),
      value: 1,
      objectJson: null,
      ...sample,
    }));
    this.bus.emit('samplesCommitted', { agentId, receivedAtMs: Date.UTC(2026, 0, 2), samples: () => complete });
  }

  async dropped(): Promise<number> {
    return (await this.metrics.liveDropped.get()).values[0]?.value ?? 0;
  }
}

let stage: Stage;
const consoles: TestAgent[] = [];

async function open(): Promise<TestAgent> {
  const console = await connectConsole(stage);
  consoles.push(console);
  return console;
}

async function restage(settings: Partial<LiveSettings>): Promise<void> {
  await stage.stop();
  stage = await new Stage(settings).start();
}

/** From now on intervals pass only when told to; all other timers, and the clock, go on. */
function holdIntervals(): void {
  jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setTimeout',
      'clearTimeout',
    ],
  });
}

/** Lets so many sends happen, and answers the metrics each console heard with them. */
async function metricsOfSends(count: number, ...listeners: TestAgent[]): Promise<any[][]> {
  const heardBefore = listeners.map(({ frames }) => frames.length);
  jest.advanceTimersByTime(count * SETTINGS.intervalMs);
  await Promise.all(listeners.map((listener) => caughtUp(listener, 'marker')));
  return listeners.map(({ frames }, index) =>
    frames
      .slice(heardBefore[index])
      .filter(({ type }) => type === 'metric_received')
      .map(({ data }) => data),
  );
}

beforeEach(async () => {
  stage = await new Stage({}).start();
});

afterEach(async () => {
  for (const console of consoles.splice(0)) console.terminate();
  jest.useRealTimers();
  await stage.stop();
  expect(stage.channel.clientCount).toBe(0);
  expect(stage.bus.hasListeners('samplesCommitted')).toBe(false);
  expect(stage.logger.of('error')).toEqual([]);
});

describe('news', () => {
  test('a metric in the shape of the wire', async () => {
    const console = await open();
    stage.commit('a2', {
      seriesId: 7,
      name: 'ping_rtt_avg_ms',
      type: 'timer',
      unit: 'ms',
      tagsJson: '{"target":"8.8.8.8"}',
      timestampMs: Date.UTC(2026, 0, 1),
      value: 12,
      objectJson: '{"value":12,"max":20}',
    });
    const frame = await console.next(({ type }) => type === 'metric_received');
    expect(frame).toEqual({
      type: 'metric_received',
      data: {
        id: `7-${Date.UTC(2026, 0, 1)}`,
        agent_id: 'a2',
        name: 'ping_rtt_avg_ms',
        type: 'timer',
        value: { value: 12, max: 20 },
        unit: 'ms',
        tags: { target: '8.8.8.8' },
        provider: 'gcp',
        region: 'europe-west1',
        zone: 'us-central1-a',
        timestamp: '2026-01-01T00:00:00.000Z',
        received_at: '2026-01-02T00:00:00.000Z',
      },
      timestamp: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    });
  });

  test('only the newest sample of a series goes out with the next send', async () => {
    await restage({ intervalMs: 100 });
    const console = await open();
    const nowMs = Date.now();
    for (let i = 0; i < 50; i++) stage.commit('a1', { seriesId: 1, value: i, timestampMs: nowMs + i }, { seriesId: 2, value: -i });
    stage.commit('a1', { seriesId: 1, value: 999, timestampMs: nowMs - 1_000 });
    const metrics = await nextFrames(console, 'metric_received', 2);
    expect(metrics.map(({ name, value }) => [name, value])).toEqual([
      ['metric_1', 49],
      ['metric_2', -49],
    ]);
    await caughtUp(console, 'marker');
    expect(console.frames.filter(({ type }) => type === 'metric_received')).toHaveLength(2);
  });

  test('agents that come, go and change; the newest state, once per send', async () => {
    await restage({ intervalMs: 100 });
    const console = await open();
    const agent = agentOf('a1');
    stage.bus.emit('agentConnected', agent);
    stage.bus.emit('agentUpdated', { ...agent, totalMetrics: 5 });
    stage.bus.emit('agentUpdated', agentOf('a2', { totalMetrics: 1 }));
    stage.bus.emit('agentUpdated', agentOf('a2', { totalMetrics: 2 }));
    stage.bus.emit('agentConnected', agentOf('a3'));
    stage.bus.emit('agentDisconnected', agentOf('a3', { status: 'disconnected' }));
    stage.bus.emit('agentDeleted', agentOf('a4'));
    expect(await console.nextFrame('agent_connected')).toMatchObject({ id: 'a1', status: 'connected', total_metrics: 5 });
    expect(await console.nextFrame('agent_updated')).toMatchObject({ id: 'a2', total_metrics: 2 });
    expect(await console.nextFrame('agent_disconnected')).toMatchObject({ id: 'a3', status: 'disconnected' });
    expect(await console.nextFrame('agent_disconnected')).toMatchObject({ id: 'a4', status: 'disconnected' });
    expect(console.frames).toHaveLength(4);
  });

  test('system alerts pass through', async () => {
    const console = await open();
    stage.bus.emit('systemAlert', { message: 'disk is full', severity: 'error' });
    expect(await console.nextFrame('system_alert')).toEqual({ message: 'disk is full', severity: 'error' });
  });

  test('without a console nothing is listened to; with the last one that ends', async () => {
    expect(stage.bus.hasListeners('samplesCommitted')).toBe(false);
    const console = await open();
    expect(stage.bus.hasListeners('samplesCommitted')).toBe(true);
    await console.close();
    while (stage.channel.clientCount > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(stage.bus.hasListeners('samplesCommitted')).toBe(false);
  });

  test('more series than have room are dropped and counted', async () => {
    await restage({ maxPending: 3, intervalMs: 100 });
    const console = await open();
    stage.commit('a1', ...[1, 2, 3, 4, 5].map((seriesId) => ({ seriesId })));
    stage.commit('a1', { seriesId: 2, value: 22 });
    const metrics = await nextFrames(console, 'metric_received', 3);
    expect(metrics.map(({ name, value }) => [name, value])).toEqual([
      ['metric_1', 1],
      ['metric_2', 22],
      ['metric_3', 1],
    ]);
    expect(await stage.dropped()).toBe(2);
  });
});

describe('metrics per interval', () => {
  const SERIES = 200;

  test('200 series pushed quickly are one frame per send, and each comes in its turn with its newest value', async () => {
    holdIntervals();
    const console = await open();
    const nowMs = Date.now();
    const push = (round: number): void =>
      stage.commit('a1', ...Array.from({ length: SERIES }, (_, i) => ({ seriesId: i, value: round, timestampMs: nowMs + round })));
    const newest = new Map<string, number>();
    for (let round = 1; round <= 10; round++) {
      push(round);
      const [heard = []] = await metricsOfSends(10, console);
      expect(heard).toHaveLength(10);
      for (const { name, value } of heard) {
        expect(value).toBe(round);
        newest.set(name, value);
      }
    }
    const [rest = []] = await metricsOfSends(2 * SERIES, console);
    expect(rest).toHaveLength(SERIES - 10);
    for (const { name, value } of rest) newest.set(name, value);
    expect(newest.size).toBe(SERIES);
    expect(new Set(newest.values())).toEqual(new Set([10]));
    expect(await stage.dropped()).toBe(0);
  });

  test('as many as set, for a console that follows several agents too; the agents are all heard of', async () => {
    await restage({ metricsPerInterval: 3 });
    holdIntervals();
    const [narrow, wide] = [await open(), await open()];
    for (const agentId of ['a1', 'a2']) narrow.send('subscribe_agent', { agent_id: agentId });
    await caughtUp(narrow, 'marker');
    for (const [index, agentId] of ['a1', 'a2', 'a3'].entries()) {
      stage.commit(agentId, ...Array.from({ length: 10 }, (_, i) => ({ seriesId: 10 * index + i })));
    }
    const [first = [], other = []] = await metricsOfSends(1, narrow, wide);
    expect([first.length, other.length]).toEqual([3, 3]);
    const [later = []] = await metricsOfSends(20, narrow, wide);
    const heardOf = [...first, ...later].map(({ agent_id }) => agent_id);
    expect(heardOf).toEqual(Array.from({ length: 20 }, (_, i) => (i < 10 ? 'a1' : 'a2')));
  });

  test('what a console asks for is not limited and does not wait for an interval', async () => {
    for (let i = 0; i < SERIES; i++) stage.reader.add({ agentId: 'a1', name: `m${i}`, timestampMs: Date.now() - 100, value: i });
    holdIntervals();
    const console = await open();
    console.send('request_metrics', { agent_id: 'a1' });
    expect(await nextFrames(console, 'metric_received', SERIES)).toHaveLength(SERIES);
  });

  test('a deleted agent is not heard of any more', async () => {
    holdIntervals();
    const console = await open();
    stage.commit('a1', { seriesId: 1 }, { seriesId: 2 });
    stage.commit('a2', { seriesId: 3 });
    stage.bus.emit('agentDeleted', agentOf('a1'));
    const [heard = []] = await metricsOfSends(5, console);
    expect(heard.map(({ agent_id }) => agent_id)).toEqual(['a2']);
  });
});

describe('subscriptions', () => {
  test('narrow the metrics, in both spellings, until the last one is gone; agents are heard of all', async () => {
    const [narrow, wide] = [await open(), await open()];
    narrow.send('subscribe_agent', { agent_id: 'a1' });
    narrow.send('subscribe_agent', { agentId: 'a3' });
    await caughtUp(narrow, 'marker');
    stage.commit('a2', { seriesId: 2 });
    stage.commit('a1', { seriesId: 1 });
    stage.bus.emit('agentUpdated', agentOf('a2'));
    expect(await narrow.nextFrame('metric_received')).toMatchObject({ agent_id: 'a1' });
    expect(await narrow.nextFrame('agent_updated')).toMatchObject({ id: 'a2' });
    expect((await nextFrames(wide, 'metric_received', 2)).map((m) => m.agent_id)).toEqual(['a2', 'a1']);

    narrow.send('unsubscribe_agent', { agentId: 'a1' });
    narrow.send('unsubscribe_agent', { agentId: 'never' });
    await caughtUp(narrow, 'marker');
    stage.commit('a1', { seriesId: 1 });
    stage.commit('a3', { seriesId: 3 });
    expect(await narrow.nextFrame('metric_received')).toMatchObject({ agent_id: 'a3' });

    narrow.send('unsubscribe_agent', { agent_id: 'a3' });
    await caughtUp(narrow, 'marker');
    stage.commit('a2', { seriesId: 2, value: 22 });
    await narrow.next(({ type, data }) => type === 'metric_received' && data.agent_id === 'a2' && data.value === 22);
  });

  test('a loud fleet leaves room for the agent somebody follows', async () => {
    await restage({ maxPending: 2, intervalMs: 100 });
    const [narrow] = [await open(), await open()];
    narrow.send('subscribe_agent', { agent_id: 'a1' });
    await caughtUp(narrow, 'marker');
    stage.commit('a2', { seriesId: 2 }, { seriesId: 3 }, { seriesId: 4 });
    stage.commit('a1', { seriesId: 1 });
    expect(await narrow.nextFrame('metric_received')).toMatchObject({ agent_id: 'a1' });
    expect(await stage.dropped()).toBe(2);
  });
});

describe('requests', () => {
  test('request_agents is answered with one agent_updated per agent', async () => {
    const console = await open();
    console.send('client_connect', { userAgent: 'x' });
    console.send('request_agents', {});
    const agents = await nextFrames(console, 'agent_updated', 2);
    expect(agents.map(({ id, region }) => [id, region])).toEqual([
      ['a1', 'us-central1'],
      ['a2', 'europe-west1'],
    ]);
    await caughtUp(console, 'marker');
    expect(console.frames.map(({ type }) => type)).toEqual(['agent_updated', 'agent_updated', 'error']);
  });

  test('ping is answered with pong, also when there is nothing to tell', async () => {
    const console = await open();
    console.send('ping', {});
    expect(await console.nextFrame('pong')).toEqual({});
  });

  test('ten thousand agents arrive, paced by the reader, a slice of them in a turn of the event loop', async () => {
    await restage({ maxBufferedBytes: 65_536 });
    const { agents } = stage;
    for (let i = 0; i < 10_000; i++) agents.agents.set(`f${i}`, agentOf(`f${i}`));
    const console = await open();
    // Each agent is looked up when its frame is written.
    const find = agents.find.bind(agents);
    const written = { inThisTurn: 0, atMost: 0, done: false };
    agents.find = (id) => {
      written.inThisTurn += 1;
      return find(id);
    };
    const turn = (): void => {
      written.atMost = Math.max(written.atMost, written.inThisTurn);
      written.inThisTurn = 0;
      if (!written.done) setImmediate(turn);
    };
    turn();
    console.send('request_agents', undefined);
    const seen = new Set<string>();
    for (let i = 0; i < 10_002; i++) seen.add((await console.nextFrame('agent_updated')).id);
    written.done = true;
    expect(seen.size).toBe(10_002);
    // A slice is 256 frames; a turn may have one when a message comes, one when a timer is due, and its own.
    expect(written.atMost).toBeGreaterThan(0);
    expect(written.atMost).toBeLessThanOrEqual(3 * 256);
  });

  test('request_metrics is answered with the latest of every series of the last five minutes', async () => {
    const nowMs = Date.now();
    const old = { agentId: 'a1', name: 'old', timestampMs: nowMs - 301_000, value: 1 };
    const before = { agentId: 'a1', name: 'rtt', type: 'timer' as const, timestampMs: nowMs - 5_000, value: 1 };
    const now = { ...before, timestampMs: nowMs - 1_000, value: 2 };
    const other = { agentId: 'a2', name: 'cpu', timestampMs: nowMs - 2_000, value: 3, tags: { core: '1' } };
    for (const sample of [old, before, now, other]) stage.reader.add(sample);
    const console = await open();

    console.send('request_metrics', {});
    const all = await nextFrames(console, 'metric_received', 2);
    expect(all.map((m) => [m.agent_id, m.name, m.value, m.timestamp])).toEqual([
      ['a1', 'rtt', 2, new Date(nowMs - 1_000).toISOString()],
      ['a2', 'cpu', 3, new Date(nowMs - 2_000).toISOString()],
    ]);
    console.send('request_metrics', { agentId: 'a2' });
    expect(await console.nextFrame('metric_received')).toMatchObject({ agent_id: 'a2', tags: { core: '1' } });
    console.send('request_metrics', { metric_type: 'timing' });
    expect(await console.nextFrame('metric_received')).toMatchObject({ name: 'rtt', type: 'timer' });
    console.send('subscribe_agent', { agent_id: 'a2' });
    console.send('request_metrics', null);
    expect(await console.nextFrame('metric_received')).toMatchObject({ agent_id: 'a2' });
    await caughtUp(console, 'marker');
    expect(console.frames.filter(({ type }) => type === 'metric_received')).toHaveLength(5);
  });

  test('an answer beyond the limit is cut and counted', async () => {
    await restage({ maxPending: 4 });
    for (let i = 0; i < 10; i++) stage.reader.add({ agentId: 'a1', name: `m${i}`, timestampMs: Date.now() - 100, value: i });
    const console = await open();
    console.send('request_metrics', { agent_id: 'a1' });
    await nextFrames(console, 'metric_received', 4);
    await caughtUp(console, 'marker');
    expect(console.frames.filter(({ type }) => type === 'metric_received')).toHaveLength(4);
    expect(await stage.dropped()).toBe(6);
  });

  test('requests wait for one another, a few of them; storage that cannot answer is an error frame', async () => {
    const latest = stage.reader.latest.bind(stage.reader);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let running = 0;
    let most = 0;
    stage.reader.latest = async (query) => {
      running += 1;
      most = Math.max(most, running);
      await gate;
      running -= 1;
      return latest(query);
    };
    const console = await open();
    for (let i = 0; i < 9; i++) console.send('request_metrics', { agent_id: 'a1' });
    expect(await console.nextFrame('error')).toMatchObject({ code: 'rate_limited' });
    release();
    stage.reader.latest = async () => {
      throw new AppError('query_timeout', 'took too long');
    };
    expect(await console.nextFrame('error')).toEqual({ code: 'query_timeout', message: 'took too long' });
    expect(most).toBe(1);
  });

  test.each([
    ['no json', 'invalid_json'],
    ['', 'invalid_json'],
    ['null', 'validation_failed'],
    ['[]', 'validation_failed'],
    ['{}', 'validation_failed'],
    ['{"type":"launch"}', 'validation_failed'],
    ['{"type":5}', 'validation_failed'],
    ['{"type":"__proto__"}', 'validation_failed'],
    ['{"type":"subscribe_agent"}', 'validation_failed'],
    ['{"type":"subscribe_agent","data":null}', 'validation_failed'],
    ['{"type":"subscribe_agent","data":{"agent_id":"a/b"}}', 'validation_failed'],
    ['{"type":"unsubscribe_agent","data":{"agent_id":7}}', 'validation_failed'],
    ['{"type":"request_metrics","data":{"metric_type":"colour"}}', 'validation_failed'],
    [`{"type":"request_metrics","data":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, 'validation_failed'],
    [Buffer.from([1, 2, 3]), 'invalid_json'],
  ])('%p is answered with an error, and the channel goes on', async (payload, code) => {
    const console = await open();
    console.sendRaw(payload);
    expect(await console.nextFrame('error')).toEqual({ code, message: expect.any(String) });
    console.send('request_agents', {});
    await nextFrames(console, 'agent_updated', 2);
  });
});

describe('limits', () => {
  test('a console that talks without end is closed with 1008, the others are not', async () => {
    const [loud, quiet] = [await open(), await open()];
    for (let i = 0; i < 60; i++) loud.send('client_connect', {});
    expect((await loud.closed).code).toBe(1008);
    quiet.send('request_agents', {});
    await nextFrames(quiet, 'agent_updated', 2);
  });

  test('an over-long message is closed with 1009', async () => {
    const console = await open();
    console.sendRaw(`{"type":"client_connect","data":"${'x'.repeat(65_536)}"}`);
    expect((await console.closed).code).toBe(1009);
  });

  test('one console too many is closed with 1013', async () => {
    await restage({ maxClients: 1 });
    const first = await open();
    const second = await open();
    expect((await second.closed).code).toBe(1013);
    await first.close();
    while (stage.channel.clientCount > 0) await new Promise((resolve) => setImmediate(resolve));
    const third = await open();
    third.send('request_agents', {});
    await nextFrames(third, 'agent_updated', 2);
  });

  test('a console that does not read loses metrics, counted, and keeps the news of agents', async () => {
    await restage({ maxBufferedBytes: 4_096, intervalMs: 5, metricsPerInterval: 100 });
    const slow = await open();
    const raw = (slow.socket as unknown as { _socket: { pause(): void; resume(): void } })._socket;
    raw.pause();
    const bulk = JSON.stringify({ text: 'x'.repeat(20_000) });
    const deadline = Date.now() + 10_000;
    for (let i = 0; (await stage.dropped()) === 0 && Date.now() < deadline; i++) {
      stage.commit('a1', ...Array.from({ length: 100 }, (_, k) => ({ seriesId: k, tagsJson: bulk, timestampMs: i })));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await stage.dropped()).toBeGreaterThan(0);
    stage.bus.emit('agentConnected', agentOf('late'));
    stage.bus.emit('systemAlert', { message: 'late too', severity: 'info' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    stage.bus.emit('agentDisconnected', agentOf('late', { status: 'disconnected' }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    raw.resume();
    expect(await slow.nextFrame('agent_disconnected')).toMatchObject({ id: 'late' });
    expect(await slow.nextFrame('system_alert')).toMatchObject({ message: 'late too' });
    expect(slow.frames.some(({ type }) => type === 'agent_connected')).toBe(false);
    expect(stage.channel.clientCount).toBe(1);
  });

  test('a frame that cannot be written is logged and skipped', async () => {
    const console = await open();
    stage.commit('a1', { seriesId: 1, objectJson: 'broken' }, { seriesId: 2 });
    expect(await console.nextFrame('metric_received')).toMatchObject({ name: 'metric_2' });
    expect(stage.logger.entries.filter(({ level }) => level === 'error')).toHaveLength(1);
    stage.logger.entries.length = 0;
  });
});

describe('stopping', () => {
  test('closes with 1001, also those that do not answer', async () => {
    const console = await open();
    const mute = connect(stage.port, '127.0.0.1');
    mute.write(
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(mute, 'data');
    expect(stage.channel.clientCount).toBe(2);
    await stage.channel.stop();
    expect((await console.closed).code).toBe(1001);
    expect(stage.channel.clientCount).toBe(0);
    mute.destroy();
  });

  test('refuses upgrades when it does not run', async () => {
    await stage.channel.stop();
    await expect(connectConsole(stage)).rejects.toMatchObject({ status: 503 });
  });
});
