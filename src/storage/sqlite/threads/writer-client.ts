import { AppError, isAppError } from '../../../model/errors.js';
import type { Logger } from '../../../runtime/logger.js';
import type { WriterOps } from '../writer/writer-ops.js';
import { type Call, fromWireError, type Result } from './protocol.js';
import type { ThreadHost } from './thread-host.js';

/** Calls in one transaction: bounds how long a commit, and so an ack, can take. */
const MAX_GROUP_CALLS = 512;
/** Groups at the thread at once: while one is being committed the next is waiting there already. */
const MAX_GROUPS_IN_FLIGHT = 2;
/** Calls that may wait, of all kinds; what produces them in numbers has limits of its own well below this. */
const MAX_WAITING_CALLS = 100_000;

interface Waiting {
  readonly call: Call;
  resolve(value: never): void;
  reject(error: Error): void;
}

/**
 * Collects calls for the writer thread into groups: what comes within one turn of the event loop, and whatever
 * comes while earlier groups are being committed, goes together in one transaction.
 */
export class WriterClient {
  private waiting: Waiting[] = [];
  private scheduled = false;
  private lastFailure: string | null = null;
  private groupsUnderWay = 0;
  private readonly onIdle: (() => void)[] = [];

  constructor(
    private readonly host: ThreadHost,
    private readonly logger: Logger,
    private readonly onWritable: (failure: string | null) => void,
  ) {}

  /** Resolves when the call's transaction is on disk. @throws AppError when it is not. */
  call<K extends keyof WriterOps>(op: K, ...args: Parameters<WriterOps[K]>): Promise<ReturnType<WriterOps[K]>> {
    if (this.waiting.length >= MAX_WAITING_CALLS)
      return Promise.reject(new AppError('overloaded', 'too many writes are waiting for the disk'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ call: { op, args }, resolve, reject });
      this.schedule();
    });
  }

  get queueLength(): number {
    return this.waiting.length;
  }

  /** null while writing works; otherwise why the last group failed. */
  get writeFailure(): string | null {
    return this.lastFailure;
  }

  /** Resolves when nothing waits and nothing is under way. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.onIdle.push(resolve);
      this.reportIdle();
    });
  }

  private reportIdle(): void {
    if (this.waiting.length > 0 || this.groupsUnderWay > 0) return;
    for (const resolve of this.onIdle.splice(0)) resolve();
  }

  private schedule(): void {
    if (this.scheduled || this.groupsUnderWay >= MAX_GROUPS_IN_FLIGHT) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.waiting.length === 0) return;
    const group = this.waiting.length <= MAX_GROUP_CALLS ? this.waiting : this.waiting.slice(0, MAX_GROUP_CALLS);
    this.waiting = this.waiting.slice(group.length);
    this.groupsUnderWay += 1;
    this.host
      .send(group.map(({ call }) => call))
      .then(
        (results) => this.settle(group, results),
        (error: Error) => this.fail(group, error),
      )
      .finally(() => {
        this.groupsUnderWay -= 1;
        this.schedule();
        this.reportIdle();
      });
    if (this.waiting.length > 0) this.schedule();
  }

  private settle(group: readonly Waiting[], results: readonly Result[]): void {
    let failure: string | null = null;
    for (const [i, waiting] of group.entries()) {
      const result = results[i] as Result;
      if ('value' in result) {
        waiting.resolve(result.value as never);
      } else {
        const error = fromWireError(result.error);
        if (isAppError(error) && (error.code === 'storage_full' || error.code === 'storage_unavailable')) failure = error.message;
        waiting.reject(error);
      }
    }
    this.noteFailure(failure);
  }

  private fail(group: readonly Waiting[], error: Error): void {
    for (const waiting of group) waiting.reject(error);
    this.noteFailure(error.message);
  }

  /** Says it once when writing stops to work, and once when it works again: somebody has to make room meanwhile. */
  private noteFailure(failure: string | null): void {
    const before = this.lastFailure;
    this.lastFailure = failure;
    if ((failure === null) === (before === null)) return;
    if (failure === null) this.logger.info('the database can be written again');
    else this.logger.error('the database cannot be written', { reason: failure });
    this.onWritable(failure);
  }
}
