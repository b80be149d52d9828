/**
 * The spool of a real agent: a file per batch in `DIR/batches` (batch-file.ts), and `DIR/state.json` with the agent's id, the next
 * sequence number and what was dropped.
 *
 * A batch is on disk before `add` resolves and stays until it is removed. Nothing is ever changed in place; a process that ends at any
 * moment leaves whole files, and at most a batch that was acknowledged already (it is sent again, and the server knows it).
 * What is given up is counted on disk before its file goes, so that a loss is reported once, and not twice.
 *
 * When the disk does not take a batch (it is full), the batch is held in memory, up to `maxHeldBytes`, and written as soon as that
 * works again; until then it can be read, and so delivered, like any other. What a stop finds there still is counted as dropped.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Batch, Clock, Dropped, Logger, Metric } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { encodeBatch, fileNameOf } from './batch-file.js';
import { type Aside, BatchFolder } from './batch-folder.js';
import { DroppedLedger } from './dropped.js';
import { HeldBatches } from './held-batches.js';
import { describeMetrics, type Spool, type SpoolEntry, type SpoolLimits } from './spool.js';
import { SpoolIndex } from './spool-index.js';
import { SpoolLock } from './spool-lock.js';
import { readState, writeState } from './state-file.js';
import { TrustedClock } from './trusted-clock.js';

export interface DiskSpoolOptions extends SpoolLimits {
  readonly dir: string;
  /** Null: the one kept in the spool, or a fresh UUID, which is kept. */
  readonly agentId: string | null;
  /** Most that waits in memory while the disk takes nothing. Default: 8 MB. */
  readonly maxHeldBytes?: number;
  readonly clock: Clock;
  /** Milliseconds that never jump. Default: Node's. */
  readonly monotonicMs?: () => number;
  readonly logger: Logger;
}

const DEFAULT_MAX_HELD_BYTES = 8 * 1_048_576;

export class DiskSpool implements Spool {
  private readonly lock: SpoolLock;
  private readonly statePath: string;
  private readonly folder: BatchFolder;
  private readonly held: HeldBatches;
  private readonly time: TrustedClock;
  private index: SpoolIndex<SpoolEntry>;
  private ledger = new DroppedLedger();
  private id = '';
  private nextSeq = 1;
  /** As far as the disk knows. */
  private savedNextSeq = 0;
  private readonly leaving = new Set<string>();
  private trouble: string | null = null;
  private isStarted = false;
  private tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: DiskSpoolOptions) {
    this.lock = new SpoolLock(options.dir);
    this.statePath = join(options.dir, 'state.json');
    this.folder = new BatchFolder(join(options.dir, 'batches'));
    this.held = new HeldBatches(options.maxHeldBytes ?? DEFAULT_MAX_HELD_BYTES);
    this.time = new TrustedClock(options.clock, options.logger, options.monotonicMs);
    this.index = new SpoolIndex(options);
  }

  get agentId(): string {
    return this.id;
  }

  get problem(): string | null {
    return this.trouble;
  }

  get entries(): readonly SpoolEntry[] {
    return this.index.list();
  }

  get bytes(): number {
    return this.index.bytes;
  }

  get dropped(): Dropped | null {
    return this.ledger.total;
  }

  async start(): Promise<void> {
    if (this.isStarted) return;
    await this.folder.create();
    await this.lock.acquire();
    try {
      await this.load();
      this.isStarted = true;
    } catch (error) {
      await this.lock.release();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (!this.isStarted) return;
    this.isStarted = false;
    await this.exclusive(async () => {
      await this.writeHeld();
      this.loseHeld();
      await this.save();
    });
    await this.lock.release();
  }

  add(metrics: readonly Metric[]): Promise<SpoolEntry | null> {
    return this.exclusive(async () => {
      const batch: Batch = { batchId: randomUUID(), seq: this.nextSeq++, timestampMs: describeMetrics(metrics).toMs, metrics };
      const { entry: file, text } = encodeBatch(batch);
      const isTooLong = file.bytes > this.options.maxBytes;
      if (isTooLong) this.options.logger.error('a batch is longer than the whole spool and is given up', { bytes: file.bytes });
      await this.giveUp(isTooLong ? [file] : this.index.surplusFor(this.time.nowMs(), file.bytes));
      if (isTooLong) return null;
      const isWritten = (await this.writeHeld()) && (await this.write(file, text));
      // Not before: what is listed can be read.
      this.index.add(file);
      if (!isWritten) await this.hold(file, batch);
      return this.index.get(batch.batchId);
    });
  }

  async read(batchId: string): Promise<Batch | null> {
    const file = this.index.get(batchId);
    if (file === null) return null;
    const held = this.held.get(batchId);
    if (held !== null) return held;
    try {
      return await this.folder.read(file);
    } catch (error) {
      // Reading may fail for want of file handles: the batch is still there then. Damage and absence stay as they are.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== undefined && code !== 'ENOENT') throw error;
      await this.exclusive(async () => {
        if (this.index.get(batchId) === null) return;
        this.options.logger.error('a spooled batch is damaged and set aside', { file: fileNameOf(file), reason: reasonOf(error) });
        await this.giveUp([file], 'corrupt');
      });
      return null;
    }
  }

  remove(batchId: string, rejected = 0): Promise<void> {
    return this.exclusive(async () => {
      const file = this.index.get(batchId);
      if (file === null) return;
      if (rejected > 0) {
        this.countOut(file, Math.min(rejected, file.count));
        return this.clear([file]);
      }
      this.forget(file);
      // The last file with a number may go only when the number is noted: it must not be given again.
      const isNoted = file.seq < this.savedNextSeq || (await this.save());
      await this.tried(this.folder.remove(fileNameOf(file)));
      if (!isNoted) await this.save();
    });
  }

  setAside(batchId: string, why: Aside): Promise<void> {
    return this.exclusive(async () => {
      const file = this.index.get(batchId);
      if (file !== null) await this.giveUp([file], why);
    });
  }

  tellDropped(): Dropped | null {
    return this.ledger.tell();
  }

  forgetDropped(): Promise<void> {
    return this.exclusive(async () => {
      if (this.ledger.forgetTold()) await this.save();
    });
  }

  private async load(): Promise<void> {
    const { dir, agentId, logger } = this.options;
    const { state, setAside } = await readState(this.statePath);
    if (setAside !== null)
      logger.error('the state of the spool cannot be read and is set aside', { file: this.statePath, reason: setAside });
    if (state !== null && agentId !== null && state.agentId !== agentId) {
      throw new Error(`the spool in ${dir} belongs to the agent ${state.agentId}, not to ${agentId}: use another folder`);
    }
    this.id = agentId ?? state?.agentId ?? randomUUID();
    this.ledger = new DroppedLedger(state?.dropped ?? null);
    const { entries, lastSeq } = await this.folder.open(new Set(state?.leaving));
    this.nextSeq = Math.max(lastSeq + 1, state?.nextSeq ?? 1);
    this.index = new SpoolIndex(this.options, entries);
    // Of the oldest: newer ones may have been made while the clock was wrong.
    if (entries.length > 0) this.time.startFrom(entries.reduce((oldestMs, { toMs }) => Math.min(oldestMs, toMs), Number.POSITIVE_INFINITY));
    await this.giveUp(this.index.surplus(this.time.nowMs()));
    if (!(await this.save())) throw new Error(`the spool in ${dir} cannot be written: ${this.trouble ?? ''}`);
  }

  private forget({ batchId }: SpoolEntry): void {
    this.index.remove(batchId);
    this.held.remove(batchId);
  }

  /** So many of it are lost. It counts for good with the next `save`, and its file must go then. */
  private countOut(file: SpoolEntry, count: number): void {
    this.forget(file);
    this.ledger.add({ ...file, count });
    this.leaving.add(fileNameOf(file));
  }

  /** Counts these, then removes them, or renames their files. */
  private async giveUp(files: readonly SpoolEntry[], aside: Aside | null = null): Promise<void> {
    if (files.length === 0) return;
    for (const file of files) this.countOut(file, file.count);
    if (aside === null) this.options.logger.warn('the oldest batches are given up: too many, or too old', { batches: files.length });
    await this.clear(files, aside);
  }

  /** Notes what was counted, then removes the files, or renames them. */
  private async clear(files: readonly SpoolEntry[], aside: Aside | null = null): Promise<void> {
    await this.save();
    for (const name of files.map(fileNameOf)) {
      const isGone = await this.tried(aside === null ? this.folder.remove(name) : this.folder.setAside(name, aside));
      // One that cannot be removed stays on the list, so that it is not taken for a batch after a restart.
      if (isGone) this.leaving.delete(name);
    }
  }

  /** True when it went well; otherwise the disk is in trouble. */
  private async tried(work: Promise<void>): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (error) {
      this.fails(error);
      return false;
    }
  }

  private async write(file: SpoolEntry, text: string): Promise<boolean> {
    const isWritten = await this.tried(this.folder.write(file, text));
    if (isWritten) this.works();
    return isWritten;
  }

  private async hold(file: SpoolEntry, batch: Batch): Promise<void> {
    const files = this.held.add(file.batchId, file.bytes, batch).map((batchId) => this.index.get(batchId));
    await this.giveUp(files.filter((one) => one !== null));
  }

  /** True when nothing is held any more. */
  private async writeHeld(): Promise<boolean> {
    for (const batch of this.held.list()) {
      const { entry: file, text } = encodeBatch(batch);
      if (!(await this.write(file, text))) return false;
      this.held.remove(batch.batchId);
    }
    return true;
  }

  private loseHeld(): void {
    const batches = this.held.list();
    if (batches.length > 0) this.options.logger.error('batches could not be spooled and are lost', { batches: batches.length });
    for (const { batchId } of batches) {
      const file = this.index.get(batchId);
      if (file !== null) this.countOut(file, file.count);
    }
  }

  private async save(): Promise<boolean> {
    const { id: agentId, nextSeq } = this;
    const state = { agentId, nextSeq, dropped: this.ledger.total, leaving: [...this.leaving] };
    const isSaved = await this.tried(writeState(this.statePath, state));
    if (isSaved) this.savedNextSeq = nextSeq;
    return isSaved;
  }

  private fails(error: unknown): void {
    const reason = reasonOf(error);
    if (this.trouble === null) this.options.logger.error('the spool cannot be written; batches wait in memory', { reason });
    this.trouble = reason;
  }

  private works(): void {
    if (this.trouble !== null) this.options.logger.info('the spool can be written again');
    this.trouble = null;
  }

  /** One after the other: what is on disk and what is known of it change together. */
  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }
}
