import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from '@jest/globals';
import { SsrfGuard } from '../../../../src/alerting/notify/ssrf-guard.js';

const OWN = [
  { family: 'IPv4' as const, address: '5.9.10.20', prefix: 26 },
  { family: 'IPv6' as const, address: '2a01:4f8:1:2::1', prefix: 64 },
  { family: 'IPv4' as const, address: '31.1.1.1', prefix: 1 },
];

function guard(allowPrivate = false): SsrfGuard {
  return new SsrfGuard(allowPrivate, () => OWN);
}

/** What the guard's lookup makes of a name with these addresses. */
function looked(addresses: string[], options: object, allowPrivate = false): Promise<unknown> {
  const entries: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const checked = new SsrfGuard(
    allowPrivate,
    () => OWN,
    (_host, _options, callback) => callback(null, entries),
  );
  return new Promise((resolve, reject) =>
    checked.lookup('some.example', options, (error, address) => (error === null ? resolve(address) : reject(error))),
  );
}

describe('addresses that notifications may not be sent to', () => {
  test.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '10.255.255.255',
    '100.64.0.1',
    '100.100.100.200',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd12:3456::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '100::1',
    '5.9.10.20',
    '5.9.10.1',
    '2a01:4f8:1:2::1',
    '2a01:4f8:1:2:ffff::5',
    '31.1.1.1',
    'localhost',
    '',
    '1.2.3',
    '2130706433',
    '0x7f000001',
  ])('%s', (address) => {
    expect(guard().isAllowed(address)).toBe(false);
    expect(guard(true).isAllowed(address)).toBe(true);
  });

  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.1.1',
    '223.255.255.255',
    '5.9.10.200',
    '31.1.1.2',
    '2606:4700:4700::1111',
    '2a00:1450:4001::1',
    '2a01:4f8:1:3::1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::808:808',
  ])('%s is not one of them', (address) => {
    expect(guard().isAllowed(address)).toBe(true);
  });
});

describe('names', () => {
  test.each([[['10.0.0.1']], [['8.8.8.8', '127.0.0.1']], [['2606:4700:4700::1111', '::1']]])('with %j are refused', async (addresses) => {
    await expect(looked(addresses, { all: true })).rejects.toMatchObject({
      code: 'FORBIDDEN_HOST',
      message: expect.stringContaining('ALERT_WEBHOOK_ALLOW_PRIVATE'),
    });
    await expect(looked(addresses, {})).rejects.toMatchObject({ code: 'FORBIDDEN_HOST' });
  });

  test('of the internet are resolved, in both forms of an answer', async () => {
    expect(await looked(['8.8.8.8', '1.1.1.1'], {})).toBe('8.8.8.8');
    expect(await looked(['8.8.8.8', '1.1.1.1'], { all: true })).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '1.1.1.1', family: 4 },
    ]);
    expect(await looked(['127.0.0.1'], {}, true)).toBe('127.0.0.1');
    await expect(looked([], {})).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  test.each(['127.0.0.1', '[::1]', '::1', '[::ffff:127.0.0.1]'])('addresses are judged without a lookup: %s', (host) => {
    expect(() => guard().checkHost(host)).toThrow(expect.objectContaining({ code: 'FORBIDDEN_HOST' }));
    expect(() => guard(true).checkHost(host)).not.toThrow();
  });

  test.each([
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://[::ffff:7f00:1]/',
    'http://%31%32%37.0.0.1/',
    'http://①②⑦.0.0.1/',
  ])('odd spellings are addresses like any other: %s', (url) => {
    expect(() => guard().checkHost(new URL(url).hostname)).toThrow(expect.objectContaining({ code: 'FORBIDDEN_HOST' }));
  });
});
