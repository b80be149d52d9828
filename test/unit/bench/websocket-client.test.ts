import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { encodeMasked, WebSocketConnection } from '../../../bench/websocket-client.js';

/** Takes frames apart by the book (RFC 6455 §5.2), byte by byte. */
function decode(bytes: Buffer): { final: boolean; opcode: number; text: string }[] {
  const frames = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at);
    const second = bytes.readUInt8(at + 1);
    expect(second & 0x80).toBe(0x80);
    const long = (second & 127) === 126;
    const size = long ? bytes.readUInt16BE(at + 2) : second & 127;
    const mask = bytes.subarray(at + (long ? 4 : 2));
    const start = at + (long ? 8 : 6);
    let text = '';
    for (let i = 0; i < size; i += 1) text += String.fromCharCode(bytes.readUInt8(start + i) ^ mask.readUInt8(i % 4));
    frames.push({ final: (first & 0x80) !== 0, opcode: first & 15, text });
    at = start + size;
  }
  return frames;
}

describe('masked frames', () => {
  const lengths = [0, 1, 2, 3, 4, 125, 126, 127, 4095, 4096, 4097, 4100, 4221, 4222, 8192, 17_407];

  test.each(lengths)('a message of %i characters arrives whole, in one frame or in fragments', (length) => {
    const text = Array.from({ length }, (_, i) => String.fromCharCode(32 + ((i * 7) % 90))).join('');
    for (const fragmentBytes of [0, 4096]) {
      const frames = decode(encodeMasked(text, fragmentBytes, 0xdead_beef));
      expect(frames.map((frame) => frame.text).join('')).toBe(text);
      expect(frames).toHaveLength(fragmentBytes === 0 ? 1 : Math.max(Math.ceil(length / 4096), 1));
      expect(frames.map((frame) => frame.opcode)).toEqual(frames.map((_, i) => (i === 0 ? 1 : 0)));
      expect(frames.map((frame) => frame.final)).toEqual(frames.map((_, i) => i === frames.length - 1));
    }
  });

  test('what it cannot send is refused', () => {
    expect(() => encodeMasked('x'.repeat(70_000), 4096, 1)).toThrow('too long');
    expect(() => encodeMasked('x', 4095, 1)).toThrow('multiple of 4');
  });
});

describe('a connection', () => {
  async function withServer(work: (server: WebSocketServer, port: number) => Promise<void>): Promise<void> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    try {
      await work(server, (server.address() as AddressInfo).port);
    } finally {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  test('talks to a real server: text both ways, pings answered, the close reported', () =>
    withServer(async (server, port) => {
      const answer = 'y'.repeat(1_000);
      const lost: string[] = [];
      const received: string[] = [];
      const ended = new Promise<void>((resolve) => {
        server.on('connection', (socket) => {
          socket.send('hello');
          socket.on('message', (data: Buffer) => {
            received.push(data.toString());
            socket.send(answer);
            socket.ping('are you there');
          });
          socket.on('pong', (data) => {
            received.push(String(data));
            socket.close(1001, 'bye');
          });
        });
        const texts: string[] = [];
        const connected = WebSocketConnection.connect({ host: '127.0.0.1', port, path: '/x' }, 4096, {
          onText: (text) => void texts.push(text),
          onLost: (reason) => {
            lost.push(reason);
            expect(texts).toEqual(['hello', answer]);
            resolve();
          },
        });
        void connected.then((connection) => connection.sendText('z'.repeat(17_000)));
      });
      await ended;
      expect(received).toEqual(['z'.repeat(17_000), 'are you there']);
      expect(lost).toEqual(['closed by the server: 1001 bye']);
    }));

  test('a refused upgrade says what the server said', () =>
    withServer(async (server, port) => {
      server.options.verifyClient = () => false;
      const attempt = WebSocketConnection.connect({ host: '127.0.0.1', port, path: '/x' }, 0, { onText() {}, onLost() {} });
      await expect(attempt).rejects.toMatchObject({ name: 'RefusedError', message: 'HTTP/1.1 401 Unauthorized' });
    }));
});
