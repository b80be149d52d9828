import { afterEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import { post } from '../../../../src/alerting/notify/http-post.js';
import type { SendResult } from '../../../../src/alerting/notify/send-result.js';
import { SsrfGuard } from '../../../../src/alerting/notify/ssrf-guard.js';
import { headRead, type RawServer, startRawServer } from '../../../helpers/raw-answers.js';

/** Answers that break off, and are wrong: what counts is whether there was one. */

let server: RawServer;
afterEach(() => server.stop());

async function answered(answer: (socket: Socket) => unknown, signal = new AbortController().signal): Promise<SendResult> {
  server = await startRawServer(answer);
  return post({ url: server.url, headers: {}, body: '{}' }, { guard: new SsrfGuard(true), timeoutMs: 20_000, signal }, 0);
}

async function resetAfter(socket: Socket, text: string): Promise<void> {
  const read = headRead();
  socket.write(text);
  await read;
  socket.resetAndDestroy();
}

describe('an answer whose head has come counts, whatever comes after it', () => {
  const OK = 'HTTP/1.1 200 OK\r\n';

  test('the connection is cut in the middle of its body', async () => {
    expect(await answered((socket) => resetAfter(socket, `${OK}Content-Length: 100\r\n\r\npart`))).toEqual({ outcome: 'delivered' });
  });

  test('the connection is cut behind a refusal', async () => {
    const result = await answered((socket) => resetAfter(socket, 'HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\n'));
    expect(result).toMatchObject({ outcome: 'failed', error: expect.stringContaining('it answered 400') });
  });

  test.each([
    ['its body is longer than it says', `${OK}Content-Length: 2\r\n\r\nok!`],
    ['its body is damaged', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nnonsense\r\n`],
    ['its body is damaged from the start', `${OK}Transfer-Encoding: chunked\r\n\r\nnonsense`],
  ])('%s', async (_what, text) => {
    expect(await answered((socket) => socket.end(text))).toEqual({ outcome: 'delivered' });
  });

  test('the server stops before the end of it', async () => {
    const stop = new AbortController();
    const result = await answered(async (socket) => {
      const read = headRead();
      socket.write(`${OK}Content-Length: 100\r\n\r\npart`);
      await read;
      stop.abort();
    }, stop.signal);
    expect(result).toEqual({ outcome: 'delivered' });
  });
});

describe('no answer', () => {
  test.each<[string, (socket: Socket) => unknown, string]>([
    ['is a connection that is cut', (socket) => socket.resetAndDestroy(), 'the connection was cut (ECONNRESET)'],
    ['is half a head', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-'), 'the connection was cut (ECONNRESET)'],
    ['is what is no HTTP', (socket) => socket.end('220 mail\r\n'), 'HPE_INVALID_CONSTANT'],
  ])('%s: it is tried again', async (_what, answer, error) => {
    expect(await answered(answer)).toMatchObject({ outcome: 'retry', error: expect.stringContaining(error) });
  });
});
