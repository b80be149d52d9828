import { WebSocket } from 'ws';
import type { FrameData } from './agent-client.js';
import type { Spool, SpooledBatch } from './spool.js';

/**
 * An agent that loses nothing: keeps `window` batches under way, and after every connect sends what has no
 * acknowledgement again before anything new. A batch that is refused stays in the spool; the agent then sends
 * nothing more until `goOn`.
 */
export class SpoolingAgent {
  /** What the server should not have said; a test expects it to stay empty. */
  readonly problems: string[] = [];
  /** The data of `error` frames about batches. */
  readonly refusals: FrameData[] = [];
  /** Acknowledgements that said the batch was there already. */
  duplicates = 0;
  resends = 0;
  /** The close code of the last connection; null while it is open, and before the first. */
  closeCode: number | null = null;
  private socket: WebSocket | null = null;
  private underWay: SpooledBatch[] = [];
  private resending: SpooledBatch[] = [];
  private holding = false;
  private finishing = false;
  private readonly watchers = new Set<() => void>();

  constructor(
    readonly spool: Spool,
    private readonly window: number,
  ) {}

  /** Connects in the background and begins. What the connection before left open is sent again. */
  connect(server: { readonly wsUrl: string }): void {
    const url = new URL('/api/v1/agents/connect', server.wsUrl);
    url.search = new URLSearchParams({ agent_id: this.spool.agentId, provider: 'gcp', region: 'us-central1' }).toString();
    const socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket = socket;
    this.closeCode = null;
    this.underWay = [];
    this.resending = this.spool.open();
    socket.on('error', () => undefined);
    socket.on('open', () => {
      socket.send(
        JSON.stringify({ type: 'registration', data: { agent_id: this.spool.agentId, version: '1.0.0', location: { provider: 'gcp' } } }),
      );
      this.sendOn(socket);
    });
    socket.on('message', (raw) => {
      const { type, data } = JSON.parse((raw as Buffer).toString()) as { type: string; data: FrameData };
      if (type === 'metrics_ack') this.acknowledged(data);
      else if (type === 'error') this.refused(data);
      this.sendOn(socket);
      this.notify();
    });
    socket.on('close', (code) => {
      if (this.socket !== socket) return;
      this.closeCode = code;
      this.notify();
    });
  }

  /** Makes nothing new from now on; resolves when all is acknowledged. @throws when the connection ends before. */
  async finish(): Promise<void> {
    this.finishing = true;
    await this.until(() => this.spool.open().length === 0 || this.closeCode !== null);
    const open = this.spool.open().length;
    if (open > 0)
      throw new Error(`${this.spool.agentId}: closed with ${String(this.closeCode)} while ${open} batches had no acknowledgement`);
  }

  /** After a refusal: sends everything without an acknowledgement again, then new batches. */
  goOn(): void {
    this.holding = false;
    this.resending = this.spool.open().filter((batch) => !this.underWay.includes(batch));
    if (this.socket !== null) this.sendOn(this.socket);
  }

  /** Resolves when the connection is closed. */
  closed(): Promise<void> {
    return this.until(() => this.closeCode !== null);
  }

  /** Resolves when every batch that was sent over this connection has been answered. */
  answered(): Promise<void> {
    return this.until(() => this.underWay.length === 0);
  }

  /** Resolves once `condition` holds; looked at after every frame and close. */
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

  terminate(): void {
    this.socket?.terminate();
  }

  private sendOn(socket: WebSocket): void {
    while (!this.holding && this.underWay.length < this.window && socket === this.socket && socket.readyState === WebSocket.OPEN) {
      const batch = this.resending.shift() ?? (this.finishing ? undefined : this.spool.make());
      if (batch === undefined) return;
      if (batch.sent > 0) this.resends++;
      this.underWay.push(batch);
      socket.send(JSON.stringify({ type: 'metrics', data: this.spool.data(batch) }));
    }
  }

  private acknowledged(data: FrameData): void {
    const batch = this.answeredBatch(data);
    if (batch === null) return;
    batch.acknowledged = true;
    if (data.duplicate === true) this.duplicates++;
    if (data.duplicate === true && batch.sent < 2) this.problems.push(`batch ${batch.number} was sent once and called a duplicate`);
    if (data.processed !== batch.samples.length || data.errors !== 0) {
      this.problems.push(`batch ${batch.number} of ${batch.samples.length} was answered ${JSON.stringify(data)}`);
    }
  }

  private refused(data: FrameData): void {
    this.holding = true;
    if (this.answeredBatch(data) !== null) this.refusals.push(data);
  }

  /** Answers come in the order of the batches, and name those that have a name. */
  private answeredBatch(data: FrameData): SpooledBatch | null {
    const batch = this.underWay.shift() ?? null;
    if (batch === null || (data.batch_id ?? null) !== batch.batchId) {
      this.problems.push(`waiting for an answer to ${batch?.batchId ?? 'nothing'}, and came ${JSON.stringify(data)}`);
      return null;
    }
    return batch;
  }

  private notify(): void {
    for (const look of this.watchers) look();
  }
}
