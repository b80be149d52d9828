import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defaultConfig, parseConfig } from '../../../agent/src/control/config.js';
import { readTarget } from '../../../agent/src/control/target-text.js';
import { parseAgentConfig, withTargets } from '../../../src/control/agent-config-body.js';

const DEFAULTS = defaultConfig();

const KEYS = ['collection_interval', 'transmission_interval', 'batch_size', 'retry_attempts', 'retry_delay'] as const;
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().filter((address) => !address.includes('%')),
);
const listOf = (entry: fc.Arbitrary<string>): fc.Arbitrary<string[]> => fc.array(entry, { maxLength: 5 });
const port = fc.integer({ min: 1, max: 65_535 });
const tcp = fc.oneof(fc.tuple(fc.domain(), port), fc.tuple(fc.ipV4(), port)).map(([name, number]) => `${name}:${number}`);

/** What people may set on the server, in the shape it is stored and pushed. */
const accepted = fc.record(
  {
    collection_interval: fc.integer({ min: 1, max: 3_600 }),
    transmission_interval: fc.integer({ min: 1, max: 3_600 }),
    batch_size: fc.integer({ min: 1, max: 1_000 }),
    retry_attempts: fc.integer({ min: 0, max: 10 }),
    retry_delay: fc.integer({ min: 100, max: 60_000 }),
    targets: fc.record({ ping: listOf(host), dns: listOf(host), http: listOf(fc.webUrl()), tcp: listOf(tcp) }, { requiredKeys: [] }),
    filters: fc.record(
      { interfaces: listOf(fc.constantFrom('eth0', 'ens4', 'br-0a.1')), metrics: listOf(fc.constantFrom('ping_*', 'x', '*')) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

describe('parseConfig', () => {
  test('takes what the server pushes: what it accepted, with targets merged in', () => {
    fc.assert(
      fc.property(accepted, accepted, (body, { targets = {} }) => {
        fc.pre(Object.keys(body).length > 0);
        const pushed = JSON.parse(JSON.stringify(withTargets(parseAgentConfig(body, 'a'), targets))) as Record<string, unknown>;
        const result = parseConfig(pushed, DEFAULTS);
        if ('errors' in result) throw new Error(result.errors.join('; '));
        const { config } = result;
        const ours = [
          config.collectionIntervalS,
          config.transmissionIntervalS,
          config.batchSize,
          config.retryAttempts,
          config.retryDelayMs,
        ];
        for (const [index, key] of KEYS.entries()) if (key in pushed) expect(ours[index]).toBe(pushed[key]);
        for (const type of ['ping', 'dns', 'http', 'tcp'] as const) {
          const wanted = new Set([...(body.targets?.[type] ?? []), ...(targets[type] ?? [])]);
          const found = config.targets.filter((target) => target.type === type);
          expect(found.map(({ address, port: number }) => (type === 'tcp' ? `${address}:${String(number)}` : address))).toEqual([
            ...wanted,
          ]);
        }
      }),
    );
  });

  test('answers whatever it gets with a configuration within the ranges or with errors, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom<string>(...KEYS, 'targets', 'filters', 'x'), fc.anything())),
        (body) => {
          const result = parseConfig(body, DEFAULTS);
          if ('errors' in result) {
            expect(result.errors.length).toBeGreaterThan(0);
            for (const error of result.errors) expect(error.length).toBeLessThan(400);
            return;
          }
          const { config } = result;
          expect(Number.isInteger(config.batchSize) && config.batchSize >= 1 && config.batchSize <= 1_000).toBe(true);
          expect(config.collectionIntervalS).toBeGreaterThanOrEqual(1);
          for (const { timeoutMs } of config.targets) expect(timeoutMs).toBeLessThanOrEqual(config.collectionIntervalS * 1_000);
        },
      ),
    );
  });
});

describe('readTarget', () => {
  test('lets no text through that a program could take for an option, or that has blanks or credentials in it', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.constantFrom('-', ' ', '--', '\n', 'u:p@', 'http://u:p@'), host).map(([front, name]) => front + name),
      fc.tuple(host, fc.constantFrom(' -c 1', ';reboot', '\u0000', '%eth0', '$(id)')).map(([name, behind]) => name + behind),
    );
    fc.assert(
      fc.property(fc.constantFrom('ping', 'dns', 'http', 'tcp'), nasty, (type, text) => {
        const place = readTarget(type, text);
        if ('problem' in place) return;
        expect(place.address).not.toMatch(/^-|[\s@]/);
        if (type !== 'http') expect(place.address).toMatch(/^[\w.:-]+$/);
      }),
    );
  });
});
