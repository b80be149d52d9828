/** An HTTP server on 127.0.0.1 that writes its answers byte by byte, right or wrong. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface RawServer {
  readonly url: string;
  stop(): void;
}

/** @param answer is called when a request has begun to come */
export async function startRawServer(answer: (socket: Socket) => unknown): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => void answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Resolves when a client of this process has read the head of an answer. */
export function headRead(): Promise<void> {
  const name = 'http.client.response.finish';
  return new Promise((resolve) => {
    const heard = (): void => {
      unsubscribe(name, heard);
      resolve();
    };
    subscribe(name, heard);
  });
}
