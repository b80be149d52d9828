import { Worker } from 'node:worker_threads';
import { AppError } from '../../../model/errors.js';
import type { Logger } from '../../../runtime/logger.js';
import { type Call, type FromThread, fromWireError, type Result, type ToThread } from './protocol.js';

const RESTART_DELAY_MS = 1_000;

interface Pending {
  resolve(results: readonly Result[]): void;
  reject(error: Error): void;
}

/**
 * One storage thread, seen from the main thread. A thread that ends unasked (out of memory, a crash in native code)
 * fails what it was working on as `storage_unavailable` and is started again after a second.
 */
export class ThreadHost {
  private worker: Worker | null = null;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private started = false;
  private restart: NodeJS.Timeout | null = null;
  /** A thread that is on its way and not ready yet. */
  private spawning: Promise<void> | null = null;

  constructor(
    private readonly script: URL,
    private readonly data: object,
    private readonly name: string,
    private readonly logger: Logger,
    private readonly onRestarted: () => void = () => {},
  ) {}

  /** Resolves when the thread has its database open. @throws AppError or Error as the thread reported it. */
  async start(): Promise<void> {
    this.started = true;
    try {
      await this.spawn();
    } catch (error) {
      this.started = false;
      throw error;
    }
  }

  /** Somebody has started it and nobody has stopped it; after a crash it may not be running for a while. */
  get isStarted(): boolean {
    return this.started;
  }

  get running(): boolean {
    return this.worker !== null;
  }

  /** Sends a group of calls; the results are in the order of the calls. @throws AppError `storage_unavailable` */
  send(calls: readonly Call[]): Promise<readonly Result[]> {
    const { worker } = this;
    if (worker === null) return Promise.reject(this.gone());
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.pending.set(id, { resolve, reject });
      worker.postMessage({ id, calls } satisfies ToThread);
    });
  }

  /**
   * Lets the thread finish what it has, close its database and end; one that takes longer than `graceMs` is ended in
   * the middle of it, which only a reader may be. @throws what kept it from closing the database
   */
  async stop(graceMs: number | null = null): Promise<void> {
    this.started = false;
    if (this.restart !== null) clearTimeout(this.restart);
    // Left alone, it would open the database behind our back.
    await this.spawning?.catch(() => undefined);
    const { worker } = this;
    if (worker === null) return;
    const grace = graceMs === null ? null : setTimeout(() => void worker.terminate(), graceMs);
    await new Promise<void>((resolve, reject) => {
      let failure: Error | null = null;
      worker.once('error', (error: Error) => {
        failure = error;
      });
      worker.once('exit', () => (failure === null ? resolve() : reject(failure)));
      worker.postMessage('stop' satisfies ToThread);
    }).finally(() => {
      if (grace !== null) clearTimeout(grace);
    });
  }

  private spawn(): Promise<void> {
    this.spawning = this.launch().finally(() => {
      this.spawning = null;
    });
    return this.spawning;
  }

  private launch(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.script, { workerData: this.data, name: this.name });
      let lastError: Error | null = null;
      worker.on('message', (message: FromThread) => {
        if (message === 'ready') {
          this.worker = worker;
          resolve();
        } else if ('failed' in message) {
          reject(fromWireError(message.failed));
        } else {
          const pending = this.pending.get(message.id);
          this.pending.delete(message.id);
          pending?.resolve(message.results);
        }
      });
      worker.on('error', (error) => {
        lastError = error;
      });
      worker.on('exit', (code) => {
        reject(lastError ?? new Error(`${this.name} ended with code ${code} before it was ready`));
        if (this.worker === worker) this.ended(lastError);
      });
    });
  }

  private ended(error: Error | null): void {
    this.worker = null;
    for (const pending of this.pending.values()) pending.reject(this.gone());
    this.pending.clear();
    if (!this.started) return;
    this.logger.error('a storage thread ended and is started again', { thread: this.name, error });
    this.restart = setTimeout(() => {
      this.spawn().then(this.onRestarted, (failure: unknown) => {
        this.logger.error('a storage thread could not be started again', { thread: this.name, error: failure });
        if (this.started) this.ended(null);
      });
    }, RESTART_DELAY_MS);
  }

  private gone(): AppError {
    return new AppError('storage_unavailable', `the ${this.name} is not running`);
  }
}
