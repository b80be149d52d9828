import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export interface SentFrame {
  readonly type: string;
  readonly data: any;
}

/** A server that does what a test tells it: one connection at a time is looked at, the newest. */
export class StubServer {
  readonly requests: IncomingMessage[] = [];
  /** Frames of all connections. */
  readonly frames: SentFrame[] = [];
  /** Answer upgrades with this instead; null to let agents in. */
  refuseWith: { status: number; headers?: Record<string, string>; body?: string } | null = null;
  /** Registrations are acknowledged at once. */
  acknowledgesRegistrations = true;
  private socket: WebSocket | null = null;
  private readonly http: Server = createServer();
  private readonly webSockets = new WebSocketServer({ noServer: true });
  private readonly watchers = new Set<() => void>();

  async start(): Promise<this> {
    this.http.on('upgrade', (request, socket, head) => {
      this.requests.push(request);
      if (this.refuseWith !== null) {
        const { status, headers = {}, body = '' } = this.refuseWith;
        const lines = Object.entries({ ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' });
        socket.end(`HTTP/1.1 ${status} No\r\n${lines.map(([key, value]) => `${key}: ${value}\r\n`).join('')}\r\n${body}`);
        this.notify();
        return;
      }
      this.webSockets.handleUpgrade(request, socket, head, (webSocket) => this.accepted(webSocket));
    });
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    for (const client of this.webSockets.clients) client.terminate();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  say(type: string, data: object): void {
    this.socket?.send(JSON.stringify({ type, data, timestamp: '2026-11-22T00:00:00.000Z' }));
  }

  sayRaw(text: string | Buffer): void {
    this.socket?.send(text);
  }

  close(code: number): void {
    this.socket?.close(code);
  }

  cut(): void {
    this.socket?.terminate();
  }

  of(type: string): SentFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Resolves once `condition` holds; looked at after every frame, connection and refusal. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
      look();
    });
  }

  private accepted(socket: WebSocket): void {
    this.socket = socket;
    socket.on('message', (raw) => {
      const frame = JSON.parse((raw as Buffer).toString()) as SentFrame;
      this.frames.push(frame);
      if (frame.type === 'registration' && this.acknowledgesRegistrations) this.say('registration_ack', { status: 'success' });
      this.notify();
    });
    this.notify();
  }

  private notify(): void {
    for (const look of this.watchers) look();
  }
}
