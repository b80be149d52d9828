import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Agent } from '../../../src/model/agent.js';
import { TestStorage } from '../../helpers/storage.js';

const T = 1_795_377_600_000;

let store: TestStorage;
let agentKey: number;

beforeEach(async () => {
  store = await TestStorage.start();
  agentKey = await store.agentKey('a');
});
afterEach(() => store.stop());

async function agent(): Promise<Agent | undefined> {
  return (await store.storage.agents.all()).find(({ id }) => id === 'a');
}

const NOTHING_SAID = {
  attemptedVersion: null,
  attemptStatus: null,
  attemptError: null,
  attemptedAtMs: null,
  effectiveVersion: null,
  effectiveAtMs: null,
};

describe('what an agent is to run, tried and runs', () => {
  test('is nothing until somebody sets a configuration or a target applies', async () => {
    expect((await agent())?.config).toBeNull();
    expect(await store.storage.configs.get(agentKey)).toBeNull();
    expect(await store.storage.configs.bump([agentKey, 999], T)).toEqual([{ agentKey, version: 1, updatedAtMs: T, ...NOTHING_SAID }]);
    expect((await agent())?.config).toEqual({ version: 1, updatedAtMs: T, ...NOTHING_SAID });
  });

  test('is told with the configuration, and with the agent, also after a restart', async () => {
    const { configs } = store.storage;
    const state = { version: 1, updatedAtMs: T, ...NOTHING_SAID };
    expect(await configs.put(agentKey, { batch_size: 7 }, T)).toEqual({ agentKey, config: { batch_size: 7 }, createdAtMs: T, ...state });
    const applied = { attemptedVersion: 1, attemptStatus: 'applied' as const, attemptError: null, attemptedAtMs: T + 5 };
    const running = { ...state, ...applied, effectiveVersion: 1, effectiveAtMs: T + 5 };
    expect(await configs.recordStatus(agentKey, { version: 1, status: 'applied', error: null }, T + 5)).toEqual({ agentKey, ...running });
    expect((await agent())?.config).toEqual(running);
    await store.restart();
    expect((await agent())?.config).toEqual(running);
    expect(await store.storage.configs.get(agentKey)).toEqual({ agentKey, config: { batch_size: 7 }, createdAtMs: T, ...running });
  });

  test('a failure leaves what runs, and since when; saying the same again does not make it younger', async () => {
    const { configs } = store.storage;
    await configs.put(agentKey, { batch_size: 7 }, T);
    await configs.recordStatus(agentKey, { version: 1, status: 'applied', error: null }, T + 1);
    await configs.recordStatus(agentKey, { version: 1, status: 'applied', error: null }, T + 2);
    expect(await configs.get(agentKey)).toMatchObject({ effectiveVersion: 1, effectiveAtMs: T + 1, attemptedAtMs: T + 2 });
    expect(await configs.bump([agentKey], T + 3)).toMatchObject([
      { version: 2, updatedAtMs: T + 3, effectiveVersion: 1, attemptedVersion: 1 },
    ]);
    expect(await configs.recordStatus(agentKey, { version: 2, status: 'failed', error: 'no' }, T + 4)).toMatchObject({
      attemptedVersion: 2,
      attemptStatus: 'failed',
      attemptError: 'no',
      attemptedAtMs: T + 4,
      effectiveVersion: 1,
      effectiveAtMs: T + 1,
    });
    expect(await configs.recordStatus(agentKey, { version: 2, status: 'applied', error: null }, T + 5)).toMatchObject({
      attemptError: null,
      effectiveVersion: 2,
      effectiveAtMs: T + 5,
    });
  });

  test('a version that was never set is not recorded', async () => {
    const { configs } = store.storage;
    expect(await configs.recordStatus(agentKey, { version: 1, status: 'applied', error: null }, T)).toBeNull();
    await configs.put(agentKey, {}, T);
    expect(await configs.recordStatus(agentKey, { version: 2, status: 'applied', error: null }, T)).toBeNull();
    expect((await agent())?.config).toEqual({ version: 1, updatedAtMs: T, ...NOTHING_SAID });
  });
});
