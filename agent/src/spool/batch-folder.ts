/**
 * The folder with the batches' files. Nothing is ever changed in place. Files that are damaged or that the server will never take are
 * renamed to `.corrupt` and `.refused`, for people; the newest few are kept.
 */
import { mkdir, opendir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch } from '../model.js';
import { decodeBatch, fileNameOf, parseFileName } from './batch-file.js';
import { writeSafely } from './safe-file.js';
import type { SpoolEntry } from './spool.js';

export type Aside = 'corrupt' | 'refused';

const MAX_SET_ASIDE_FILES = 20;

/** Whatever fails rejects. */
export class BatchFolder {
  constructor(private readonly dir: string) {}

  async create(): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
  }

  /** What is there, in any order, and the last number that was given. Drafts, and files that were to be removed, go. */
  async open(leaving: ReadonlySet<string>): Promise<{ entries: SpoolEntry[]; lastSeq: number }> {
    const entries: SpoolEntry[] = [];
    let lastSeq = 0;
    // One by one: there may be tens of thousands.
    for await (const { name } of await opendir(this.dir)) {
      lastSeq = Math.max(lastSeq, Number(/^\d{12}(?=-)/.exec(name)?.[0] ?? 0));
      if (leaving.has(name) || name.endsWith('.tmp')) await this.remove(name);
      else entries.push(...[parseFileName(name, (await stat(this.path(name))).size)].filter((entry) => entry !== null));
    }
    return { entries, lastSeq };
  }

  /** @throws Error with a `code` when it could not be read, and without when it is damaged */
  async read(entry: SpoolEntry): Promise<Batch> {
    return decodeBatch(await readFile(this.path(fileNameOf(entry)), 'utf8'), entry);
  }

  /** When this resolves it survives a power failure. */
  write(entry: SpoolEntry, text: string): Promise<void> {
    return writeSafely(this.path(fileNameOf(entry)), text);
  }

  /** Also one that is not there. */
  remove(name: string): Promise<void> {
    return rm(this.path(name), { force: true });
  }

  /** Also one that is not there: a batch that was only held in memory, or whose file somebody removed. */
  async setAside(name: string, aside: Aside): Promise<void> {
    try {
      await rename(this.path(name), this.path(`${name}.${aside}`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const others = (await readdir(this.dir)).filter((other) => /\.(corrupt|refused)$/.test(other)).sort();
    for (const other of others.slice(0, -MAX_SET_ASIDE_FILES)) await this.remove(other);
  }

  private path(name: string): string {
    return join(this.dir, name);
  }
}
