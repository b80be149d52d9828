import { describe, expect, test } from '@jest/globals';
import { ThreadHost } from '../../../src/storage/sqlite/threads/thread-host.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

/** A thread that answers every group with nothing, and on `{op: 'hang'}` never comes back. */
const SCRIPT = new URL(`data:text/javascript,
  import { parentPort } from 'node:worker_threads';
  parentPort.on('message', (message) => {
    if (message === 'stop') return parentPort.close();
    if (message.calls[0].op === 'hang') for (;;);
    parentPort.postMessage({ id: message.id, results: [] });
  });
  parentPort.postMessage('ready');`);

const call = (op: string) => [{ op, args: [] }];

describe('ThreadHost', () => {
  test('a thread that does not come back is ended at the stop, and its callers are told', async () => {
    const logger = new MemoryLogger();
    const host = new ThreadHost(SCRIPT, {}, 'thread', logger);
    await host.start();
    expect(await host.send(call('answer'))).toEqual([]);
    const hanging = expect(host.send(call('hang'))).rejects.toMatchObject({ code: 'storage_unavailable' });
    await host.stop(50);
    await hanging;
    expect([host.running, host.isStarted]).toEqual([false, false]);
    expect(logger.entries).toEqual([]);
  });

  test('a thread that does come back is let finish', async () => {
    const host = new ThreadHost(SCRIPT, {}, 'thread', new MemoryLogger());
    await host.start();
    const answered = host.send(call('answer'));
    await host.stop(10_000);
    expect(await answered).toEqual([]);
  });
});
