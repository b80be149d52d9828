/** The parent's side of a forked helper: requests with answers, and a failure that ends everything waiting. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Envelope, Reply } from './load-protocol.js';

const REQUEST_TIMEOUT_MS = 300_000;
const EXIT_TIMEOUT_MS = 5_000;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** A helper process and the requests it has not answered yet. `Answers` maps a request's kind to its answer. */
export class ChildClient<Request extends { readonly kind: string }, Answers extends { [K in Request['kind']]: unknown }> {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private failure: Error | null = null;
  private readonly exited: Promise<void>;

  /** `module` is a file beside this one, such as './load.js'. */
  constructor(private readonly module: string) {
    this.child = fork(fileURLToPath(new URL(module, import.meta.url)), { serialization: 'advanced' });
    this.child.on('message', (message) => this.receive(message as Reply));
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.fail(`${module} ended (${signal ?? String(code)})`);
        resolve();
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.module} did not start`);
    return this.child.pid;
  }

  /** Rejects when the helper reports a failure, dies, or does not answer within five minutes. */
  request<K extends Request['kind']>(request: Extract<Request, { kind: K }>): Promise<Answers[K]> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = this.nextId;
    this.nextId += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail(`${this.module} did not answer "${request.kind}"`), REQUEST_TIMEOUT_MS);
      this.waiting.set(id, { resolve: (value) => resolve(value as Answers[K]), reject, timer });
      this.child.send({ id, request } satisfies Envelope<Request>);
    });
  }

  /** Throws the failure that was reported in between, if there was one. */
  check(): void {
    if (this.failure !== null) throw this.failure;
  }

  /** Ends the helper: by closing its channel, and by force if that is not enough. */
  async stop(): Promise<void> {
    this.failure ??= new Error(`${this.module} was stopped`);
    if (this.child.connected) this.child.disconnect();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), EXIT_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }

  private receive(reply: Reply): void {
    if ('fatal' in reply) return this.fail(reply.fatal);
    const entry = this.waiting.get(reply.id);
    if (entry === undefined) return;
    this.waiting.delete(reply.id);
    clearTimeout(entry.timer);
    if ('error' in reply) entry.reject(new Error(reply.error));
    else entry.resolve(reply.result);
  }

  private fail(reason: string): void {
    this.failure ??= new Error(reason);
    for (const entry of this.waiting.values()) {
      clearTimeout(entry.timer);
      entry.reject(this.failure);
    }
    this.waiting.clear();
  }
}
