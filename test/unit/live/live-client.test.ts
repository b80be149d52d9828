import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { SharedFrame } from '../../../src/live/frame.js';
import { LiveClient } from '../../../src/live/live-client.js';
import { silentLogger } from '../../../src/runtime/logger.js';

let server: WebSocketServer;
let browser: WebSocket;
let client: LiveClient;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  browser = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong: false });
  const [socket] = (await accepted) as [WebSocket];
  client = new LiveClient(
    socket,
    1_000_000,
    ({ type, agent }) =>
      new SharedFrame(
        type,
        () => agent,
        () => 0,
      ),
    silentLogger,
  );
  await (browser.readyState === WebSocket.OPEN ? null : once(browser, 'open'));
});

afterEach(() => {
  browser.terminate();
  server.close();
});

test('a console that misses two pongs is cut off, one that answers is not', async () => {
  for (let i = 0; i < 5; i++) {
    const pinged = once(browser, 'ping');
    client.ping();
    await pinged;
    const ponged = once(client.socket, 'pong');
    browser.pong();
    await ponged;
  }
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
  client.ping();
  client.ping();
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
  const closed = once(browser, 'close');
  client.ping();
  await closed;
});

test('an answer that can no longer be sent is done with', async () => {
  const closed = once(client.socket, 'close');
  browser.terminate();
  await closed;
  const frame = new SharedFrame(
    'x',
    () => ({}),
    () => 0,
  );
  await new Promise<void>((resolve) => client.answer([frame].values(), resolve));
  expect(client.deliver({ alerts: [frame], agents: [], metrics: [] })).toBe(0);
});
