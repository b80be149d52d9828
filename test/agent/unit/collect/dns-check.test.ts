import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { dnsCheck } from '../../../../agent/src/collect/dns-check.js';
import type { CheckTarget } from '../../../../agent/src/model.js';

const never = new AbortController().signal;
const NO_ERROR = 0;
const SERVER_FAILURE = 2;
const NO_SUCH_NAME = 3;

/** A server that answers every question with a code and nothing else, or not at all. */
let server: Socket;
let port: number;
let code: number | null;
let questions: Buffer[];

beforeAll(async () => {
  server = createSocket('udp4', (question, { address, port: from }) => {
    questions.push(question);
    if (code === null) return;
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8180 | code, 2);
    // Without the additional record of the question.
    const end = answer.indexOf(0, 12) + 5;
    answer.writeUInt16BE(0, 10);
    server.send(answer.subarray(0, end), from, address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  port = server.address().port;
});
beforeEach(() => {
  code = NO_ERROR;
  questions = [];
});
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

function target(address: string, at: number | null, timeoutMs = 2_000): CheckTarget {
  return { type: 'dns', address, port: at, timeoutMs };
}

test.each([
  ['it has none', NO_ERROR],
  ['it knows no such name', NO_SUCH_NAME],
])('a server that answers, be it that %s', async (_, answered) => {
  code = answered;
  const tags = { target: `127.0.0.1:${port}` };
  expect(await dnsCheck(target('127.0.0.1', port), never)).toEqual([
    { name: 'dns_success', type: 'gauge', value: 1, unit: 'boolean', tags },
    { name: 'dns_lookup_time_ms', type: 'gauge', value: expect.any(Number), unit: 'ms', tags },
  ]);
  // One question: the name servers (type 2) of the root (an empty name).
  expect(questions[0]?.subarray(12, 17)).toEqual(Buffer.from([0, 0, 2, 0, 1]));
});

test('a server that fails', async () => {
  code = SERVER_FAILURE;
  expect(await dnsCheck(target('127.0.0.1', port), never)).toEqual([
    { name: 'dns_success', type: 'gauge', value: 0, unit: 'boolean', tags: { target: `127.0.0.1:${port}` } },
  ]);
});

test('a server that says nothing is given up in time', async () => {
  code = null;
  const startMs = performance.now();
  expect(await dnsCheck(target('127.0.0.1', port, 100), never)).toEqual([expect.objectContaining({ name: 'dns_success', value: 0 })]);
  expect(performance.now() - startMs).toBeLessThan(1_500);
});

test.each(['nobody.invalid', 'no host', '-x'])('a name without an address (%s)', async (name) => {
  expect(await dnsCheck(target(name, null, 300), never)).toEqual([
    { name: 'dns_success', type: 'gauge', value: 0, unit: 'boolean', tags: { target: name } },
  ]);
});

test('ended from outside, it says so', async () => {
  code = null;
  const controller = new AbortController();
  const running = dnsCheck(target('127.0.0.1', port), controller.signal);
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
});
