import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestAgent } from '../helpers/agent-client.js';
import type { ApiAnswer } from '../helpers/http.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

/** What people ask for, from the request to the agent's socket and back, on the production app. */
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(async () => {
  expect(await app.stop()).toBe(true);
});

async function registered(agentId: string): Promise<TestAgent> {
  const agent = await TestAgent.connect(app, { agentId });
  await agent.register();
  return agent;
}

function put(path: string, body: unknown): Promise<ApiAnswer> {
  return app.api(`/api/v1${path}`, { method: 'PUT', body });
}

function post(path: string, body: unknown): Promise<ApiAnswer> {
  return app.api(`/api/v1${path}`, { method: 'POST', body });
}

function get(path: string): Promise<ApiAnswer> {
  return app.api(`/api/v1${path}`);
}

function remove(path: string): Promise<ApiAnswer> {
  return app.api(`/api/v1${path}`, { method: 'DELETE' });
}

/** Asks until the answer holds, for what the server does on its own after an agent's frame. */
async function until(path: string, holds: (body: any) => boolean): Promise<any> {
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; ) {
    const { body } = await get(path);
    if (holds(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${path} did not come to hold in time`);
}

function expectError(answer: ApiAnswer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ error: { code, status, message: expect.any(String), timestamp: expect.any(String) } });
}

describe('configuration', () => {
  test('is pushed at once, counted up, and shown with what the agent said of it', async () => {
    const agent = await registered('config-1');
    expectError(await get('/agents/config-1/config'), 404, 'not_found');

    const flat = { collection_interval: 30, targets: { ping: ['8.8.8.8'] } };
    const first = await put('/agents/config-1/config', flat);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({ message: expect.any(String), agentId: 'config-1', config: flat, version: 1, delivered: true });
    expect(await agent.nextFrame('config_update')).toEqual({ version: 1, config: flat });
    expect((await get('/agents/config-1/config')).body).toMatchObject({ agentId: 'config-1', config: flat, version: 1, status: 'pending' });

    agent.send('config_status', { version: 1, status: 'failed', error: 'no route' });
    expect(await until('/agents/config-1/config', ({ status }) => status !== 'pending')).toMatchObject({
      status: 'failed',
      error: 'no route',
    });

    const nested = {
      agent_id: 'config-1',
      collection: { interval: 10, transmission_interval: 20, batch_size: 50 },
      filters: { metrics: [] },
    };
    const second = await put('/agents/config-1/config', nested);
    const flattened = { collection_interval: 10, transmission_interval: 20, batch_size: 50, filters: { metrics: [] } };
    expect(second.body).toMatchObject({ config: flattened, version: 2, delivered: true });
    expect(await agent.nextFrame('config_update')).toEqual({ version: 2, config: flattened });
    agent.send('config_status', { version: 2, status: 'applied' });
    const applied = await until('/agents/config-1/config', ({ status }) => status !== 'pending');
    expect(applied).toMatchObject({ status: 'applied', error: null, effective_version: 2, attempted_version: 2 });
    expect(Date.parse(applied.attempted_at)).toBeGreaterThanOrEqual(Date.parse(applied.created_at));
    await agent.close();
  });

  test('waits for an agent that is away, and comes again with every registration', async () => {
    const agent = await registered('config-2');
    await agent.close();
    await until('/agents/config-2', ({ status }) => status === 'disconnected');
    expect((await put('/agents/config-2/config', { batchSize: 5 })).body).toMatchObject({ version: 1, delivered: false });
    for (let i = 0; i < 2; i++) {
      const back = await registered('config-2');
      expect(await back.nextFrame('config_update')).toEqual({ version: 1, config: { batch_size: 5 } });
      if (i === 1) {
        back.send('config_status', { version: 1, status: 'applied' });
        await until('/agents/config-2/config', ({ status }) => status === 'applied');
      }
      await back.close();
    }
    const informed = await registered('config-2');
    expect(await informed.nextFrame('config_update')).toMatchObject({ version: 1 });
    expect((await put('/agents/config-2/config', { batchSize: 6 })).body).toMatchObject({ version: 2, delivered: true });
    expect(await informed.nextFrame('config_update')).toMatchObject({ version: 2 });
    await informed.close();
  });

  test('survives a restart', async () => {
    const agent = await registered('config-3');
    await put('/agents/config-3/config', { retry_delay: 500 });
    await agent.close();
    expect(await app.restart()).toBe(true);
    expect((await get('/agents/config-3/config')).body).toMatchObject({ config: { retry_delay: 500 }, version: 1, status: 'pending' });
    const back = await registered('config-3');
    expect(await back.nextFrame('config_update')).toEqual({ version: 1, config: { retry_delay: 500 } });
    await back.close();
  });

  test('refuses what is wrong, by name', async () => {
    const agent = await registered('config-4');
    expectError(await put('/agents/nobody-here/config', { batch_size: 5 }), 404, 'agent_not_found');
    expectError(await get('/agents/nobody-here/config'), 404, 'agent_not_found');
    for (const [body, name] of [
      [{ batch_size: 0 }, 'batch_size'],
      [{ bach_size: 5 }, 'bach_size'],
      [{ agent_id: 'config-1', batch_size: 5 }, 'agent_id'],
      [{}, 'sets nothing'],
    ] as const) {
      const answer = await put('/agents/config-4/config', body);
      expectError(answer, 400, 'validation_failed');
      expect(answer.body.error.message).toContain(name);
    }
    expectError(await get('/agents/config-4/config'), 404, 'not_found');
    await agent.close();
  });
});

describe('commands', () => {
  test('go to the agent; what it says is shown', async () => {
    const agent = await registered('command-1');
    const sent = await post('/agents/command-1/commands', { name: 'run_check', args: { target: '8.8.8.8' }, expiresInSeconds: 30 });
    expect(sent.status).toBe(202);
    expect(sent.body).toMatchObject({ agentId: 'command-1', name: 'run_check', args: { target: '8.8.8.8' }, status: 'sent' });
    expect(Date.parse(sent.body.expires_at) - Date.parse(sent.body.created_at)).toBe(30_000);
    const frame = await agent.nextFrame('command');
    expect(frame).toEqual({ command_id: sent.body.id, name: 'run_check', args: { target: '8.8.8.8' }, expires_at: sent.body.expires_at });

    agent.send('command_result', { command_id: sent.body.id, status: 'ok', output: 'all fine' });
    const path = `/agents/command-1/commands/${sent.body.id}`;
    expect(await until(path, ({ status }) => status !== 'sent')).toMatchObject({ status: 'ok', output: 'all fine', error: null });

    const refused = await post('/agents/command-1/commands', { name: 'reboot' });
    agent.send('command_result', { commandId: refused.body.id, status: 'refused', error: 'not enabled here' });
    const list = await until('/agents/command-1/commands', ({ commands }) => commands[0].status !== 'sent');
    expect(list).toMatchObject({
      agentId: 'command-1',
      commands: [
        { name: 'reboot', status: 'refused', error: 'not enabled here' },
        { name: 'run_check', status: 'ok' },
      ],
    });
    expect((await get('/agents/command-1/commands?limit=1')).body.commands).toHaveLength(1);
    await agent.close();
  });

  test('an agent that is unknown, away or on HTTP: a clear error', async () => {
    expectError(await post('/agents/nobody-here/commands', { name: 'x' }), 404, 'agent_not_found');
    const agent = await registered('command-2');
    await agent.close();
    await until('/agents/command-2', ({ status }) => status === 'disconnected');
    expectError(await post('/agents/command-2/commands', { name: 'x' }), 409, 'agent_disconnected');
    const pushed = { agent_id: 'command-http', metrics: [{ name: 'm', type: 'gauge', value: 1 }] };
    expect((await post('/metrics', pushed)).status).toBe(200);
    const answer = await post('/agents/command-http/commands', { name: 'x' });
    expectError(answer, 409, 'agent_disconnected');
    expect(answer.body.error.message).toContain('command-http');
    expect((await get('/agents/command-http/commands')).body.commands).toEqual([]);
  });

  test('bad ones are refused', async () => {
    const agent = await registered('command-3');
    for (const body of [
      {},
      { name: 'Reboot' },
      { name: 'x', args: [] },
      { name: 'x', expires_in: 0 },
      { name: 'x', args: { a: 'x'.repeat(17_000) } },
    ]) {
      expectError(await post('/agents/command-3/commands', body), 400, 'validation_failed');
    }
    expectError(await get('/agents/command-3/commands/unheard-of'), 404, 'not_found');
    expectError(await get('/agents/command-3/commands?limit=0'), 400, 'validation_failed');
    expect((await get('/agents/command-3/commands')).body).toEqual({ agentId: 'command-3', commands: [] });
    await agent.close();
  });
});

describe('targets', () => {
  test('reach the agents they are for, behind their own', async () => {
    const [one, two] = [await registered('target-1'), await registered('target-2')];
    await put('/agents/target-1/config', { targets: { ping: ['8.8.8.8'] } });
    await one.nextFrame('config_update');

    const created = await post('/targets', { name: 'Quad9', type: 'ping', address: '9.9.9.9', agentIds: ['target-1'] });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ name: 'Quad9', interval: 60, timeout: 5, enabled: true, agent_ids: ['target-1'] });
    expect(await one.nextFrame('config_update')).toEqual({ version: 2, config: { targets: { ping: ['8.8.8.8', '9.9.9.9'] } } });
    expect((await get('/agents/target-1/config')).body).toMatchObject({ config: { targets: { ping: ['8.8.8.8'] } }, version: 2 });
    expect((await get('/targets')).body).toEqual([created.body]);

    const { id } = created.body;
    const changed = await put(`/targets/${id}`, { type: 'tcp', port: 853, agent_ids: [] });
    expect(changed.body).toMatchObject({ id, name: 'Quad9', type: 'tcp', port: 853, agent_ids: [] });
    expect(await one.nextFrame('config_update')).toEqual({ version: 3, config: { targets: { ping: ['8.8.8.8'], tcp: ['9.9.9.9:853'] } } });
    expect(await two.nextFrame('config_update')).toEqual({ version: 1, config: { targets: { tcp: ['9.9.9.9:853'] } } });

    const late = await registered('target-late');
    expect(await late.nextFrame('config_update')).toEqual({ version: 1, config: { targets: { tcp: ['9.9.9.9:853'] } } });
    expectError(await get('/agents/target-late/config'), 404, 'not_found');

    expect(await app.restart()).toBe(true);
    expect((await get('/targets')).body).toEqual([changed.body]);
    const again = await registered('target-1');
    expect(await again.nextFrame('config_update')).toMatchObject({ version: 3, config: { targets: { tcp: ['9.9.9.9:853'] } } });
    expect((await remove(`/targets/${id}`)).body).toMatchObject({ id });
    expect(await again.nextFrame('config_update')).toEqual({ version: 4, config: { targets: { ping: ['8.8.8.8'] } } });
    expect((await get('/targets')).body).toEqual([]);
    await again.close();
  });

  test('bad ones are refused', async () => {
    for (const body of [
      { name: 'x', type: 'ping', address: '-O /etc/passwd' },
      { name: 'x', type: 'http', address: 'example.com' },
      { name: 'x', type: 'tcp', address: 'example.com' },
      { type: 'ping', address: 'example.com' },
    ]) {
      expectError(await post('/targets', body), 400, 'validation_failed');
    }
    expectError(await put('/targets/unheard-of', { name: 'x' }), 404, 'not_found');
    expectError(await remove('/targets/unheard-of'), 404, 'not_found');
  });
});

describe('deletion', () => {
  test('takes the agent, its data and its connection; under the same id it is another agent', async () => {
    const agent = await registered('gone-1');
    await agent.push([{ name: 'm', type: 'gauge', value: 1 }]);
    await put('/agents/gone-1/config', { batch_size: 5 });
    const deleted = await remove('/agents/gone-1');
    expect(deleted.status).toBe(200);
    expect(deleted.body).toEqual({ message: expect.any(String), agentId: 'gone-1' });
    expect((await agent.closed).code).toBe(1000);
    expectError(await get('/agents/gone-1'), 404, 'agent_not_found');
    expectError(await remove('/agents/gone-1'), 404, 'agent_not_found');
    expect((await get('/metrics?agent_id=gone-1')).body.metrics).toEqual([]);

    const reborn = await registered('gone-1');
    expectError(await get('/agents/gone-1/config'), 404, 'not_found');
    expect((await get('/metrics?agent_id=gone-1')).body.metrics).toEqual([]);
    await reborn.close();
  });
});
