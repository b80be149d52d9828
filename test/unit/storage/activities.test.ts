import { expect, test } from '@jest/globals';
import { TestStorage } from '../../helpers/storage.js';

const T = 1_795_377_600_000;

test('an activity is written without waiting for another one, at whatever moment it comes while others are written', async () => {
  const store = await TestStorage.start();
  const { activities, agents, health } = store.storage;
  const record = (message: string): void => activities.record({ timestampMs: T, type: 'agent_status', agentId: 'a', message }, null);
  const expected: string[] = [];
  for (let hops = 0; hops < 12; hops += 1) {
    // Both are written in one group, and their answers come right after each other.
    record(`first ${hops}`);
    await agents.recordActivity([]);
    for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
    record(`second ${hops}`);
    expected.push(`first ${hops}`, `second ${hops}`);
    // Two more groups: what was on its way by then is there.
    await health.probe();
    await health.probe();
    const written = await activities.recent({ limit: 100 });
    expect(written.map(({ message }) => message).sort()).toEqual([...expected].sort());
  }
  await store.stop();
});
