import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK = Buffer.alloc(65_536, 1);
const PAGE = CHUNK.subarray(0, 4_096);

/** A file system of a few megabytes, in memory, that a test can fill up. Needs the right to mount (root). */
export class SmallDisk {
  private constructor(readonly dir: string) {}

  /** True where `mount` will do. */
  static mayMount(): boolean {
    try {
      SmallDisk.mount(1).unmount();
      return true;
    } catch {
      return false;
    }
  }

  /** @throws where this process may not mount */
  static mount(megabytes: number): SmallDisk {
    const dir = mkdtempSync(join(tmpdir(), 'ccv-small-disk-'));
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir], { stdio: 'ignore' });
    if (status === 0) return new SmallDisk(dir);
    rmdirSync(dir);
    throw new Error('mounting a tmpfs failed; it needs root');
  }

  /** Takes every page that is left. */
  fill(): void {
    const file = openSync(join(this.dir, 'filler'), 'a');
    try {
      for (const piece of [CHUNK, PAGE]) {
        try {
          while (writeSync(file, piece) === piece.length);
        } catch (error) {
          if ((error as { code?: string }).code !== 'ENOSPC') throw error;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(join(this.dir, 'filler'), { force: true });
  }

  /** To be called when nobody uses it any more; a lazy unmount sees to it that nothing stays behind even so. */
  unmount(): void {
    if (spawnSync('umount', [this.dir], { stdio: 'ignore' }).status !== 0) spawnSync('umount', ['-l', this.dir], { stdio: 'ignore' });
    rmdirSync(this.dir);
  }
}
