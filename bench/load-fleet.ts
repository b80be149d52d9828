/** The whole fleet as the scenarios see it: one or more load processes, asked together, their answers merged. */
import { ChildClient } from './child-client.js';
import type { History } from './fleet.js';
import type { ConnectedAnswer, LoadAnswers, LoadRequest, OpenLoopAnswer, WindowAnswer } from './load-protocol.js';

export interface FleetOptions {
  readonly processes: number;
  readonly fragmentBytes: number;
}

type LoadClient = ChildClient<LoadRequest, LoadAnswers>;

export class LoadFleet {
  private readonly clients: LoadClient[];

  constructor(private readonly options: FleetOptions) {
    this.clients = Array.from({ length: options.processes }, () => new ChildClient<LoadRequest, LoadAnswers>('./load.js'));
  }

  get pids(): number[] {
    return this.clients.map((client) => client.pid);
  }

  /** Connects and registers `agents` agents, `concurrency` at a time. */
  async connect(target: { host: string; port: number }, agents: number, concurrency: number, history: History): Promise<ConnectedAnswer> {
    const share = Math.ceil(agents / this.clients.length);
    const parts = this.each((client, i) =>
      client.request<'connect'>({
        kind: 'connect',
        host: target.host,
        port: target.port,
        firstAgent: i * share,
        agents: Math.max(Math.min(share, agents - i * share), 0),
        concurrency: Math.ceil(concurrency / this.clients.length),
        history,
        fragmentBytes: this.options.fragmentBytes,
      }),
    );
    return mergeConnected(await parts);
  }

  async closedLoop(inFlight: number): Promise<void> {
    await this.each((client) => client.request<'closedLoop'>({ kind: 'closedLoop', inFlight }));
  }

  /** What was acknowledged since the last mark (or the start of the load). */
  async mark(): Promise<WindowAnswer> {
    return mergeWindows(await this.each((client) => client.request<'mark'>({ kind: 'mark' })));
  }

  async drain(): Promise<void> {
    await this.each((client) => client.request<'drain'>({ kind: 'drain' }));
  }

  async openLoop(batchesPerSecond: number, warmUpSeconds: number, seconds: number): Promise<OpenLoopAnswer> {
    const answers = await this.each((client) =>
      client.request<'openLoop'>({ kind: 'openLoop', batchesPerSecond: batchesPerSecond / this.clients.length, warmUpSeconds, seconds }),
    );
    return {
      ...mergeWindows(answers),
      latenessMs: concat(answers.map((answer) => answer.latenessMs)),
      unacknowledgedAtEnd: answers.reduce((sum, answer) => sum + answer.unacknowledgedAtEnd, 0),
    };
  }

  async storm(): Promise<ConnectedAnswer> {
    return mergeConnected(await this.each((client) => client.request<'storm'>({ kind: 'storm' })));
  }

  async disconnect(): Promise<void> {
    await this.each((client) => client.request<'disconnect'>({ kind: 'disconnect' }));
  }

  /** Throws what a load process has reported since the last request. */
  check(): void {
    for (const client of this.clients) client.check();
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stop()));
  }

  private each<T>(ask: (client: LoadClient, index: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.clients.map(ask));
  }
}

function mergeWindows(parts: readonly WindowAnswer[]): WindowAnswer {
  return {
    elapsedMs: Math.max(...parts.map((part) => part.elapsedMs)),
    batches: parts.reduce((sum, part) => sum + part.batches, 0),
    samples: parts.reduce((sum, part) => sum + part.samples, 0),
    latenciesMs: concat(parts.map((part) => part.latenciesMs)),
  };
}

function mergeConnected(parts: readonly ConnectedAnswer[]): ConnectedAnswer {
  return {
    elapsedMs: Math.max(...parts.map((part) => part.elapsedMs)),
    refusals: parts.reduce((sum, part) => sum + part.refusals, 0),
    firstRefusal: parts.find((part) => part.firstRefusal !== null)?.firstRefusal ?? null,
    waitsMs: concat(parts.map((part) => part.waitsMs)),
  };
}

function concat(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
