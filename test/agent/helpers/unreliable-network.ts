import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Up: from the agent to the server. */
export type Direction = 'up' | 'down';

/** One connection through it: the agent's end and the server's. */
interface Line {
  readonly ends: Readonly<Record<Direction, Socket>>;
  piecesUp: number;
}

interface Tear {
  readonly direction: Direction;
  /** Of a piece, in (0, 1): what still arrives. */
  readonly share: number;
  readonly done: () => void;
}

/**
 * What lies between an agent and its server, and fails as a test tells it to. Its own address stays the same, whichever port the
 * server has in its next life.
 */
export class UnreliableNetwork {
  /** Connections that were cut, whatever the reason. */
  cuts = 0;
  /** Of these: in the middle of what was being sent. */
  torn = 0;
  /** New connections are cut at once. */
  isRefusing = false;
  /** What is sent in this direction is lost from the agent's first message on; the handshake goes through. */
  losing: Direction | null = null;
  /** Pieces that were lost in this way. */
  lost = 0;
  private serverPort = 0;
  private isStalling = false;
  private tear: Tear | null = null;
  private readonly lines = new Set<Line>();
  private readonly listener: Server = createServer((agent) => this.accepted(agent));

  async start(): Promise<this> {
    this.listener.listen(0, '127.0.0.1');
    await once(this.listener, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Where new connections lead. */
  leadTo(serverPort: number): void {
    this.serverPort = serverPort;
  }

  /** Ends all connections, both ways at once. */
  cut(): void {
    for (const line of this.lines) this.end(line);
  }

  /** From now on not a byte passes over the connections there are, nor over new ones if those are included, until `flow`. */
  stall(newOnesToo: boolean): void {
    this.isStalling = newOnesToo;
    for (const { ends } of this.lines) for (const end of [ends.up, ends.down]) end.pause();
  }

  /** All is well again. What waited arrives late, also from connections their owner has given up. */
  flow(): void {
    this.isStalling = false;
    this.isRefusing = false;
    this.losing = null;
    this.tear = null;
    for (const { ends } of this.lines) for (const end of [ends.up, ends.down]) end.resume();
  }

  /** Of the next piece in this direction only a share arrives, and the connection ends there. Resolves when that has happened. */
  tearNext(direction: Direction, share: number): Promise<void> {
    return new Promise((resolve) => {
      this.tear = { direction, share, done: resolve };
    });
  }

  private accepted(agent: Socket): void {
    agent.on('error', () => undefined);
    if (this.isRefusing) {
      this.cuts += 1;
      agent.destroy();
      return;
    }
    const server = connect(this.serverPort, '127.0.0.1');
    const line: Line = { ends: { up: agent, down: server }, piecesUp: 0 };
    this.lines.add(line);
    agent.on('data', (piece) => this.pass(line, 'up', piece));
    server.on('data', (piece) => this.pass(line, 'down', piece));
    server.on('error', () => this.end(line));
    for (const [one, other] of [
      [agent, server],
      [server, agent],
    ] as const) {
      one.on('end', () => other.end());
      one.on('close', () => {
        this.lines.delete(line);
        other.destroySoon();
      });
    }
    if (!this.isStalling) return;
    agent.pause();
    server.pause();
  }

  private pass(line: Line, direction: Direction, piece: Buffer): void {
    const to = direction === 'up' ? line.ends.down : line.ends.up;
    if (direction === 'up') line.piecesUp += 1;
    if (this.losing === direction && line.piecesUp > 1) {
      this.lost += 1;
      return;
    }
    const { tear } = this;
    if (tear === null || tear.direction !== direction || piece.length < 2) {
      if (!to.destroyed) to.write(piece);
      return;
    }
    this.tear = null;
    this.torn += 1;
    const length = Math.max(1, Math.min(piece.length - 1, Math.floor(piece.length * tear.share)));
    to.write(piece.subarray(0, length), () => {
      this.end(line);
      tear.done();
    });
  }

  private end({ ends }: Line): void {
    if (!ends.up.destroyed) this.cuts += 1;
    ends.up.destroy();
    ends.down.destroy();
  }
}
