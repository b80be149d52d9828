import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import { observeRequests } from '../../src/http/observe.js';
import { boundUnreadAnswers } from '../../src/http/unread-answers.js';
import { httpRequest } from '../helpers/http.js';
import { MemoryLogger } from '../helpers/memory-logger.js';

const MEGABYTE = 1_048_576;
const ANSWER = { text: 'x'.repeat(16 * MEGABYTE) };
const undo: (() => void)[] = [];

afterEach(() => {
  for (const one of undo.splice(0)) one();
});

/** A server whose answers are larger than any socket's buffers, and what its clients leave unread. */
async function server(maxBytes: number) {
  const logger = new MemoryLogger();
  const app = express();
  const statuses: string[] = [];
  const counted = { cut: 0 };
  app.use(observeRequests({ observe: ({ status }) => statuses.push(status) }, logger));
  app.use(boundUnreadAnswers(maxBytes, { inc: (connections) => (counted.cut += connections) }, logger));
  app.get('/', (_req, res) => void res.json(ANSWER));
  const listening = createServer(app).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  undo.push(() => {
    listening.closeAllConnections();
    listening.close();
  });
  return { port, logger, statuses, counted };
}

/** A client that asks and does not read on. */
async function deaf(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  undo.push(() => socket.destroy());
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable');
  return socket;
}

test('whoever does not read is cut off, longest first, and who reads gets everything', async () => {
  const { port, logger, statuses, counted } = await server(40 * MEGABYTE);
  await deaf(port);
  await deaf(port);
  expect(statuses).toEqual([]);
  for (let i = 0; i < 5; i += 1) await deaf(port);
  expect(statuses).toEqual(Array.from({ length: 5 }, () => 'aborted'));
  expect(logger.of('warn').map(({ meta }) => meta.clients)).toEqual([1, 1, 1, 1, 1]);
  expect(counted.cut).toBe(5);
  // Cuts one more, and is not cut itself.
  const answer = await httpRequest(`http://127.0.0.1:${port}/`);
  expect(answer.body.text).toHaveLength(ANSWER.text.length);
  while (!statuses.includes('200')) await new Promise(setImmediate);
});

test('a client that hangs up in the middle of an answer did not get it', async () => {
  const { port, statuses } = await server(40 * MEGABYTE);
  (await deaf(port)).destroy();
  while (statuses.length === 0) await new Promise(setImmediate);
  expect(statuses).toEqual(['aborted']);
});
