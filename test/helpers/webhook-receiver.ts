import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where a webhook posts to: takes everything, and hands it out in order. */
export class WebhookReceiver {
  private readonly bodies: any[] = [];
  private readonly waiters: ((body: any) => void)[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<WebhookReceiver> {
    const server = createServer();
    const receiver = new WebhookReceiver(server);
    server.on('request', (req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        res.end('ok');
        receiver.receive(JSON.parse(Buffer.concat(chunks).toString()));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  /** The next body, as JSON. */
  next(): Promise<any> {
    const body = this.bodies.shift();
    return body === undefined ? new Promise((resolve) => this.waiters.push(resolve)) : Promise.resolve(body);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private receive(body: unknown): void {
    const waiter = this.waiters.shift();
    if (waiter === undefined) this.bodies.push(body);
    else waiter(body);
  }
}
