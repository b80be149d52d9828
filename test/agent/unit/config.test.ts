import { describe, expect, test } from '@jest/globals';
import { defaultConfig, parseConfig } from '../../../agent/src/control/config.js';
import type { AgentConfig, CheckTarget } from '../../../agent/src/model.js';

const LOCAL_PING: CheckTarget = { type: 'ping', address: '192.0.2.1', port: null, timeoutMs: 5_000 };
const DEFAULTS = defaultConfig({ intervalS: 30, targets: [LOCAL_PING] });

function parsed(body: unknown, defaults: AgentConfig = DEFAULTS): AgentConfig {
  const result = parseConfig(body, defaults);
  if ('errors' in result) throw new Error(result.errors.join('; '));
  return result.config;
}

function errorsOf(body: unknown): readonly string[] {
  const result = parseConfig(body, DEFAULTS);
  return 'errors' in result ? result.errors : [];
}

describe('a pushed configuration', () => {
  test('that sets nothing leaves the agent as it is', () => {
    expect(parsed({})).toEqual(DEFAULTS);
  });

  test('sets what it names', () => {
    const body = {
      collection_interval: 10,
      transmission_interval: 20,
      batch_size: 50,
      retry_attempts: 0,
      retry_delay: 100,
      targets: {
        ping: ['8.8.8.8', 'example.com'],
        dns: ['example.com', '[2001:db8::1]:5353'],
        http: ['https://a.test/x?y=1'],
        tcp: ['h:1', '[::1]:443'],
      },
      filters: { interfaces: ['eth0'], metrics: ['ping_*', 'system_cpu_percent'] },
    };
    expect(parsed(body)).toEqual({
      collectionIntervalS: 10,
      transmissionIntervalS: 20,
      batchSize: 50,
      retryAttempts: 0,
      retryDelayMs: 100,
      targets: [
        { type: 'ping', address: '8.8.8.8', port: null, timeoutMs: 5_000 },
        { type: 'ping', address: 'example.com', port: null, timeoutMs: 5_000 },
        { type: 'dns', address: 'example.com', port: null, timeoutMs: 5_000 },
        { type: 'dns', address: '2001:db8::1', port: 5_353, timeoutMs: 5_000 },
        { type: 'http', address: 'https://a.test/x?y=1', port: null, timeoutMs: 5_000 },
        { type: 'tcp', address: 'h', port: 1, timeoutMs: 5_000 },
        { type: 'tcp', address: '::1', port: 443, timeoutMs: 5_000 },
      ],
      interfaces: ['eth0'],
      metrics: ['ping_*', 'system_cpu_percent'],
    });
  });

  test('replaces the agent’s own targets kind by kind', () => {
    expect(parsed({ targets: { dns: ['a.test'] } }).targets.map(({ address }) => address)).toEqual(['192.0.2.1', 'a.test']);
    expect(parsed({ targets: { ping: [] } }).targets).toEqual([]);
    expect(parsed({ targets: {} }).targets).toEqual([LOCAL_PING]);
  });

  test('counts a target that is there twice once', () => {
    expect(parsed({ targets: { ping: ['a.test', 'a.test'] } }).targets).toHaveLength(1);
  });

  test('no check takes longer than an interval', () => {
    const { targets } = parsed({ collection_interval: 2, targets: { tcp: ['h:1'] } });
    expect(targets.map(({ timeoutMs }) => timeoutMs)).toEqual([2_000, 2_000]);
  });

  test.each([
    ['collection_interval', 1, 3_600],
    ['transmission_interval', 1, 3_600],
    ['batch_size', 1, 1_000],
    ['retry_attempts', 0, 10],
    ['retry_delay', 100, 60_000],
  ])('%s is from %i to %i', (name, least, most) => {
    expect(errorsOf({ [name]: least })).toEqual([]);
    expect(errorsOf({ [name]: most })).toEqual([]);
    for (const value of [least - 1, most + 1, least + 0.5, `${least}`, null, [least], true, Number.NaN]) {
      expect(errorsOf({ [name]: value })).toEqual([
        expect.stringMatching(new RegExp(`^"${name}" must be a whole number from ${least} to ${most} \\(it is `)),
      ]);
    }
  });

  test.each<[unknown, string]>([
    [null, 'the configuration must be an object (it is null)'],
    [[], 'the configuration must be an object (it is a list of 0)'],
    [{ colection_interval: 30 }, '"colection_interval" is not known'],
    [{ collectionInterval: 30 }, '"collectionInterval" is not known'],
    [JSON.parse('{"__proto__":{"batch_size":1}}'), '"__proto__" is not known'],
    [{ targets: ['8.8.8.8'] }, '"targets" must be an object (it is a list of 1)'],
    [{ targets: { icmp: [] } }, '"targets.icmp" is not known'],
    [{ targets: { ping: '8.8.8.8' } }, '"targets.ping" must be a list (it is "8.8.8.8")'],
    [{ targets: { ping: ['a.test', 8] } }, '"targets.ping[1]" must be a text (it is 8)'],
    [{ targets: { ping: ['-O /etc/passwd'] } }, '"targets.ping[0]" must be a host name or an IP address (it is "-O /etc/passwd")'],
    [{ targets: { ping: ['fe80::1%eth0'] } }, '"targets.ping[0]" must be a host name or an IP address (it is "fe80::1%eth0")'],
    [{ targets: { dns: ['a.test:53'] } }, '"targets.dns[0]" must be a host name or an IP address (it is "a.test:53")'],
    [{ targets: { tcp: ['a.test'] } }, '"targets.tcp[0]" must be host:port (an IPv6 address in brackets) (it is "a.test")'],
    [{ targets: { tcp: ['a.test:0'] } }, '"targets.tcp[0]" must be host:port (an IPv6 address in brackets) (it is "a.test:0")'],
    [{ targets: { tcp: ['a.test:65536'] } }, '"targets.tcp[0]" must be host:port (an IPv6 address in brackets) (it is "a.test:65536")'],
    [{ targets: { tcp: ['::1:443'] } }, '"targets.tcp[0]" must be host:port (an IPv6 address in brackets) (it is "::1:443")'],
    [{ targets: { http: ['file:///etc/passwd'] } }, '"targets.http[0]" must be an http or https URL (it is "file:///etc/passwd")'],
    [{ targets: { http: ['http://u:secret@a.test/'] } }, '"targets.http[0]" must not hold a user name or password'],
    [{ filters: 'eth0' }, '"filters" must be an object (it is "eth0")'],
    [{ filters: { interface: [] } }, '"filters.interface" is not known'],
    [{ filters: { metrics: ['*_percent'] } }, '"filters.metrics[0]" may have a * at its end only (it is "*_percent")'],
    [{ filters: { interfaces: [''] } }, '"filters.interfaces[0]" must not be empty (it is "")'],
  ])('%j is refused, and says why', (body, error) => {
    expect(errorsOf(body)).toEqual([error]);
  });

  test('names everything that is wrong, up to ten', () => {
    expect(errorsOf({ batch_size: 0, retry_delay: 1, sudo: true })).toHaveLength(3);
    const many = errorsOf(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key_${i}`, 1])));
    expect(many).toHaveLength(11);
    expect(many.at(-1)).toBe('and 40 more');
  });

  test('what it quotes is short and has no control characters', () => {
    const [error = ''] = errorsOf({ targets: { ping: [`\u001b[31m${'x'.repeat(2_000)}`] } });
    expect(error.length).toBeLessThan(250);
    expect(error).not.toContain('\u001b');
  });

  test('a list that is too long is not looked through', () => {
    expect(errorsOf({ targets: { ping: Array.from({ length: 2_001 }, () => 8) } })).toEqual([
      '"targets.ping" has 2001 entries, 2000 are allowed',
    ]);
  });
});
