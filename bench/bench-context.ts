/** Gives each scenario a fresh server and load processes, and takes them away again, whatever happens. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadFleet } from './load-fleet.js';
import type { Options } from './options.js';
import { databaseIn, ServerProcess, type ServerOptions } from './server-process.js';

const DEATH_NOTICE_MS = 200;

export interface Running {
  readonly server: ServerProcess;
  readonly load: LoadFleet;
}

/** What is special about a server. */
export interface Launch extends Partial<Pick<ServerOptions, 'nodeArgs' | 'env'>> {
  /** Leaves a database where the server will look for its own. */
  readonly prepare?: (databasePath: string) => Promise<void>;
}

export class BenchContext {
  /** Things a reader of the figures must know. */
  readonly notes: string[] = [];
  private readonly releases = new Set<() => Promise<void>>();

  constructor(readonly options: Options) {}

  /**
   * Runs `work` with a server on a database of its own, which is empty unless it was prepared. The server is stopped by SIGTERM afterwards, its folder removed.
   * Throws when the server ended by itself, did not stop cleanly, or a load process reported a failure.
   */
  async withServer<T>(work: (running: Running) => Promise<T>, launch: Launch = {}): Promise<T> {
    const dir = await mkdtemp(join(this.options.dir, 'ccv-bench-'));
    return this.owning(
      () => rm(dir, { recursive: true, force: true }),
      async () => {
        await launch.prepare?.(databaseIn(dir));
        const server = await ServerProcess.start({
          entry: this.options.server,
          dir,
          nodeArgs: launch.nodeArgs ?? [],
          env: launch.env ?? {},
        });
        return this.owning(
          () => server.stop(),
          async () => {
            const load = new LoadFleet({ processes: this.options.loadProcesses, fragmentBytes: this.options.fragmentBytes });
            const result = await this.owning(
              () => load.stop(),
              async () => {
                const answer = await work({ server, load }).catch(async (error: unknown) => {
                  // A server that died is the better explanation for whatever else broke, and is known a moment later.
                  await sleep(DEATH_NOTICE_MS);
                  server.check();
                  throw error;
                });
                load.check();
                return answer;
              },
            );
            server.check();
            const [firstError] = server.errorLines;
            if (firstError !== undefined) this.notes.push(`The server logged ${server.errorLines.length} errors, the first: ${firstError}`);
            return result;
          },
        );
      },
    );
  }

  /** Runs `work` and then `release`, which also happens when the bench is interrupted. */
  async owning<T>(release: () => Promise<void>, work: () => Promise<T>): Promise<T> {
    this.releases.add(release);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      // What went wrong first is what matters; a failure to clean up behind it would only hide it.
      await release().catch(() => undefined);
      throw error;
    } finally {
      this.releases.delete(release);
    }
    await release();
    return result;
  }

  /** Gives everything back, newest first: for a run that was interrupted. */
  async releaseAll(): Promise<void> {
    for (const release of [...this.releases].toReversed()) await release().catch(() => undefined);
  }
}
