/** What the server and everybody else on the machine used between two moments. */
import type { Running } from './bench-context.js';
import { endedChildrenCpu, machineCpu, processCpu, processMemory } from './process-usage.js';

const MEMORY_SAMPLE_MS = 200;

export interface Usage {
  readonly seconds: number;
  /** CPU seconds of the server, all threads; and of its event loop thread alone. */
  readonly serverCpu: number;
  readonly eventLoopCpu: number;
  readonly loadCpu: number;
  /** CPU seconds of programs that have nothing to do with the bench. */
  readonly othersCpu: number;
  /** The most memory the server had at any sampled moment. */
  readonly residentBytes: number;
}

/** Starts looking; call the result to stop and get the usage in between. `helpers` are processes of the bench itself. */
export function startUsage({ server, load }: Running, helpers: readonly number[] = []): () => Usage {
  const read = () => ({
    atMs: performance.now(),
    server: processCpu(server.pid),
    load: load.pids.reduce((sum, pid) => sum + processCpu(pid).total, 0),
    bench: [process.pid, ...helpers].reduce((sum, pid) => sum + processCpu(pid).total, endedChildrenCpu()),
    machine: machineCpu(),
  });
  const before = read();
  let residentBytes = processMemory(server.pid).residentBytes;
  const timer = setInterval(() => {
    try {
      residentBytes = Math.max(residentBytes, processMemory(server.pid).residentBytes);
    } catch {
      // The server is gone. That ends the run, and is told by whoever notices it properly.
      clearInterval(timer);
    }
  }, MEMORY_SAMPLE_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    const after = read();
    const serverCpu = after.server.total - before.server.total;
    const loadCpu = after.load - before.load;
    return {
      seconds: (after.atMs - before.atMs) / 1000,
      serverCpu,
      eventLoopCpu: after.server.mainThread - before.server.mainThread,
      loadCpu,
      othersCpu: Math.max(after.machine - before.machine - serverCpu - loadCpu - (after.bench - before.bench), 0),
      residentBytes,
    };
  };
}
