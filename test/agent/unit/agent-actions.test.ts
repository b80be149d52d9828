import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { type ActionDeps, agentActions } from '../../../agent/src/agent-actions.js';
import { Slots } from '../../../agent/src/collect/slots.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

function actions(deps: Partial<Record<keyof ActionDeps, unknown>>) {
  const logger = new MemoryLogger();
  return agentActions({ slots: new Slots(8), clock: { nowMs: () => 0 }, logger, version: '1', ...deps } as unknown as ActionDeps);
}

test('a flush ends when it is told to, whatever it waits for', async () => {
  const never = () => new Promise<void>(() => undefined);
  for (const [flush, idle] of [
    [never, never],
    [() => Promise.resolve(), never],
  ] as const) {
    const controller = new AbortController();
    const flushing = actions({ recorder: { flush }, outbox: { idle }, spool: { entries: [] } }).flush(controller.signal);
    controller.abort(new Error('enough'));
    await expect(flushing).rejects.toThrow('enough');
  }
});

test('checks by command wait for a free slot like all others', async () => {
  const server = createServer((socket: Socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const slots = new Slots(1);
  let release = (): void => undefined;
  const occupied = slots.run(() => new Promise<void>((resolve) => (release = resolve)));
  let isDone = false;
  const target = { type: 'tcp', address: '127.0.0.1', port, timeoutMs: 1_000 } as const;
  const checking = Promise.resolve(actions({ slots }).runCheck(target, new AbortController().signal)).finally(() => (isDone = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isDone).toBe(false);
  release();
  await occupied;
  expect(await checking).toContainEqual({ name: 'tcp_success', value: 1, unit: 'boolean', tags: { target: `127.0.0.1:${port}` } });
  await new Promise((resolve) => server.close(resolve));
});
