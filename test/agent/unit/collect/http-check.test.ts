import { X509Certificate } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HttpCheck } from '../../../../agent/src/collect/http-check.js';
import type { Reading } from '../../../../agent/src/collect/metric.js';
import { shownAddress } from '../../../../agent/src/shown-address.js';
import { testCertificate, testKey } from '../../../helpers/test-certificate.js';

const never = new AbortController().signal;
const DAY_MS = 86_400_000;
let plain: Server;
let secure: Server;
let plainUrl: string;
let secureUrl: string;
let asked: string[] = [];

const handle: RequestListener = (request, response) => {
  const path = request.url ?? '';
  asked.push([request.method, path, request.headers['user-agent']].join(' '));
  const hops = /^\/hops\/(\d+)$/.exec(path)?.[1];
  if (hops !== undefined) {
    response.writeHead(302, hops === '0' ? {} : { location: `/hops/${Number(hops) - 1}` }).end();
  } else if (path === '/elsewhere') {
    response.writeHead(301, { location: 'ftp://192.0.2.7/' }).end();
  } else if (path === '/to-nowhere') {
    response.writeHead(301, { location: 'http://nobody.invalid/' }).end();
  } else if (path === '/to-secure') {
    response.writeHead(301, { location: `${secureUrl}/ok` }).end();
  } else if (path === '/endless') {
    response.writeHead(200);
    const more = (): void => {
      while (response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more).on('error', () => undefined);
    more();
  } else if (path !== '/silent') {
    response.writeHead(Number(path.slice(1)) || 200).end('hello');
  }
};

beforeAll(async () => {
  plain = createServer(handle);
  secure = createTlsServer({ key: testKey, cert: testCertificate }, handle);
  for (const server of [plain, secure]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  plainUrl = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
  secureUrl = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
});
afterAll(async () => {
  for (const server of [plain, secure]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

function run(address: string, timeoutMs = 2_000, check = new HttpCheck()): Promise<Reading[]> {
  asked = [];
  return check.run({ type: 'http', address, port: null, timeoutMs }, never);
}

function values(readings: readonly Reading[]): Record<string, number> {
  return Object.fromEntries(readings.map(({ name, value }) => [name, value]));
}

test('a page that is there', async () => {
  const tags = { target: `${plainUrl}/ok` };
  expect(await run(`${plainUrl}/ok`)).toEqual([
    { name: 'http_success', type: 'gauge', value: 1, unit: 'boolean', tags },
    { name: 'http_status_code', type: 'gauge', value: 200, unit: '', tags },
    { name: 'http_response_time_ms', type: 'gauge', value: expect.any(Number), unit: 'ms', tags },
  ]);
  expect(asked).toEqual(['GET /ok cloudconsolevibe-agent']);
});

test.each([204, 304, 404, 500, 503])('status %d', async (status) => {
  expect(values(await run(`${plainUrl}/${status}`))).toMatchObject({ http_success: status < 400 ? 1 : 0, http_status_code: status });
});

test('three redirects are followed, a fourth is not', async () => {
  expect(values(await run(`${plainUrl}/hops/3`))).toMatchObject({ http_success: 1, http_status_code: 302 });
  expect(asked).toHaveLength(4);
  expect(values(await run(`${plainUrl}/hops/4`))).toMatchObject({ http_success: 0, http_status_code: 302 });
  expect(asked).toHaveLength(4);
});

test('a redirect that does not lead to the web is the answer; one that leads nowhere is none', async () => {
  expect(values(await run(`${plainUrl}/elsewhere`))).toMatchObject({ http_success: 1, http_status_code: 301 });
  expect(values(await run(`${plainUrl}/to-nowhere`))).toEqual({ http_success: 0 });
});

test('a body without an end is not read', async () => {
  const startMs = performance.now();
  expect(values(await run(`${plainUrl}/endless`))).toMatchObject({ http_success: 1 });
  expect(performance.now() - startMs).toBeLessThan(1_500);
});

test('no answer in time, no server, no such host', async () => {
  expect(values(await run(`${plainUrl}/silent`, 100))).toEqual({ http_success: 0 });
  expect(values(await run('http://127.0.0.1:1/'))).toEqual({ http_success: 0 });
  expect(values(await run('http://nobody.invalid/'))).toEqual({ http_success: 0 });
});

test.each(['ftp://192.0.2.7/', 'no url', ''])('what is no web address fails: %s', async (address) => {
  expect(await run(address)).toEqual([expect.objectContaining({ name: 'http_success', value: 0, tags: { target: address } })]);
});

test('a password in the address is neither sent nor told', async () => {
  const readings = await run(plainUrl.replace('//', '//user:pass@word@'));
  expect(readings).toEqual([expect.objectContaining({ name: 'http_success', value: 0, tags: { target: plainUrl } })]);
  expect(asked).toEqual([]);
});

test.each([
  ['/ok?token=hush&page=2', '/ok?token=*&page=*'],
  ['/ok?token=hush;more=hush?hush#hush', '/ok?token=*'],
  ['/ok?eu&key=#hush', '/ok?eu&key=*'],
  ['/200#hush=?', '/200'],
])('%s is asked for, and told without values', async (path, told) => {
  const readings = await run(`${plainUrl}${path}`);
  expect(new Set(readings.map(({ tags }) => tags.target))).toEqual(new Set([`${plainUrl}${told}`]));
  expect(asked[0]).toContain(path.replace(/#.*/, ''));
});

test.each([
  ['http:\\\\user:hush@host\\x', 'http:\\\\host\\x'],
  ['http:user:hush@host/a@b', 'http:host/a@b'],
  ['//user@host', '//host'],
  ['user:hush@host:80', 'host:80'],
  ['host/@', 'host/@'],
])('%s is shown as %s', (address, shown) => {
  expect(shownAddress(address)).toBe(shown);
});

const daysLeft = (): number => (Date.parse(new X509Certificate(testCertificate).validTo) - Date.now()) / DAY_MS;

test('https: how long the certificate is valid, also behind a redirect', async () => {
  const check = new HttpCheck({ ca: testCertificate });
  for (const url of [`${secureUrl}/ok`, `${plainUrl}/to-secure`]) {
    const seen = values(await run(url, 2_000, check));
    expect(seen).toMatchObject({ http_success: 1, http_status_code: 200 });
    expect(seen.http_certificate_days_left).toBeCloseTo(daysLeft(), 2);
  }
});

test('https: a certificate nobody vouches for fails the check, and its end is told all the same', async () => {
  const seen = values(await run(`${secureUrl}/ok`));
  expect(seen).toEqual({ http_success: 0, http_certificate_days_left: expect.any(Number) });
  expect(seen.http_certificate_days_left).toBeCloseTo(daysLeft(), 2);
});

test('ended from outside, it says so', async () => {
  const controller = new AbortController();
  const running = new HttpCheck().run({ type: 'http', address: `${plainUrl}/silent`, port: null, timeoutMs: 2_000 }, controller.signal);
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
});
