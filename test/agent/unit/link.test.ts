import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Link, type LinkEvents, type LinkOptions, type LinkTimings } from '../../../agent/src/link/link.js';
import type { Dropped } from '../../../agent/src/model.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { StubServer } from '../helpers/stub-server.js';

const TIMINGS: Partial<LinkTimings> = { minBackoffMs: 20, maxBackoffMs: 40, silenceMs: 10_000 };

describe('Link', () => {
  let server: StubServer;
  let logger: MemoryLogger;
  const links: Link[] = [];
  const happened: [string, ...unknown[]][] = [];
  const watchers = new Set<() => void>();

  beforeEach(async () => {
    server = await new StubServer().start();
    logger = new MemoryLogger();
    happened.length = 0;
  });

  afterEach(async () => {
    for (const link of links.splice(0)) await link.stop();
    await server.stop();
  });

  function note(...what: [string, ...unknown[]]): void {
    happened.push(what);
    for (const look of watchers) look();
  }

  /** Resolves when this has happened `times` times. */
  function seen(what: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (happened.filter(([name]) => name === what).length < times) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  }

  function start(options: Partial<LinkOptions> = {}, events: Partial<LinkEvents> = {}): Link {
    const location = {
      provider: 'gcp',
      region: 'us-central1',
      zone: '',
      network: '',
      subnet: '',
      instanceId: 'i-1',
      privateIp: '10.0.0.1',
      publicIp: '',
    };
    const link = new Link(
      {
        token: null,
        agentId: () => 'agent 1',
        version: '1.2.3',
        location,
        capabilities: ['spool'],
        timings: TIMINGS,
        logger,
        ...options,
        url: options.url ?? server.url,
      },
      {
        tellDropped: () => null,
        droppedTold: () => note('told'),
        up: () => note('up'),
        down: (code) => note('down', code),
        acknowledged: (ack) => note('ack', ack),
        refused: (refusal) => note('refused', refusal),
        configUpdate: (version, config) => note('config', version, config),
        command: (command) => note('command', command),
        ...events,
      },
    );
    links.push(link);
    link.start();
    return link;
  }

  test('connects to the path of the protocol and says who it is', async () => {
    start({ url: `${server.url.replace('ws', 'http')}/some/other/path?tenant=7#x`, token: 'secret-token' });
    await seen('up');
    const [{ url, headers }] = server.requests as [(typeof server.requests)[0]];
    expect(url).toBe('/api/v1/agents/connect?tenant=7&agent_id=agent+1&provider=gcp&region=us-central1');
    expect(headers.authorization).toBe('Bearer secret-token');
    expect(headers['user-agent']).toBe('cloudconsolevibe-agent/1.2.3');
    expect(JSON.stringify(logger.entries)).not.toContain('secret-token');
  });

  test('registers with its location and what was dropped, and is up when that is acknowledged', async () => {
    server.acknowledgesRegistrations = false;
    const link = start({}, { tellDropped: () => ({ count: 5, fromMs: 0, toMs: 60_000 }) });
    await server.until(() => server.of('registration').length === 1);
    expect(server.frames[0]?.data).toEqual({
      agent_id: 'agent 1',
      version: '1.2.3',
      location: {
        provider: 'gcp',
        region: 'us-central1',
        zone: '',
        network: '',
        subnet: '',
        instance_id: 'i-1',
        private_ip: '10.0.0.1',
        public_ip: '',
      },
      capabilities: ['spool'],
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      dropped: { count: 5, from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:01:00.000Z' },
    });
    expect(link.isUp).toBe(false);
    expect(link.send('metrics', {})).toBe(false);
    server.say('registration_ack', { status: 'success' });
    await seen('up');
    expect(happened.map(([name]) => name)).toEqual(['told', 'up']);
  });

  test('answers pings, and hands on what the server says', async () => {
    start();
    await seen('up');
    server.say('ping', {});
    await server.until(() => server.of('pong').length === 1);
    server.say('metrics_ack', {
      processed: 2,
      errors: 1,
      batch_id: 'b',
      duplicate: true,
      details: [{ index: 0, name: 'n', error: 'bad' }],
    });
    server.say('error', { message: 'full', code: 'storage_full', batch_id: 'b', retryable: true, retry_after_ms: 30_000 });
    server.say('error', { message: 'mistake', code: 'x', batch_id: 'b', retryable: true, retry_after_ms: 2 ** 40 });
    server.say('config_update', { version: 3, config: { batch_size: 5 } });
    server.say('command', { command_id: 'c', name: 'flush', args: { a: 1 }, expires_at: '2026-11-22T00:00:01.000Z' });
    await seen('command');
    expect(happened.slice(1)).toEqual([
      ['ack', expect.objectContaining({ batchId: 'b', processed: 2, errors: 1, duplicate: true, firstError: 'n: bad' })],
      ['refused', expect.objectContaining({ batchId: 'b', code: 'storage_full', isRetryable: true, retryAfterMs: 30_000 })],
      ['refused', expect.objectContaining({ code: 'x', retryAfterMs: 600_000 })],
      ['config', 3, { batch_size: 5 }],
      ['command', expect.objectContaining({ commandId: 'c', name: 'flush', args: { a: 1 }, expiresAtMs: Date.UTC(2026, 10, 22, 0, 0, 1) })],
    ]);
  });

  test('nonsense is survived', async () => {
    start();
    await seen('up');
    for (const text of ['', 'x', '1', 'null', '[]', '{}', '{"type":1}', '{"type":"metrics_ack"}', '{"type":"command","data":[]}'])
      server.sayRaw(text);
    server.sayRaw(Buffer.from([1, 2, 3]));
    server.say('surprise', { a: 1 });
    server.say('ping', {});
    await server.until(() => server.of('pong').length === 1);
    expect(happened.filter(([name]) => name === 'down')).toEqual([]);
  });

  test.each([
    ['is cut', () => server.cut(), 1_006],
    ['is closed', () => server.close(1_001), 1_001],
  ])('connects and registers again when the connection %s', async (_, end, code) => {
    start();
    await seen('up');
    end();
    await seen('up', 2);
    expect(happened.find(([name]) => name === 'down')).toEqual(['down', code]);
    expect(server.of('registration')).toHaveLength(2);
  });

  test('a connection over which nothing comes is given up, one with pings is not', async () => {
    start({ timings: { ...TIMINGS, silenceMs: 100 } });
    await seen('up');
    const pings = setInterval(() => server.say('ping', {}), 20);
    await server.until(() => server.of('pong').length === 15);
    expect(server.requests).toHaveLength(1);
    clearInterval(pings);
    await seen('up', 2);
    expect(happened.filter(([name]) => name === 'down')).toEqual([['down', 1_006]]);
  });

  test('a registration without an answer is tried over another connection', async () => {
    server.acknowledgesRegistrations = false;
    start({ timings: { ...TIMINGS, registrationMs: 50 } });
    await server.until(() => server.of('registration').length === 2);
    expect(happened).toEqual([]);
  });

  test('a registration that fails for the moment is tried again when the server says', async () => {
    server.acknowledgesRegistrations = false;
    start();
    await server.until(() => server.of('registration').length === 1);
    server.say('error', { code: 'storage_unavailable', message: 'later', retryable: true, retry_after_ms: 30 });
    await server.until(() => server.of('registration').length === 2);
    expect(server.requests).toHaveLength(1);
    server.say('registration_ack', {});
    await seen('up');
  });

  test('a registration the server does not like holds no data back', async () => {
    server.acknowledgesRegistrations = false;
    start();
    await server.until(() => server.of('registration').length === 1);
    server.say('error', { code: 'validation_failed', message: 'registration: too long' });
    await seen('up');
    expect(happened).toEqual([['up']]);
  });

  describe('what is lost while the link is up', () => {
    const SOON = { ...TIMINGS, lossReportMs: 20 };
    const loss = (count: number): Dropped => ({ count, fromMs: 0, toMs: 60_000 });
    const told = (): (number | undefined)[] => server.of('registration').map(({ data }) => data.dropped?.count);

    test('is told soon over the same connection, one loss after another, and each once', async () => {
      const losses = [loss(1), loss(2), loss(3)];
      start({ timings: SOON }, { tellDropped: () => losses[0] ?? null, droppedTold: () => note('told', losses.shift()) });
      await seen('told', 3);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(told()).toEqual([1, 2, 3]);
      expect(happened.filter(([name]) => name === 'up' || name === 'down')).toEqual([['up']]);
      expect(server.requests).toHaveLength(1);
    });

    test('waits for the answer to the report before', async () => {
      const losses = [loss(1), loss(2)];
      start({ timings: SOON }, { tellDropped: () => losses[0] ?? null, droppedTold: () => note('told', losses.shift()) });
      await seen('told');
      server.acknowledgesRegistrations = false;
      await server.until(() => told().length === 2);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(told()).toEqual([1, 2]);
      server.say('registration_ack', {});
      await seen('told', 2);
    });

    test('is told again after an error, and after a connection that ended before the answer', async () => {
      const lost = loss(7);
      let isLost = false;
      start({ timings: SOON }, { tellDropped: () => (isLost ? lost : null), droppedTold: () => note('told') });
      await seen('up');
      server.acknowledgesRegistrations = false;
      isLost = true;
      await server.until(() => told().length === 2);
      server.say('error', { code: 'storage_unavailable', message: 'later', retryable: true });
      await server.until(() => told().length === 3);
      server.acknowledgesRegistrations = true;
      server.cut();
      await seen('told');
      expect(told()).toEqual([undefined, 7, 7, 7]);
    });

    test('is not told again while that it was told is still being noted', async () => {
      const lost = loss(7);
      start({ timings: SOON }, { tellDropped: () => lost, droppedTold: () => note('told') });
      await seen('told');
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(told()).toEqual([7]);
    });

    test('costs nothing when there is nothing, and ends with the link', async () => {
      let asked = 0;
      const link = start({ timings: SOON }, { tellDropped: () => ((asked += 1), null) });
      await seen('up');
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(told()).toEqual([undefined]);
      await link.stop();
      const before = asked;
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(asked).toBe(before);
    });
  });

  test('a refused upgrade is tried again, later when somebody has to do something first', async () => {
    server.refuseWith = { status: 401, body: JSON.stringify({ error: { message: 'no such token' } }) };
    start({ timings: { ...TIMINGS, maxBackoffMs: 400 }, random: () => 0 });
    await server.until(() => server.requests.length === 1);
    const firstMs = performance.now();
    await server.until(() => server.requests.length === 2);
    expect(performance.now() - firstMs).toBeGreaterThan(190);
    server.refuseWith = null;
    await seen('up');
    expect(logger.of('warn')[0]).toMatchObject({ message: 'not connected', meta: { reason: 'HTTP 401: no such token' } });
  });

  test('Retry-After of a refusal is honoured', async () => {
    server.refuseWith = { status: 503, headers: { 'Retry-After': '1' } };
    start();
    await server.until(() => server.requests.length === 1);
    const firstMs = performance.now();
    server.refuseWith = null;
    await seen('up');
    expect(performance.now() - firstMs).toBeGreaterThan(990);
  });

  test('waits are jittered fully and grow up to a bound', async () => {
    server.refuseWith = { status: 503 };
    start({ timings: { ...TIMINGS, minBackoffMs: 10, maxBackoffMs: 30 }, random: () => 0.5 });
    await server.until(() => server.requests.length === 4);
    server.refuseWith = null;
    await seen('up');
    const waits = logger.entries.filter(({ meta }) => 'waitMs' in meta).map(({ meta }) => meta.waitMs);
    expect(waits.slice(0, 4)).toEqual([5, 10, 15, 15]);
  });

  test('reports wait for the link, the last few of them', async () => {
    server.refuseWith = { status: 503 };
    const link = start();
    for (let i = 0; i < 40; i++) link.report('command_result', { command_id: String(i) });
    server.refuseWith = null;
    await server.until(() => server.of('command_result').length === 32);
    expect(server.of('command_result').map(({ data }) => Number(data.command_id))).toEqual(Array.from({ length: 32 }, (_, i) => i + 8));
    link.report('command_result', { command_id: 'now' });
    await server.until(() => server.of('command_result').length === 33);
  });

  test('a stop closes the connection, tells so, and nothing follows', async () => {
    const link = start();
    await seen('up');
    await link.stop();
    expect(happened.at(-1)).toEqual(['down', 1_000]);
    expect(link.isUp).toBe(false);
    await link.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.requests).toHaveLength(1);
  });

  test('a stop while nobody answers is quick', async () => {
    const { url } = server;
    await server.stop();
    const link = start({ url });
    await link.stop();
    server = await new StubServer().start();
  });

  test.each(['ftp://host', 'nonsense', ''])('%j is no server', (url) => {
    expect(() => start({ url })).toThrow();
  });
});
