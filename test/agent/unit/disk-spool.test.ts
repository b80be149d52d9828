import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DiskSpool, type DiskSpoolOptions } from '../../../agent/src/spool/disk-spool.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { metricsAt, SettableClock } from '../helpers/metrics.js';

const NOW_MS = Date.UTC(2026, 10, 22);
const DAY_MS = 86_400_000;
const BLOCK_BYTES = 4_096;

describe('DiskSpool', () => {
  let dir: string;
  let logger: MemoryLogger;
  let clock: SettableClock;
  const opened: DiskSpool[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ccv-spool-'));
    logger = new MemoryLogger();
    clock = new SettableClock(NOW_MS);
  });

  afterEach(async () => {
    for (const spool of opened.splice(0)) await spool.stop();
    await rm(dir, { recursive: true, force: true });
  });

  async function open(options: Partial<DiskSpoolOptions> = {}): Promise<DiskSpool> {
    const spool = new DiskSpool({ dir, agentId: null, maxBytes: 1_000_000, maxAgeMs: DAY_MS, clock, logger, ...options });
    await spool.start();
    opened.push(spool);
    return spool;
  }

  const seqs = (spool: DiskSpool): number[] => spool.entries.map(({ seq }) => seq);
  const files = async (): Promise<string[]> => (await readdir(join(dir, 'batches'))).sort();
  const pathOf = async (seq: number): Promise<string> =>
    join(dir, 'batches', (await files()).find((name) => name.startsWith(String(seq).padStart(12, '0'))) ?? '');

  test('a batch is read as it was added, also by the next process', async () => {
    const metrics = metricsAt(NOW_MS, 3);
    const added = await (await open()).add(metrics);
    // No stop: the process is just gone.
    const next = await open();
    expect(next.entries).toEqual([added]);
    expect(await next.read(added!.batchId)).toEqual({ batchId: added!.batchId, seq: 1, timestampMs: NOW_MS, metrics });
    expect(added).toMatchObject({ seq: 1, count: 3, fromMs: NOW_MS, toMs: NOW_MS });
  });

  test('what was removed is gone, and its number is not given again', async () => {
    const spool = await open();
    for (let i = 0; i < 3; i++) await spool.add(metricsAt(NOW_MS + i));
    for (const { batchId } of spool.entries) await spool.remove(batchId);
    expect(await files()).toEqual([]);
    const next = await open();
    expect(next.entries).toEqual([]);
    expect((await next.add(metricsAt(NOW_MS)))?.seq).toBe(4);
  });

  test('the id is made once and kept; another agent may not use the spool', async () => {
    const { agentId } = await open();
    expect(agentId).toMatch(/^[0-9a-f-]{36}$/);
    expect((await open()).agentId).toBe(agentId);
    expect((await open({ agentId })).agentId).toBe(agentId);
    await expect(open({ agentId: 'somebody-else' })).rejects.toThrow(`belongs to the agent ${agentId}`);
  });

  test('what the server rejected of a batch is counted, once, also when the process dies before the file is gone', async () => {
    const spool = await open();
    const added = await spool.add([...metricsAt(NOW_MS, 2), ...metricsAt(NOW_MS + 5, 1)]);
    const [path, other] = [await pathOf(1), await spool.add(metricsAt(NOW_MS))];
    const content = await readFile(path, 'utf8');
    await spool.remove(added!.batchId, 2);
    await spool.remove(added!.batchId, 2);
    expect(spool.dropped).toEqual({ count: 2, fromMs: NOW_MS, toMs: NOW_MS + 5 });
    await writeFile(path, content);
    const next = await open();
    expect(seqs(next)).toEqual([2]);
    // No more than there were.
    await next.remove(other!.batchId, 99);
    expect(next.dropped?.count).toBe(3);
    expect(await files()).toEqual([]);
    expect((await open()).dropped?.count).toBe(3);
  });

  test('the oldest go when it is full, are counted, and the count outlives the process', async () => {
    // Each takes a block of the disk, however short it is.
    const spool = await open({ maxBytes: 3 * BLOCK_BYTES });
    for (let i = 0; i <= 4; i++) await spool.add(metricsAt(NOW_MS + i * 1_000, 2));
    expect(seqs(spool)).toEqual([3, 4, 5]);
    const dropped = { count: 4, fromMs: NOW_MS, toMs: NOW_MS + 1_000 };
    expect(spool.dropped).toEqual(dropped);
    const next = await open();
    expect(next.dropped).toEqual(dropped);
    expect(seqs(next)).toEqual([3, 4, 5]);
    expect((await next.add(metricsAt(NOW_MS)))?.seq).toBe(6);
  });

  test('the oldest go when there are too many of them, also at the start', async () => {
    const spool = await open({ maxBatches: 4 });
    for (let i = 1; i <= 6; i++) await spool.add(metricsAt(NOW_MS + i, 2));
    expect(seqs(spool)).toEqual([3, 4, 5, 6]);
    expect(spool.dropped).toEqual({ count: 4, fromMs: NOW_MS + 1, toMs: NOW_MS + 2 });
    const next = await open({ maxBatches: 3 });
    expect(seqs(next)).toEqual([4, 5, 6]);
    expect(next.dropped?.count).toBe(6);
    expect(await files()).toHaveLength(3);
  });

  test('what was dropped is forgotten when the server knows it, and what was dropped meanwhile is not', async () => {
    const spool = await open();
    const refuse = async (count: number): Promise<void> => spool.setAside((await spool.add(metricsAt(NOW_MS, count)))!.batchId, 'refused');
    await refuse(2);
    expect(spool.tellDropped()).toMatchObject({ count: 2 });
    await refuse(3);
    await spool.forgetDropped();
    expect(spool.dropped).toMatchObject({ count: 3 });
    expect((await open()).dropped).toMatchObject({ count: 3 });
    // A report that was not acknowledged is made again.
    spool.tellDropped();
    expect(spool.tellDropped()).toMatchObject({ count: 3 });
  });

  test('what is too old is given up', async () => {
    const monotonicMs = (): number => clock.ms;
    const spool = await open({ monotonicMs });
    await spool.add(metricsAt(NOW_MS));
    clock.ms = NOW_MS + DAY_MS;
    await spool.add(metricsAt(clock.ms));
    expect(seqs(spool)).toEqual([1, 2]);
    clock.ms += 1;
    await spool.add(metricsAt(clock.ms));
    expect(seqs(spool)).toEqual([2, 3]);
    clock.ms += 3 * DAY_MS;
    // Nobody knows whether the agent was off so long or the clock is wrong.
    const next = await open({ monotonicMs });
    expect(seqs(next)).toEqual([2, 3]);
    clock.ms += 3_600_000;
    await next.add(metricsAt(clock.ms));
    expect(seqs(next)).toEqual([4]);
    expect(next.dropped?.count).toBe(3);
  });

  test('a clock that jumps ahead and is put right costs nothing, also over a restart', async () => {
    const spool = await open();
    await spool.add(metricsAt(NOW_MS));
    clock.ms = NOW_MS + 400 * DAY_MS;
    await spool.add(metricsAt(clock.ms));
    expect(seqs(await open())).toEqual([1, 2]);
    clock.ms = NOW_MS + 1_000;
    const next = await open();
    await next.add(metricsAt(clock.ms));
    expect(seqs(next)).toEqual([1, 2, 3]);
    expect(next.dropped).toBeNull();
  });

  test('a clock that jumps back costs nothing', async () => {
    const spool = await open();
    await spool.add(metricsAt(NOW_MS));
    clock.ms = NOW_MS - 30 * DAY_MS;
    await spool.add(metricsAt(clock.ms));
    expect(seqs(spool)).toEqual([1, 2]);
    expect(spool.dropped).toBeNull();
  });

  test.each([
    ['cut short', (path: string) => truncate(path, 100)],
    ['emptied', (path: string) => truncate(path, 0)],
    ['changed in one bit', async (path: string) => writeFile(path, (await readFile(path, 'utf8')).replace('test_value', 'test_valud'))],
    ['no JSON', (path: string) => writeFile(path, 'nonsense')],
  ])('a file that was %s is set aside and counted', async (_, damage) => {
    const spool = await open();
    const [bad, good] = [await spool.add(metricsAt(NOW_MS, 5)), await spool.add(metricsAt(NOW_MS))];
    await damage(await pathOf(1));
    const next = await open();
    expect(await next.read(bad!.batchId)).toBeNull();
    expect(await next.read(bad!.batchId)).toBeNull();
    expect(await next.read(good!.batchId)).not.toBeNull();
    expect(next.dropped?.count).toBe(5);
    expect(seqs(next)).toEqual([2]);
    expect((await files())[0]).toMatch(/^000000000001-.*\.json\.corrupt$/);
    expect(logger.of('error').map(({ message }) => message)).toEqual(['a spooled batch is damaged and set aside']);
  });

  test('a file that cannot be read stays until it is set aside', async () => {
    const spool = await open();
    const added = await spool.add(metricsAt(NOW_MS, 2));
    const path = await pathOf(1);
    await rm(path);
    await mkdir(path);
    await expect(spool.read(added!.batchId)).rejects.toThrow('EISDIR');
    expect(seqs(spool)).toEqual([1]);
    await spool.setAside(added!.batchId, 'corrupt');
    expect(spool.dropped?.count).toBe(2);
    expect(await files()).toEqual([expect.stringMatching(/\.json\.corrupt$/)]);
  });

  test('a file somebody removed is counted as dropped', async () => {
    const spool = await open();
    const added = await spool.add(metricsAt(NOW_MS, 2));
    await rm(await pathOf(1));
    expect(await spool.read(added!.batchId)).toBeNull();
    expect(spool.dropped?.count).toBe(2);
  });

  test('a batch the server will never take is kept for people, the newest twenty of them', async () => {
    const spool = await open();
    for (let i = 0; i < 22; i++) await spool.setAside((await spool.add(metricsAt(NOW_MS)))!.batchId, 'refused');
    expect(spool.entries).toEqual([]);
    expect(await files()).toHaveLength(20);
    expect((await files())[0]).toMatch(/^000000000003-.*\.refused$/);
  });

  test('a state that cannot be understood is set aside; batches and numbers go on', async () => {
    const spool = await open({ agentId: 'a' });
    await spool.add(metricsAt(NOW_MS));
    await writeFile(join(dir, 'state.json'), '{"agentId":');
    const next = await open({ agentId: 'a' });
    expect(seqs(next)).toEqual([1]);
    expect((await next.add(metricsAt(NOW_MS)))?.seq).toBe(2);
    expect(await readdir(dir)).toContain('state.json.corrupt');
  });

  test('a death while batches are given up counts them once', async () => {
    const spool = await open();
    const added = await spool.add(metricsAt(NOW_MS, 7));
    const path = await pathOf(1);
    const content = await readFile(path, 'utf8');
    await spool.setAside(added!.batchId, 'refused');
    // As if it had died after counting and before removing; the state on disk still names the file.
    await writeFile(path, content);
    const next = await open();
    expect(next.entries).toEqual([]);
    expect(next.dropped?.count).toBe(7);
  });

  test('drafts of a process that died are removed, foreign files are left alone', async () => {
    await open();
    await writeFile(join(dir, 'batches', '000000000009-half.json.tmp'), 'half');
    await writeFile(join(dir, 'batches', 'readme.txt'), 'hello');
    const next = await open();
    expect(await files()).toEqual(['readme.txt']);
    expect((await next.add(metricsAt(NOW_MS)))?.seq).toBe(10);
  });

  describe('when the disk takes nothing', () => {
    const broken = async <T>(work: () => Promise<T>): Promise<T> => {
      await rename(join(dir, 'batches'), join(dir, 'away'));
      const result = await work();
      await rename(join(dir, 'away'), join(dir, 'batches'));
      return result;
    };

    test('batches wait in memory and are written when it works again', async () => {
      const spool = await open();
      const held = await broken(async () => {
        const one = await spool.add(metricsAt(NOW_MS));
        await spool.add(metricsAt(NOW_MS));
        expect(spool.problem).toContain('ENOENT');
        expect((await spool.read(one!.batchId))?.seq).toBe(1);
        return one;
      });
      expect(await files()).toEqual([]);
      await spool.add(metricsAt(NOW_MS));
      expect(spool.problem).toBeNull();
      expect(await files()).toHaveLength(3);
      expect((await (await open()).read(held!.batchId))?.seq).toBe(1);
      expect(logger.of('error')).toHaveLength(1);
    });

    test('what a stop cannot write is counted as dropped', async () => {
      const spool = await open();
      await spool.add(metricsAt(NOW_MS, 2));
      await broken(async () => {
        await spool.add(metricsAt(NOW_MS + 1, 3));
        await spool.add(metricsAt(NOW_MS + 2, 4));
        await spool.stop();
      });
      const next = await open();
      expect(seqs(next)).toEqual([1]);
      expect(next.dropped).toEqual({ count: 7, fromMs: NOW_MS + 1, toMs: NOW_MS + 2 });
      expect((await next.add(metricsAt(NOW_MS)))?.seq).toBe(4);
    });

    test('as many as may, and the oldest are counted as given up', async () => {
      const spool = await open({ maxHeldBytes: 5 * BLOCK_BYTES });
      await broken(async () => {
        for (let i = 0; i < 10; i++) await spool.add(metricsAt(NOW_MS));
      });
      expect(seqs(spool)).toEqual([6, 7, 8, 9, 10]);
      expect(spool.dropped?.count).toBe(5);
    });

    test('what is delivered meanwhile is done with', async () => {
      const spool = await open();
      await broken(async () => {
        const one = await spool.add(metricsAt(NOW_MS));
        await spool.remove(one!.batchId);
      });
      await spool.add(metricsAt(NOW_MS));
      expect(await files()).toHaveLength(1);
      expect(spool.dropped).toBeNull();
    });
  });

  test('a batch that is longer than the whole spool is counted, and nothing else goes for it', async () => {
    const spool = await open({ maxBytes: 2 * BLOCK_BYTES });
    await spool.add(metricsAt(NOW_MS));
    expect(await spool.add(metricsAt(NOW_MS, 100))).toBeNull();
    expect(spool.dropped?.count).toBe(100);
    expect(seqs(spool)).toEqual([1]);
  });
});
