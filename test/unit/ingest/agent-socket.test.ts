import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { AppError } from '../../../src/model/errors.js';
import { type BatchRefused, metric, TestAgent } from '../../helpers/agent-client.js';
import { goAgentFrames } from '../../helpers/fixtures.js';
import { WayIn, type WayInOptions } from '../../helpers/way-in.js';

const started: WayIn[] = [];

async function listen(options: WayInOptions = {}): Promise<WayIn> {
  const wayIn = await new WayIn(options).listen();
  started.push(wayIn);
  return wayIn;
}

afterEach(async () => {
  for (const wayIn of started.splice(0)) {
    wayIn.writer.release();
    await wayIn.stop();
  }
});

describe('AgentSockets', () => {
  test('greets, registers and acknowledges what is on disk', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a', zone: 'z' });
    expect(await agent.nextFrame('welcome')).toEqual({
      agentId: 'a',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      serverInfo: { version: '9.9.9', features: expect.any(Array) },
    });
    const registered = wayIn.nextEvent('agentRegistered');
    expect(await agent.register({ capabilities: ['ping'] })).toEqual({ status: 'success', agentId: 'a', timestamp: expect.any(String) });
    expect(await registered).toMatchObject({ id: 'a', zone: 'us-central1-a', capabilities: ['ping'], status: 'connected' });
    expect(await agent.push([metric('cpu', 5), metric('', 5)], { batchId: 'b1' })).toEqual({
      processed: 1,
      errors: 1,
      timestamp: expect.any(String),
      batch_id: 'b1',
      details: [{ index: 1, name: '', error: expect.stringContaining('invalid_name') }],
    });
    expect(await agent.push([metric('cpu', 5)], { batchId: 'b1' })).toMatchObject({ processed: 1, errors: 1, duplicate: true });
    expect(await agent.push([])).toEqual({ processed: 0, errors: 0, timestamp: expect.any(String) });
    expect(wayIn.sockets.count).toBe(1);
    const gone = wayIn.nextEvent('agentDisconnected');
    await agent.close();
    expect(await gone).toMatchObject({ id: 'a', status: 'disconnected' });
    expect(await wayIn.counted('ccv_agent_connections_closed_total', { reason: 'closed' })).toBe(1);
  });

  test('takes every frame of the real agent, byte for byte', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'lab-agent' });
    const frames = goAgentFrames();
    for (const { text } of frames) agent.sendRaw(`${text}\n`);
    for (const { type, file } of frames) {
      if (type === 'metrics')
        expect([file, await agent.nextFrame('metrics_ack')]).toEqual([file, expect.objectContaining({ processed: 17, errors: 0 })]);
    }
    expect(agent.frames.filter(({ type }) => type === 'error')).toEqual([]);
    expect(wayIn.registry.find('lab-agent')).toMatchObject({ totalMessages: frames.length, totalMetrics: 8 * 17, provider: 'on-premise' });
  });

  test('the id of the socket wins', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'real' });
    await agent.push([metric('cpu', 1)], { extra: { agent_id: 'other' } });
    expect(wayIn.registry.all().map(({ id }) => id)).toEqual(['real']);
  });

  test('says which ids are none', async () => {
    const { sockets } = new WayIn();
    const validate = (query: string): string | undefined => sockets.validate(new URL(`ws://x/?${query}`))?.message;
    expect(validate('agent_id=a')).toBeUndefined();
    expect(validate('agentId=a')).toBeUndefined();
    expect(validate('agent_id=&agentId=a')).toBeUndefined();
    expect(validate('')).toMatch('missing');
    expect(validate('agent_id=')).toMatch('empty');
    expect(validate('agent_id=a%2Fb')).toMatch('"/"');
    expect(validate('agent_id=%07')).toMatch('control');
    expect(validate(`agent_id=${'x'.repeat(129)}`)).toMatch('128');
  });

  test('reports of the agent reach those who wait for them', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    const [config, command] = [wayIn.nextEvent('configStatusReported'), wayIn.nextEvent('commandResultReported')];
    const updated = wayIn.nextEvent('agentUpdated', ({ health }) => health === 'error');
    agent.send('config_status', { version: 3, status: 'failed', error: 'no' });
    agent.send('command_result', { commandId: 'c1', status: 'ok', output: 'done' });
    agent.send('status', { status: 'error', message: 'disk' });
    agent.send('pong', {});
    agent.sendRaw('{"type":"pong"}');
    expect(await config).toMatchObject({ agent: { id: 'a' }, version: 3, status: 'failed', error: 'no' });
    expect(await command).toMatchObject({ agent: { id: 'a' }, commandId: 'c1', status: 'ok', output: 'done', error: null });
    expect(await updated).toMatchObject({ status: 'error', healthMessage: 'disk' });
  });

  test('what an agent had to drop is noted', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    await agent.register({ dropped: { count: 7, from: '2024-11-22T19:00:00Z', to: '2024-11-22T19:05:00Z' } });
    const notes = (): string[] => wayIn.activities.activities.flatMap(({ message }) => (message.includes('drop') ? [message] : []));
    const note = 'Agent had to drop 7 samples (2024-11-22T19:00:00.000Z to 2024-11-22T19:05:00.000Z)';
    expect(notes()).toEqual([note]);
    // Said again, because the acknowledgement got lost.
    await agent.register({ dropped: { count: 7, from: '2024-11-22T19:00:00Z', to: '2024-11-22T19:05:00Z' } });
    expect(notes()).toEqual([note]);
  });

  test.each<[string, unknown]>([
    ['is no object', 'much'],
    ['has no times', { count: 7 }],
    ['ends before it begins', { count: 7, from: '2024-11-22T19:00:00Z', to: '2024-11-22T18:00:00Z' }],
  ])('a registration whose dropped %s is good without it', async (_, dropped) => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    await expect(agent.register({ dropped })).resolves.toMatchObject({ status: 'success' });
    expect(wayIn.agents.dropped.size).toBe(0);
    expect(agent.frames.map(({ type }) => type)).not.toContain('error');
  });

  test('what was dropped is acknowledged only when it is on disk', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    await agent.register();
    wayIn.agents.failures.push(new AppError('storage_full', 'the disk is full'));
    const dropped = { count: 7, from: '2024-11-22T19:00:00Z', to: '2024-11-22T19:05:00Z' };
    agent.send('registration', { dropped });
    await expect(agent.nextFrame('error')).resolves.toMatchObject({ code: 'storage_full', retryable: true });
    await agent.register({ dropped });
    expect(wayIn.agents.dropped.size).toBe(1);
    expect(agent.frames.filter(({ type }) => type === 'registration_ack')).toHaveLength(2);
  });

  test.each<[string, string | Buffer]>([
    ['invalid_json', '{"type":'],
    ['invalid_json', ''],
    ['validation_failed', '[]'],
    ['validation_failed', 'null'],
    ['validation_failed', '{"data":{}}'],
    ['validation_failed', '{"type":"metrics","data":[]}'],
    ['validation_failed', '{"type":"status","data":{"status":"fine"}}'],
    ['validation_failed', '{"type":"registration","data":{"location":5}}'],
    ['unknown_type', '{"type":"constructor"}'],
    ['unsupported', Buffer.from('{"type":"pong"}')],
  ])('answers %s to %s and goes on', async (code, frame) => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn);
    agent.sendRaw(frame);
    expect(await agent.nextFrame('error')).toMatchObject({ code, message: expect.any(String), timestamp: expect.any(String) });
    expect(await agent.push([metric('cpu', 1)])).toMatchObject({ processed: 1 });
    expect(await wayIn.counted('ccv_agent_bad_frames_total', { reason: code })).toBe(1);
  });

  test.each<[object]>([[{ metrics: {} }], [{}], [{ metrics: Array.from({ length: 201 }, () => null) }]])(
    'a batch that can never succeed is not to be sent again: %#',
    async (data) => {
      const wayIn = await listen();
      const agent = await TestAgent.connect(wayIn);
      agent.send('metrics', { ...data, batch_id: 'b9' });
      expect(await agent.nextFrame('error')).toMatchObject({ code: 'validation_failed', batch_id: 'b9', retryable: false });
    },
  );

  test('a batch that storage could not take may be sent again', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn);
    await agent.register();
    wayIn.writer.failures.push(new AppError('storage_full', 'no room'), new AppError('agent_deleted', 'gone'), new TypeError('bug'));
    const refusals: unknown[] = [];
    for (const batchId of ['b1', 'b2', 'b3']) {
      refusals.push(await agent.push([metric('cpu', 1)], { batchId }).catch((error: BatchRefused) => error.data));
    }
    expect(refusals).toEqual([
      expect.objectContaining({ code: 'storage_full', batch_id: 'b1', retryable: true, retry_after_ms: 30_000 }),
      expect.objectContaining({ code: 'agent_deleted', batch_id: 'b2', retryable: false }),
      expect.objectContaining({ code: 'internal', batch_id: 'b3', retryable: false, message: expect.not.stringContaining('bug') }),
    ]);
    expect(await agent.push([metric('cpu', 1)], { batchId: 'b1' })).toMatchObject({ processed: 1 });
  });

  test('an agent that storage cannot take yet is kept and tried again', async () => {
    const wayIn = await listen();
    wayIn.agents.failures.push(new AppError('storage_unavailable', 'no'), new AppError('storage_unavailable', 'no'));
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    expect(await agent.nextFrame('error')).toMatchObject({ code: 'storage_unavailable', retryable: true, retry_after_ms: 5_000 });
    await expect(agent.push([metric('cpu', 1)], { batchId: 'b' })).rejects.toMatchObject({ data: { batch_id: 'b', retryable: true } });
    expect(await agent.push([metric('cpu', 1)], { batchId: 'b' })).toMatchObject({ processed: 1 });
    expect(wayIn.registry.find('a')?.status).toBe('connected');
  });

  test('frames that come before the agent is known wait, in order', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    for (let i = 0; i < 40; i++) agent.send('metrics', { batch_id: `b${i}`, metrics: [metric('cpu', i)] });
    const acked: string[] = [];
    for (let i = 0; i < 40; i++) acked.push((await agent.nextFrame('metrics_ack')).batch_id);
    expect(acked).toEqual(Array.from({ length: 40 }, (_, i) => `b${i}`));
    expect(wayIn.writer.samples().map(({ value }) => value)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  test('frames that wait are bounded by their bytes too', async () => {
    const wayIn = await listen({ sockets: { maxMessageBytes: 2_000_000 } });
    let known = (): void => {};
    const held = new Promise<void>((resolve) => {
      known = resolve;
    });
    const upsert = wayIn.agents.upsert.bind(wayIn.agents);
    wayIn.agents.upsert = async (...given) => {
      await held;
      return upsert(...given);
    };
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    for (let i = 0; i < 3; i++) agent.send('metrics', { batch_id: `b${i}`, metrics: [metric('cpu', i)], padding: 'x'.repeat(150_000) });
    while (wayIn.sockets.pausedCount === 0) await new Promise(setImmediate);
    known();
    for (let i = 0; i < 3; i++) expect(await agent.nextFrame('metrics_ack')).toMatchObject({ batch_id: `b${i}`, processed: 1 });
    expect(wayIn.sockets.pausedCount).toBe(0);
  });

  test('what was sent right before the close is stored too', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    const stored = wayIn.nextEvent('samplesCommitted');
    agent.send('metrics', { metrics: [metric('cpu', 1)] });
    await agent.close();
    await stored;
    expect(wayIn.registry.find('a')?.status).toBe('disconnected');
  });

  test('answers keep the order of the frames', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn);
    await agent.register();
    wayIn.writer.hold();
    agent.send('metrics', { batch_id: 'slow', metrics: [metric('cpu', 1)] });
    agent.send('metrics', { batch_id: 'bad', metrics: 5 });
    agent.sendRaw('nonsense');
    while (wayIn.processor.queuedBatches === 0) await new Promise(setImmediate);
    wayIn.writer.release();
    const isAnswer = ({ type }: { type: string }): boolean => type === 'metrics_ack' || type === 'error';
    const answers = [await agent.next(isAnswer), await agent.next(isAnswer), await agent.next(isAnswer)];
    expect(answers.map(({ data }) => data.batch_id ?? data.code)).toEqual(['slow', 'bad', 'invalid_json']);
  });

  test('answers that wait behind a slow one are bounded: the socket is paused meanwhile', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn);
    await agent.register();
    wayIn.writer.hold();
    agent.send('metrics', { batch_id: 'slow', metrics: [metric('cpu', 1)] });
    for (let i = 0; i < 20_000; i++) agent.send('metrics', { metrics: [] });
    while (wayIn.sockets.pausedCount === 0) await new Promise(setImmediate);
    const taken = await wayIn.counted('ccv_agent_frames_total', { type: 'metrics' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await wayIn.counted('ccv_agent_frames_total', { type: 'metrics' })).toBe(taken);
    expect(taken).toBeLessThan(5_000);
    wayIn.writer.release();
    for (let i = 0; i <= 20_000; i++) await agent.nextFrame('metrics_ack');
    expect(wayIn.sockets.pausedCount).toBe(0);
  });

  test('reports cost a write each, so that there is a number of them in a minute', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn);
    let recorded = 0;
    wayIn.bus.on('configStatusReported', () => recorded++);
    wayIn.bus.on('commandResultReported', () => recorded++);
    for (let i = 0; i < 200; i++) agent.send('config_status', { version: 1, status: 'applied' });
    for (let i = 0; i < 200; i++) agent.send('command_result', { command_id: 'c', status: 'ok' });
    expect(await agent.nextFrame('error')).toMatchObject({ code: 'rate_limited', message: expect.stringContaining('120') });
    expect(await agent.push([metric('cpu', 1)], { batchId: 'b' })).toMatchObject({ processed: 1 });
    expect(recorded).toBe(120);
    expect(await wayIn.counted('ccv_agent_bad_frames_total', { reason: 'rate_limited' })).toBe(280);
  });

  test('a full queue pauses the sockets, a paused socket is not silent, and nothing is lost', async () => {
    const wayIn = await listen({
      queue: { queueBatches: 4 },
      sockets: { connectionTimeoutMs: 150, heartbeatIntervalMs: 50 },
    });
    const agent = await TestAgent.connect(wayIn);
    await agent.register();
    wayIn.writer.hold();
    for (let i = 0; i < 200; i++)
      agent.send('metrics', { batch_id: `b${i}`, metrics: [metric('cpu', i, { tags: { pad: 'x'.repeat(60) } })] });
    for (let i = 0; i < 8; i++) await agent.nextFrame('ping');
    expect(wayIn.sockets.pausedCount).toBe(1);
    expect(agent.socket.readyState).toBe(WebSocket.OPEN);
    expect(await wayIn.counted('ccv_socket_pauses_total')).toBeGreaterThan(0);
    wayIn.writer.release();
    for (let i = 0; i < 200; i++) expect(await agent.nextFrame('metrics_ack')).toMatchObject({ batch_id: `b${i}`, processed: 1 });
    expect(wayIn.sockets.pausedCount).toBe(0);
  });

  test('pings in time, and ends a connection that says nothing', async () => {
    const wayIn = await listen({ sockets: { heartbeatIntervalMs: 50, connectionTimeoutMs: 300 } });
    const agent = await TestAgent.connect(wayIn, { agentId: 'silent' });
    const gone = wayIn.nextEvent('agentDisconnected');
    expect(await agent.nextFrame('ping')).toEqual({ timestamp: expect.any(String) });
    expect(await gone).toMatchObject({ id: 'silent', status: 'disconnected' });
    expect((await agent.closed).code).toBe(1006);
    expect(await wayIn.counted('ccv_agent_connections_closed_total', { reason: 'silent' })).toBe(1);
    expect(wayIn.activities.activities.at(-1)?.message).toBe('Agent disconnected: nothing was heard of it');
  });

  test('WebSocket pings are answered and are signs of life', async () => {
    const wayIn = await listen({ sockets: { heartbeatIntervalMs: 100, connectionTimeoutMs: 250 } });
    const agent = await TestAgent.connect(wayIn);
    let pongs = 0;
    agent.socket.on('pong', () => pongs++);
    const pinging = setInterval(() => {
      for (let i = 0; i < 3; i++) agent.socket.ping();
    }, 50);
    for (let i = 0; i < 8; i++) await agent.nextFrame('ping');
    clearInterval(pinging);
    expect(pongs).toBeGreaterThan(15);
    expect(agent.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('the newest connection owns the agent, and the old one may still deliver', async () => {
    const wayIn = await listen();
    const older = await TestAgent.connect(wayIn, { agentId: 'a' });
    await older.register();
    const newer = await TestAgent.connect(wayIn, { agentId: 'a' });
    await newer.register();
    expect(await older.push([metric('cpu', 1)])).toMatchObject({ processed: 1 });
    expect(wayIn.registry.send('a', 'command', { command_id: 'c' })).toBe(true);
    expect(await newer.nextFrame('command')).toEqual({ command_id: 'c' });
    await older.close();
    await newer.push([metric('cpu', 2)]);
    expect(wayIn.registry.find('a')?.status).toBe('connected');
    // When the newer one goes first, what the older one says brings the agent back.
    const third = await TestAgent.connect(wayIn, { agentId: 'a' });
    await third.register();
    const gone = wayIn.nextEvent('agentDisconnected');
    await third.close();
    await gone;
    await newer.push([metric('cpu', 3)]);
    expect(wayIn.registry.find('a')?.status).toBe('connected');
  });

  test('a deleted agent is shown the door on every connection', async () => {
    const wayIn = await listen({ sockets: { heartbeatIntervalMs: 50 } });
    const older = await TestAgent.connect(wayIn, { agentId: 'a' });
    await older.register();
    const newer = await TestAgent.connect(wayIn, { agentId: 'a' });
    await newer.register();
    await wayIn.registry.remove('a');
    expect(await newer.closed).toEqual({ code: 1000, reason: 'agent deleted' });
    expect(await older.closed).toEqual({ code: 1000, reason: 'agent deleted' });
    expect(wayIn.registry.all()).toEqual([]);
  });

  test('a message that is too long ends in 1009, broken UTF-8 in 1007', async () => {
    const wayIn = await listen({ sockets: { maxMessageBytes: 2_000 } });
    const long = await TestAgent.connect(wayIn, { agentId: 'long' });
    await long.register();
    const gone = wayIn.nextEvent('agentDisconnected', ({ id }) => id === 'broken');
    long.sendRaw('x'.repeat(2_001));
    expect((await long.closed).code).toBe(1009);
    const broken = await TestAgent.connect(wayIn, { agentId: 'broken' });
    await broken.register();
    broken.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await broken.closed).code).toBe(1007);
    await gone;
    expect(await wayIn.counted('ccv_agent_bad_frames_total', { reason: 'too_long' })).toBe(1);
    expect(await wayIn.counted('ccv_agent_connections_closed_total', { reason: 'protocol_error' })).toBe(1);
  });

  test('a flood of nonsense ends in 1008', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn);
    await agent.register();
    const gone = wayIn.nextEvent('agentDisconnected');
    for (let i = 0; i < 150; i++) agent.sendRaw('nonsense');
    expect((await agent.closed).code).toBe(1008);
    await gone;
    expect(await wayIn.counted('ccv_agent_connections_closed_total', { reason: 'too_many_bad_frames' })).toBe(1);
  });

  test('an agent that does not read its answers is not read, and let go at last', async () => {
    const wayIn = await listen({ sockets: { heartbeatIntervalMs: 50, connectionTimeoutMs: 400, maxMessageBytes: 2_000_000 } });
    const agent = await TestAgent.connect(wayIn, { agentId: 'deaf' });
    await agent.register();
    const gone = wayIn.nextEvent('agentDisconnected');
    agent.socket.pause();
    const metrics = Array.from({ length: 200 }, () => metric('x', 'y'.repeat(64)));
    const frame = JSON.stringify({ type: 'metrics', data: { metrics } });
    for (let i = 0; i < 1_000; i++) agent.sendRaw(frame);
    await gone;
    expect(await wayIn.counted('ccv_agent_connections_closed_total', { reason: 'slow_reader' })).toBe(1);
    agent.terminate();
  });

  test('a location that changes with the metrics is taken over', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn, { agentId: 'a' });
    await agent.register();
    const moved = wayIn.nextEvent('agentUpdated', ({ region }) => region === 'elsewhere');
    await agent.push([metric('cpu', 1)], { extra: { location: { region: 'elsewhere' } } });
    await moved;
    expect(await agent.push([metric('cpu', 1)], { extra: { location: { region: 5 } } })).toMatchObject({ processed: 1 });
  });

  test('the stop answers all that was read, then closes 1001', async () => {
    const wayIn = await listen();
    const agents = await Promise.all(['a', 'b', 'c'].map((agentId) => TestAgent.connect(wayIn, { agentId })));
    for (const agent of agents) await agent.register();
    wayIn.writer.hold();
    for (const agent of agents) agent.send('metrics', { batch_id: agent.agentId, metrics: [metric('cpu', 1)] });
    while (wayIn.processor.queuedBatches < 3) await new Promise(setImmediate);
    const stopped = wayIn.stop();
    wayIn.writer.release();
    for (const agent of agents) {
      expect(await agent.nextFrame('metrics_ack')).toMatchObject({ batch_id: agent.agentId });
      expect((await agent.closed).code).toBe(1001);
    }
    await stopped;
    expect(wayIn.sockets.count).toBe(0);
    // Stopping is not the agents' news.
    expect(wayIn.activities.activities.some(({ type }) => type === 'agent_disconnected')).toBe(false);
  });

  test('the stop does not wait for ever for one that does not close', async () => {
    const wayIn = await listen();
    const agent = await TestAgent.connect(wayIn);
    await agent.register();
    agent.socket.pause();
    await wayIn.stop();
    expect(wayIn.sockets.count).toBe(0);
    agent.terminate();
  });
});
