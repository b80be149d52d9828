import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultConfig } from '../../../agent/src/control/config.js';
import { ConfigKeeper } from '../../../agent/src/control/config-keeper.js';
import type { AgentConfig } from '../../../agent/src/model.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

const DEFAULTS = defaultConfig({ intervalS: 30 });

let dir: string;
let logger: MemoryLogger;
let applied: AgentConfig[];
/** What applying a configuration meets; throws when it is told to. */
let onApply: (config: AgentConfig) => void | Promise<void>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keeper-'));
  logger = new MemoryLogger();
  applied = [];
  onApply = () => undefined;
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

function keeper(): ConfigKeeper {
  const apply = (config: AgentConfig): void | Promise<void> => {
    applied.push(config);
    return onApply(config);
  };
  return new ConfigKeeper({ dir, defaults: DEFAULTS, apply, logger });
}

const kept = (): unknown => JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'));

describe('ConfigKeeper', () => {
  test('starts with the defaults and applies nothing by itself', () => {
    const house = keeper();
    expect(house.load()).toEqual(DEFAULTS);
    expect(house.version).toBeNull();
    expect(applied).toEqual([]);
    expect(logger.entries).toEqual([]);
  });

  test('applies, keeps and answers; the next start begins with it', async () => {
    const house = keeper();
    house.load();
    expect(await house.update(3, { batch_size: 7 })).toEqual({ version: 3, status: 'applied', error: null });
    expect(applied).toEqual([{ ...DEFAULTS, batchSize: 7 }]);
    expect(house.config).toEqual({ ...DEFAULTS, batchSize: 7 });
    expect(kept()).toEqual({ version: 3, config: { batch_size: 7 } });
    expect(readdirSync(dir)).toEqual(['config.json']);

    const next = keeper();
    expect(next.load()).toEqual({ ...DEFAULTS, batchSize: 7 });
    expect(next.version).toBe(3);
    expect(applied).toHaveLength(1);
  });

  test('a bad one leaves what runs, and what is kept, alone', async () => {
    const house = keeper();
    await house.update(1, { batch_size: 7 });
    expect(await house.update(2, { batch_size: 0, sudo: true })).toEqual({
      version: 2,
      status: 'failed',
      error: '"batch_size" must be a whole number from 1 to 1000 (it is 0); "sudo" is not known',
    });
    expect(applied).toHaveLength(1);
    expect(house).toMatchObject({ version: 1, config: { batchSize: 7 } });
    expect(kept()).toMatchObject({ version: 1 });
  });

  test.each([0, -1, 1.5, Number.NaN])('a version that is %p is refused', async (version) => {
    expect(await keeper().update(version, {})).toMatchObject({ version, status: 'failed' });
    expect(applied).toEqual([]);
  });

  test('what cannot be applied fails with the reason, and the one before is applied again', async () => {
    const house = keeper();
    await house.update(1, { batch_size: 7 });
    onApply = (config) => {
      if (config.batchSize === 8) throw new Error('no such interface');
    };
    expect(await house.update(2, { batch_size: 8 })).toEqual({
      version: 2,
      status: 'failed',
      error: 'it could not be applied: no such interface',
    });
    expect(applied.map(({ batchSize }) => batchSize)).toEqual([7, 8, 7]);
    expect(house).toMatchObject({ version: 1, config: { batchSize: 7 } });
    expect(kept()).toMatchObject({ version: 1 });
    expect(readdirSync(dir)).toEqual(['config.json']);
    onApply = () => undefined;
    expect(await house.update(2, { batch_size: 8 })).toMatchObject({ status: 'applied' });
  });

  test('says so when the one before cannot be applied again either', async () => {
    const house = keeper();
    onApply = () => Promise.reject(new Error('out of memory'));
    const { status, error } = await house.update(1, { batch_size: 8 });
    expect(status).toBe('failed');
    expect(error).toBe('it could not be applied: out of memory; nor could the one before be applied again: out of memory');
    expect(logger.of('error')).toHaveLength(1);
  });

  test('the same again is answered and not applied twice, also after a restart', async () => {
    const house = keeper();
    await house.update(1, { batch_size: 7 });
    expect(await house.update(1, { batch_size: 7 })).toEqual({ version: 1, status: 'applied', error: null });
    const next = keeper();
    next.load();
    expect(await next.update(1, { batch_size: 7 })).toMatchObject({ status: 'applied' });
    expect(applied).toHaveLength(1);
  });

  test('new content under the version that runs is applied, and so is a version that is lower', async () => {
    const house = keeper();
    await house.update(5, { batch_size: 7 });
    await house.update(5, { batch_size: 8 });
    await house.update(1, { batch_size: 9 });
    expect(applied.map(({ batchSize }) => batchSize)).toEqual([7, 8, 9]);
    expect(kept()).toEqual({ version: 1, config: { batch_size: 9 } });
  });

  test('updates follow one another', async () => {
    const house = keeper();
    let running = 0;
    onApply = async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => house.update(i + 1, { batch_size: i + 1 })));
    expect(answers.map(({ version, status }) => [version, status])).toEqual(Array.from({ length: 10 }, (_, i) => [i + 1, 'applied']));
    expect(applied.map(({ batchSize }) => batchSize)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(house.version).toBe(10);
  });

  test('no more than a hundred wait', async () => {
    const house = keeper();
    const answers = await Promise.all(Array.from({ length: 101 }, (_, i) => house.update(i + 1, {})));
    expect(answers.filter(({ status }) => status === 'failed').map(({ version }) => version)).toEqual([101]);
    expect(await house.update(102, {})).toMatchObject({ status: 'applied' });
  });

  test.each([
    ['no JSON', '{"version":1,"conf'],
    ['empty', ''],
    ['something else', '[1]'],
    ['without a version', '{"config":{}}'],
    ['no configuration of ours', '{"version":1,"config":{"batch_size":0}}'],
  ])('a kept file that is %s is set aside, and the defaults are used', (_what, text) => {
    writeFileSync(join(dir, 'config.json'), text);
    const house = keeper();
    expect(house.load()).toEqual(DEFAULTS);
    expect(house.version).toBeNull();
    expect(readFileSync(join(dir, 'config.json.bad'), 'utf8')).toBe(text);
    expect(existsSync(join(dir, 'config.json'))).toBe(false);
    expect(logger.of('warn')).toHaveLength(1);
  });

  test('a draft that a crash left behind counts for nothing', async () => {
    writeFileSync(join(dir, 'config.json.tmp'), '{"version":9');
    const house = keeper();
    expect(house.load()).toEqual(DEFAULTS);
    expect(await house.update(1, {})).toMatchObject({ status: 'applied' });
    expect(readdirSync(dir)).toEqual(['config.json']);
  });

  test('what cannot be kept is not applied', async () => {
    const file = join(dir, 'taken');
    writeFileSync(file, '');
    const house = new ConfigKeeper({ dir: file, defaults: DEFAULTS, apply: (config) => void applied.push(config), logger });
    expect(house.load()).toEqual(DEFAULTS);
    expect(await house.update(1, { batch_size: 7 })).toEqual({
      version: 1,
      status: 'failed',
      error: expect.stringContaining('it cannot be kept on disk: '),
    });
    expect(applied).toEqual([]);
  });

  test('is kept for nobody else to read', async () => {
    await keeper().update(1, {});
    expect(statSync(join(dir, 'config.json')).mode & 0o077).toBe(0);
  });
});
