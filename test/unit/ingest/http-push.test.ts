import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../../src/model/errors.js';
import { httpAgentCalls } from '../../helpers/fixtures.js';
import { WayIn } from '../../helpers/way-in.js';

/** What is stored, without what differs from run to run. */
function stored(wayIn: WayIn): unknown[] {
  return wayIn.writer.samples().map(({ name, unit, tagsJson, value, timestampMs }) => [name, unit, tagsJson, value, timestampMs]);
}

describe('HttpPush', () => {
  test("stores the older agent's two calls under the Go agent's names", async () => {
    const wayIn = new WayIn();
    const calls = httpAgentCalls().filter(({ file }) => file.startsWith('http-loss'));
    for (const { path, body } of calls) {
      const answer = await (path.endsWith('register') ? wayIn.push.register(body) : wayIn.push.push(body));
      expect(answer).toEqual({ success: true, message: expect.any(String), agentId: 'x' });
    }
    const atMs = 1_795_374_660_000;
    expect(stored(wayIn)).toEqual([
      ['ping_success', 'boolean', '{"target":"127.0.0.1"}', 1, atMs],
      ['ping_rtt_avg_ms', 'ms', '{"target":"127.0.0.1"}', 0.022, atMs],
      ['ping_packet_loss_percent', 'percent', '{"target":"127.0.0.1"}', 33.3333, atMs],
      ['ping_success', 'boolean', '{"target":"10.255.255.1"}', 0, atMs],
      ['system_cpu_percent', 'percent', '{}', 0, atMs],
      ['system_memory_percent', 'percent', '{}', 1.82, atMs],
      ['system_disk_percent', 'percent', '{}', 28, atMs],
      ['system_uptime_seconds', 'seconds', '{}', 1407, atMs],
    ]);
    expect(wayIn.registry.find('x')).toMatchObject({ provider: 'gcp', region: 'us-central1', status: 'connected', totalMessages: 2 });
    expect(wayIn.registry.find('x')?.lastRegistrationMs).not.toBeNull();
  });

  test('an agent nobody knows is created by its first push', async () => {
    const wayIn = new WayIn();
    await wayIn.push.push({ agentId: 'new', timestamp: Date.now(), pingResults: null, systemInfo: { cpuUsage: 5, uptime: null } });
    expect(wayIn.registry.find('new')).toMatchObject({ provider: 'gcp', status: 'connected' });
    expect(stored(wayIn)).toEqual([['system_cpu_percent', 'percent', '{}', 5, expect.any(Number)]]);
  });

  test('a location that is an empty string is not known, as elsewhere', async () => {
    const wayIn = new WayIn();
    const answer = await wayIn.push.push({ agent_id: 'a', location: '', metrics: [{ name: 'cpu', type: 'gauge', value: 1 }] });
    expect(answer).toMatchObject({ success: true, processed: 1 });
  });

  test('one bad ping does not cost the rest', async () => {
    const wayIn = new WayIn();
    const pings = [
      { target: 5, success: true },
      'x',
      { target: 't', success: 'yes' },
      { target: 't', success: true, latencyMs: 3, packetLoss: 'x' },
    ];
    const answer = await wayIn.push.push({ agent_id: 'a', ping_results: pings });
    expect(answer).toMatchObject({ success: true, message: '2 metrics stored, 4 rejected' });
    expect(wayIn.writer.samples().map(({ name, value }) => [name, value])).toEqual([
      ['ping_success', 1],
      ['ping_rtt_avg_ms', 3],
    ]);
  });

  test('the `metrics` object of the WebSocket is answered like there', async () => {
    const wayIn = new WayIn();
    const body = {
      agent_id: 'script',
      batch_id: 'b1',
      timestamp: '2026-11-22T19:04:38Z',
      location: { provider: 'aws', region: 'eu' },
      metrics: [
        { name: 'a', type: 'gauge', value: 1 },
        { name: 'b', type: 'gauge', value: 'x' },
      ],
    };
    const expected = { success: true, message: '1 stored, 1 rejected', agentId: 'script', processed: 1, errors: 1, batch_id: 'b1' };
    expect(await wayIn.push.push(body)).toMatchObject({ ...expected, details: [{ index: 1, name: 'b' }] });
    expect(await wayIn.push.push(body)).toMatchObject({ ...expected, duplicate: true });
    expect(wayIn.registry.find('script')).toMatchObject({ provider: 'aws', region: 'eu', totalMetrics: 1 });
    expect(await wayIn.push.push({ agentId: 'script', metrics: null })).toEqual({
      success: true,
      message: '0 stored, 0 rejected',
      agentId: 'script',
      processed: 0,
      errors: 0,
    });
    expect(await wayIn.push.push({ agentId: 'script', metrics: [null] })).toMatchObject({ success: false, processed: 0, errors: 1 });
  });

  test.each<[string, unknown]>([
    ['body', undefined],
    ['body', []],
    ['agent_id', {}],
    ['agent_id', { agent_id: 'a/b', metrics: [] }],
    ['agent_id', { agent_id: 5, metrics: [] }],
    ['metrics', { agent_id: 'a' }],
    ['metrics', { agent_id: 'a', metrics: 5 }],
    ['metrics', { agent_id: 'a', metrics: Array.from({ length: 201 }, () => null) }],
    ['batch_id', { agent_id: 'a', metrics: [], batch_id: 5 }],
    ['ping_results', { agent_id: 'a', ping_results: {} }],
    ['ping_results', { agent_id: 'a', ping_results: Array.from({ length: 100 }, () => null) }],
    ['system_info', { agent_id: 'a', system_info: [] }],
    ['region', { agent_id: 'a', region: 5, system_info: {} }],
  ])('refuses a push for its %s', async (field, body) => {
    const wayIn = new WayIn();
    await expect(wayIn.push.push(body)).rejects.toMatchObject({ code: 'validation_failed', details: [{ field }] });
    expect(wayIn.registry.all()).toEqual([]);
  });

  test('refuses a registration without an id', async () => {
    await expect(new WayIn().push.register({ hostname: 'x' })).rejects.toMatchObject({
      code: 'validation_failed',
      message: 'id is missing',
    });
    await expect(new WayIn().push.register({ agentId: 'a', location: { zone: 'z' } })).resolves.toMatchObject({ agentId: 'a' });
  });

  test('says 503 when the queue is full or the disk is', async () => {
    const wayIn = new WayIn({ queue: { agentQueueBatches: 1 } });
    const body = { agent_id: 'a', metrics: [{ name: 'a', type: 'gauge', value: 1 }] };
    wayIn.writer.failures.push(new AppError('storage_full', 'no room'));
    await expect(wayIn.push.push(body)).rejects.toMatchObject({ code: 'storage_full' });
    wayIn.writer.hold();
    const waiting = wayIn.push.push(body);
    await expect(wayIn.push.push(body)).rejects.toMatchObject({ code: 'overloaded' });
    wayIn.writer.release();
    await expect(waiting).resolves.toMatchObject({ processed: 1 });
  });
});
