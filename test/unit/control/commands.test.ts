import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CommandService } from '../../../src/control/commands.js';
import type { CommandResultReport, Events } from '../../../src/model/event.js';
import { EventBus } from '../../../src/runtime/event-bus.js';
import { agentOf, FakeAgents } from '../../helpers/fake-agents.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { MemoryActivities, MemoryCommandStore } from '../../helpers/memory-stores.js';

const START_MS = Date.UTC(2026, 0, 2);

function build() {
  const logger = new MemoryLogger();
  const bus = new EventBus<Events>(logger);
  const time = { nowMs: START_MS };
  const agents = new FakeAgents(agentOf('a1'), agentOf('away', { agentKey: 2, status: 'disconnected' }), agentOf('http', { agentKey: 3 }));
  agents.withoutSocket.add('http');
  const store = new MemoryCommandStore();
  const activities = new MemoryActivities();
  const service = new CommandService({ store, agents, activities, bus, clock: { nowMs: () => time.nowMs }, logger });
  return { logger, bus, time, agents, store, activities, service };
}

let house: ReturnType<typeof build>;

beforeEach(() => {
  house = build();
  house.service.start();
});

afterEach(() => house.service.stop());

async function report(commandId: string, result: Partial<CommandResultReport> = {}): Promise<void> {
  house.bus.emit('commandResultReported', { agent: agentOf('a1'), commandId, status: 'ok', output: null, error: null, ...result });
  await new Promise((resolve) => setImmediate(resolve));
}

describe('CommandService', () => {
  test('sends, answers, and shows what came back', async () => {
    const { service, agents, time } = house;
    const sent = await service.send('a1', { name: 'run_check', args: { target: '8.8.8.8' }, expiresInSeconds: 90 });
    expect(sent).toEqual({
      id: expect.any(String),
      agentId: 'a1',
      name: 'run_check',
      args: { target: '8.8.8.8' },
      status: 'sent',
      created_at: '2026-01-02T00:00:00.000Z',
      expires_at: '2026-01-02T00:01:30.000Z',
    });
    expect(agents.sent).toEqual([
      {
        id: 'a1',
        type: 'command',
        data: { command_id: sent.id, name: 'run_check', args: { target: '8.8.8.8' }, expires_at: '2026-01-02T00:01:30.000Z' },
      },
    ]);
    expect(await service.get('a1', sent.id)).toEqual({ ...sent, output: null, error: null, completed_at: null });
    time.nowMs += 2_000;
    await report(sent.id, { status: 'refused', error: 'not enabled' });
    expect(await service.get('a1', sent.id)).toEqual({
      ...sent,
      status: 'refused',
      output: null,
      error: 'not enabled',
      completed_at: '2026-01-02T00:00:02.000Z',
    });
  });

  test('only the first result counts, and only of a command of that agent', async () => {
    const { service, logger } = house;
    const { id } = await service.send('a1', { name: 'x' });
    await report(id, { agent: agentOf('other', { agentKey: 9 }), status: 'failed' });
    await report('unheard-of');
    await report(id, { output: 'first' });
    await report(id, { status: 'failed', output: 'second' });
    expect(await service.get('a1', id)).toMatchObject({ status: 'ok', output: 'first' });
    expect(logger.of('debug')).toHaveLength(3);
    expect(logger.of('warn')).toEqual([]);
  });

  test('expires when nothing came back in time; a late result still counts', async () => {
    const { service, time } = house;
    const { id } = await service.send('a1', { name: 'x', expires_in: 1 });
    time.nowMs += 999;
    expect(await service.get('a1', id)).toMatchObject({ status: 'sent' });
    time.nowMs += 1;
    expect(await service.get('a1', id)).toMatchObject({ status: 'expired' });
    await report(id, { output: 'late' });
    expect(await service.get('a1', id)).toMatchObject({ status: 'ok', output: 'late' });
  });

  test('lists the newest first', async () => {
    const { service } = house;
    for (const name of ['one', 'two', 'three']) await service.send('a1', { name });
    const list = await service.list('a1', 2);
    expect(list.agentId).toBe('a1');
    expect(list.commands.map(({ name }) => name)).toEqual(['three', 'two']);
  });

  test('unknown, absent and HTTP agents', async () => {
    const { service, store } = house;
    await expect(service.send('nobody', { name: 'x' })).rejects.toMatchObject({ code: 'agent_not_found' });
    await expect(service.get('nobody', 'x')).rejects.toMatchObject({ code: 'agent_not_found' });
    await expect(service.list('nobody', 5)).rejects.toMatchObject({ code: 'agent_not_found' });
    await expect(service.get('a1', 'nope')).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.send('away', { name: 'x' })).rejects.toMatchObject({
      code: 'agent_disconnected',
      message: expect.stringContaining('"away"'),
    });
    await expect(service.send('http', { name: 'x' })).rejects.toMatchObject({ code: 'agent_disconnected' });
    expect(store.rows).toEqual([]);
  });

  test('an agent that leaves while its command goes to disk: refused, and the row says why', async () => {
    const { service, store, agents } = house;
    agents.leaving.add('a1');
    await expect(service.send('a1', { name: 'x' })).rejects.toMatchObject({ code: 'agent_disconnected' });
    expect(store.rows).toMatchObject([{ agentKey: 1, status: 'failed', error: expect.stringContaining('not sent') }]);
  });

  test.each([
    [{}, 'name'],
    [{ name: 'Reboot' }, 'name'],
    [{ name: '1x' }, 'name'],
    [{ name: 'x'.repeat(65) }, 'name'],
    [{ name: 'x; rm' }, 'name'],
    [{ name: 'x', args: [1] }, 'args'],
    [{ name: 'x', args: 'a' }, 'args'],
    [{ name: 'x', args: { a: 'ä'.repeat(8_192) } }, 'args'],
    [{ name: 'x', args: { a: JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) } }, 'args'],
    [{ name: 'x', expires_in: 0 }, 'expires_in'],
    [{ name: 'x', expiresIn: 3_601 }, 'expires_in'],
    [{ name: 'x', expires_in_seconds: 1.5 }, 'expires_in'],
    [{ name: 'x', expires_in: 5, expiresIn: 6 }, 'expiresIn'],
    [{ name: 'x', shell: true }, 'shell'],
    [null, 'name'],
  ])('refuses a bad command (%#)', async (body, field) => {
    await expect(house.service.send('a1', body)).rejects.toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining(field),
    });
    expect(house.agents.sent).toEqual([]);
  });

  test('long output is cut at 64 kB, between characters, and says so', async () => {
    const { service } = house;
    const { id } = await service.send('a1', { name: 'x' });
    await report(id, { output: 'ä'.repeat(40_000), error: 'short' });
    const { output, error } = await service.get('a1', id);
    expect(Buffer.byteLength(output ?? '')).toBeLessThanOrEqual(65_536);
    expect(output).toMatch(/^ä+\n\[cut by the server\]$/);
    expect(error).toBe('short');
  });

  test('the log names arguments and never holds their values', async () => {
    const { service, logger, activities } = house;
    await service.send('a1', { name: 'login', args: { password: 'hunter2-hunter2' } });
    expect(logger.of('info')).toMatchObject([
      { message: 'command sent', meta: { agentId: 'a1', command: 'login', argNames: ['password'] } },
    ]);
    expect(JSON.stringify([logger.entries, activities.entries])).not.toContain('hunter2');
  });
});
