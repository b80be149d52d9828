import { describe, expect, jest, test } from '@jest/globals';
import { type FileSystemSize, LinuxHost } from '../../../../agent/src/collect/linux-host.js';
import { PortableHost } from '../../../../agent/src/collect/portable-host.js';
import { hostOf } from '../../../../agent/src/collect/this-host.js';
import { MemoryLogger } from '../../../helpers/memory-logger.js';

const MOUNTS = '/dev/vda / ext4 rw 0 0\n/dev/vdb /data ext4 rw 0 0\n/dev/vdc /gone ext4 rw 0 0\n';
const SIZE: FileSystemSize = { bsize: 4_096, blocks: 1_000, bfree: 400, bavail: 350 };

function linuxHost(fileSystemSize: (mount: string) => Promise<FileSystemSize>, logger = new MemoryLogger()): LinuxHost {
  return new LinuxHost({ logger, readText: () => MOUNTS, fileSystemSize, diskTimeoutMs: 20 });
}

describe('disks of Linux', () => {
  test('used and available as df has them; one that cannot be asked is left out', async () => {
    const host = linuxHost(async (mount) => {
      if (mount === '/gone') throw new Error('ENOENT');
      return SIZE;
    });
    expect(await host.disks()).toEqual([
      { mount: '/', usedBytes: 600 * 4_096, availableBytes: 350 * 4_096 },
      { mount: '/data', usedBytes: 600 * 4_096, availableBytes: 350 * 4_096 },
    ]);
  });

  test('one without blocks is no disk', async () => {
    expect(await linuxHost(async () => ({ ...SIZE, blocks: 0 })).disks()).toEqual([]);
  });

  test('one that does not answer is left out, said once, and asked again only after it has answered', async () => {
    const logger = new MemoryLogger();
    const asked: string[] = [];
    const answers: ((size: FileSystemSize) => void)[] = [];
    const host = linuxHost((mount) => {
      asked.push(mount);
      return mount === '/data' ? new Promise((resolve) => answers.push(resolve)) : Promise.resolve(SIZE);
    }, logger);
    const mounts = async (): Promise<string[]> => (await host.disks()).map(({ mount }) => mount);

    expect(await mounts()).toEqual(['/', '/gone']);
    expect(await mounts()).toEqual(['/', '/gone']);
    expect(asked).toEqual(['/', '/data', '/gone', '/', '/gone']);
    expect(logger.entries).toEqual([expect.objectContaining({ level: 'warn', meta: { mount: '/data' } })]);

    answers[0]!(SIZE);
    await new Promise((resolve) => setImmediate(resolve));
    await mounts();
    expect(asked.slice(5)).toEqual(['/', '/data', '/gone']);
  });
});

describe('other systems', () => {
  const library = {
    networkStats: jest.fn(async (_which: string) => [
      { iface: 'en0', rx_bytes: 1, tx_bytes: 2, rx_errors: 3, tx_errors: 4, rx_dropped: 5, tx_dropped: 6 },
    ]),
    mem: async () => ({ total: 1_000, available: 400 }),
    fsSize: async () => [
      { mount: '/', type: 'APFS', size: 100, used: 60, available: 30 },
      { mount: '/dev', type: 'devfs', size: 100, used: 100, available: 0 },
      { mount: '/Volumes/share', type: 'smbfs', size: 100, used: 100, available: 0 },
      { mount: '/empty', type: 'APFS', size: 0, used: 0, available: 0 },
    ],
  };
  const load = jest.fn(async () => library);
  const host = new PortableHost('darwin', load as never);

  test('are asked through the library, which is loaded once', async () => {
    expect(await host.nics()).toEqual([
      { name: 'en0', counters: { rx_bytes: 1, tx_bytes: 2, rx_errors: 3, tx_errors: 4, rx_drops: 5, tx_drops: 6 } },
    ]);
    expect(library.networkStats).toHaveBeenCalledWith('*');
    expect(await host.memory()).toEqual({ totalBytes: 1_000, availableBytes: 400 });
    expect(await host.disks()).toEqual([{ mount: '/', usedBytes: 60, availableBytes: 30 }]);
    expect(load).toHaveBeenCalledTimes(1);
  });

  test('processor, load and uptime are Node’s; Windows has no load', () => {
    const { busy, total } = host.cpuTimes();
    expect(busy).toBeGreaterThan(0);
    expect(total).toBeGreaterThan(busy);
    expect(host.load()).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(host.uptimeS()).toBeGreaterThan(0);
    expect(new PortableHost('win32', load as never).load()).toBeNull();
  });
});

test('the library of the other systems tells what this code takes from it', async () => {
  const host = new PortableHost(process.platform);
  const { totalBytes, availableBytes } = await host.memory();
  expect(availableBytes).toBeGreaterThan(0);
  expect(totalBytes).toBeGreaterThan(availableBytes);
  for (const nic of await host.nics()) expect(nic).toEqual({ name: expect.any(String), counters: expect.objectContaining({}) });
  for (const disk of await host.disks()) expect(disk.usedBytes).toBeGreaterThanOrEqual(0);
});

test('this very machine answers', async () => {
  const host = hostOf(process.platform, new MemoryLogger());
  expect((await host.nics()).length).toBeGreaterThan(0);
  expect(host.cpuTimes().total).toBeGreaterThan(0);
  expect((await host.memory()).totalBytes).toBeGreaterThan(0);
  expect((await host.disks())[0]).toEqual({ mount: '/', usedBytes: expect.any(Number), availableBytes: expect.any(Number) });
  expect(host.uptimeS()).toBeGreaterThan(0);
  expect(host.load()).toHaveLength(3);
  expect(hostOf('darwin', new MemoryLogger())).toBeInstanceOf(PortableHost);
});
