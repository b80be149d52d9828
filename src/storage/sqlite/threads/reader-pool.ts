import { AppError } from '../../../model/errors.js';
import type { Logger } from '../../../runtime/logger.js';
import type { ReaderOps } from '../reader/reader-ops.js';
import { type Call, fromWireError, type Result } from './protocol.js';
import type { ThreadHost } from './thread-host.js';

/** What a query that is still running at the stop may take: whoever asked is gone by then. */
const STOP_GRACE_MS = 500;

interface Waiting {
  readonly call: Call;
  resolve(value: never): void;
  reject(error: Error): void;
}

/**
 * Hands queries to reader threads, one at a time each, in the order they came; what waits is bounded. The first
 * thread is there from the start, a further one is started when a query finds all of them busy: each costs 14 MB,
 * and a quiet server needs one.
 */
export class ReaderPool {
  private readonly waiting: Waiting[] = [];
  private readonly busy = new Set<ThreadHost>();
  private stopping = false;

  constructor(
    private readonly hosts: readonly ThreadHost[],
    private readonly maxWaiting: number,
    private readonly logger: Logger,
  ) {}

  /** Starts the first thread. @throws AppError when the database cannot be opened */
  start(): Promise<void> {
    this.stopping = false;
    return (this.hosts[0] as ThreadHost).start();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.hosts.map((host) => host.stop(STOP_GRACE_MS)));
  }

  /** @throws AppError `overloaded` when too many wait; `query_timeout`; `storage_unavailable` */
  call<K extends keyof ReaderOps>(op: K, ...args: Parameters<ReaderOps[K]>): Promise<ReturnType<ReaderOps[K]>> {
    if (this.waiting.length >= this.maxWaiting) return Promise.reject(new AppError('overloaded', 'too many queries are waiting'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ call: { op, args }, resolve, reject });
      this.dispatch();
    });
  }

  get queueLength(): number {
    return this.waiting.length;
  }

  /** Gives waiting queries to idle threads; also called when a thread is back after a crash. */
  dispatch(): void {
    while (this.waiting.length > 0) {
      const host = this.hosts.find((candidate) => candidate.running && !this.busy.has(candidate));
      if (host === undefined) {
        if (this.hosts.some((candidate) => candidate.running)) return this.startAnother();
        for (const waiting of this.waiting.splice(0)) waiting.reject(new AppError('storage_unavailable', 'no reader thread is running'));
        return;
      }
      this.run(host, this.waiting.shift() as Waiting);
    }
  }

  private startAnother(): void {
    const host = this.stopping ? undefined : this.hosts.find((candidate) => !candidate.isStarted);
    if (host === undefined) return;
    host.start().then(
      () => this.dispatch(),
      (error: unknown) => this.logger.warn('a further reader thread could not be started', { error }),
    );
  }

  private run(host: ThreadHost, waiting: Waiting): void {
    this.busy.add(host);
    host
      .send([waiting.call])
      .then(
        ([result]) => {
          if (result !== undefined && 'value' in result) waiting.resolve(result.value as never);
          else waiting.reject(fromWireError((result as Extract<Result, { error: unknown }>).error));
        },
        (error: Error) => waiting.reject(error),
      )
      .finally(() => {
        this.busy.delete(host);
        this.dispatch();
      });
  }
}
