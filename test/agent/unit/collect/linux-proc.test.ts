import { describe, expect, test } from '@jest/globals';
import { parseCpuTimes, parseMeminfo, parseMounts, parseNetDev } from '../../../../agent/src/collect/linux-proc.js';

const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 227879358926 38030455    0 3574    0     0          0         0 227879358926 38030455    0    0    0     0       0          0
  eth0: 1514024811   75170    1    2    0     0          0         0  9900693   67829    3    4    0     0       0          0
eth0:1:42 7    0    0    0     0          0         0  43   8    0    0    0     0       0          0
`;

describe('/proc/net/dev', () => {
  test('every interface and its counters, also without a blank behind the colon and with a colon in the name', () => {
    expect(parseNetDev(NET_DEV)).toEqual([
      expect.objectContaining({ name: 'lo' }),
      {
        name: 'eth0',
        counters: {
          rx_bytes: 1_514_024_811,
          rx_packets: 75_170,
          rx_errors: 1,
          rx_drops: 2,
          tx_bytes: 9_900_693,
          tx_packets: 67_829,
          tx_errors: 3,
          tx_drops: 4,
        },
      },
      { name: 'eth0:1', counters: expect.objectContaining({ rx_bytes: 42, rx_packets: 7, tx_bytes: 43, tx_packets: 8 }) },
    ]);
  });

  test('a line with too few figures is an error that shows it', () => {
    expect(() => parseNetDev('a\nb\n  eth0: 1 2 3\n')).toThrow('/proc/net/dev is not as expected:   eth0: 1 2 3');
  });
});

describe('/proc/stat', () => {
  test('all cores together: waiting for the disk is idle, guests are not counted twice', () => {
    const text = 'cpu  100 10 40 700 50 1 2 7 60 5\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n';
    expect(parseCpuTimes(text)).toEqual({ busy: 100 + 10 + 40 + 1 + 2 + 7, total: 100 + 10 + 40 + 700 + 50 + 1 + 2 + 7 });
  });

  test('an old kernel has fewer columns', () => {
    expect(parseCpuTimes('cpu 1 2 3 4\n')).toEqual({ busy: 6, total: 10 });
  });

  test('another text is an error', () => {
    expect(() => parseCpuTimes('intr 5\n')).toThrow('/proc/stat is not as expected');
    expect(() => parseCpuTimes('cpu 5\n')).toThrow('/proc/stat is not as expected');
  });
});

describe('/proc/meminfo', () => {
  test('what is available is as the kernel estimates it', () => {
    const text = 'MemTotal:       24684092 kB\nMemFree:        22888048 kB\nMemAvailable:   23439104 kB\nCached: 658216 kB\n';
    expect(parseMeminfo(text)).toEqual({ totalBytes: 24_684_092 * 1_024, availableBytes: 23_439_104 * 1_024 });
  });

  test('an old kernel does not: free memory and caches are', () => {
    const text = 'MemTotal:  1000 kB\nMemFree:  100 kB\nBuffers:   20 kB\nCached:  300 kB\nSwapCached: 9 kB\n';
    expect(parseMeminfo(text)).toEqual({ totalBytes: 1_000 * 1_024, availableBytes: 420 * 1_024 });
  });

  test('another text is an error', () => {
    expect(() => parseMeminfo('')).toThrow('/proc/meminfo is not as expected');
  });
});

describe('/proc/self/mounts', () => {
  test('local file systems, the root first, each device once and by its shortest path', () => {
    const text = [
      'sysfs /sys sysfs rw 0 0',
      '/dev/vda1 / ext4 rw 0 0',
      '/dev/vda1 /var/lib/agent ext4 rw 0 0',
      'tmpfs /run tmpfs rw 0 0',
      '/dev/vdc /srv/data/deep xfs rw 0 0',
      '/dev/vdc /srv/data xfs rw 0 0',
      '/dev/vdb /home\\040of\\040all ext4 rw 0 0',
      '/dev/loop3 /snap/core/1 squashfs ro 0 0',
      '/dev/sr0 /media/cd iso9660 ro 0 0',
      'server:/export /mnt/nfs nfs4 rw 0 0',
      'tank/db /tank/db zfs rw 0 0',
      'overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0',
      '/dev/vdd /etc/hosts ext4 rw 0 0',
      '',
    ].join('\n');
    expect(parseMounts(text)).toEqual(['/', '/home of all', '/srv/data', '/tank/db']);
  });

  test('what was mounted last at a place is what is there', () => {
    const text =
      'rootfs / rootfs rw 0 0\n/dev/vda / ext4 rw 0 0\n/dev/vdb /data ext4 rw 0 0\nserver:/x /data nfs rw 0 0\n/dev/vda /again ext4 rw 0 0\n';
    expect(parseMounts(text)).toEqual(['/']);
  });

  test('of very many, some', () => {
    const text = Array.from({ length: 200 }, (_, at) => `/dev/sd${at} /disk${at} ext4 rw 0 0`).join('\n');
    expect(parseMounts(text)).toHaveLength(32);
  });
});
